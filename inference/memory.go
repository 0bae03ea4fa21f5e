package inference

import (
	"math"

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
	var m Memory
	k := &Keys{params: Parameters{Literal: l}, levels: layout.KeyLevels(encrypted)}
	m.Keys = k.Bytes()
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
			m.Model += 12*tiles + 8*int64(len(kept[i]))
			m.Working += 2 * limb * rows * int64(ly.Level+1)
			if ly.Square {
				m.Working += 2 * limb * rows * int64(ly.Level)
			}
			continue
		}
		limbs := int64(ly.Level + 1)
		if usesDiagonals(ly, encrypted) {
			limbs += special
		}
		m.Model += polys * limb * (tiles*limbs + rows*int64(ly.Level))
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
		m.Working += int64(threads) * limb * int64(3*(ly.Level+1)+7*ly.Level) // a row's own ciphertexts, by level
	}
	levels := int64(layout.Levels + 1)
	digits := (levels + special - 1) / special
	m.Working += int64(threads) * limb * ((digits+4)*(levels+special) + 3*levels + 2) // a switcher's buffers
	m.Runtime = m.Total()*runtimeShare/100 + runtimeBytes
	return m
}
