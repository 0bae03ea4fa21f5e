package record

import (
	"math"
	"testing"
	"time"
)

// An unpruned network that stayed for several groups counts with the evaluations that took turns with a point.
func TestSavedByTurns(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	point := func(scheme string, first, seconds []float64) *Record {
		r := &Record{Status: OK, Order: Interleaved, StartedAt: noon, Params: map[string]any{"prune.scheme": scheme}, Measure: &Measure{Repeats: Repeats{Min: 3, Max: 3}}}
		r.Latency = &Latency{Evaluate: seconds, EvaluateAt: first, EvaluateMedian: 1.5}
		return r
	}
	// Fast until 12 s, then slow. The evaluation at 10 s comes before the first of late, the one at 22 s after its last has ended.
	base := point("dense", []float64{0, 2, 4, 10, 14, 18, 22}, []float64{1, 1, 1, 2, 2, 2, 9})
	late := point("p4e", []float64{12, 16, 20}, []float64{1, 1, 1})
	late.Latency.EvaluateMedian = 1
	early := point("joint", []float64{1, 3, 5}, []float64{1, 1, 1})
	early.Latency.EvaluateMedian = 0.5
	few := point("dense", []float64{0, 2, 4}, []float64{1, 1, 1})
	few.Latency.EvaluateMedian = 4
	sequential := *late
	sequential.Order = Sequential
	for name, c := range map[string]struct {
		r, base *Record
		want    float64
	}{
		"in slow turns":            {late, base, 0.5},   // 1 of 2
		"in fast turns":            {early, base, 0.5},  // 0.5 of 1
		"as often as it was asked": {early, few, 0.875}, // 0.5 of 4
		"not by turns":             {&sequential, base, 1 - 1/1.5},
	} {
		if got, ok := (Set{c.base, c.r}).Value(c.r, "saved.latency"); !ok || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %g, %t; want %g", name, got, ok, c.want)
		}
	}
	if ByTurns(&Record{Order: Interleaved}, base) || ByTurns(base, &Record{Order: Interleaved, Latency: &Latency{}}) {
		t.Error("without evaluations")
	}
}
