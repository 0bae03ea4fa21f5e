package stats

import (
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		sample []float64
		want   Summary
	}{
		{"one", []float64{3}, Summary{3, 3, 3}},
		{"two", []float64{4, 2}, Summary{3, 2, 4}},
		{"five: the range", []float64{5, 1, 4, 2, 3}, Summary{3, 1, 5}},
		{"six: still the range", []float64{6, 5, 1, 4, 2, 3}, Summary{3.5, 1, 6}},
		{"nine: second to eighth", []float64{9, 8, 7, 6, 5, 4, 3, 2, 1}, Summary{5, 2, 8}},
		{"an outlier moves nothing", []float64{9000, 8, 7, 6, 5, 4, 3, 2, 1}, Summary{5, 2, 8}},
	} {
		if got, err := Median(c.sample); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := Median(nil); err == nil {
		t.Error("empty sample: no error")
	}
}

func TestIntervalHoldsTheMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const trials = 2000
	held := 0
	for range trials {
		sample := make([]float64, 15)
		for i := range sample {
			sample[i] = rng.ExpFloat64()
		}
		s, err := Median(sample)
		if err != nil {
			t.Fatal(err)
		}
		if s.Low <= 0.6931 && 0.6931 <= s.High {
			held++
		}
	}
	if held < trials*94/100 {
		t.Errorf("the interval held the median in %d of %d trials: want 95 %%", held, trials)
	}
}
