package verify

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/harness/record"
)

// What is judged is shown: its conditions, where the number is from, and points some of whose values were too large for their moduli.
func TestWhatIsJudged(t *testing.T) {
	set := with(experiment(), func(r *record.Record) {
		if r.Params["prune.scheme"] == "p4e" && r.Params["train.seed"] == 2 {
			r.Range = &record.Range{Beyond: 0.01}
		}
	})
	report := Evaluate([]config.Expectation{expectation(t, p4e+seeds+`metric: tiles.kept, reduce: min, paper: 50, read: "a text, table 3", note: hm`)}, set)
	row := report.Rows()[0]
	if row[2] != "p4e, validation_degradation ≤ 0.025: min" || row[7] != "hm; read: a text, table 3" {
		t.Errorf("%q", row)
	}
	want := "C: 1 point has values of some samples beyond what their moduli hold (range.beyond): p4e2 0.025 50."
	against := Evaluate([]config.Expectation{expectation(t, rival+seeds+"paper: 0.7")}, set)
	for _, r := range []Report{report, against} { // the point is ours, or the rival's
		if notes := r.Notes(); !slices.Contains(notes, want) {
			t.Errorf("%q, want %q", notes, want)
		}
	}
}

func TestWhatLacks(t *testing.T) {
	failed := func(drop func(r *record.Record) bool) record.Set {
		return with(experiment(), func(r *record.Record) {
			if drop(r) {
				r.Status = record.Failed
			}
		})
	}
	worse := func(drop func(r *record.Record) bool) record.Set {
		return with(experiment(), func(r *record.Record) {
			if drop(r) {
				q := *r.Quality
				q.ValidationDegradation = 0.5
				r.Quality = &q
			}
		})
	}
	many := record.Set{measured("p4e", 1, 0, 5)}
	for seed := 2; seed < 10; seed++ {
		many = append(many, measured("p4e", seed, 0, 50))
	}
	for _, c := range []struct {
		name, entry string
		set         record.Set
		values      int
		notes       []string
	}{
		{"nothing", rival + seeds + "paper: [0.4, 0.9]", experiment(), 3, nil},
		{"a rival not allowed", rival + seeds + "paper: [0.4, 0.9]", worse(is("p4e", 1, 3)), 1,
			[]string{"C missed: no point has prune.scheme p4e and quality.validation_degradation <= 0.025 in 2 of 3 cases (train.seed 1; train.seed 3), while ours meets its own conditions. The dense network is not put in its place."}},
		{"ours not allowed", rival + seeds + "paper: [0.4, 0.9]", worse(is("joint", 2)), 2,
			[]string{"C missed: no point has prune.scheme joint and quality.validation_degradation <= 0.025 in 1 of 3 cases (train.seed 2), while the rival meets its own conditions."}},
		{"neither allowed", rival + seeds + "paper: [0.4, 0.9]", worse(func(r *record.Record) bool { return is("joint", 2)(r) || is("p4e", 2)(r) }), 2, []string{
			"C missed: no point has prune.scheme joint and quality.validation_degradation <= 0.025 in 1 of 3 cases (train.seed 2).",
			"C missed: no point has prune.scheme p4e and quality.validation_degradation <= 0.025 in 1 of 3 cases (train.seed 2). The dense network is not put in its place."}},
		{"one case", rival + "paper: [0.4, 0.9]", without(worse(is("p4e")), func(r *record.Record) bool { return r.Params["train.seed"] != 1 }), 0,
			[]string{"C missed: no point has prune.scheme p4e and quality.validation_degradation <= 0.025, while ours meets its own conditions. The dense network is not put in its place."}},
		{"no rival", rival + seeds + "paper: [0.4, 0.9]", without(experiment(), is("p4e")), 0,
			[]string{"C nothing to judge: no point with a result has prune.scheme p4e. The dense network is not put in its place."}},
		{"no rival for a seed", rival + seeds + "paper: [0.4, 0.9]", without(experiment(), is("p4e", 2)), 2,
			[]string{"C missed: no point with a result has prune.scheme p4e in 1 of 3 cases (train.seed 2). The dense network is not put in its place."}},
		{"no points of a seed on either side", rival + seeds + "paper: [0.4, 0.9]", without(experiment(), func(r *record.Record) bool { return is("p4e", 2)(r) || is("joint", 2)(r) }), 2, nil},
		{"many cases", `where: {prune.scheme: p4e, tiles.kept: "< 10"}, ` + seeds + "metric: tiles.kept, reduce: min, paper: 5", many, 1,
			[]string{"C missed: no point has prune.scheme p4e and tiles.kept < 10 in 8 of 9 cases (train.seed 2; train.seed 3; train.seed 4; train.seed 5; and 4 more)."}},
		{"failed", rival + seeds + "paper: [0.4, 0.9]", failed(is("joint")), 0, []string{"C nothing to judge: no point with a result has prune.scheme joint."}},
		{"a seed failed on both sides", rival + seeds + "paper: [0.4, 0.9]", failed(func(r *record.Record) bool { return is("p4e", 2)(r) || is("joint", 2)(r) }), 2, []string{
			"C missed: no point with a result has prune.scheme joint in 1 of 3 cases (train.seed 2).",
			"C missed: no point with a result has prune.scheme p4e in 1 of 3 cases (train.seed 2). The dense network is not put in its place.",
			"C: 1 point failed: the number is of the others.", "C: 2 points of the rival failed: the number is of the others."}},
		{"no dense point", p4e + seeds + "metric: saved.tiles, reduce: max, paper: 0.5", failed(is("dense", 1)), 2,
			[]string{"C missed: points with prune.scheme p4e and quality.validation_degradation <= 0.025 have no saved.tiles in 1 of 3 cases (train.seed 1)."}},
		{"neither allowed nor dense", p4e + seeds + "metric: saved.tiles, reduce: max, paper: 0.5", without(failed(is("dense", 1)), is("p4e", 2)), 1,
			[]string{"C missed: points with prune.scheme p4e and quality.validation_degradation <= 0.025 have no saved.tiles in 1 of 2 cases (train.seed 1)."}},
		{"no records", `where: {tiles.kept: "< 9"}, metric: tiles.kept, reduce: max, paper: 0.5`, nil, 0, []string{"C nothing to judge: no point has a result."}},
		{"a rival that keeps nothing", rival + seeds + "paper: [0.4, 0.9]", append(experiment(), measured("p4e", 2, 0, 0)), 2,
			[]string{"C missed: nothing to compare with: tiles.kept of the rival is not above 0 in 1 of 3 cases (train.seed 2)."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := Evaluate([]config.Expectation{expectation(t, c.entry)}, c.set)
			if diff := cmp.Diff(c.notes, report.Notes()[1:], cmp.Transformer("", func(s []string) string { return strings.Join(s, "\n") })); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if n := len(report.Results[0].Values); n != c.values {
				t.Errorf("%d values, want %d", n, c.values)
			}
			if v := report.Results[0].Verdict; len(c.notes) > 0 && v != Missed && v != Unjudged {
				t.Errorf("%s", v)
			}
		})
	}
}

// Points under insecure parameters count only when there are no others, and then the report says so.
func TestInsecure(t *testing.T) {
	e := []config.Expectation{expectation(t, p4e+seeds+"metric: tiles.kept, reduce: min, paper: 50")}
	unsafe := with(experiment(), func(r *record.Record) { r.HE = &record.HE{Insecure: true} })
	if r := Evaluate(e, unsafe); !r.Insecure || r.LeftOut != 0 || len(r.Results[0].Values) != 3 {
		t.Errorf("insecure points only: %+v", r)
	}
	better := with(unsafe, func(r *record.Record) { r.Tiles = &record.Tiles{Total: 100, Kept: 1} })
	if r := Evaluate(e, append(experiment(), better...)); r.Insecure || r.LeftOut != len(better) || r.Results[0].Mean != 50 {
		t.Errorf("some insecure points: %+v", r)
	}
}

// Times of a busy machine are verified, but the report says so.
func TestBusyMachine(t *testing.T) {
	busy := with(experiment(), func(r *record.Record) {
		if r.Params["prune.scheme"] == "p4e" {
			r.Warnings = []string{record.BusyWarning + "times are unreliable (noise.steal)"}
		}
	})
	for metric, want := range map[string]bool{"latency.evaluate": true, "saved.latency": true, "tiles.kept": false} {
		e := expectation(t, p4e+seeds+"metric: "+metric+", reduce: min, paper: 50")
		notes := strings.Join(Evaluate([]config.Expectation{e}, busy).Notes(), "\n")
		if strings.Contains(notes, "7 points measured on a busy machine") != want {
			t.Errorf("%s:\n%s", metric, notes)
		}
	}
}

// Neither the order of the records nor their way through JSON changes a report.
func TestOrderDoesNotMatter(t *testing.T) {
	set := append(experiment(), with(experiment(), func(r *record.Record) {
		r.Params["tile"] = "4x32x32"
		r.Tiles = &record.Tiles{Total: 90, Kept: r.Tiles.Kept * 7 / 9}
	})...)
	var es []config.Expectation
	for _, how := range config.Reductions {
		es = append(es, expectation(t, rival+seeds+"paper: 0.7"), expectation(t, p4e+seeds+"metric: saved.tiles, reduce: "+how+", paper: 0.5"))
	}
	want := Evaluate(es, set)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
		mixed := with(set, func(r *record.Record) {
			if rng.IntN(2) == 0 {
				throughJSON(t, r)
			}
		})
		if diff := cmp.Diff(want, Evaluate(es, mixed), cmp.AllowUnexported(record.Metric{}), cmp.FilterPath(
			func(p cmp.Path) bool { return strings.HasSuffix(p.GoString(), ".Of.value") }, cmp.Ignore())); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func throughJSON(t *testing.T, r *record.Record) {
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back record.Record
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	*r = back
}
