package packing

import (
	"fmt"
	"slices"
)

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
func (m *Model) simulateScalar(samples [][]float64) (*simulation, error) {
	if err := m.checkSamples(samples); err != nil {
		return nil, err
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
			y[o].addBias(slices.Repeat(m.Bias[i][o:o+1], len(samples)))
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
	r := &simulation{out, map[Source][]float64{}, p}
	for _, y := range x {
		y.add(floats, floatsOf(y.value))
		for s, variance := range y.variance {
			if r.spread[s] == nil {
				r.spread[s] = make([]float64, len(samples))
			}
			for b, v := range variance {
				r.spread[s][b] = max(r.spread[s][b], v)
			}
		}
	}
	return r, nil
}

func (a signal) addScaled(w float64, x signal) {
	float := a.of(floats)
	for s, v := range x.value {
		a.value[s] += w * v
		float[s] += w * w * v * v
	}
	for source, variance := range x.variance {
		sum := a.of(source)
		for s, v := range variance {
			sum[s] += w * w * v
		}
	}
}
