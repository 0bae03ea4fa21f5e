package run

import (
	"strings"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// What took more than it was allowed is done again once it is allowed more, and only then; what was measured in another way than the config
// has now is named and left.
func TestMissing(t *testing.T) {
	const gib = 1 << 30
	limits := func(memory int64, seconds float64) *record.Limits {
		return &record.Limits{MemoryBytes: memory, TimeoutSeconds: seconds}
	}
	refused := func(kind string, l *record.Limits) record.Record {
		return record.Record{Status: record.Refused, Error: &record.Error{Kind: kind}, Limits: l}
	}
	spec := config.Spec{Measure: config.Measure{Encrypted: true, Warmup: 1, Repeats: config.Repeats{Min: 5, Max: 20, CI: 0.05}, Order: record.Sequential}}
	asked := trial.Job{Spec: spec}.Measuring()
	other := *asked
	other.Repeats.Max = 10
	for name, c := range map[string]struct {
		rec    record.Record
		again  bool
		warned bool
	}{
		"done":                     {record.Record{Status: record.OK, Measure: asked}, false, false},
		"done with fewer repeats":  {record.Record{Status: record.OK, Measure: &other}, false, true},
		"done long ago":            {record.Record{Status: record.OK}, false, false},
		"refused for less memory":  {refused(trial.KindMemory, limits(gib, 60)), true, false},
		"refused for this memory":  {refused(trial.KindMemory, limits(4*gib, 60)), false, false},
		"refused for more memory":  {refused(trial.KindMemory, limits(8*gib, 60)), false, false},
		"refused, limit not known": {refused(trial.KindMemory, nil), false, false},
		"refused for parameters":   {refused("parameters", limits(gib, 60)), false, false},
		"out of less memory":       {record.Record{Status: record.OOM, Limits: limits(gib, 60)}, true, false},
		"out of the machine's":     {record.Record{Status: record.OOM, Limits: limits(0, 60)}, false, false},
		"late after less":          {record.Record{Status: record.Timeout, Limits: limits(gib, 60)}, true, false},
		"late after as long":       {record.Record{Status: record.Timeout, Limits: limits(gib, 600)}, false, false},
		"failed":                   {record.Record{Status: record.Failed, Limits: limits(gib, 60)}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			r := newRunner("test", config.Limits{Memory: 4 * gib, Timeout: 10 * time.Minute}, Options{Dir: t.TempDir(), Log: &log})
			c.rec.Point = "feedfeedfeedfeed"
			if err := r.store.Write(&c.rec); err != nil {
				t.Fatal(err)
			}
			todo, err := r.missing([]Planned{{config.Point{Spec: spec}, c.rec.Point}})
			if err != nil {
				t.Fatal(err)
			}
			if again := len(todo) == 1; again != c.again {
				t.Errorf("done again: %t, want %t", again, c.again)
			}
			if warned := strings.Contains(log.String(), c.rec.Point) && strings.Contains(log.String(), "--force"); warned != c.warned {
				t.Errorf("warnings %q", log.String())
			}
		})
	}
}
