package packing

import "slices"

// Memory is what an evaluation needs, in bytes.
type Memory struct {
	Model   int64 // tiles and biases
	Keys    int64
	Input   int64 // which stays: it is the caller's
	Working int64 // ciphertexts of layers, when they are most
	Tables  int64 // of transforms
	Buffers int64 // of key switches, and of products with integers
	Runtime int64 // what the allocator and the client's own buffers take on top
}

// Measured over many layouts, the resident memory exceeds what is allocated by this share and constant.
const (
	runtimeShare = 2 // percent
	runtimeBytes = 4 << 20
)

// Total is the sum.
func (m Memory) Total() int64 {
	return m.Model + m.Keys + m.Input + m.Working + m.Tables + m.Buffers + m.Runtime
}

// WordBytes is how many bytes a residue modulo a prime below 2^bits takes in tiles and keys.
func WordBytes(bits int) int {
	switch n := (bits + 7) / 8; {
	case n <= 4:
		return 4
	case n >= 7:
		return 8
	default:
		return n
	}
}

// words is a polynomial modulo one prime, in a ciphertext.
func (a Arithmetic) words() int64 { return int64(8) << a.LogN }

// ciphertext is two polynomials at a level.
func (a Arithmetic) ciphertext(level int) int64 { return 2 * a.words() * int64(level+1) }

// packed is a polynomial in tiles or keys.
func (a Arithmetic) packed(level int, special bool) (n int64) {
	moduli := a.LogQ[:min(level+1, len(a.LogQ))]
	if special {
		moduli = append(moduli[:len(moduli):len(moduli)], a.LogP...)
	}
	for _, b := range moduli {
		n += int64(WordBytes(b)) << a.LogN
	}
	return n
}

// key is a switching key, two polynomials for each digit.
func (a Arithmetic) key(level int) int64 {
	digits := ceilDiv(level+1, len(a.LogP))
	return 2 * int64(digits) * a.packed(level, true)
}

// layerBytes is what the parts of a layer add to the model.
type layerBytes struct {
	tile   int64 // a kept tile, or weight
	bias   int64 // of a row of tiles with a kept one, for each border
	always int64 // whatever tiles are kept

	tileSent, biasSent int64 // of these, what the server is sent if weights are encrypted
}

func (a Arithmetic) layerBytes(ly *Layer, encrypted bool) layerBytes {
	if ly.Integer {
		return layerBytes{tile: 8, always: 8 * int64(ly.Rows)} // with all biases
	}
	b := layerBytes{tile: a.packed(ly.Level, ly.Diagonals(encrypted)), bias: a.words() * int64(ly.Level)}
	if encrypted {
		b.tileSent, b.biasSent = b.tile, a.packed(ly.SumLevel(), false)
		b.tile, b.bias = 2*b.tile, 2*b.bias
	}
	if ly.Mask {
		b.always = a.words() * int64(ly.Level)
	}
	return b
}

// seedBytes is what is sent in the place of the second polynomial of a fresh ciphertext, which follows from it.
const seedBytes = 48

// Inputs is how many bytes of a batch the server is sent.
func (a Arithmetic) Inputs(l *Layout) int64 { return int64(l.Layers[0].Cols) * a.input(l) }

// input is one of its ciphertexts.
func (a Arithmetic) input(l *Layout) int64 { return seedBytes + a.packed(l.Levels, false) }

// Outputs is how many bytes the server sends back.
func (a Arithmetic) Outputs(l *Layout) int64 {
	return int64(l.Layers[len(l.Layers)-1].Rows) * 2 * a.packed(0, false)
}

// Weights is how many bytes of encrypted weights the server is sent, but for marks and seeds.
func (a Arithmetic) Weights(l *Layout, kept [][][]bool) (n int64) {
	for i := range l.Layers {
		b, borders := a.layerBytes(&l.Layers[i], true), int64(l.Layers[i].borders())
		for _, row := range kept[i] {
			if tiles := number(row); tiles > 0 {
				n += borders*b.biasSent + int64(tiles)*b.tileSent
			}
		}
	}
	return n
}

// Memory says what an evaluation will need, from the kept tiles.
func (a Arithmetic) Memory(l *Layout, kept [][][]bool, encrypted bool, threads int) Memory {
	m := a.standing(l, encrypted, threads)
	for i := range l.Layers {
		b, borders := a.layerBytes(&l.Layers[i], encrypted), int64(l.Layers[i].borders())
		for _, row := range kept[i] {
			if n := number(row); n > 0 {
				m.Model += borders*b.bias + int64(n)*b.tile
			}
		}
		m.Model += b.always
	}
	m.Working = a.words() * int64(l.PeakLimbs(kept, encrypted, threads))
	m.Runtime = m.Total()*runtimeShare/100 + runtimeBytes
	return m
}

// standing is what is there whatever tiles are kept, but for the model.
func (a Arithmetic) standing(l *Layout, encrypted bool, threads int) (m Memory) {
	levels := l.KeyLevels(encrypted)
	if levels.Relinearize >= 0 {
		m.Keys += a.key(levels.Relinearize)
	}
	for _, level := range levels.Rotate {
		m.Keys += a.key(level)
	}
	m.Input = int64(l.Layers[0].Cols) * a.ciphertext(l.Levels)
	m.Tables = 4 * a.words() * int64(l.Levels+1+len(a.LogP))
	m.Buffers = a.switchers(l, encrypted, threads) + a.blocks(l, threads)
	return m
}

// blocks are what threads bring together of a layer's inputs for products with integers.
func (a Arithmetic) blocks(l *Layout, threads int) (n int64) {
	for i := range l.Layers {
		if ly := &l.Layers[i]; ly.Integer {
			n = max(n, int64(threads)*int64(ly.Inputs()*BlockWords(1<<a.LogN, ly.Inputs()))*8)
		}
	}
	return n
}

// switchers is the buffers of key switches: lanes, sources and sums of each thread's own switcher, the remainders of what one divides
// together, and those of the team that shares the limbs of a row, which keeps all sums.
func (a Arithmetic) switchers(l *Layout, encrypted bool, threads int) int64 {
	limbs, special := l.Levels+1, len(a.LogP)
	together, columns, turned := l.widest(encrypted)
	source := limbs
	remainder := 2 * (special + 1)
	if special > 1 { // and its splits
		source += limbs + limbs/8
		remainder += 2*special + 1
	}
	lane := ceilDiv(limbs, special) + 5 + 2*turned
	n := threads * (lane + columns*source + 3 + remainder)
	n += (together - 1) * remainder // one switcher rotates inputs
	if threads > 1 && slices.ContainsFunc(l.Layers, func(ly Layer) bool { return ly.Rows < threads }) {
		n += threads*lane + columns*source + together*(remainder+3*(limbs+special))
	}
	return a.words() * int64(n)
}

// widest tells how many rotations of an input are divided together at most, how many inputs are decomposed for a row, and how many
// rotations of one input a row reads.
func (l *Layout) widest(encrypted bool) (together, columns, turned int) {
	together, columns = 1, 1
	for i := range l.Layers {
		switch ly := &l.Layers[i]; {
		case ly.Rotates(encrypted):
			together = max(together, len(ly.Rotations)-1)
			columns = max(columns, len(ly.Giants)-1)
		case ly.Diagonals(encrypted):
			columns, turned = max(columns, ly.Cols), max(turned, len(ly.Rotations))
		}
	}
	return together, columns, turned
}
