package plots

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/harness/record"
)

// saving is a dense network and two that are pruned, at two tile shapes of which the second takes ten times as long.
func saving() record.Set {
	var all record.Set
	for tile, factor := range map[string]float64{"8x8x64": 1, "16x16x16": 10} {
		for density, seconds := range map[float64]float64{1: 4, 0.5: 2.5, 0.25: 2} {
			params := map[string]any{"prune.scheme": "p4e", "prune.ratio": 1 - density, "tile": tile}
			if density == 1 {
				params = map[string]any{"prune.scheme": "dense", "tile": tile}
			}
			r := one(density, seconds*factor, params)
			r.Quality = &record.Quality{Metric: "accuracy", Plain: 0.9 + 0.05*density}
			r.Latency.EvaluatePerImage = seconds * factor / 64
			r.Point = tile + params["prune.scheme"].(string)
			all = append(all, r)
		}
	}
	return all
}

func TestProportionalGuideAndBands(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", Series: scheme, Facet: "tile", Guide: Proportional,
		Bands: []Band{{X: []float64{0.35, 0.67}, Share: []float64{0.65, 0.9}, Label: "paper"}, {X: []float64{0.1, 0.2}, Y: []float64{1, 60}, Label: "ours"}}}
	c := mustReduce(t, fig, saving())
	if got, want := legendNames(c), "dense; p4e; paper; ours; [in proportion]"; got != want {
		t.Errorf("legend %q, want %q", got, want)
	}
	for i, dense := range []float64{4, 40} {
		p := c.panels[i]
		if len(p.guides) != 1 || len(p.bands) != 2 {
			t.Fatalf("panel %q: %d guides, %d bands", p.title, len(p.guides), len(p.bands))
		}
		for _, at := range p.guides[0].xys {
			if math.Abs(at.Y-dense*at.X/100) > 1e-9 {
				t.Fatalf("panel %q: the guide passes %v", p.title, at)
			}
		}
		want := []area{{[2]float64{35, 67}, [2]float64{0.65 * dense, 0.9 * dense}, 0}, {[2]float64{10, 20}, [2]float64{1, 60}, 1}}
		if diff := cmp.Diff(want, p.bands, cmp.AllowUnexported(area{}), cmp.Comparer(near)); diff != "" {
			t.Error(diff)
		}
	}
	fig.Guide = ""
	slower := with(where(saving(), scheme, "dense"), func(_ int, r *record.Record) {
		l := *r.Latency
		l.EvaluateMedian *= 1.5
		r.Latency, r.Params = &l, map[string]any{"prune.scheme": "dense", "tile": r.Params["tile"], "train.seed": 2}
	})
	bands := mustReduce(t, fig, append(saving(), slower...)) // of a mean over seeds; and the dense network keeps its place in x
	if got, want := legendNames(bands), "dense; p4e; paper; ours"; got != want {
		t.Errorf("legend %q, want %q", got, want)
	}
	if got, want := bands.panels[0].bands[0].y, [2]float64{0.65 * 5, 0.9 * 5}; !near(got[0], want[0]) || !near(got[1], want[1]) {
		t.Errorf("a share of the mean of two seeds: %v, want %v", got, want)
	}
	fig.Guide = Proportional
	if !c.y.has(60) {
		t.Errorf("the axis ends at %g, before a band", c.y.max)
	}
	fig.Y, fig.Bands = "latency.throughput", nil
	c = mustReduce(t, fig, saving())
	for _, at := range c.panels[0].guides[0].xys {
		if math.Abs(at.Y*at.X/100-16) > 1e-9 {
			t.Fatalf("throughput: the guide passes %v", at)
		}
	}
	fig.Where = []config.Condition{{Ref: config.Ref{Name: scheme}, Value: "p4e"}}
	if c := mustReduce(t, fig, saving()); len(c.panels[0].guides) != 1 {
		t.Error("points of one scheme: no guide")
	}
	fig.Where, fig.Pareto, fig.Y = nil, true, "quality.plain"
	fig.Bands = []Band{{X: []float64{0.35, 0.67}, Share: []float64{0.65, 0.9}, Label: "paper"}, {X: []float64{0.1, 0.2}, Y: []float64{1, 60}, Label: "ours"}}
	c = mustReduce(t, fig, where(saving(), scheme, "p4e"))
	if !slices.Contains(c.notes, "No dense network to compare with.") || legendNames(c) != "p4e; ours; [Pareto front]" {
		t.Errorf("without a dense network: notes %q, legend %q", c.notes, legendNames(c))
	}
	fig.XAxis.Scale, fig.YAxis.Scale, fig.Bands[1].X, fig.Bands[1].Y = "log", "log", []float64{0, 0.2}, []float64{-1, 60}
	if files, err := fig.files(saving(), coarse); err != nil {
		t.Errorf("a band that begins at 0, on log axes: %v", err)
	} else {
		checkFiles(t, files)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(a) }

func TestEqualGuide(t *testing.T) {
	all := with(saving(), func(_ int, r *record.Record) {
		r.Predicted = &record.Predicted{Evaluate: r.Latency.EvaluateMedian / 2000}
	})
	c := mustReduce(t, Figure{ID: "f", X: "latency.evaluate", Y: "predicted.evaluate_s", Guide: Equal, YAxis: Axis{Range: []float64{0, 0.05}}}, all)
	for _, at := range c.panels[0].guides[0].xys {
		if at.X*1000 > at.Y*(1+1e-9) || at.X*1000 < at.Y*(1-1e-9) { // s and ms
			t.Fatalf("the guide passes %v", at)
		}
	}
	if c.legend[0].name != "equal" {
		t.Errorf("legend %+v", c.legend)
	}
}

func TestParetoFront(t *testing.T) {
	at := func(x, y float64) point { return point{x: span{mean: x}, y: span{mean: y}} }
	all := []point{at(3, 30), at(1, 10), at(2, 5), at(2, 20), at(4, 30), at(5, 40), at(1, 9)}
	ends := func(front []point) (xys [][2]float64) {
		for _, pt := range front {
			xys = append(xys, [2]float64{pt.x.mean, pt.y.mean})
		}
		return xys
	}
	tests := []struct {
		x, y record.Direction
		want [][2]float64
	}{
		{record.Lower, record.Higher, [][2]float64{{1, 10}, {2, 20}, {3, 30}, {5, 40}}},
		{record.Lower, record.Lower, [][2]float64{{1, 9}, {2, 5}}},
		{record.Higher, record.Higher, [][2]float64{{5, 40}}},
		{record.Higher, record.Lower, [][2]float64{{5, 40}, {4, 30}, {2, 5}}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, ends(paretoFront(all, test.x, test.y))); diff != "" {
			t.Errorf("%v, %v: %s", test.x, test.y, diff)
		}
	}
	fig := Figure{ID: "f", X: "latency.evaluate", Y: "quality.plain", Series: scheme, Facet: "tile", Pareto: true, Markers: true}
	c := mustReduce(t, fig, saving())
	if got, want := legendNames(c), "dense; p4e; [Pareto front]"; got != want {
		t.Errorf("legend %q, want %q: a dense network has a place among the points", got, want)
	}
	steps := c.panels[0].guides[0].xys
	if len(steps) != 5 || steps[0].X != 2 || steps[1].X != 2.5 || steps[1].Y != steps[0].Y || steps[4].X != 4 {
		t.Errorf("steps %v", steps)
	}
}

func TestWhereAndLabels(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", Series: scheme, Facet: "tile", Title: "Where",
		Where: []config.Condition{
			{Ref: config.Ref{Name: "tile"}, Value: "8x8x64"},
			{Ref: config.Ref{Name: "tiles.density"}, Op: "<", Limit: 0.4},
		},
		Labels: map[string]string{"p4e": "P4E", "8x8x64": "small tiles", "latency.evaluate": "Latency"}}
	c := mustReduce(t, fig, saving())
	if legendNames(c) != "P4E" || len(c.panels) != 1 || c.panels[0].title != "small tiles" || c.y.label != "Latency (s)" || len(c.panels[0].curves[0].points) != 1 {
		t.Errorf("legend %q, panels %+v, axis %q", legendNames(c), c.panels, c.y.label)
	}
	want := "Where. Latency (s) over Density (%), a series for each prune.scheme, a panel for each tile. Only points with tile 8x8x64 and tiles.density < 0.4.\n"
	if got := c.caption(fig); got != want {
		t.Errorf("caption %q, want %q", got, want)
	}
	fig.Where[1].Limit = 0
	if _, err := reduce(fig, saving()); err == nil || err.Error() != "no point with a result has tile 8x8x64 and tiles.density < 0" {
		t.Errorf("no such point: %v", err)
	}
}

// What a scheme ignores is not what it was told to leave out.
func TestWhatDoesNotApply(t *testing.T) {
	all := record.Set{
		one(0.2, 1, map[string]any{scheme: "p4e", "prune.permutation": "none"}),
		one(0.3, 1, map[string]any{scheme: "p4e", "prune.permutation": "kmeans"}),
		one(0.1, 1, map[string]any{scheme: "joint"}),
	}
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", Series: "prune.permutation"}
	if got, want := legendNames(mustReduce(t, fig, all)), "permutation n/a (joint); permutation kmeans; permutation none"; got != want {
		t.Errorf("legend %q, want %q", got, want)
	}
	rows := Figure{ID: "f", X: "tiles.density", Rows: "prune.permutation"}
	if got, want := newNaming([]string{scheme, "prune.permutation"}, nil, all).of([]string{"dense", ""}), "dense"; got != want {
		t.Errorf("a network that is not pruned is called %q, want %q", got, want)
	}
	if got, want := newNaming([]string{scheme, "prune.permutation", "tile"}, nil, all).of([]string{"joint", "", ""}), "joint, tile n/a"; got != want {
		t.Errorf("a scheme that has no such parameter is called %q, want %q", got, want)
	}
	if got, want := rowNames(mustReduce(t, rows, all)), "none; kmeans; permutation n/a (joint)"; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	g, err := Table{ID: "t", Rows: scheme, Cols: "prune.permutation", Cells: []string{"tiles.density"}}.grid(all, false)
	if err != nil || g.header[1] != "permutation n/a (joint): Density" {
		t.Errorf("header %q, %v", g.header, err)
	}
}

func TestDataHasThePointIDs(t *testing.T) {
	fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", Series: scheme, Facet: "tile"}
	seeds := record.Set{
		one(0.2, 10, map[string]any{scheme: "p4e", "train.seed": 1, "tile": "8x8x64"}),
		one(0.4, 20, map[string]any{scheme: "p4e", "train.seed": 2, "tile": "8x8x64"}),
		one(1, 50, map[string]any{scheme: "dense", "train.seed": 1, "tile": "8x8x64"}),
	}
	for i, r := range seeds {
		r.Point = string(rune('c' - i))
	}
	files, err := fig.files(seeds, coarse)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(files[3].content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		strings.Split("panel,series,tiles.density,tiles.density least,tiles.density greatest,latency.evaluate,latency.evaluate least,latency.evaluate greatest,seeds,points", ","),
		{"tile 8x8x64", "dense", "", "", "", "50", "50", "50", "1", "a"},
		{"tile 8x8x64", "p4e", "0.30000000000000004", "0.2", "0.4", "15", "10", "20", "2", "b c"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	// The spread in x is drawn, too.
	c := mustReduce(t, fig, seeds)
	if bars := c.whiskers(c.panels[0].curves[1]); len(bars) != 2 {
		t.Errorf("%d kinds of whiskers, want those in x and in y", len(bars))
	}
}
