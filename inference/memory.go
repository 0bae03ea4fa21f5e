package inference

import (
	"math"

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
	runtimeShare = 5 // percent
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
	limb := int64(8) << l.LogN
	special := int64(len(l.LogP))
	packed := func(level int, special bool) (n int64) { // a polynomial in a stream
		for _, b := range l.LogQ[:level+1] {
			n += int64(kernels.WordBytes(1<<b)) << l.LogN
		}
		if special {
			for _, b := range l.LogP {
				n += int64(kernels.WordBytes(1<<b)) << l.LogN
			}
		}
		return n
	}
	key := func(level int) int64 {
		digits := (int64(level) + special) / special
		return 2 * digits * packed(level, true)
	}
	var m Memory
	levels := layout.KeyLevels(encrypted)
	if levels.Relinearize >= 0 {
		m.Keys += key(levels.Relinearize)
	}
	for _, level := range levels.Rotate {
		m.Keys += key(level)
	}
	last := len(layout.Layers) - 1
	m.Input = 2 * limb * int64(layout.Layers[0].Cols*(layout.Levels+1))
	m.Output = 2 * limb * int64(layout.Layers[last].Rows)
	polys := int64(1)
	if encrypted {
		polys = 2
	}
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		rows, tiles := int64(0), int64(0)
		for _, row := range kept[i] {
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
		if layout.Kind == packing.Scalar {
			m.Model += 8*tiles + 8*int64(len(kept[i]))
			m.Working += 2 * limb * rows * int64(ly.Level+1)
			if ly.Square {
				m.Working += 2 * limb * rows * int64(ly.Level)
			}
			continue
		}
		m.Model += polys * (tiles*packed(ly.Level, ly.Diagonals(encrypted)) + rows*limb*int64(ly.Level))
		if ly.Mask {
			m.Model += limb * int64(ly.Level)
		}
		if i < last {
			out := int64(ly.SquareLevel())
			if ly.Delayed || !ly.Square {
				out++
			}
			m.Working += 2 * limb * rows * out
		}
		if ly.Rotates(encrypted) {
			m.Working += 2 * limb * int64(ly.Terms()-ly.Cols) * int64(ly.Level+1)
		}
		m.Working += min(rows, int64(rowsAtOnce(threads))) * (polys + 1) * limb * int64(ly.Level+1) // sums of products
		m.Working += int64(threads) * 7 * limb * int64(ly.Level)                                    // a row's own ciphertexts, by level
	}
	all := int64(layout.Levels + 1)
	digits := (all + special - 1) / special
	m.Working += int64(threads) * limb * (digits + all + 5) // a switcher's buffers
	m.Working += limb * (all + special + 10) * 4            // tables of transforms, remainders
	if threads > 1 {
		m.Working += 3 * limb * (all + special)
	}
	m.Runtime = m.Total()*runtimeShare/100 + runtimeBytes
	return m
}
