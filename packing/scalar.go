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

// Integer weights are rounded relative to the largest of their layer, as layers that follow a normalisation have weights of any size. That one has
// WeightBits bits, or as many as leave moduli the size that 128-bit security has room for: a fractional bit takes two bits of a modulus, as what it
// scales is squared, and one in the last layer. Seventy fit where three squares follow each other in 8,192 slots: ten fractional bits a layer,
// which deeper networks have too.
const (
	WeightBits   = 10
	mostScaling  = 70
	mostFraction = 30 // of a layer, whose weights may be next to nothing
)

// fractions are how many fractional bits the integer weights of each layer have.
func fractions(f *network.Folded) []int {
	exponents := make([]int, len(f.Layers)) // of the power of two that no weight of the layer exceeds
	for i := range f.Layers {
		largest := math.Max(mat.Max(f.Layers[i].W), -mat.Min(f.Layers[i].W))
		if _, exponents[i] = math.Frexp(largest); largest == math.Ldexp(1, exponents[i]-1) {
			exponents[i]--
		}
	}
	for largest := WeightBits; ; largest-- {
		bits, scaling := make([]int, len(exponents)), 0
		for i, e := range exponents {
			bits[i] = min(max(largest-e, 0), mostFraction)
			scaling += 2 * bits[i]
		}
		last := len(bits) - 1
		if scaling-bits[last] <= max(mostScaling, 2*WeightBits*last+WeightBits) {
			return bits
		}
	}
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
