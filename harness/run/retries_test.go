package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/config"
	"hepex/harness/record"
)

// story is the status of every attempt at a point, in order.
func story(t *testing.T, r *runner, point string) string {
	t.Helper()
	var all []string
	for n := 1; ; n++ {
		rec, err := record.Read(filepath.Join(r.Dir, "points", point, fmt.Sprintf("%d.json", n)))
		if os.IsNotExist(err) || err != nil && strings.Contains(err.Error(), "no such file") {
			return strings.Join(all, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(rec.Status))
	}
}

// A point that fails is tried again as often as limits.retries says, and each attempt has a record; other points do not
// notice.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name    string
		retries int
		bad     script
		story   string
		claimed bool // the second attempt, by another runner
	}{
		{"no retries", 0, script{End: endEarly}, "failed", false},
		{"the second is good", 1, script{End: endEarly, Bad: 1}, "failed ok", false},
		{"the third is good", 5, script{End: endEarly, Bad: 2}, "failed failed ok", false},
		{"none is good", 2, script{End: endEarly}, "failed failed failed", false},
		{"refused", 2, script{End: endRefuses}, "refused", false},
		{"another has it", 2, script{End: endEarly, Bad: 1}, "failed", true},
		{"crashes in its turn", 1, script{End: endCrashes, Bad: 1}, "failed ok", false},
	} {
		for _, order := range []string{record.Interleaved, record.Sequential} {
			if order == record.Sequential && c.bad.End == endCrashes {
				continue // has no turns
			}
			t.Run(c.name+", "+order, func(t *testing.T) {
				c.bad.Name, c.bad.Turns = "b", 2
				r, points := pretending(t, config.Limits{Retries: c.retries}, script{Name: "a", Turns: 2}, c.bad, script{Name: "c", Turns: 2})
				if c.claimed {
					if _, taken, err := Claims(r.Dir).Take("b", 2); err != nil || !taken {
						t.Fatal(taken, err)
					}
				}
				if order == record.Interleaved {
					if err := r.interleave(context.Background(), points, func(int) {}); err != nil {
						t.Fatal(err)
					}
				} else {
					for _, p := range points {
						if err := r.measure(context.Background(), p); err != nil {
							t.Fatal(err)
						}
					}
				}
				done := 2 + strings.Count(c.story, "ok")
				if got := story(t, r, "b"); got != c.story || r.summary.Done != done || r.summary.Failed != 3-done || r.failed != 3-done {
					t.Errorf("%s, %+v: want %s", got, r.summary, c.story)
				}
				for _, other := range []string{"a", "c"} {
					if got := story(t, r, other); got != "ok" {
						t.Errorf("%s: %s", other, got)
					}
				}
			})
		}
	}
}

// What was to be tried again when the run became hopeless has failed.
func TestRetriesThatNeverCome(t *testing.T) {
	a, b := script{Name: "a", Turns: 1, End: endEarly, Bad: 1}, script{Name: "b", End: endEarly}
	r, points := pretending(t, config.Limits{Retries: 1, MaxFailures: 1}, a, b, script{Name: "c", Turns: 1})
	err := r.interleave(context.Background(), points, func(int) {})
	if err != nil || r.summary.Failed != 2 || r.summary.Done != 0 || story(t, r, "a") != "failed" || story(t, r, "b") != "failed failed" || story(t, r, "c") != "" {
		t.Errorf("%+v, %v, a %s, b %s, c %s", r.summary, err, story(t, r, "a"), story(t, r, "b"), story(t, r, "c"))
	}
}

// A hopeless run does not spend its time on retries: max_failures counts points, not attempts.
func TestRetriesOfAHopelessRun(t *testing.T) {
	var bad []script
	for _, name := range []string{"a", "b", "c", "d"} {
		bad = append(bad, script{Name: name, End: endEarly})
	}
	r, points := pretending(t, config.Limits{Retries: 1, MaxFailures: 2}, bad...)
	for i := range points {
		points[i].Spec.Measure.Order = record.Sequential
	}
	for _, p := range points {
		if r.hopeless() {
			break
		}
		if err := r.measure(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
	for point, want := range map[string]string{"a": "failed failed", "b": "failed failed", "c": "", "d": ""} {
		if got := story(t, r, point); got != want {
			t.Errorf("%s: %q, want %q", point, got, want)
		}
	}
}
