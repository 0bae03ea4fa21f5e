package packing

import "math"

// Noise says how much error the encrypted evaluation adds, as variances per slot in units of the error of one
// rescaling.
type Noise struct {
	Input  float64 // of a fresh input
	Weight float64 // of a weight, per squared unit of the value that it multiplies
	Switch float64 // of a rotation at the scale of values
}

// Profile is what representative samples show of the values and errors of an evaluation.
type Profile struct {
	Last   float64 // largest |value| in any slot, garbage included, of a ciphertext at level 0
	Output float64 // largest |output|
	Error  float64 // largest standard deviation of an output, in errors of one rescaling
}

// Merge takes the larger of both in everything.
func (p Profile) Merge(q Profile) Profile {
	return Profile{math.Max(p.Last, q.Last), math.Max(p.Output, q.Output), math.Max(p.Error, q.Error)}
}

// signal is a simulated ciphertext: the value and the variance of the error in each slot.
type signal struct{ value, variance []float64 }

func newSignal(slots int) signal { return signal{make([]float64, slots), make([]float64, slots)} }

// Simulate evaluates the packed network on up to Shape.Batch samples slot by slot in float64, with the
// very rotations, masks and sums of the encrypted evaluation. It is the oracle of the layout, and its profile
// tells what the moduli must hold and how large the scale must be.
func (m *Model) Simulate(samples [][]float64, noise Noise) ([][]float64, Profile, error) {
	cols, err := m.Input(samples)
	if err != nil {
		return nil, Profile{}, err
	}
	x := make([]signal, len(cols))
	for c, values := range cols {
		x[c] = newSignal(len(values))
		x[c].value = values
		for s := range values {
			x[c].variance[s] = noise.Input
		}
	}
	p := Profile{}
	for i := range m.Layers {
		x = m.simulateLayer(i, x, noise, &p)
	}
	values, variances := make([][]float64, len(x)), make([][]float64, len(x))
	for r, row := range x {
		values[r], variances[r] = row.value, row.variance
		if row.value == nil {
			values[r], variances[r] = m.BiasRow(len(m.Layers)-1, r), make([]float64, m.Shape.Slots())
			p.noteLast(values[r])
		}
	}
	out, err := m.Output(values, len(samples))
	if err != nil {
		return nil, Profile{}, err
	}
	spread, err := m.Output(variances, len(samples))
	for b := range out {
		for o := range out[b] {
			p.Output = math.Max(p.Output, math.Abs(out[b][o]))
			p.Error = math.Max(p.Error, math.Sqrt(spread[b][o]))
		}
	}
	return out, p, err
}

// simulateLayer returns one signal per row, an empty one for rows without a kept tile.
func (m *Model) simulateLayer(i int, x []signal, noise Noise, p *Profile) []signal {
	ly := &m.Layers[i]
	out := make([]signal, ly.Rows)
	for r := range out {
		if !m.HasRow(i, r) {
			continue
		}
		acc := newSignal(m.Shape.Slots())
		for c, kept := range m.Kept[i][r] {
			if kept {
				acc.addProduct(m.Tile(i, r, c), x[c], noise)
			}
		}
		acc.rescale()
		last := ly.Level - 1
		acc = acc.sum(m.Sum(i), noise, last == 0, p)
		for s, v := range m.BiasRow(i, r) {
			acc.value[s] += v
		}
		if last == 0 {
			p.noteLast(acc.value)
		}
		if ly.Refill {
			for s, v := range m.Mask(i) {
				acc.value[s] *= v
				acc.variance[s] *= v
			}
			acc.rescale()
			acc = acc.sum(m.RefillSum(), noise, false, p)
		}
		if ly.Square {
			for s, v := range acc.value {
				acc.value[s] = v * v
				acc.variance[s] *= 4 * v * v
			}
			acc.rescale()
		}
		out[r] = acc
	}
	return out
}

// addProduct adds the product of a tile with a ciphertext.
func (a signal) addProduct(tile []float64, x signal, noise Noise) {
	for s, w := range tile {
		v := x.value[s]
		a.value[s] += w * v
		a.variance[s] += w*w*x.variance[s] + noise.Weight*v*v
	}
}

// rescale adds the error that rounding leaves.
func (a signal) rescale() {
	for s := range a.variance {
		a.variance[s]++
	}
}

// sum rotates and adds as the evaluation does.
func (a signal) sum(sum Sum, noise Noise, last bool, p *Profile) signal {
	if last {
		p.noteLast(a.value)
	}
	for c := 1; c < sum.Count; c *= 2 {
		b := newSignal(len(a.value))
		for s := range a.value {
			t := (s + sum.Step*c) % len(a.value)
			b.value[s] = a.value[s] + a.value[t]
			b.variance[s] = a.variance[s] + a.variance[t] + noise.Switch
		}
		a = b
		if last {
			p.noteLast(a.value)
		}
	}
	return a
}

func (p *Profile) noteLast(values []float64) {
	for _, v := range values {
		p.Last = math.Max(p.Last, math.Abs(v))
	}
}
