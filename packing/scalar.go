package packing

import (
	"math"
	"slices"

	"hepex/network"

	"gonum.org/v1/gonum/mat"
)

// newScalarLayout lays out a network for as many samples as a ciphertext has slots: every neuron is a ciphertext of its
// own and every weight an integer, so that nothing is rotated and a zero weight costs nothing.
func newScalarLayout(g network.Geometry, slots int) *Layout {
	l := newTileLayout(g, ScalarIn(slots).Shape)
	l.Kind, l.place = Scalar, scalar{}
	for i := range l.Layers {
		l.Layers[i].Integer, l.Layers[i].Fraction = true, WeightBits
	}
	l.SetDelayed(false)
	return l
}

// WeightBits is how many bits the largest weight of a layer has as an integer: rounding is relative to it, as layers that follow a
// normalisation have weights of any size. It is also the fractional bits of a layer whose weights are not known yet.
const WeightBits = 10

// mostFraction bounds fractional bits, for weights that are next to nothing.
const mostFraction = 30

// fraction is how many fractional bits the integer weights of a layer have.
func fraction(weights mat.Matrix) int {
	largest := math.Max(mat.Max(weights), -mat.Min(weights))
	if largest == 0 {
		return WeightBits
	}
	mantissa, exponent := math.Frexp(largest)
	if mantissa == 0.5 { // a power of two, as a weight rounded up is: the others keep their bits when they are rounded again
		exponent--
	}
	return min(max(WeightBits-exponent, 0), mostFraction)
}

// fractions are those of all layers.
func fractions(f *network.Folded) (bits []int) {
	for i := range f.Layers {
		bits = append(bits, fraction(f.Layers[i].W))
	}
	return bits
}

// setFractions says how the integer weights of layers are scaled.
func (l *Layout) setFractions(bits []int) {
	for i, n := range bits {
		l.Layers[i].Fraction = n
	}
}

// scalar places samples as tiles of one weight do.
type scalar struct{ tiles }

func (scalar) weights(_ *Layout, _, row, term int, put func(slot, out, in int) bool) {
	put(0, row, term)
}

// samplesAlone tells whether every slot is a sample's own, which no other slot matters to: fewer samples than slots then stand for
// themselves.
func (l *Layout) samplesAlone() bool { return l.Kind == Scalar }

// BlockWords is how many coefficients of each of so many inputs products with integers bring together at once, of polynomials of n: enough
// for the pages they lie in to be worth opening, and so few that the block stays in a cache.
func BlockWords(n, inputs int) int {
	block := min(n, mostBlockWords)
	for block > leastBlockWords && 8*block*inputs > mostBlockBytes {
		block /= 2
	}
	return block
}

const (
	mostBlockWords  = 1024
	leastBlockWords = 64
	mostBlockBytes  = 1 << 20
)

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
			y.square(i, ly)
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
