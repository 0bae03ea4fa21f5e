package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hepex/harness/config"
	"hepex/harness/record"
)

// measured is a record of 100 tiles with the least that tells points apart.
func measured(scheme string, seed int, lost float64, kept int) *record.Record {
	return &record.Record{
		Point:  fmt.Sprint(scheme, seed, lost, kept),
		Status: record.OK, Params: map[string]any{"prune.scheme": scheme, "prune.ratio": float64(kept) / 1000, "train.seed": seed, "tile": "8x8x64"},
		Quality: &record.Quality{Metric: "accuracy", ValidationDegradation: lost, Degradation: lost},
		Tiles:   &record.Tiles{Total: 100, Kept: kept, Density: float64(kept) / 100},
		HE:      &record.HE{},
	}
}

// experiment is p4e and joint for three seeds, and the dense network. At most 0.025 lost leaves of p4e 90, 60 and 45 tiles
// for seed 1, 50 for seed 2 and 55 for seed 3; of joint 18, 25 and 11.
func experiment() record.Set {
	set := record.Set{
		measured("p4e", 1, 0, 90), measured("p4e", 1, 0.01, 60), measured("p4e", 1, 0.02, 45), measured("p4e", 1, 0.03, 30),
		measured("p4e", 2, 0.025, 50), measured("p4e", 2, 0.026, 20),
		measured("p4e", 3, -0.001, 55),
		measured("joint", 1, 0.02, 18), measured("joint", 2, 0.01, 25), measured("joint", 3, 0.025, 11), measured("joint", 3, 0.1, 2),
	}
	for seed := 1; seed <= 3; seed++ {
		dense := measured("dense", seed, 0, 100)
		delete(dense.Params, "prune.ratio")
		set = append(set, dense)
	}
	return set
}

// with changes copies of the records.
func with(set record.Set, change func(r *record.Record)) record.Set {
	var changed record.Set
	for _, r := range set {
		c := *r
		c.Params = map[string]any{}
		for name, v := range r.Params {
			c.Params[name] = v
		}
		change(&c)
		changed = append(changed, &c)
	}
	return changed
}

func without(set record.Set, drop func(r *record.Record) bool) record.Set {
	return slices.DeleteFunc(slices.Clone(set), drop)
}

func is(scheme string, seeds ...int) func(r *record.Record) bool {
	return func(r *record.Record) bool {
		return r.Params["prune.scheme"] == scheme && (len(seeds) == 0 || slices.Contains(seeds, r.Params["train.seed"].(int)))
	}
}

// expectation reads one entry of an expect section.
func expectation(t *testing.T, entry string) config.Expectation {
	t.Helper()
	c, err := config.Parse("f", []byte(`version: 1
name: test
data: {name: digits}
network: {type: mlp, hidden: [64]}
prune: {scheme: dense}
tile: 8x8x64
expect: [{id: C, `+entry+"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Expect[0]
}

const (
	allowed = `quality.validation_degradation: "<= 0.025"`
	p4e     = `where: {prune.scheme: p4e, ` + allowed + `}, `
	joint   = `where: {prune.scheme: joint, ` + allowed + `}, metric: tiles.kept, reduce: min, `
	rival   = joint + `against: {prune.scheme: p4e}, `
	seeds   = `over: [train.seed], `
)

func TestNumbers(t *testing.T) {
	two := append(experiment(), with(experiment(), func(r *record.Record) { r.Params["tile"] = "4x32x32" })...)
	for _, c := range []struct {
		name    string
		set     record.Set
		entry   string
		values  []float64
		verdict Verdict // missed where a seed has points but no number
	}{
		// Saved of 100: 1 − 45/100, 1 − 50/100, 1 − 55/100.
		{"most saved", experiment(), p4e + seeds + "metric: saved.tiles, reduce: max, paper: [0.33, 0.65]", []float64{0.55, 0.5, 0.45}, Reproduced},
		{"least kept", experiment(), p4e + seeds + "metric: tiles.kept, reduce: min, paper: 52", []float64{45, 50, 55}, Reproduced},
		{"most kept", experiment(), p4e + seeds + "metric: tiles.kept, reduce: max, paper: 60", []float64{90, 50, 55}, Reproduced},
		// (90 + 60 + 45)/3 for seed 1.
		{"mean", experiment(), p4e + seeds + "metric: tiles.kept, reduce: mean, paper: 60", []float64{65, 50, 55}, Reproduced},
		{"median", experiment(), p4e + seeds + "metric: tiles.kept, reduce: median, paper: 60", []float64{60, 50, 55}, Reproduced},
		{"seeds are groups unless named in over", experiment(), p4e + "metric: tiles.kept, reduce: min, paper: 50", []float64{45, 50, 55}, Reproduced},
		{"a numeric parameter", experiment(), p4e + seeds + "metric: prune.ratio, reduce: min, paper: 0.05", []float64{0.045, 0.05, 0.055}, Reproduced},
		{"parameter compared", experiment(), `where: {prune.scheme: p4e, prune.ratio: "< 0.05"}, ` + seeds + "metric: tiles.kept, reduce: max, paper: 30",
			[]float64{45, 20}, Reproduced},
		{"strictly less", experiment(), `where: {prune.scheme: p4e, tiles.density: "< 0.5"}, ` + seeds + "metric: tiles.kept, reduce: max, paper: 30", []float64{45, 20}, Missed},
		{"equal", experiment(), `where: {prune.scheme: p4e, tiles.kept: "== 45"}, metric: tiles.kept, reduce: max, paper: 45`, []float64{45}, Missed},
		{"more", experiment(), `where: {prune.scheme: joint, tiles.kept: ">= 18", tiles.density: ">0.18"}, metric: tiles.kept, reduce: min, paper: 25`, []float64{25}, Missed},
		// 1 − 18/45, 1 − 25/50, 1 − 11/55, mean 0.6333.
		{"rival", experiment(), rival + seeds + "paper: 0.7", []float64{0.6, 0.5, 0.8}, Reproduced},
		{"rival by another limit", experiment(), p4e + `metric: tiles.kept, reduce: min, against: {quality.validation_degradation: "<= 0.01"}, ` + seeds + "paper: 0.12",
			[]float64{0.25, 0}, Missed}, // 1 − 45/60; no p4e point of seed 2; 1 − 55/55
		{"groups", two, p4e + seeds + "metric: saved.tiles, reduce: max, paper: 0.6", []float64{0.55, 0.5, 0.45, 0.55, 0.5, 0.45}, Missed},
		// 45 tiles at 0.02 lost, 50 at 0.025, 55 at none.
		{"the metric of the one that saves most", experiment(), p4e + seeds + "metric: quality.degradation, reduce: max, by: saved.tiles, paper: 0.015", []float64{0.02, 0.025, -0.001}, Reproduced},
		{"of the one that saves least", experiment(), p4e + seeds + "metric: tiles.kept, reduce: max, by: tiles.kept, paper: 65", []float64{90, 50, 55}, Reproduced},
		{"of the one that loses least", experiment(), p4e + seeds + "metric: tiles.kept, reduce: min, by: quality.validation_degradation, paper: 65", []float64{90, 50, 55}, Reproduced},
		{"of all that save as much", append(experiment(), measured("p4e", 1, 0.01, 45)), p4e + seeds + "metric: quality.degradation, reduce: max, by: saved.tiles, paper: 0.013", []float64{0.015, 0.025, -0.001}, Reproduced},
		{"by a metric that none has", experiment(), p4e + seeds + "metric: tiles.kept, reduce: min, by: latency.evaluate, paper: 65", nil, Missed},
		{"the best of all tiles", two, p4e + seeds + "among: [tile], metric: saved.tiles, reduce: max, paper: 0.5", []float64{0.55, 0.5, 0.45}, Reproduced},
		{"the best of all seeds", experiment(), p4e + "among: [train.seed], metric: tiles.kept, reduce: min, goal: 45", []float64{45}, Met},
		{"other tiles are asked for", two, `where: {prune.scheme: joint, tile: 8x8x64}, ` + seeds + "metric: tiles.kept, reduce: min, paper: 14", []float64{18, 25, 2}, Reproduced},
		{"rival of another tile", with(two, func(r *record.Record) {
			if r.Params["tile"] == "4x32x32" {
				r.Tiles = &record.Tiles{Total: 100, Kept: 2 * r.Tiles.Kept}
			}
		}), `where: {prune.scheme: joint, tile: 8x8x64, ` + allowed + `}, metric: tiles.kept, reduce: min, against: {tile: 4x32x32}, ` + seeds + "paper: 0.5",
			[]float64{0.5, 0.5, 0.5}, Reproduced},
		{"nothing allowed", experiment(), `where: {prune.scheme: p4e, tiles.kept: "< 1"}, metric: tiles.kept, reduce: min, paper: 1`, nil, Missed},
		{"no records", nil, rival + "paper: 0.7", nil, Unjudged},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := expectation(t, c.entry)
			got := Evaluate([]config.Expectation{e}, c.set).Results[0]
			if len(got.Values) != len(c.values) {
				t.Fatalf("values %v, want %v", got.Values, c.values)
			}
			for i, v := range c.values {
				if math.Abs(got.Values[i]-v) > 1e-12 {
					t.Errorf("values %v, want %v", got.Values, c.values)
				}
			}
			if got.Verdict != c.verdict {
				t.Errorf("%s, want %s: %+v", got.Verdict, c.verdict, got.Mean)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	got := Evaluate([]config.Expectation{expectation(t, p4e+seeds+"metric: saved.tiles, reduce: max, paper: 0.5")}, experiment()).Results[0].Groups[0].Interval
	// 0.55, 0.5, 0.45: deviation 0.05, t(2, 97.5 %) = 4.30265, so 4.30265·0.05/√3.
	if math.Abs(got.Mean-0.5) > 1e-12 || math.Abs(got.HalfWidth()-0.124207) > 1e-6 {
		t.Errorf("%+v, want 0.5 ± 0.124207", got)
	}
}

func TestGroups(t *testing.T) {
	set := append(experiment(), with(experiment(), func(r *record.Record) {
		r.Params["tile"] = "16x16x16"
		r.Tiles = &record.Tiles{Total: 100, Kept: r.Tiles.Kept/2 + 50}
	})...)
	got := Evaluate([]config.Expectation{expectation(t, p4e+seeds+"metric: saved.tiles, reduce: max, paper: 0.5")}, set).Results[0]
	// Kept for the second tile: 45/2 + 50 = 72, 50/2 + 50 = 75, 55/2 + 50 = 77.
	want := map[string]float64{"tile 16x16x16": (0.28 + 0.25 + 0.23) / 3, "tile 8x8x64": 0.5}
	if len(got.Groups) != len(want) || got.Cases != 6 {
		t.Fatalf("groups %+v of %d cases", got.Groups, got.Cases)
	}
	for _, g := range got.Groups {
		if math.Abs(g.Interval.Mean-want[g.Name]) > 1e-12 || len(g.Values) != 3 {
			t.Errorf("%+v, want %v", g, want)
		}
	}
	// Two tiles are no sample, so there is no interval over them: the mean of all, and from the least to the greatest of a tile.
	var ours []string
	for _, row := range (Report{Results: []Result{got}}).Rows() {
		ours = append(ours, row[3])
	}
	if diff := cmp.Diff([]string{"37.67 % (25.33 % … 50.00 %)", "25.33 ± 6.25 %", "50.00 ± 12.42 %"}, ours); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVerdicts(t *testing.T) {
	const higher, lower, neither = "saved.tiles", "tiles.kept", "tiles.total"
	for _, c := range []struct {
		name, metric string
		low, high    float64
		tolerance    float64
		mean         float64
		want         Verdict
	}{
		{"in the range", higher, 0.33, 0.65, 0, 0.5, Reproduced},
		{"at its end", higher, 0.33, 0.65, 0, 0.33, Reproduced},
		{"at its end but for rounding", higher, 0.1, 0.3, 0, 0.1 + 0.2, Reproduced},
		{"below", higher, 0.33, 0.65, 0, 0.32, Missed},
		{"below, within tolerance", higher, 0.33, 0.65, 0.05, 0.32, Reproduced},
		{"above", higher, 0.33, 0.65, 0, 0.7, Better},
		{"above, where less is better", lower, 33, 65, 0, 70, Missed},
		{"below, where less is better", lower, 33, 65, 0, 30, Better},
		{"above, where neither is better", neither, 33, 65, 0, 70, Missed},
		{"below, where neither is better", neither, 33, 65, 0, 30, Missed},
		{"the number, not quite", higher, 0.7, 0.7, 0, 0.69, Missed},
		{"the number within tolerance", higher, 0.7, 0.7, 0.02, 0.69, Reproduced},
		{"more than the number", higher, 0.7, 0.7, 0, 0.71, Better},
		{"more, within tolerance", higher, 0.7, 0.7, 0.02, 0.71, Reproduced},
		{"tolerance of a negative number", higher, -2, -1, 0.1, -2.1, Reproduced},
	} {
		e := config.Expectation{Metric: config.Ref{Name: c.metric}, Paper: config.Range{Low: c.low, High: c.high}, Tolerance: c.tolerance}
		r := Result{Expectation: e, Of: metric(e, nil)}
		if got := r.judge(c.mean); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A goal is a bound in the direction in which the metric is better, without tolerance; beyond it is no better than at it.
func TestGoals(t *testing.T) {
	for _, c := range []struct {
		metric, goal string
		mean         float64
		want         Verdict
	}{
		{"tiles.kept", "50", 50, Met},
		{"tiles.kept", "50", 20, Met},
		{"tiles.kept", "50", 51, Missed},
		{"tiles.kept", "50, tolerance: 0.1", 51, Met},
		{"saved.tiles", "0.5", 0.6, Met},
		{"saved.tiles", "0.5", 0.48, Missed},
		{"saved.tiles", "[0.5, 0.55]", 0.6, Met},
		{"tiles.total", "[90, 110]", 100, Met},
		{"tiles.total", "[90, 110]", 111, Missed},
	} {
		e := expectation(t, "where: {prune.scheme: dense}, metric: "+c.metric+", reduce: min, goal: "+c.goal)
		r := Result{Expectation: e, Of: metric(e, nil)}
		if got := r.judge(c.mean); got != c.want {
			t.Errorf("%s of %g, goal %s: %s, want %s", c.metric, c.mean, c.goal, got, c.want)
		}
	}
}

// Of 1568 tiles 48 % are 752.64: 753 are as near as it gets, 754 are not; nor is there room in a ratio, or under a strict limit.
func TestHalfATileOfRoom(t *testing.T) {
	tiles := func(kept ...int) record.Set {
		var set record.Set
		for seed, n := range kept {
			r := measured("joint", seed, 0, n)
			r.Tiles = &record.Tiles{Total: 1568, Kept: n, Density: float64(n) / 1568}
			set = append(set, r)
		}
		return set
	}
	const where = `where: {prune.scheme: joint, tiles.density: "`
	for _, c := range []struct {
		entry string
		kept  int
		want  Verdict
	}{
		{"where: {prune.scheme: joint}, metric: tiles.density, reduce: min, goal: 0.48", 753, Met},
		{"where: {prune.scheme: joint}, metric: tiles.density, reduce: min, goal: 0.48", 754, Missed},
		{"where: {prune.scheme: joint}, metric: tiles.zero, reduce: max, goal: 0.52", 753, Met},
		{"where: {prune.scheme: joint}, metric: tiles.zero, reduce: max, goal: 0.52", 754, Missed},
		{"where: {prune.scheme: joint}, metric: tiles.kept, reduce: min, goal: 752.64", 753, Missed},
		{where + `<= 0.48"}, metric: tiles.kept, reduce: min, goal: 753`, 753, Met},
		{where + `<= 0.48"}, metric: tiles.kept, reduce: min, goal: 800`, 754, Missed},
		{where + `< 0.48"}, metric: tiles.kept, reduce: min, goal: 800`, 753, Missed},
		{where + `== 0.48"}, metric: tiles.kept, reduce: min, goal: 800`, 753, Met},
		{where + `>= 0.4805"}, metric: tiles.kept, reduce: min, goal: 800`, 753, Met},
		{where + `>= 0.481"}, metric: tiles.kept, reduce: min, goal: 800`, 753, Missed},
	} {
		report := Evaluate([]config.Expectation{expectation(t, c.entry)}, tiles(c.kept))
		if got := report.Results[0].Verdict; got != c.want {
			t.Errorf("%s: %d tiles: %s, want %s", c.entry, c.kept, got, c.want)
		}
		told := strings.Contains(strings.Join(report.Notes(), " "), "half a tile")
		if want := !strings.Contains(c.entry, "metric: tiles.kept") && c.want == Met; told != want {
			t.Errorf("%s: notes %q", c.entry, report.Notes())
		}
	}
}

// An entry that holds for some tile shapes only is judged by the mean of all, and names both kinds, and the values that by themselves would be
// missed.
func TestPartsAreNamed(t *testing.T) {
	set := append(experiment(), with(experiment(), func(r *record.Record) {
		r.Params["tile"] = "16x16x16"
		r.Tiles = &record.Tiles{Total: 100, Kept: r.Tiles.Kept/2 + 50}
	})...)
	for entry, want := range map[string]struct {
		verdict string
		notes   []string
	}{
		// 0.55, 0.5, 0.45 are saved at 8x8x64; 0.28, 0.25, 0.23 at 16x16x16; the mean is 0.3767.
		"paper: [0.33, 0.65]": {"reproduced (in part)", []string{
			"C holds for tile 8x8x64; not for tile 16x16x16.",
			"C: by themselves, 3 of 6 values would be missed (tile 16x16x16, train.seed 1: 28.00 %; tile 16x16x16, train.seed 2: 25.00 %; tile 16x16x16, train.seed 3: 23.00 %).",
		}},
		"goal: 0.4": {"missed (in part)", []string{"C holds for tile 8x8x64; not for tile 16x16x16."}},
		"goal: 0.6": {"missed", nil},
		"goal: 0.2": {"met", nil},
	} {
		report := Evaluate([]config.Expectation{expectation(t, p4e+seeds+"metric: saved.tiles, reduce: max, "+entry)}, set)
		if got := report.Rows()[0][6]; got != want.verdict {
			t.Errorf("%s: %s, want %s", entry, got, want.verdict)
		}
		if diff := cmp.Diff(want.notes, report.Notes()[1:], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: notes (-want +got):\n%s", entry, diff)
		}
	}
}

// A group of which a seed has no number is missed, however good the others are.
func TestGroupsWithoutAllNumbers(t *testing.T) {
	other := with(experiment(), func(r *record.Record) { r.Params["tile"] = "16x16x16" })
	set := append(experiment(), without(other, func(r *record.Record) bool { return is("p4e", 2)(r) && r.Quality.ValidationDegradation <= 0.025 })...)
	result := Evaluate([]config.Expectation{expectation(t, p4e+seeds+"metric: saved.tiles, reduce: max, goal: 0.4")}, set).Results[0]
	holds, misses := result.Parts()
	if result.Verdict != Missed || !slices.Equal(holds, []string{"tile 8x8x64"}) || !slices.Equal(misses, []string{"tile 16x16x16"}) {
		t.Errorf("%s, holds for %q, not for %q", result.Verdict, holds, misses)
	}
}

// Two seeds far apart have an interval that holds almost anything, and reproduce nothing but their mean.
func TestWideIntervalDoesNotReproduce(t *testing.T) {
	set := record.Set{measured("p4e", 1, 0, 30), measured("p4e", 2, 0, 50)}
	for paper, want := range map[string]Verdict{"90": Better, "10": Missed, "40": Reproduced, "43": Reproduced} {
		got := Evaluate([]config.Expectation{expectation(t, p4e+seeds+"metric: tiles.kept, reduce: min, paper: "+paper)}, set).Results[0]
		if i := got.Groups[0].Interval; got.Verdict != want || i.Low > 0 || i.High < 90 {
			t.Errorf("paper %s: %s, want %s: %+v", paper, got.Verdict, want, i)
		}
	}
}

// Which way is better is that of the metric, of what is saved, or of how quality is measured.
func TestDirection(t *testing.T) {
	accuracy := experiment()
	mse := with(accuracy, func(r *record.Record) { r.Quality = &record.Quality{Metric: "mse"} })
	for _, c := range []struct {
		entry string
		set   record.Set
		want  record.Direction
	}{
		{"where: {prune.scheme: p4e}, metric: quality.plain, reduce: max, paper: 1", accuracy, record.Higher},
		{"where: {prune.scheme: p4e}, metric: quality.plain, reduce: max, paper: 1", mse, record.Lower},
		{"where: {prune.scheme: p4e}, metric: tiles.kept, reduce: max, paper: 1", mse, record.Lower},
		{rival + "paper: 1", mse, record.Higher},
		{"where: {prune.scheme: p4e}, against: {prune.scheme: p3}, metric: saved.tiles, reduce: max, paper: 1", mse, record.Lower},
		{"where: {prune.scheme: p4e}, metric: train.seed, reduce: max, paper: 1", mse, record.Neither},
	} {
		if got := metric(expectation(t, c.entry), c.set).Better; got != c.want {
			t.Errorf("%s: %v, want %v", c.entry, got, c.want)
		}
	}
}
