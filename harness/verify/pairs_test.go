package verify

import (
	"strings"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
)

// timed is the experiment with times: each point takes as many seconds as it has tiles, three evaluations from begun(r) on.
func timed(begun func(r *record.Record) time.Time) record.Set {
	return with(experiment(), func(r *record.Record) {
		s := float64(r.Tiles.Kept) / 1000
		r.StartedAt, r.Order = begun(r), record.Interleaved
		r.Latency = &record.Latency{Evaluate: []float64{s, s, s}, EvaluateAt: []float64{10, 11, 12}, EvaluateMedian: s}
		r.Memory = &record.Memory{PeakRSS: int64(r.Tiles.Kept) << 20}
		r.Environment = record.Environment{Host: "n1", Binary: "b1", Kernels: "portable"}
	})
}

func TestPairs(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	together := func(*record.Record) time.Time { return noon }
	later := func(scheme string, by time.Duration) func(r *record.Record) time.Time {
		return func(r *record.Record) time.Time {
			if record.Has(r, "prune.scheme", scheme) {
				return noon.Add(by)
			}
			return noon
		}
	}
	joint := func(change func(r *record.Record)) record.Set {
		return with(timed(together), func(r *record.Record) {
			if record.Has(r, "prune.scheme", "joint") {
				change(r)
			}
		})
	}
	const (
		best    = `where: {prune.scheme: joint}, metric: saved.latency, reduce: max, over: [train.seed], paper: 1`
		mean    = `where: {prune.scheme: joint}, metric: saved.latency, reduce: mean, over: [train.seed], paper: 1`
		memory  = `where: {prune.scheme: joint}, metric: saved.memory, reduce: max, over: [train.seed], paper: 1`
		against = `where: {prune.scheme: joint}, against: {prune.scheme: p4e}, metric: latency.evaluate, reduce: min, over: [train.seed], paper: 1`
		lone    = `where: {prune.scheme: joint}, metric: latency.evaluate, reduce: min, over: [train.seed], paper: [0, 1]`
		turns   = "comparisons, the points did not take turns"
		alike   = "NOT MEASURED ALIKE"
	)
	for _, c := range []struct {
		name, entry string
		set         record.Set
		want        string // in a note; none if empty
	}{
		{"by turns", best, timed(together), ""},
		{"one after the other, in the same minute", best, timed(later("joint", 5*time.Second)), "C: in 3 of 3 " + turns},
		{"most of the evaluations", best, timed(later("joint", time.Second)), ""},
		{"few of them", best, timed(later("joint", 2*time.Second)), "C: in 3 of 3 " + turns},
		{"every point counts in a mean", mean, timed(later("joint", time.Hour)), "C: in 4 of 4 " + turns},
		{"memory takes no turns", memory, timed(later("joint", time.Hour)), ""},
		{"a rival", against, timed(later("p4e", time.Hour)), "C: in 3 of 3 " + turns},
		{"that took turns", against, timed(together), ""},
		{"nothing to hold it against", lone, timed(later("joint", time.Hour)), ""},
		{"not interleaved", best, joint(func(r *record.Record) { r.Order = record.Sequential }), "C: in 3 of 3 " + turns},
		{"another machine", best, joint(func(r *record.Record) { r.Environment.Host = "n2" }), "C " + alike + ": in 3 of 3 comparisons, a point is held against one of another host."},
		{"chosen by a time", `where: {prune.scheme: joint}, metric: saved.tiles, reduce: max, by: saved.latency, over: [train.seed], paper: 1`, timed(later("joint", time.Hour)), "C: in 3 of 3 " + turns},
		{"nominal memory", `where: {prune.scheme: joint}, metric: shares.memory, against: {prune.scheme: p4e}, reduce: min, over: [train.seed], paper: 1`,
			with(joint(func(r *record.Record) { r.Environment.Host = "n2" }), func(r *record.Record) { r.Shares = &record.Shares{Memory: 0.5} }), ""},
		{"a saving against a rival's", `where: {prune.scheme: joint}, metric: saved.memory, against: {prune.scheme: p4e}, reduce: min, over: [train.seed], paper: 1`,
			joint(func(r *record.Record) { r.Environment.Host = "n2" }), alike},
		{"no evaluation", `where: {prune.scheme: joint}, against: {prune.scheme: p4e}, metric: training.seconds, reduce: min, over: [train.seed], paper: 1`,
			with(timed(later("joint", time.Hour)), func(r *record.Record) { r.Training = &record.Training{Seconds: 1} }), ""},
		{"takes no turns", best, joint(func(r *record.Record) { r.Environment.Host = "n2" }), "C: in 3 of 3 " + turns},
		{"another program, for one seed", memory, joint(func(r *record.Record) {
			if record.Has(r, "train.seed", 2) {
				r.Environment.Binary, r.Environment.Kernels = "b2", "avx2-fma"
			}
		}), "C " + alike + ": in 1 of 3 comparisons, a point is held against one of another kernels, program."},
	} {
		t.Run(c.name, func(t *testing.T) {
			notes := strings.Join(Evaluate([]config.Expectation{expectation(t, c.entry)}, c.set).Notes()[1:], "\n")
			if c.want == "" && (strings.Contains(notes, turns) || strings.Contains(notes, alike)) || !strings.Contains(notes, c.want) {
				t.Errorf("notes %q: want %q", notes, c.want)
			}
		})
	}
}
