package trial

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/harness/record"
)

// waits is turns that take a while to come.
type waits struct{ time.Duration }

func (w waits) Admit(int64) error { time.Sleep(w.Duration); return nil }
func (w waits) Next() (bool, error) {
	time.Sleep(w.Duration)
	return false, nil
}

func TestEnough(t *testing.T) {
	steady, unsteady := slices.Repeat([]float64{1}, 10), []float64{1, 2, 1, 2, 1, 2, 1, 2, 1, 2}
	const (
		minutes = time.Minute
		atMax   = record.RepeatsWarning + "measure.repeats.max reached, but not measure.repeats.ci"
		late    = record.RepeatsWarning + "another could have passed limits.timeout, measure.repeats.ci is not reached"
	)
	for _, c := range []struct {
		name    string
		samples []float64
		limit   time.Duration
		worked  time.Duration
		longest time.Duration
		want    bool
		warning string
		stay    bool
	}{
		{"fewer than min", steady[:5], 0, 0, 0, false, "", false},
		{"fewer than min, though it is late", unsteady[:5], 10 * minutes, 9 * minutes, minutes, false, "", false},
		{"as narrow as ci", steady[:6], 0, 0, 0, true, "", false},
		{"as narrow as ci, at max and late", steady, 10 * minutes, 9 * minutes, minutes, true, "", false},
		{"wider", unsteady[:9], 0, 0, 0, false, "", false},
		{"wider at max", unsteady, 0, 0, 0, true, atMax, false},
		{"no limit", unsteady[:6], 0, 100 * minutes, minutes, false, "", false},
		{"time for another, if slower", unsteady[:6], 10 * minutes, 8 * minutes, minutes, false, "", false},
		{"time for another, but no slower", unsteady[:6], 10 * minutes, 8*minutes + 30*time.Second, minutes, true, late, false},
		{"over time", unsteady[:6], 10 * minutes, 11 * minutes, minutes, true, late, false},
		{"asked to stay", steady, 0, 0, 0, false, "", true},
		{"asked to stay, but it is late", unsteady, 10 * minutes, 9 * minutes, minutes, true, atMax, true},
		{"asked to stay, but it is late for a narrow one", steady[:6], 10 * minutes, 9 * minutes, minutes, true, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := newClock(waits{7 * minutes}, c.limit) // for which nobody is to blame
				if err := turns.Admit(0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.worked)
				if _, err := turns.Next(); err != nil {
					t.Fatal(err)
				}
				var warnings []string
				if c.warning != "" {
					warnings = []string{c.warning}
				}
				measured := &timing{evaluations: c.samples}
				if got := measured.enough(config.Repeats{Min: 6, Max: 10, CI: 0.05}, turns, c.longest, c.stay); got != c.want || !slices.Equal(measured.warnings, warnings) {
					t.Errorf("%t, warnings %q; want %t, %q", got, measured.warnings, c.want, c.warning)
				}
			})
		})
	}
}

// The samples are kept, and the record says how they were to be taken and why there are no more.
func TestRepeatsThatEndEarly(t *testing.T) {
	cache := t.TempDir()
	job := testJob(t, cache, "warmup: 0, repeats: {min: 2, max: 2, ci: 0.5}", "warmup: 1, repeats: {min: 2, max: 3, ci: 1e-9}")
	for name, c := range map[string]struct {
		timeout time.Duration
		samples int
	}{"at max": {time.Hour, 3}, "late": {1, 2}} {
		job.Timeout = c.timeout
		result, err := do(t, job)
		if err != nil {
			t.Fatal(err)
		}
		r := result.Record
		early := slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, record.RepeatsWarning) })
		if len(r.Latency.Evaluate) != c.samples || !early {
			t.Errorf("%s: %d samples, want %d; warnings %q", name, len(r.Latency.Evaluate), c.samples, r.Warnings)
		}
		if !r.Latency.Warmed {
			t.Errorf("%s: evaluations of %g s begin as the units left the caches", name, r.Latency.EvaluateMedian)
		}
		want := &record.Measure{Warmup: 1, Repeats: record.Repeats{Min: 2, Max: 3, CI: 1e-9}, Order: "sequential"}
		if d := cmp.Diff(want, r.Measure); d != "" {
			t.Errorf("%s: measure (-want +got):\n%s", name, d)
		}
	}
}
