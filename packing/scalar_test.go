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

// Rounding is relative to the largest weight of a layer, however small or large all of them are, with as many bits as all layers together may
// have, and what is packed is the network that Evaluated gives.
func TestIntegerWeightsAreRelative(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 3))
	for range rounds(t) {
		f := randomDense(rng)
		for i := range f.Layers {
			f.Layers[i].W.Scale(math.Exp2(float64(rng.IntN(24)-16))*(1+rng.Float64()), f.Layers[i].W)
		}
		c, bits := ScalarIn(64), fractions(f)
		q := c.Evaluated(f)
		for i := range f.Layers {
			var d mat.Dense
			d.Sub(q.Layers[i].W, f.Layers[i].W)
			if worst := max(mat.Max(&d), -mat.Min(&d)); worst > math.Ldexp(0.5, -bits[i]) {
				t.Errorf("layer %d, %d fractional bits: weights are off by up to %g", i, bits[i], worst)
			}
		}
		m, err := c.Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Layers {
			if m.Layers[i].Fraction != bits[i] {
				t.Fatalf("layer %d: %d fractional bits, want %d", i, m.Layers[i].Fraction, bits[i])
			}
			for _, w := range m.Weights[i].RawMatrix().Data {
				if n := math.Ldexp(math.Abs(w), bits[i]); n != math.Round(n) {
					t.Fatalf("layer %d, %d fractional bits: weight %g is %g as an integer", i, bits[i], w, n)
				}
			}
		}
	}
}

func TestFractions(t *testing.T) {
	for _, test := range []struct {
		largest []float64
		want    []int
	}{
		{[]float64{1, 0.75}, []int{10, 10}},
		{[]float64{0.5, 0.51}, []int{11, 10}},
		{[]float64{1.01, 0.03}, []int{9, 15}},
		{[]float64{1000, 5000}, []int{0, 0}},
		{[]float64{0, 1e-30}, []int{10, 30}},
		{[]float64{0.5, 0.1, 0.03, 0.3}, []int{8, 10, 12, 8}},                  // 7 bits each: 68 of 70
		{[]float64{1, 0.1, 0.03, 0.1, 1, 1, 1}, []int{8, 11, 13, 11, 8, 8, 8}}, // 8 bits each: 126 of 130
	} {
		f := &network.Folded{}
		for _, w := range test.largest {
			f.Layers = append(f.Layers, network.Affine{W: mat.NewDense(1, 3, []float64{0, -w, w / 2})})
		}
		if got := fractions(f); !slices.Equal(got, test.want) {
			t.Errorf("weights up to %g: %d fractional bits, want %d", test.largest, got, test.want)
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
