package record

import (
	"time"

	"hepex/harness/stats"
)

// evaluations are when those of a record began, and when the last ended. There is one at least.
func (r *Record) evaluations() (began []time.Time, end time.Time) {
	at := func(seconds float64) time.Time {
		return r.StartedAt.Add(time.Duration(seconds * float64(time.Second)))
	}
	for i, seconds := range r.Latency.EvaluateAt {
		began = append(began, at(seconds))
		end = at(seconds + r.Latency.Evaluate[i])
	}
	return began, end
}

// ByTurns tells whether a and b were measured by turns for most of the time: both interleaved on one host, and at least half of a's evaluations
// while b's went on.
func ByTurns(a, b *Record) bool {
	if a.Order != Interleaved || b.Order != Interleaved || a.Environment.Host != b.Environment.Host || !a.dated() || !b.dated() {
		return false
	}
	began, _ := a.evaluations()
	others, end := b.evaluations()
	within := 0
	for _, t := range began {
		if !t.Before(others[0]) && !t.After(end) {
			within++
		}
	}
	return 2*within >= len(began)
}

// dated tells whether it is known when evaluations began.
func (r *Record) dated() bool {
	return r.Latency != nil && len(r.Latency.EvaluateAt) > 0 && len(r.Latency.EvaluateAt) == len(r.Latency.Evaluate)
}

// beside is the median of the evaluations of base that a point is held against: where base took more turns than it was to repeat, as it stayed
// for several groups, those in the turns of r, from the last before r's first.
func beside(r, base *Record) float64 {
	if base.Measure == nil || len(base.Latency.Evaluate) <= base.Measure.Repeats.Max || !ByTurns(r, base) {
		return base.Latency.EvaluateMedian
	}
	began, end := r.evaluations()
	others, _ := base.evaluations()
	var chosen []float64
	for i, t := range others {
		next := i+1 < len(others) && !others[i+1].After(began[0])
		if !next && t.Before(end) {
			chosen = append(chosen, base.Latency.Evaluate[i])
		}
	}
	s, err := stats.Median(chosen)
	if err != nil {
		return base.Latency.EvaluateMedian
	}
	return s.Median
}
