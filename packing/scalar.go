package packing

import (
	"slices"

	"hepex/network"
)

// newScalarLayout lays out a network for as many samples as a ciphertext has slots: every neuron is a ciphertext of its
// own and every weight an integer, so that nothing is rotated and a zero weight costs nothing.
func newScalarLayout(g network.Geometry, slots int) *Layout {
	l := newTileLayout(g, ScalarIn(slots).Shape)
	l.Kind, l.place = Scalar, scalar{}
	for i := range l.Layers {
		l.Layers[i].Integer = true
	}
	l.SetDelayed(false)
	return l
}

// WeightBits is how many fractional bits integer weights have.
const WeightBits = 10

// scalar places samples as tiles of one weight do.
type scalar struct{ tiles }

func (scalar) weights(_ *Layout, _, row, term int, put func(slot, out, in int) bool) {
	put(0, row, term)
}

// samplesAlone tells whether every slot is a sample's own, which no other slot matters to: fewer samples than slots then stand for
// themselves.
func (l *Layout) samplesAlone() bool { return l.Kind == Scalar }

// integerBytes is what the parts of a layer with integer weights need.
func (a Arithmetic) integerBytes(ly *Layer) layerBytes {
	b := layerBytes{tile: 8, row: a.ciphertext(ly.Level), model: 8 * int64(ly.Rows)} // with all biases
	if ly.Pools != nil {
		b.buffers = int64(ly.Ciphertexts()) * a.ciphertext(ly.Level)
	}
	if ly.Square {
		b.row += a.ciphertext(ly.Level - 1)
	}
	return b
}

// simulateIntegers returns one signal per row, also for rows without a weight.
func (m *Model) simulateIntegers(i int, x []signal, p *Profile) []signal {
	ly := &m.Layers[i]
	x = m.pooled(i, x)
	out := make([]signal, ly.Rows)
	for r := range out {
		y, group := newSignal(len(x[0].value)), ly.Group(r)
		y.addBias(slices.Repeat(m.Bias[i][r:r+1], len(y.value)))
		for term, kept := range m.Kept[i][group] {
			if in := ly.Read(r, term); kept && in != Outside {
				y.addScaled(m.Weights[i].At(group, term), x[in])
			}
		}
		p.note(i, y.value)
		if ly.Square {
			y.square(i)
		}
		out[r] = y
	}
	return out
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
