package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The bound holds as often as it says, for tails that fall as it supposes and for lighter ones, and is not far above what is needed.
func TestTailHolds(t *testing.T) {
	const n, probability, rounds = 900, 1e-4, 400
	for _, c := range []struct {
		name  string
		draw  func(*rand.Rand) float64
		above func(x float64) float64 // probability
		most  float64                 // median bound, at most
	}{
		{"exponential", (*rand.Rand).ExpFloat64, func(x float64) float64 { return math.Exp(-x) }, 11},
		{"normal", (*rand.Rand).NormFloat64, func(x float64) float64 { return math.Erfc(x/math.Sqrt2) / 2 }, 5.5},
		{"uniform", (*rand.Rand).Float64, func(x float64) float64 { return math.Max(0, 1-x) }, 1.2},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		mean, bounds := 0.0, 0.0
		for range rounds {
			sample := make([]float64, n)
			for i := range sample {
				sample[i] = c.draw(rng)
			}
			x, err := Tail(sample, probability)
			if err != nil {
				t.Fatal(err)
			}
			mean += c.above(x) / rounds
			bounds += x / rounds
		}
		if mean > 1.5*probability || bounds > c.most {
			t.Errorf("%s: exceeded with probability %g: want at most %g; mean bound %.2f: want at most %g", c.name, mean, probability, bounds, c.most)
		}
	}
}

// Doubled values, the logarithms of squares, have a bound twice as large; what the sample shows is taken from it.
func TestTailByHand(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	sample, double := make([]float64, 500), make([]float64, 500)
	for i := range sample {
		sample[i] = rng.NormFloat64()
		double[i] = 2 * sample[i]
	}
	a, err := Tail(sample, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Tail(double, 1e-6)
	if err != nil || math.Abs(b-2*a) > 1e-9 {
		t.Errorf("%g, %v: want twice %g", b, err, a)
	}
	for _, c := range []struct {
		sample      []float64
		probability float64
		want        float64
	}{
		{[]float64{4, 1, 3, 2, 5, 8, 7, 6, 10, 9}, 0.3, 7},
		{[]float64{4, 1, 3, 2}, 1, 1},
		{[]float64{7}, 1e-9, 7},
		{[]float64{2, 2, 2, 2}, 1e-9, 2},
	} {
		if got, err := Tail(c.sample, c.probability); err != nil || got != c.want {
			t.Errorf("%v, %g: %g, %v; want %g", c.sample, c.probability, got, err, c.want)
		}
	}
	for _, bad := range [][]float64{nil, {1, math.NaN()}, {math.Inf(1), 1}, {1, math.Inf(-1)}} {
		if x, err := Tail(bad, 0.5); err == nil {
			t.Errorf("%v: %g", bad, x)
		}
	}
	if x, err := Tail([]float64{1}, 0); err == nil {
		t.Errorf("no probability: %g", x)
	}
}
