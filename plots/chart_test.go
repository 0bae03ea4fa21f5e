package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/record"
)

func mustReduce(t *testing.T, fig Figure, records record.Set) *chart {
	t.Helper()
	c, err := reduce(fig, records)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// legendNames lists the series, those that are levels in brackets.
func legendNames(c *chart) string {
	var all []string
	for _, e := range c.legend {
		if e.line && !e.marker {
			e.name = "[" + e.name + "]"
		}
		all = append(all, e.name)
	}
	return strings.Join(all, "; ")
}

func TestChartHasTheSeriesAndPanelsAskedFor(t *testing.T) {
	all := experiment()
	tests := []struct {
		name, x, y, series, facet string
		legend, panels            string
		points                    int // of the last curve of the first panel
	}{
		{"schemes", "tiles.density", "quality.plain", scheme, "tile",
			"[dense]; p2t; p3; p3e; p4; p4e", "tile 8x8x128; tile 16x16x32", 6},
		{"two parameters", "tiles.density", "latency.evaluate", "he.weights,tile", "",
			"weights encrypted, tile 8x8x128; weights encrypted, tile 16x16x32; weights plain, tile 8x8x128; weights plain, tile 16x16x32", "", 31},
		{"dense has no ratio", "prune.ratio", "latency.evaluate", "he.weights", scheme,
			"[weights encrypted, dense]; [weights plain, dense]; weights encrypted; weights plain", "p2t; p3; p3e; p4; p4e", 12},
		{"seeds apart", "tiles.density", "quality.plain", "train.seed", "tile", "seed 1; seed 2", "tile 8x8x128; tile 16x16x32", 31},
		{"no series", "tiles.density", "quality.plain", "", "tile", "", "tile 8x8x128; tile 16x16x32", 31},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := mustReduce(t, Figure{ID: "f", X: test.x, Y: test.y, Series: test.series, Facet: test.facet}, all)
			if got := legendNames(c); got != test.legend {
				t.Errorf("legend %q, want %q", got, test.legend)
			}
			var titles []string
			for _, p := range c.panels {
				titles = append(titles, p.title)
			}
			if got := strings.Join(titles, "; "); got != test.panels {
				t.Errorf("panels %q, want %q", got, test.panels)
			}
			curves := c.panels[0].curves
			if got := len(curves[len(curves)-1].points); got != test.points {
				t.Errorf("%d points, want %d", got, test.points)
			}
			for _, p := range c.panels {
				if !p.curves[0].baseline && strings.Contains(test.legend, "[") {
					t.Errorf("panel %q has no baseline", p.title)
				}
			}
		})
	}
}

// one makes a record with a density, a latency and parameters.
func one(density, seconds float64, params map[string]any) *record.Record {
	return &record.Record{Status: record.OK, Params: params, Tiles: &record.Tiles{Density: density},
		Latency: &record.Latency{EvaluateMedian: seconds}}
}

func TestSeedsAreAveragedAndNothingElse(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate"}
	seeds := record.Set{
		one(0.2, 10, map[string]any{"train.seed": 1, "tile": "a"}),
		one(0.4, 20, map[string]any{"train.seed": 2, "tile": "a"}),
	}
	c := mustReduce(t, fig, seeds)
	got := c.panels[0].curves[0].points
	if len(got) != 1 || math.Abs(got[0].x.mean-30) > 1e-9 || math.Abs(got[0].x.high-40) > 1e-9 || got[0].y != (span{15, 10, 20}) || got[0].seeds() != 2 {
		t.Errorf("two seeds: %+v", got)
	}
	if !slices.Contains(c.notes, "Mean and range of 2 seeds.") {
		t.Errorf("notes %q", c.notes)
	}

	equal := record.Set{one(0.2, 10, map[string]any{"he.weights": "plain"}), one(0.2, 10, map[string]any{"he.weights": "encrypted"})}
	if got := mustReduce(t, fig, equal).panels[0].curves[0].points; len(got) != 1 || got[0].seeds() != 1 {
		t.Errorf("points that coincide: %+v", got)
	}
	means := record.Set{
		one(0.2, 10, map[string]any{"train.seed": 1, "tile": "a"}), one(0.2, 20, map[string]any{"train.seed": 2, "tile": "a"}),
		one(0.2, 14, map[string]any{"train.seed": 1, "tile": "b"}), one(0.2, 16, map[string]any{"train.seed": 2, "tile": "b"}),
	}
	if got := mustReduce(t, fig, means).panels[0].curves[0].points; len(got) != 2 {
		t.Errorf("points whose means coincide, but not their seeds: %+v", got)
	}
}

func TestFailedAndInsecureAreLeftOut(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "quality.plain", Series: scheme, Facet: "tile"}
	insecure := func(r *record.Record) { r.HE = &record.HE{Insecure: true} }
	few := func(i int, r *record.Record) {
		if i < 2 {
			r.Warnings = []string{record.RepeatsWarning + "measure.repeats.max reached"}
		}
	}
	tests := []struct {
		name     string
		change   func(i int, r *record.Record)
		insecure bool
		note     string
	}{
		{"all well", func(int, *record.Record) {}, false, ""},
		{"some failed", func(i int, r *record.Record) {
			if i < 3 {
				r.Status = record.Timeout
			}
		}, false, "3 points without a result left out."},
		{"some insecure", func(i int, r *record.Record) {
			if i == 1 {
				insecure(r)
			}
		}, false, "1 point under insecure parameters left out."},
		{"all insecure", func(_ int, r *record.Record) { insecure(r) }, true, ""},
		{"warnings", func(i int, r *record.Record) {
			if i < 2 {
				r.Warnings = []string{"noisy"}
			}
		}, false, "2 records with warnings."},
		{"busy machine", func(i int, r *record.Record) {
			if i < 2 {
				r.Warnings = []string{record.BusyWarning + "times are unreliable (noise.steal)"}
			}
		}, false, ""},
		{"too few repeats", few, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := mustReduce(t, fig, with(experiment(), test.change))
			if c.insecure != test.insecure {
				t.Errorf("insecure: %t", c.insecure)
			}
			notes := slices.DeleteFunc(c.notes, func(n string) bool { return strings.HasPrefix(n, "Mean") })
			if got := strings.Join(notes, " "); got != test.note {
				t.Errorf("notes %q, want %q", got, test.note)
			}
		})
	}
	fig.Y = "latency.evaluate"
	if notes := mustReduce(t, fig, with(experiment(), few)).notes; !slices.Contains(notes, "2 records with warnings.") {
		t.Errorf("times of too few repeats: notes %q", notes)
	}
}

// Whoever reads a time learns that the machine was busy; whoever reads something else is spared.
func TestBusyMachineIsNoted(t *testing.T) {
	busy := with(experiment(), func(i int, r *record.Record) {
		if i < 3 {
			r.Warnings = []string{record.BusyWarning + "times are unreliable (noise.steal)"}
		}
	})
	const note = "3 points measured on a busy machine"
	for metric, want := range map[string]bool{"latency.evaluate": true, "saved.latency": true, "quality.plain": false, "memory.peak_rss": false} {
		c := mustReduce(t, Figure{ID: "f", X: "tiles.density", Y: metric, Series: scheme, Facet: "tile"}, busy)
		if got := strings.Contains(strings.Join(c.notes, "\n"), note); got != want {
			t.Errorf("figure of %s: notes %q", metric, c.notes)
		}
		g, err := Table{ID: "t", Rows: scheme, Cells: []string{"tiles.density", metric}}.grid(busy, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(g.notes, "\n"), note); got != want {
			t.Errorf("table of %s: notes %q", metric, g.notes)
		}
	}
}

func TestAxisLabelsAndRanges(t *testing.T) {
	all, mse := experiment(), autoencoder()
	tests := []struct {
		metric  string
		records record.Set
		label   string
		log     bool
	}{
		{"tiles.density", all, "Density (%)", false},
		{"quality.plain", all, "Accuracy (%)", false},
		{"quality.plain", mse, "MSE", false},
		{"quality.degradation", all, "Accuracy lost (points)", false},
		{"quality.degradation", mse, "MSE increase (%)", false},
		{"quality.plain", slices.Concat(all[:9], mse[:9]), "Quality", true},
		{"latency.per_image", all, "Time per image (ms)", false},
		{"memory.peak_rss", all, "Peak memory (GiB)", false},
		{"tiles.kept", all, "Tiles kept", true},
		{"prune.ratio", all, "Prune ratio", false},
		{"train.lr", all, "Train lr", false},
	}
	for _, test := range tests {
		c := mustReduce(t, Figure{ID: "f", X: "tiles.density", Y: test.metric}, test.records)
		if c.y.label != test.label || c.y.log != test.log {
			t.Errorf("%s: %q, log %t, want %q, %t", test.metric, c.y.label, c.y.log, test.label, test.log)
		}
	}
}

// Whatever the values, an axis holds them and has a few ticks, with different numbers.
func TestAxesFitTheirValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	units := []record.Unit{record.Number, record.Fraction, record.Seconds, record.Bytes, record.Points}
	for range 2000 {
		m := record.Metric{Name: "m", Unit: units[rng.IntN(len(units))]}
		centre := math.Pow(10, 24*rng.Float64()-12)
		values := []float64{centre, centre * (1 + math.Pow(10, 8*rng.Float64()-6))}
		switch rng.IntN(4) {
		case 0:
			values[0] = 0
		case 1:
			values[0] = -values[0]
		case 2:
			values[1] = values[0]
		}
		given := Axis{Scale: []string{"", "linear", "log"}[rng.IntN(3)]}
		if !given.holds(values[0]) {
			given = Axis{}
		}
		a, err := newAxis(m, given, values)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if v *= a.factor; !(a.min <= v && v <= a.max) || a.min >= a.max || a.log && a.min <= 0 {
				t.Fatalf("%v of %q: axis from %v to %v, log %t", values, m.Unit, a.min, a.max, a.log)
			}
		}
		seen := make(map[string]bool)
		for _, tick := range a.ticks {
			if tick.Label != "" && seen[tick.Label] {
				t.Fatalf("%v of %q: two ticks are numbered %s", values, m.Unit, tick.Label)
			}
			seen[tick.Label] = true
		}
		if delete(seen, ""); len(seen) < 1 || len(seen) > 9 {
			t.Fatalf("%v of %q: ticks %v", values, m.Unit, a.ticks)
		}
	}
}

func TestValuesAreInAReadersOrder(t *testing.T) {
	want := []string{"", "0.5", "0.95", "8x8x128", "16x16x32", "dense", "p2t", "p3", "p3e", "p4", "p4e"}
	got := slices.Clone(want)
	slices.Sort(got)
	tiles := got[:5]
	slices.SortFunc(tiles, compareValues)
	if diff := cmp.Diff(want[:5], tiles); diff != "" {
		t.Error(diff)
	}
	names := slices.Clone(want[5:])
	slices.Sort(names)
	slices.SortFunc(names, compareValues)
	if diff := cmp.Diff(want[5:], names); diff != "" {
		t.Error(diff)
	}
}

func TestLooksDifferAndSchemesKeepTheirs(t *testing.T) {
	print := func(l look) string { return fmt.Sprint(l.color, l.glyph, l.dashes) }
	lists := map[string][][]string{"one": nil, "nested": nil, "many": nil}
	for i := range 24 {
		lists["one"] = append(lists["one"], []string{fmt.Sprint(i)})
		lists["nested"] = append(lists["nested"], []string{fmt.Sprint(i / 4), fmt.Sprint(i % 4)})
		lists["many"] = append(lists["many"], []string{fmt.Sprint(i / 12), fmt.Sprint(i % 12)})
	}
	for name, keys := range lists {
		seen := make(map[string]bool)
		for _, l := range styles(make([]string, len(keys[0])), keys) {
			if seen[print(l)] {
				t.Errorf("%s: two series look alike", name)
			}
			seen[print(l)] = true
		}
	}
	few := styles([]string{scheme}, [][]string{{"p4e"}, {"mine"}})
	all := styles([]string{scheme}, [][]string{{"p2t"}, {"p3"}, {"p3e"}, {"p4"}, {"p4e"}})
	if print(few[0]) != print(all[4]) || print(few[1]) == print(few[0]) {
		t.Errorf("p4e alone looks %s, among others %s", print(few[0]), print(all[4]))
	}
	budgets := styles([]string{scheme, "prune.budget"}, [][]string{{"dense", ""}, {"p4e", ""}, {"joint", "memory"}, {"small", ""}})
	if alone := styles([]string{scheme}, [][]string{{"dense"}, {"p4e"}, {"joint"}, {"small"}}); !reflect.DeepEqual(budgets, alone) {
		t.Errorf("with one budget of one scheme: %v, without %v", budgets, alone)
	}
	both := styles([]string{scheme, "prune.tiles.ratio"}, [][]string{{"p4e", ""}, {"p4e", "0.1"}, {"joint", ""}})
	if print(both[0]) != print(few[0]) || print(both[1]) == print(both[0]) || both[1].color != both[0].color {
		t.Errorf("p4e %s and %s", print(both[0]), print(both[1]))
	}
}

// Nothing disappears in silence: a range keeps points beyond it as arrows, and what a log axis has no place for is counted.
func TestAxesAsAsked(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", XAxis: Axis{Scale: "log"}, YAxis: Axis{Range: []float64{10, 20}}}
	at := func(density, seconds float64, ratio float64) *record.Record {
		return one(density, seconds, map[string]any{"prune.ratio": ratio})
	}
	all := record.Set{at(0.04, 9, 0.9), at(0.1, 10, 0.8), at(0.3, 20, 0.7), at(0.5, 21, 0.6), at(0, 15, 1)}
	c := mustReduce(t, fig, all)
	if !c.x.log || c.y.log || c.y.min != 10 || c.y.max != 20 || c.x.min > 4 || c.x.max < 50 {
		t.Errorf("axes %+v and %+v", c.x, c.y)
	}
	var numbers []string
	for _, tick := range c.x.ticks {
		if tick.Label != "" {
			numbers = append(numbers, tick.Label)
		}
	}
	if diff := cmp.Diff([]string{"5", "10", "20", "50"}, numbers); diff != "" {
		t.Error(diff)
	}
	if got := c.beyond(c.panels[0].curves[0]); len(got) != 2 || got[0].y.mean != 9 || got[1].y.mean != 21 {
		t.Errorf("beyond the axes: %+v", got)
	}
	want := []string{"1 point at 0 or below left out, as an axis is log.", "Arrows: 2 points beyond the axes."}
	if diff := cmp.Diff(want, c.notes); diff != "" {
		t.Error(diff)
	}
	if c := mustReduce(t, Figure{ID: "f", X: "tiles.kept", Y: "quality.plain", XAxis: Axis{Scale: "linear"}}, experiment()); c.x.log {
		t.Error("linear is not what was asked for")
	}
}

// A short log axis has numbers enough to be read.
func TestShortLogAxis(t *testing.T) {
	var numbers []string
	for _, tick := range logTicks(14, 90) {
		if tick.Label != "" {
			numbers = append(numbers, tick.Label)
		}
	}
	if diff := cmp.Diff([]string{"20", "30", "50", "70"}, numbers); diff != "" {
		t.Error(diff)
	}
}

// A point beyond the range is an arrow at its mean: its whiskers are not drawn, and take no room.
func TestArrowsTakeNoRoomForWhiskers(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", YAxis: Axis{Range: []float64{10, 20}}}
	all := record.Set{one(0.5, 15, map[string]any{"prune.ratio": 0.5, "train.seed": 1}),
		one(0.2, 30, map[string]any{"prune.ratio": 0.8, "train.seed": 1}), one(0.9, 40, map[string]any{"prune.ratio": 0.8, "train.seed": 2})}
	if c := mustReduce(t, fig, all); c.x.max > 80 {
		t.Errorf("x reaches %g, the points 55", c.x.max)
	}
	fig.YAxis.Range[1] = 50
	if c := mustReduce(t, fig, all); c.x.max < 90 {
		t.Errorf("x reaches %g, the whiskers 90", c.x.max)
	}
}

// A range that is wide enough for a log axis is linear where values are not positive, for these have no place on it.
func TestRangeOverZeroIsLinear(t *testing.T) {
	a, err := newAxis(record.Metric{Unit: record.Seconds}, Axis{Range: []float64{1, 1000}}, []float64{0, 500})
	if err != nil || a.log {
		t.Errorf("%+v, %v", a, err)
	}
}

// A whisker may reach values that a log axis has no place for; then it leaves the axis.
func TestWhiskerBelowALogAxis(t *testing.T) {
	all := record.Set{one(0.2, 0, map[string]any{"train.seed": 1}), one(0.4, 20, map[string]any{"train.seed": 2})}
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", YAxis: Axis{Scale: "log"}}
	pt := mustReduce(t, fig, all).panels[0].curves[0].points[0]
	if !(0 < pt.y.low && pt.y.low < pt.y.mean) {
		t.Errorf("%+v", pt)
	}
	if files, err := fig.files(all, coarse); err != nil {
		t.Error(err)
	} else {
		checkFiles(t, files)
	}
	rows := Figure{ID: "f", X: "latency.evaluate", Rows: "label", XAxis: Axis{Scale: "log"}}
	if _, err := rows.files(with(all, func(_ int, r *record.Record) { r.Label = "a" }), coarse); err != nil {
		t.Error(err)
	}
}
