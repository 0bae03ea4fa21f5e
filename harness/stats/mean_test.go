package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMean(t *testing.T) {
	for _, c := range []struct {
		name       string
		sample     []float64
		mean, half float64
	}{
		{"one has no spread", []float64{3}, 3, 0},
		{"equal values", []float64{2, 2, 2}, 2, 0},
		// Deviation √2, t(1, 97.5 %) = 12.7062: 12.7062·√2/√2.
		{"two", []float64{4, 2}, 3, 12.7062},
		// Deviation 1, t(2, 97.5 %) = 4.30265: 4.30265/√3.
		{"three", []float64{2, 3, 1}, 2, 2.48414},
		// Deviation √2.5, t(4, 97.5 %) = 2.77645: 2.77645·√2.5/√5.
		{"five", []float64{5, 4, 3, 2, 1}, 3, 1.96324},
	} {
		got, err := Mean(c.sample)
		if err != nil || got.Mean != c.mean || math.Abs(got.HalfWidth()-c.half) > 1e-4 || math.Abs((got.Low+got.High)/2-c.mean) > 1e-9 {
			t.Errorf("%s: %+v, %v; want %g ± %g", c.name, got, err, c.mean, c.half)
		}
	}
	for _, bad := range [][]float64{nil, {1, math.NaN()}, {math.Inf(1), 2}} {
		if got, err := Mean(bad); err == nil {
			t.Errorf("%v: %+v, want an error", bad, got)
		}
	}
}

func TestIntervalHoldsTheMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const trials = 4000
	held := 0
	for range trials {
		sample := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		i, err := Mean(sample)
		if err != nil {
			t.Fatal(err)
		}
		sample[0], sample[2] = sample[2], sample[0]
		if again, _ := Mean(sample); again != i {
			t.Fatalf("another order gives %+v, not %+v", again, i)
		}
		if i.Low <= 0 && 0 <= i.High {
			held++
		}
	}
	if share := float64(held) / trials; share < 0.94 || share > 0.96 {
		t.Errorf("the interval held the mean in %.1f %% of trials: want 95 %%", 100*share)
	}
}
