package packing

import "fmt"

// NewScalarLayout lays out a network for as many samples as a ciphertext has slots: every neuron is a ciphertext of its
// own and every weight an integer, so that nothing is rotated and a zero weight costs nothing.
func NewScalarLayout(dims []int, slots int) (*Layout, error) {
	shape := Shape{In: 1, Out: 1, Batch: slots}
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	l, err := NewLayout(dims, shape)
	if err != nil {
		return nil, err
	}
	l.Kind = Scalar
	l.SetDelayed(false)
	return l, nil
}

// simulateScalar follows each neuron's ciphertext in the slots of the samples alone.
func (m *Model) simulateScalar(samples [][]float64) ([][]float64, Profile, error) {
	if err := m.checkSamples(samples); err != nil {
		return nil, Profile{}, err
	}
	x := make([]signal, m.Layers[0].In)
	for i := range x {
		x[i] = newSignal(len(samples))
		for b := range samples {
			x[i].value[b] = samples[b][m.input(i)]
		}
		x[i].add(Source{0, InputError}, 1)
	}
	p := m.newProfile(len(samples))
	for i := range m.Layers {
		y := make([]signal, m.Layers[i].Out)
		for o := range y {
			y[o] = newSignal(len(samples))
			for s := range samples {
				y[o].value[s] = m.Bias[i][o]
			}
			for c, w := range m.Weights[i].RawRowView(o) {
				if w != 0 {
					y[o].addScaled(w, x[c])
				}
			}
			p.note(i, y[o].value)
			if m.Layers[i].Square {
				y[o].square(i)
			}
		}
		x = y
	}
	out := make([][]float64, len(samples))
	for b := range samples {
		for _, y := range x {
			out[b] = append(out[b], y.value[b])
		}
	}
	p.Output = largest(out)
	for _, y := range x {
		for s, v := range y.variance {
			p.Errors[s] = max(p.Errors[s], largest([][]float64{v}))
		}
	}
	return out, p, nil
}

func (a signal) addScaled(w float64, x signal) {
	for s, v := range x.value {
		a.value[s] += w * v
	}
	for source, variance := range x.variance {
		sum := a.of(source)
		for s, v := range variance {
			sum[s] += w * w * v
		}
	}
}
