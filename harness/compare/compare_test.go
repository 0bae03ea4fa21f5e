package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/record"
)

// point is a record with the given times.
func point(id, scheme string, seed int, seconds ...float64) *record.Record {
	return &record.Record{
		Point: id, Status: record.OK, Params: map[string]any{"prune.scheme": scheme, "tile": "8x8x64", "train.seed": seed},
		HE: &record.HE{SecurityBits: 128}, Threads: 1, EndedAt: time.Unix(int64(seed), 0),
		Quality:     &record.Quality{Metric: "accuracy", Plain: 0.9 + 0.01*float64(seed)},
		Latency:     &record.Latency{Evaluate: seconds, EvaluateMedian: seconds[len(seconds)/2]},
		Memory:      &record.Memory{PeakRSS: 1 << 30},
		Environment: record.Environment{CPU: "one", Cores: 2, RAMBytes: 16 << 30},
	}
}

// around is six times near a number of seconds, all different.
func around(seconds float64) []float64 {
	var x []float64
	for i := range 6 {
		x = append(x, seconds*(1+float64(i)/1000))
	}
	return x
}

func metrics(t *testing.T, names ...string) Options {
	t.Helper()
	var o Options
	for _, name := range names {
		m, err := record.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Metrics = append(o.Metrics, m)
	}
	return o
}

// Two tests of six against six: the least p is 2/C(12, 6) = 2/924, which Holm doubles for the smallest.
func TestEvaluate(t *testing.T) {
	old := record.Set{point("a", "p4e", 1, around(1)...), point("b", "dense", 1, around(2)...), point("c", "p3", 1, 1)}
	new := record.Set{point("b", "dense", 1, around(2)...), point("a", "p4e", 1, around(0.5)...), point("d", "joint", 1, 1)}
	r := Evaluate(old, new, metrics(t, "latency.evaluate", "memory.peak_rss", "quality.plain"))
	if len(r.Rows) != 6 || r.Points != 2 || r.Renamed != 0 || r.Insecure || len(r.Machines) != 0 {
		t.Fatalf("%+v", r)
	}
	same, faster := r.Rows[0], r.Rows[1]
	if same.Point != "dense" || same.P != 1 || same.Holm != 1 || same.Significant() {
		t.Errorf("the same times: %+v", same)
	}
	if faster.Point != "p4e" || math.Abs(faster.P-2./924) > 1e-9 || math.Abs(faster.Holm-4./924) > 1e-9 || !faster.Significant() || !faster.Reaches {
		t.Errorf("half the times: %+v", faster)
	}
	if r.Rows[2].Tested || r.Rows[2].Significant() || r.Rows[2].Old.Median != 1<<30 {
		t.Errorf("one value: %+v", r.Rows[2])
	}
	if !slices.Equal(r.Old.Only, []string{"p3"}) || !slices.Equal(r.New.Only, []string{"joint"}) {
		t.Errorf("only in old %v, new %v", r.Old.Only, r.New.Only)
	}
	// √(2·1) → √(2·0.5), times the same factor; fractions have no geometric mean.
	if len(r.Means) != 2 || math.Abs(r.Means[0].New/r.Means[0].Old-math.Sqrt(0.5)) > 1e-9 || r.Means[1].Metric.Name != "memory.peak_rss" {
		t.Errorf("means %+v", r.Means)
	}
}

// The seeds are one sample of each point: a value for each, whatever the number of repeats.
func TestOver(t *testing.T) {
	var old, new record.Set
	for seed := 1; seed <= 4; seed++ {
		old = append(old, point(fmt.Sprint("old", seed), "p4e", seed, around(float64(seed))...))
		new = append(new, point(fmt.Sprint("new", seed), "p4e", seed+2, around(float64(seed+10))...))
	}
	o := metrics(t, "latency.evaluate", "quality.plain")
	o.Over = []string{"train.seed"}
	r := Evaluate(old, new, o)
	if len(r.Rows) != 2 || r.Points != 1 || len(r.Old.Only)+len(r.New.Only) != 0 {
		t.Fatalf("%+v", r)
	}
	if row := r.Rows[0]; len(row.Old.Values) != 4 || math.Abs(row.P-2./70) > 1e-9 || !row.Tested {
		t.Errorf("%+v", row)
	}
	// 0.91 … 0.94 against 0.93 … 0.96.
	if row := r.Rows[1]; !row.Tested || row.Significant() || math.Abs(row.New.Median-0.945) > 1e-9 {
		t.Errorf("%+v", row)
	}
}

func TestMatching(t *testing.T) {
	edit := func(r *record.Record, change func(*record.Record)) *record.Record { change(r); return r }
	insecure := func(r *record.Record) { r.HE = &record.HE{Insecure: true} }
	failed := func(r *record.Record) { r.Status = record.Failed }
	for _, c := range []struct {
		name     string
		old, new record.Set
		points   int
		notes    []string
	}{
		{"other versions", record.Set{point("a", "p4e", 1, 1)}, record.Set{point("b", "p4e", 1, 1)}, 1,
			[]string{"1 point matched by parameters"}},
		{"numbers from JSON", record.Set{point("a", "p4e", 1, 1)},
			record.Set{edit(point("a", "p4e", 1, 1), func(r *record.Record) { r.Params["train.seed"] = 1.0 })}, 1, nil},
		{"nothing in common", record.Set{point("a", "p4e", 1, 1)}, record.Set{point("b", "p4e", 2, 1)}, 0,
			[]string{"1 point only in old", "1 point only in new", "No point has latency.evaluate on both sides"}},
		{"two records of one point", record.Set{point("a", "p4e", 1, 1), point("b", "p4e", 1, 5)}, record.Set{point("b", "p4e", 1, 5)}, 1,
			[]string{"1 record left out"}},
		{"failed", record.Set{edit(point("a", "p4e", 1, 1), failed)}, record.Set{point("a", "p4e", 1, 1)}, 0,
			[]string{"1 point of old without a result"}},
		{"some insecure", record.Set{point("a", "p4e", 1, 1), edit(point("b", "p3", 1, 1), insecure)}, record.Set{point("a", "p4e", 1, 1)}, 1,
			[]string{"1 point under insecure"}},
	} {
		r := Evaluate(c.old, c.new, metrics(t, "latency.evaluate"))
		if r.Points != c.points || len(r.Rows) != c.points || r.Insecure {
			t.Errorf("%s: %+v", c.name, r)
		}
		notes := strings.Join(r.Notes(false), "\n")
		for _, want := range c.notes {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, notes)
			}
		}
		if strings.Contains(notes, "matched by parameters") != (c.name == "other versions") {
			t.Errorf("%s:\n%s", c.name, notes)
		}
	}
	busy := record.Set{edit(point("a", "p4e", 1, 1), func(r *record.Record) { r.Warnings = []string{record.BusyWarning + "…"} })}
	for metric, want := range map[string]bool{"latency.evaluate": true, "quality.plain": false} {
		notes := strings.Join(Evaluate(busy, record.Set{point("a", "p4e", 1, 1)}, metrics(t, metric)).Notes(false), "\n")
		if strings.Contains(notes, "1 point of old measured on a busy machine") != want || strings.Contains(notes, "of new measured") {
			t.Errorf("busy machine, %s:\n%s", metric, notes)
		}
	}
	old := record.Set{point("b", "p4e", 1, 7), point("a", "p4e", 1, 1)}
	if r := Evaluate(old, record.Set{point("a", "p4e", 1, 1)}, metrics(t, "latency.evaluate")); r.Rows[0].Old.Median != 1 {
		t.Errorf("another id was preferred: %+v", r.Rows[0])
	}
	later := edit(point("c", "p4e", 1, 9, 9), func(r *record.Record) { r.EndedAt = r.EndedAt.Add(time.Hour) })
	for _, old := range []record.Set{{point("b", "p4e", 1, 7), later}, {later, point("b", "p4e", 1, 7)}} {
		r := Evaluate(old, record.Set{point("a", "p4e", 1, 1)}, metrics(t, "latency.evaluate"))
		if line := r.Texts()[0]; r.Rows[0].Old.Median != 9 || line[len(line)-1] != "2+1" {
			t.Errorf("the latest was not chosen: %+v, %q", r.Rows[0], line)
		}
	}
	only := record.Set{edit(point("a", "p4e", 1, 1), insecure)}
	if r := Evaluate(only, only, metrics(t, "latency.evaluate")); !r.Insecure || r.Points != 1 {
		t.Errorf("insecure ones only: %+v", r)
	}
}

// A parameter that one side does not know keeps no points apart, unless it could be more than one point.
func TestParametersOfOneSide(t *testing.T) {
	and := func(r *record.Record, params map[string]any) *record.Record {
		r.Point += fmt.Sprint(params)
		maps.Copy(r.Params, params)
		return r
	}
	curve := func(name string) map[string]any { return map[string]any{"prune.curve": name} }
	for _, c := range []struct {
		name             string
		old, new         record.Set
		points           []string
		onlyOld, onlyNew []string
		alike            int
		notes            []string
	}{
		{"a parameter of new", record.Set{point("a", "p4e", 1, 1), point("b", "dense", 1, 1)},
			record.Set{and(point("a", "p4e", 1, 1), curve("cubic")), point("b", "dense", 1, 1)},
			[]string{"dense", "p4e"}, nil, nil, 1, []string{"Parameters only in new: prune.curve.", "1 point matched by the parameters that both sides have."}},
		{"a parameter of old", record.Set{and(point("a", "p4e", 1, 1), curve("cubic"))}, record.Set{point("a", "p4e", 1, 1)},
			[]string{"the only point"}, nil, nil, 1, []string{"Parameters only in old: prune.curve."}},
		{"one of each", record.Set{and(point("a", "p4e", 1, 1), map[string]any{"prune.lasso": 0.1})}, record.Set{and(point("a", "p4e", 1, 1), curve("cubic"))},
			[]string{"the only point"}, nil, nil, 1, []string{"Parameters only in old: prune.lasso.", "Parameters only in new: prune.curve."}},
		{"two values", record.Set{point("a", "p4e", 1, 1)}, record.Set{and(point("a", "p4e", 1, 1), curve("cubic")), and(point("a", "p4e", 1, 1), curve("linear"))},
			nil, []string{"no curve"}, []string{"curve cubic", "curve linear"}, 0, []string{"Parameters only in new: prune.curve."}},
		{"one value beside an equal point", record.Set{point("a", "p4e", 1, 1)}, record.Set{and(point("a", "p4e", 1, 1), curve("cubic")), point("a", "p4e", 1, 1)},
			[]string{"no curve"}, nil, []string{"curve cubic"}, 0, []string{"Parameters only in new: prune.curve."}},
		{"a parameter of both", record.Set{point("a", "p4e", 1, 1), and(point("b", "p3", 1, 1), curve("cubic"))}, record.Set{and(point("a", "p4e", 1, 1), curve("cubic"))},
			nil, []string{"p3, curve cubic", "p4e, no curve"}, []string{"p4e, curve cubic"}, 0, nil},
	} {
		r := Evaluate(c.old, c.new, metrics(t, "latency.evaluate"))
		var points []string
		for _, row := range r.Rows {
			points = append(points, row.Point)
		}
		if diff := cmp.Diff([][]string{c.points, c.onlyOld, c.onlyNew}, [][]string{points, r.Old.Only, r.New.Only}); diff != "" || r.Alike != c.alike {
			t.Errorf("%s: %d alike, want %d (-want +got):\n%s", c.name, r.Alike, c.alike, diff)
		}
		notes := strings.Join(r.Notes(false), "\n")
		for _, want := range c.notes {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, notes)
			}
		}
		if strings.Contains(notes, "Parameters only") != (c.notes != nil) {
			t.Errorf("%s:\n%s", c.name, notes)
		}
	}
}

// Nobody compares times of two machines without being told.
func TestMachines(t *testing.T) {
	old := record.Set{point("a", "p4e", 1, 1), point("b", "dense", 1, 1)}
	new := record.Set{point("a", "p4e", 1, 1), point("b", "dense", 1, 1)}
	new[0].Environment.CPU, new[1].Environment.CPU = "another", "another"
	new[0].Environment.RAMBytes -= 4096
	for i, side := range []record.Set{old, new} {
		for _, r := range side {
			r.Environment.Host = []string{"n1", "n2"}[i]
			r.Environment.Modules = map[string]string{"github.com/tuneinsight/lattigo/v5": []string{"v5.0.7", "v5.0.8"}[i], "golang.org/x/sys": fmt.Sprint(i)}
		}
	}
	new[0].Threads = 4
	new[1].Environment.Kernels = "avx512-ifma"
	r := Evaluate(old, new, metrics(t, "latency.evaluate"))
	want := "NOT MEASURED ALIKE: host n1 → n2; cpu one → another; kernels unknown → avx512-ifma (1 of 2 points); threads 1 → 4 (1 of 2 points); lattigo v5.0.7 → v5.0.8. Times and memory may differ for that reason too."
	if got := r.Flags(); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := r.Values()[1]; got[len(got)-1] != "host cpu threads lattigo" {
		t.Errorf("%q", got)
	}
}

// Three against three cannot be significant: p is at least 0.1. Four can on their own (0.029), not in two tests.
func TestTooFew(t *testing.T) {
	for _, c := range []struct {
		repeats, points int
		says            string
	}{
		{3, 1, "1 of 1 test cannot be significant (changes in brackets); 4 on each side"},
		{4, 1, ""},
		{4, 2, "2 of 2 tests cannot be significant (changes in brackets); 5 on each side"},
		{5, 2, ""},
		{5, 7, "7 of 7 tests cannot be significant (changes in brackets); 6 on each side"},
	} {
		var old record.Set
		for i := range c.points {
			old = append(old, point(fmt.Sprint(i), "p4e", i, around(1)[:c.repeats]...))
		}
		r := Evaluate(old, old, metrics(t, "latency.evaluate"))
		notes := strings.Join(r.Notes(false), "\n")
		if got := strings.Contains(notes, "Too few"); got != (c.says != "") || !strings.Contains(notes, c.says) {
			t.Errorf("%d repeats, %d points: want %q in\n%s", c.repeats, c.points, c.says, notes)
		}
	}
}

// Each run of a program is one value of its side, whatever its repeats; few runs have changes, which are no claims.
func TestRuns(t *testing.T) {
	side := func(seconds ...float64) record.Set {
		var runs []record.Set
		for _, s := range seconds {
			runs = append(runs, record.Set{point("a", "p4e", 1, around(s)...), point("b", "dense", 1, around(1)...)})
		}
		return Runs(runs)
	}
	o := metrics(t, "latency.evaluate")
	o.Over = []string{Run}
	r := Evaluate(side(4, 2, 3), side(1, 1.5, 1.1), o)
	if len(r.Rows) != 2 || r.Points != 2 || r.Old.Older+r.New.Older != 0 {
		t.Fatalf("%+v", r)
	}
	dense, faster := r.Texts()[0], r.Texts()[1]
	if got := strings.Join(faster, "|"); got != "latency.evaluate|p4e|3.009 ± 1.003 s|1.103 ± 0.251 s|(-63.33 %)|0.200|3" {
		t.Errorf("faster: %s", got)
	}
	if dense[4] != "(0)" || !strings.Contains(strings.Join(r.Notes(false), " "), "of n runs;") {
		t.Errorf("the same: %q, %q", dense, r.Notes(false))
	}
	r = Evaluate(side(4, 2, 3, 3.1, 3.2, 3.3), side(1, 1.5, 1.1, 1.2, 1.3, 1.4), o)
	if got := r.Texts(); got[0][4] != "~" || got[1][4] != "-60.32 %" {
		t.Errorf("six runs: %q", got)
	}
	if one := point("a", "p4e", 1, 1); Runs([]record.Set{{one}})[0].Params[Run] != 1 || one.Params[Run] != nil {
		t.Error("a record of the caller was changed")
	}
}

// Points are named by what tells them apart, and no two alike.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name string
		keys [][]string
		want []string
	}{
		{"one", [][]string{{"p4e", "0.8", "l1", ""}}, []string{"the only point"}},
		{"what all others share is left out", [][]string{{"dense", "", "", ""}, {"p4e", "0.5", "l1", ""}, {"p4e", "0.8", "l1", ""}},
			[]string{"dense", "p4e, ratio 0.5", "p4e, ratio 0.8"}},
		{"unless it tells points apart", [][]string{{"p4e", "0.8", "", ""}, {"p4e", "0.8", "l1", ""}}, []string{"no importance", "importance l1"}},
		{"whole paths where the ends are alike", [][]string{{"p4e", "0.8", "", "0.1"}, {"p4e", "0.5", "", "0.2"}},
			[]string{"prune.ratio 0.8, prune.tiles.ratio 0.1", "prune.ratio 0.5, prune.tiles.ratio 0.2"}},
	} {
		name := namer([]string{"prune.scheme", "prune.ratio", "prune.importance", "prune.tiles.ratio"}, c.keys)
		for i, k := range c.keys {
			if got := name(k); got != c.want[i] {
				t.Errorf("%s: %q, want %q", c.name, got, c.want[i])
			}
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		metric   string
		old, new float64
		want     string
	}{
		{"latency.evaluate", 2, 1, "-50.00 %"},
		{"latency.evaluate", 1, 1.5, "+50.00 %"},
		{"latency.evaluate", 1, 1, "0"},
		{"bytes_up", 0, 1, "?"},
		{"tiles.density", 0.5, 0.4, "-10.00 points"},
		{"quality.precision_bits", 17, 18.5, "+1.5 bits"},
	} {
		m, err := record.Lookup(c.metric)
		if err != nil {
			t.Fatal(err)
		}
		if got := change(m, c.old, c.new); got != c.want {
			t.Errorf("%s %g → %g: %q, want %q", c.metric, c.old, c.new, got, c.want)
		}
	}
}
