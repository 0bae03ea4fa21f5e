package packing

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/networktest"
)

// Rounding is relative to the largest weight of a layer, however small or large all of them are, and what is rounded stays as it is when it is
// rounded again, as packing does.
func TestIntegerWeightsAreRelative(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 3))
	for range rounds(t) {
		f := randomDense(rng)
		for i := range f.Layers {
			f.Layers[i].W.Scale(math.Exp2(float64(rng.IntN(24)-16))*(1+rng.Float64()), f.Layers[i].W)
		}
		c := ScalarIn(64)
		q := c.Evaluated(f)
		for i := range f.Layers {
			largest := max(mat.Max(f.Layers[i].W), -mat.Min(f.Layers[i].W))
			var d mat.Dense
			d.Sub(q.Layers[i].W, f.Layers[i].W)
			if worst := max(mat.Max(&d), -mat.Min(&d)); worst > largest/(1<<WeightBits) {
				t.Errorf("layer %d: weights up to %g are off by up to %g, want at most the %dth part", i, largest, worst, 1<<WeightBits)
			}
			if again := c.Evaluated(q); !mat.Equal(again.Layers[i].W, q.Layers[i].W) {
				t.Errorf("layer %d: weights up to %g change when they are rounded again", i, largest)
			}
		}
		m, err := c.Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Layers {
			unit := math.Exp2(float64(m.Layers[i].Fraction))
			for _, w := range m.Weights[i].RawMatrix().Data {
				if n := math.Abs(w) * unit; n != math.Round(n) || n > 1<<WeightBits {
					t.Fatalf("layer %d, %d fractional bits: weight %g is %g as an integer", i, m.Layers[i].Fraction, w, n)
				}
			}
		}
	}
}

func TestFractions(t *testing.T) {
	for largest, want := range map[float64]int{
		0: 10, 1: 10, 0.75: 10, 0.5: 11, 0.51: 10, 1.01: 9, 0.03: 15, 1000: 0, 5000: 0, 1e-30: 30,
	} {
		if got := fraction(mat.NewDense(1, 3, []float64{0, -largest, largest / 2})); got != want {
			t.Errorf("weights up to %g: %d fractional bits, want %d", largest, got, want)
		}
	}
}

// Whoever reads an outline of integer weights knows how they are scaled.
func TestOutlinesWithoutFractionsAreRefused(t *testing.T) {
	m, err := ScalarIn(64).Pack(networktest.Random(rand.New(rand.NewPCG(1, 2)), network.FullyConnected(3, 4, 2), 1, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, spoilt := range [][]int{nil, {10}, {10, -1}, {10, 31}} {
		o := m.Outline(false)
		if !slices.Equal(o.Fraction, []int{m.Layers[0].Fraction, m.Layers[1].Fraction}) {
			t.Fatalf("fractional bits %v", o.Fraction)
		}
		o.Fraction = spoilt
		if _, err := o.Layout(); err == nil {
			t.Errorf("fractional bits %v: no error", spoilt)
		}
	}
}
