package inference

import (
	"math"
	"slices"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Memory is what an evaluation needs, in bytes.
type Memory struct {
	Model   int64 // tiles and biases
	Keys    int64
	Input   int64
	Output  int64
	Working int64 // ciphertexts between layers, buffers of the workers
	Runtime int64 // what the allocator and the client's own buffers take on top
}

// Measured over many layouts, the resident memory exceeds what is allocated by this share and constant.
const (
	runtimeShare = 2 // percent
	runtimeBytes = 4 << 20
)

// Total is the sum.
func (m Memory) Total() int64 { return m.Model + m.Keys + m.Input + m.Output + m.Working + m.Runtime }

// KeySeconds is about what drawing the evaluation keys takes, at nominal prices.
func KeySeconds(l Literal, layout *packing.Layout, encrypted bool) float64 {
	limbs := layout.KeyLevels(encrypted).Limbs(len(l.LogP))
	return packing.KeyLimbSeconds * math.Ldexp(float64(limbs), l.LogN-13)
}

// PredictMemory says what an evaluation will need, from the kept tiles.
func PredictMemory(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool, threads int) Memory {
	f := newForecast(l, layout, encrypted, threads)
	last := len(layout.Layers) - 1
	m := Memory{
		Keys:   f.keys(),
		Input:  2 * f.limb * int64(layout.Layers[0].Cols) * f.limbs,
		Output: 2 * f.limb * int64(layout.Layers[last].Rows),
	}
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		rows, tiles := keptRows(kept[i])
		if layout.Kind == packing.Scalar {
			m.Model += 8*tiles + 8*int64(len(kept[i]))
			m.Working += f.scalarRows(ly, rows)
			continue
		}
		m.Model += f.model(ly, rows, tiles)
		m.Working += f.rows(ly, rows, i == last)
	}
	m.Working += f.switchers() + 4*f.limb*(f.limbs+f.special) // and tables of transforms
	m.Runtime = m.Total()*runtimeShare/100 + runtimeBytes
	return m
}

// keptRows counts the rows that have tiles, and these.
func keptRows(kept [][]bool) (rows, tiles int64) {
	for _, row := range kept {
		before := tiles
		for _, k := range row {
			if k {
				tiles++
			}
		}
		if tiles > before {
			rows++
		}
	}
	return rows, tiles
}

// forecast is what the parts of the memory depend on.
type forecast struct {
	l         Literal
	layout    *packing.Layout
	encrypted bool
	threads   int64
	limb      int64 // bytes of a polynomial modulo one prime
	special   int64 // primes
	limbs     int64 // of a ciphertext at the highest level
	polys     int64 // of a tile
}

func newForecast(l Literal, layout *packing.Layout, encrypted bool, threads int) *forecast {
	f := &forecast{
		l: l, layout: layout, encrypted: encrypted, threads: int64(threads),
		limb: 8 << l.LogN, special: int64(len(l.LogP)), limbs: int64(layout.Levels + 1), polys: 1,
	}
	if encrypted {
		f.polys = 2
	}
	return f
}

// packed is a polynomial in a stream.
func (f *forecast) packed(level int, special bool) (n int64) {
	bits := f.l.LogQ[:level+1]
	if special {
		bits = slices.Concat(bits, f.l.LogP)
	}
	for _, b := range bits {
		n += int64(kernels.WordBytes(1<<b)) << f.l.LogN
	}
	return n
}

func (f *forecast) keys() (n int64) {
	key := func(level int) int64 { return 2 * f.digits(int64(level)+1) * f.packed(level, true) }
	levels := f.layout.KeyLevels(f.encrypted)
	if levels.Relinearize >= 0 {
		n = key(levels.Relinearize)
	}
	for _, level := range levels.Rotate {
		n += key(level)
	}
	return n
}

func (f *forecast) digits(limbs int64) int64 { return (limbs + f.special - 1) / f.special }

// model is a layer's tiles, biases and mask.
func (f *forecast) model(ly *packing.Layer, rows, tiles int64) int64 {
	n := f.polys * (tiles*f.packed(ly.Level, ly.Diagonals(f.encrypted)) + rows*f.limb*int64(ly.Level))
	if ly.Mask {
		n += f.limb * int64(ly.Level)
	}
	return n
}

// scalarRows is a layer's sums, and their squares.
func (f *forecast) scalarRows(ly *packing.Layer, rows int64) int64 {
	n := 2 * f.limb * rows * int64(ly.Level+1)
	if ly.Square {
		n += 2 * f.limb * rows * int64(ly.Level)
	}
	return n
}

// rows is a layer's ciphertexts: outputs, rotated inputs, sums of products, and what a row is turned into on its way.
func (f *forecast) rows(ly *packing.Layer, rows int64, last bool) (n int64) {
	if !last {
		limbs := int64(ly.SquareLevel())
		if ly.Delayed || !ly.Square {
			limbs++
		}
		n += 2 * f.limb * rows * limbs
	}
	limbs := int64(ly.Level + 1)
	if ly.Rotates(f.encrypted) {
		n += 2 * f.limb * int64(ly.Terms()-ly.Cols) * limbs
	}
	n += min(rows, int64(rowsAtOnce(int(f.threads)))) * (f.polys + 1) * f.limb * limbs
	return n + f.threads*7*f.limb*int64(ly.Level)
}

// switchers is the buffers of key switches: lanes, sources and sums of each thread's own switcher, the remainders of what one divides
// together, and those of the team that shares the limbs of a row, which keeps all sums.
func (f *forecast) switchers() int64 {
	together, columns, turned := f.widest()
	source := f.limbs
	remainder := 2 * (f.special + 1)
	if f.special > 1 { // and its splits
		source += f.limbs + f.limbs/8
		remainder += 2*f.special + 1
	}
	lane := f.digits(f.limbs) + 5 + 2*turned
	n := f.threads * (lane + columns*source + 3 + remainder)
	n += (together - 1) * remainder // one switcher rotates inputs
	if f.team() {
		n += f.threads*lane + columns*source + together*(remainder+3*(f.limbs+f.special))
	}
	return f.limb * n
}

// widest tells how many rotations of an input are divided together at most, how many inputs are decomposed for a row, and how many
// rotations of one input a row reads.
func (f *forecast) widest() (together, columns, turned int64) {
	together, columns = 1, 1
	for i := range f.layout.Layers {
		switch ly := &f.layout.Layers[i]; {
		case ly.Rotates(f.encrypted):
			together = max(together, int64(len(ly.Rotations)-1))
		case ly.Diagonals(f.encrypted):
			columns, turned = max(columns, int64(ly.Cols)), max(turned, int64(len(ly.Rotations)))
		}
	}
	return together, columns, turned
}

// team tells whether threads share rows: of layers with fewer rows than threads.
func (f *forecast) team() bool {
	return f.threads > 1 && slices.ContainsFunc(f.layout.Layers, func(ly packing.Layer) bool { return int64(ly.Rows) < f.threads })
}
