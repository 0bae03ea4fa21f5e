package packing

import "math"

// Magnitudes holds the largest absolute value over all slots, garbage included, by level: of every
// ciphertext that exists at that level when the input enters at the highest one.
type Magnitudes []float64

func (m Magnitudes) note(level int, slots []float64) {
	for _, v := range slots {
		m[level] = math.Max(m[level], math.Abs(v))
	}
}

// Simulate evaluates the packed network on up to Shape.Batch samples slot by slot in float64, with the
// very rotations, masks and sums of the encrypted evaluation. It is the oracle of the layout, and its
// magnitudes tell which values a modulus must hold.
func (m *Model) Simulate(samples [][]float64) ([][]float64, Magnitudes, error) {
	x, err := m.Input(samples)
	if err != nil {
		return nil, nil, err
	}
	mags := make(Magnitudes, m.Levels+1)
	for _, c := range x {
		mags.note(m.Levels, c)
	}
	for i := range m.Layers {
		x = m.simulateLayer(i, x, mags)
	}
	for r, row := range x {
		if row == nil {
			x[r] = m.BiasRow(len(m.Layers)-1, r)
			mags.note(0, x[r])
		}
	}
	out, err := m.Output(x, len(samples))
	return out, mags, err
}

// simulateLayer returns one slice of slots per row, nil for rows without a kept tile.
func (m *Model) simulateLayer(i int, x [][]float64, mags Magnitudes) [][]float64 {
	ly := &m.Layers[i]
	out := make([][]float64, ly.Rows)
	for r := range out {
		if !m.HasRow(i, r) {
			continue
		}
		acc := make([]float64, m.Shape.Slots())
		for c, kept := range m.Kept[i][r] {
			if kept {
				for s, w := range m.Tile(i, r, c) {
					acc[s] += w * x[c][s]
				}
			}
		}
		level := ly.Level - 1
		mags.note(level, acc)
		acc = m.sumSlots(acc, m.Sum(i), level, mags)
		for s, v := range m.BiasRow(i, r) {
			acc[s] += v
		}
		mags.note(level, acc)
		if ly.Refill {
			for s, v := range m.Mask(i) {
				acc[s] *= v
			}
			level--
			acc = m.sumSlots(acc, m.RefillSum(), level, mags)
		}
		if ly.Square {
			for s, v := range acc {
				acc[s] = v * v
			}
			mags.note(level-1, acc)
		}
		out[r] = acc
	}
	return out
}

// sumSlots rotates and adds as the evaluation does.
func (m *Model) sumSlots(x []float64, sum Sum, level int, mags Magnitudes) []float64 {
	for c := 1; c < sum.Count; c *= 2 {
		y := make([]float64, len(x))
		for s := range y {
			y[s] = x[s] + x[(s+sum.Step*c)%len(x)]
		}
		x = y
		mags.note(level, x)
	}
	return x
}
