package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Further draws miss the value as rarely as is asked for, few samples or many, and it is not far below what they reach.
func TestReachedIsReached(t *testing.T) {
	const rounds = 4000
	for _, c := range []struct {
		samples, draws int
		misses         float64
	}{{200, 300, 0.01}, {200, 20, 0.01}, {50, 4, 0.05}, {1000, 1, 0.01}, {20, 100, 0.02}} {
		rng := rand.New(rand.NewPCG(5, uint64(c.draws)))
		missed := 0
		for range rounds {
			sample := make([]float64, c.samples)
			for i := range sample {
				sample[i] = rng.ExpFloat64()
			}
			x, err := Reached(sample, c.draws, c.misses)
			if err != nil {
				t.Fatal(err)
			}
			most := math.Inf(-1)
			for range c.draws {
				most = math.Max(most, rng.ExpFloat64())
			}
			if most < x {
				missed++
			}
		}
		if share := float64(missed) / rounds; share > c.misses+3*math.Sqrt(c.misses/rounds) || share < c.misses/10 {
			t.Errorf("%d samples, %d draws: missed with probability %g: want about %g", c.samples, c.draws, share, c.misses)
		}
	}
}

func TestReachedByHand(t *testing.T) {
	sample := []float64{4, 1, 3, 2}
	for _, c := range []struct {
		draws  int
		misses float64
		want   float64
	}{
		{4, 0.5, 4}, {4, 0.25, 3}, {4, 3.0 / 14, 3}, {4, 0.2, 2}, {1000, 0.01, 4},
	} {
		if got, err := Reached(sample, c.draws, c.misses); err != nil || got != c.want {
			t.Errorf("%d draws, %g: %g, %v; want %g", c.draws, c.misses, got, err, c.want)
		}
	}
	if got, err := Reached(sample, 1, 1e-4); err != nil || !(got < 1) {
		t.Errorf("%g, %v: want less than the smallest", got, err)
	}
	for _, bad := range []struct {
		sample []float64
		draws  int
		misses float64
	}{{nil, 1, 0.5}, {sample, 0, 0.5}, {sample, 1, 0}, {[]float64{math.Inf(-1)}, 1, 0.01}} {
		if x, err := Reached(bad.sample, bad.draws, bad.misses); err == nil {
			t.Errorf("%+v: %g", bad, x)
		}
	}
}
