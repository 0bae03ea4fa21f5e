package plots

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/record"
)

// rowNames lists the rows from top to bottom.
func rowNames(c *chart) string {
	var all []string
	for _, tick := range c.x.ticks {
		all = append(all, tick.Label)
	}
	return strings.Join(all, "; ")
}

func TestRowsOfADotChart(t *testing.T) {
	all := ablation()
	turned := slices.Clone(all)
	slices.Reverse(turned)
	undense := slices.DeleteFunc(slices.Clone(all), func(r *record.Record) bool { return r.Label == "dense" })
	const rows = "joint; no lasso; order: none; order: sort; order: kmeans; importance: l1; importance: activation; " +
		"one event, no lasso; restarts, no lasso; equal share of layers; budget: time; with distillation"
	back := strings.Split(rows, "; ")
	slices.Reverse(back)
	tests := []struct {
		name         string
		rows, facet  string
		records      record.Set
		legend, want string
		panels       string
		levels, each int // of a panel; points of each row
	}{
		{"labels", "label", "prune.ratio", all, "[mean of joint]; [dense]", rows, "ratio 0.85; ratio 0.92", 1, 1},
		{"the order is that of the records", "label", "prune.ratio", turned, "[mean of with distillation]; [dense]", strings.Join(back, "; "), "ratio 0.85; ratio 0.92", 1, 1},
		{"dense is never a row among others", "label", "tile", all, "[dense]", rows, "tile 16x16x1", 1, 2},
		{"no dense", "label", "", undense, "", rows, "", 0, 2},
		{"dense alone", "label", "", all[:3], "[mean of dense]", "dense", "", 0, 1},
		{"several parameters", "label,tile", "", all[3:6], "[mean of joint, tile 16x16x1]", "joint, tile 16x16x1", "", 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := mustReduce(t, Figure{ID: "f", X: "quality.plain", Rows: test.rows, Facet: test.facet}, test.records)
			if got := legendNames(c); got != test.legend {
				t.Errorf("legend %q, want %q", got, test.legend)
			}
			if got := rowNames(c); got != test.want {
				t.Errorf("rows %q, want %q", got, test.want)
			}
			var titles []string
			for _, p := range c.panels {
				titles = append(titles, p.title)
				levels := 0
				for _, cv := range p.curves {
					switch {
					case cv.baseline:
						levels++
					case len(cv.points) != test.each:
						t.Errorf("panel %q: %d points in a row, want %d", p.title, len(cv.points), test.each)
					}
				}
				if levels != test.levels {
					t.Errorf("panel %q: %d levels, want %d", p.title, levels, test.levels)
				}
			}
			if got := strings.Join(titles, "; "); got != test.panels {
				t.Errorf("panels %q, want %q", got, test.panels)
			}
		})
	}
}

func TestDotsAreTheSeedsAndTheirMean(t *testing.T) {
	all := record.Set{
		one(0.5, 10, map[string]any{"train.seed": 1, "prune.search": "joint"}),
		one(0.5, 40, map[string]any{"train.seed": 2, "prune.search": "joint"}),
		one(0.5, 5, map[string]any{"train.seed": 1, "prune.search": "none", "prune.ratio": 0.5}),
		one(0.5, 6, map[string]any{"train.seed": 1, "prune.search": "none", "prune.ratio": 0.6}),
	}
	c := mustReduce(t, Figure{ID: "f", X: "latency.evaluate", Rows: "prune.search"}, all)
	curves := c.panels[0].curves
	first := curves[0].points[0]
	if diff := cmp.Diff([]float64{10, 40}, first.values); diff != "" || first.y != (span{25, 10, 40}) || !curves[0].reference {
		t.Errorf("first row: %+v %s", first, diff)
	}
	// What differs in more than the seed is not averaged, and lies apart in its row.
	second := curves[1].points
	if len(second) != 2 || second[0].x == second[1].x || math.Abs(second[0].x.mean-1) > 0.5 || math.Abs(second[1].x.mean-1) > 0.5 || curves[1].reference {
		t.Errorf("second row: %+v", second)
	}
	if want := []string{"Mean and range of 1 to 2 seeds, which are hollow.", "Points of one row differ in prune.ratio."}; !slices.Equal(c.notes, want) {
		t.Errorf("notes %q, want %q", c.notes, want)
	}
	across, up := c.axes()
	if !strings.HasPrefix(across.label, "Evaluation time") || up.label != "" || !up.down {
		t.Errorf("axes %q and %q", across.label, up.label)
	}
}

// A row whose points failed stays out, and the next one is then what the others are compared with, by name.
func TestFirstRowWithoutResult(t *testing.T) {
	all := with(ablation(), func(_ int, r *record.Record) {
		if r.Label == "joint" {
			r.Status = record.Timeout
		}
	})
	c := mustReduce(t, Figure{ID: "f", X: "quality.plain", Rows: "label", Facet: "prune.ratio"}, all)
	if got := legendNames(c); got != "[mean of no lasso]; [dense]" || !slices.Contains(c.notes, "6 points without a result left out.") {
		t.Errorf("legend %q, notes %q", got, c.notes)
	}
}

func TestDotChartsAreValidAndReproducible(t *testing.T) {
	all := ablation()
	insecure := with(all, func(_ int, r *record.Record) {
		r.HE, r.Warnings = &record.HE{Insecure: true}, []string{record.BusyWarning + "times are unreliable"}
	})
	long := with(all, func(_ int, r *record.Record) { r.Label = strings.Repeat(r.Label+" ", 9) })
	tests := []struct {
		name    string
		figure  Figure
		records record.Set
		notes   string
	}{
		{"quality", Figure{ID: "ablation", X: "quality.plain", Rows: "label", Facet: "prune.ratio"}, all, "3 seeds"},
		{"log within a range", Figure{ID: "log", X: "quality.plain", Rows: "label", Facet: "prune.ratio", XAxis: Axis{"log", []float64{0.95, 0.98}}}, all, "Arrows: 6 points"},
		{"insecure on a busy machine", Figure{ID: "time", X: "latency.evaluate", Rows: "label"}, insecure, "75 points measured on a busy machine"},
		{"long names", Figure{ID: "long", X: "tiles.density", Rows: "label,tile", Facet: "prune.ratio"}, long, "3 seeds"},
		{"one point", Figure{ID: "one", X: "tiles.density", Rows: "label"}, all[3:4], ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := mustReduce(t, test.figure, test.records)
			if got := strings.Join(c.notes, " "); !strings.Contains(got, test.notes) {
				t.Errorf("notes %q, want %q", got, test.notes)
			}
			first, err := test.figure.files(test.records, coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, first)
			second, err := test.figure.files(test.records, coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, first, second)
		})
	}
}

// Rows with dense networks of their own are compared with these, within the row, and not with the first row.
func TestRowsHaveTheirOwnDenseNetworks(t *testing.T) {
	var all record.Set
	for i, tile := range []string{"8x8x4", "16x16x1"} {
		all = append(all, one(1, float64(10+i), map[string]any{"tile": tile, "prune.scheme": "dense"}), one(0.5, float64(5+i), map[string]any{"tile": tile, "prune.scheme": "joint"}))
	}
	c := mustReduce(t, Figure{ID: "f", X: "latency.evaluate", Rows: "tile"}, all)
	curves := c.panels[0].curves
	if got := legendNames(c); got != "[dense]" || len(curves) != 4 {
		t.Fatalf("legend %q, %d curves: want a level and a row twice", got, len(curves))
	}
	for i, name := range []string{"8x8x4", "16x16x1"} {
		level, row := curves[2*i], curves[2*i+1]
		from, to := c.reach(level)
		if line := c.level(level); line[0] != c.at(from, float64(10+i)) || line[1] != c.at(to, float64(10+i)) {
			t.Errorf("%s: the level is drawn from %v to %v", name, line[0], line[1])
		}
		if level.name != name+", dense" || !level.baseline || level.points[0].y.mean != float64(10+i) || from != float64(i)-0.4 || to != float64(i)+0.4 {
			t.Errorf("%s: level %q of %v from %g to %g", name, level.name, level.points[0].y, from, to)
		}
		if row.name != name || row.reference || row.points[0].y.mean != float64(5+i) {
			t.Errorf("%s: row %q of %v", name, row.name, row.points[0].y)
		}
	}
	// A row is missing in each panel, and dense networks are asked only of those that are there.
	for i, tile := range []string{"8x8x4", "32x32x1"} {
		all = append(all, one(1, 20, map[string]any{"tile": tile, "prune.scheme": "dense", "he.weights": "plain"}),
			one(0.5, float64(7+i), map[string]any{"tile": tile, "prune.scheme": "joint", "he.weights": "plain"}))
	}
	for _, r := range all[:4] {
		r.Params["he.weights"] = "encrypted"
	}
	parted := mustReduce(t, Figure{ID: "f", X: "latency.evaluate", Rows: "tile", Facet: "he.weights"}, all)
	for _, p := range parted.panels {
		for _, cv := range p.curves {
			if cv.reference || cv.baseline && cv.reach == nil {
				t.Errorf("panel %s: %q runs through all rows", p.title, cv.name)
			}
		}
	}
	all = all[:4]
	if c := mustReduce(t, Figure{ID: "f", X: "latency.evaluate", Rows: "tile"}, all[1:]); len(c.panels[0].curves) != 3 || !c.panels[0].curves[1].reference {
		t.Errorf("a row without a dense network of its own: %+v", c.panels[0].curves)
	}
}
