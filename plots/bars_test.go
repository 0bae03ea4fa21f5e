package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hepex/harness/record"
)

// layered makes records of two networks with times by layer, of two seeds each, and one of a dense network.
func layered() record.Set {
	var all record.Set
	add := func(scheme string, ratio float64, seed int, seconds ...float64) {
		r := one(1, 0, map[string]any{"prune.scheme": scheme, "train.seed": seed, "tile": "8x8x128"})
		if ratio > 0 {
			r.Params["prune.ratio"] = ratio
		}
		for i, s := range seconds {
			name := fmt.Sprintf("fc%d", i+1)
			if i < len(seconds)-1 {
				name = fmt.Sprintf("conv%d", i+1)
			}
			r.Latency.PerLayer = append(r.Latency.PerLayer, record.LayerTime{Name: name, Seconds: s})
		}
		all = append(all, r)
	}
	add("dense", 0, 1, 0.4, 0.3, 0.1)
	for seed := 1; seed <= 2; seed++ {
		add("p4e", 0.5, seed, 0.2*float64(seed), 0.1, 0.05)
		add("joint", 0.5, seed, 0.1, 0.05)
		add("joint", 0.8, seed, 0.05, 0.02)
	}
	return all
}

func TestBarsOfLayers(t *testing.T) {
	fig := Figure{ID: "f", X: record.PerLayer, Rows: "prune.scheme"}
	c := mustReduce(t, fig, layered())
	if got := legendNames(c); got != "conv1; conv2; fc2; fc3" {
		t.Errorf("legend %q", got)
	}
	if got := rowNames(c); got != "dense; p4e; joint" {
		t.Errorf("rows %q: a dense network has a row of its own", got)
	}
	var got []string
	for _, b := range c.panels[0].bars {
		ends := make([]int, len(b.ends))
		for i, e := range b.ends {
			ends[i] = int(math.Round(e))
		}
		got = append(got, fmt.Sprintf("%.2f %v", b.at, ends))
	}
	// In ms; a layer that a network lacks adds nothing. Seeds are one bar; ratios are two, beside each other.
	want := []string{"0.00 [400 700 700 800]", "1.00 [300 400 400 450]", "1.82 [50 50 70 70]", "2.17 [100 100 150 150]"}
	if !slices.Equal(got, want) {
		t.Errorf("bars %q, want %q", got, want)
	}
	wantNotes := []string{"Mean and range of 1 to 2 seeds.", "Points of one row differ in prune.ratio."}
	if !slices.Equal(c.notes, wantNotes) || c.y.min != 0 || c.y.label != "Evaluation time by layer (ms)" {
		t.Errorf("notes %q, axis %q from %g", c.notes, c.y.label, c.y.min)
	}
	if pt := c.panels[0].curves[1].points[0]; math.Abs(pt.y.low-350) > 1e-9 || math.Abs(pt.y.high-550) > 1e-9 {
		t.Errorf("range of the sum: %g to %g, want 350 to 550", pt.y.low, pt.y.high)
	}
}

// A bar is as long as the mean of the sums, though only one of the seeds has a layer.
func TestBarEndsAtTheMean(t *testing.T) {
	all := layered()
	for _, r := range all {
		if r.Params["prune.scheme"] == "p4e" && r.Params["train.seed"] == 2 {
			r.Latency.PerLayer = r.Latency.PerLayer[:2]
		}
	}
	c := mustReduce(t, Figure{ID: "f", X: record.PerLayer, Rows: "prune.scheme"}, all)
	p := c.panels[0]
	if end, sum := slices.Max(p.bars[1].ends), p.curves[1].points[0].y.mean; math.Abs(end-sum) > 1e-9 {
		t.Errorf("the bar ends at %g ms, want %g", end, sum)
	}
}

func TestBarsAreValidAndReproducible(t *testing.T) {
	for name, fig := range map[string]Figure{
		"rows":           {ID: "rows", X: record.PerLayer, Rows: "prune.scheme,prune.ratio"},
		"panels":         {ID: "panels", X: record.PerLayer, Rows: "prune.scheme", Facet: "prune.ratio"},
		"within a range": {ID: "range", X: record.PerLayer, Rows: "prune.scheme", XAxis: Axis{Range: []float64{0, 0.3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, err := fig.files(layered(), coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, first)
			second, err := fig.files(layered(), coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, first, second)
		})
	}
}

func TestBarsRefused(t *testing.T) {
	rows := Figure{ID: "f", X: record.PerLayer, Rows: "prune.scheme"}
	for _, c := range []struct {
		change  func(f *Figure)
		records record.Set
		want    string
	}{
		{func(f *Figure) { f.XAxis.Scale = "log" }, layered(), "bars begin at 0; want linear"},
		{func(f *Figure) { f.XAxis.Range = []float64{0.1, 1} }, layered(), "bars begin at 0; want [0"},
		{func(f *Figure) { f.Rows, f.Y = "", record.PerLayer }, layered(), `no metric "latency.per_layer"`},
		{func(*Figure) {}, record.Set{one(0.5, 1, map[string]any{"prune.scheme": "p4e"})}, "no record has latency.per_layer"},
	} {
		f := rows
		c.change(&f)
		if _, err := reduce(f, c.records); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", f, err, c.want)
		}
	}
}

// A table has the time of a layer as it has any other number.
func TestTableOfALayer(t *testing.T) {
	g, err := Table{ID: "t", Rows: "prune.scheme", Cells: []string{"latency.per_layer.conv2"}}.grid(layered(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.header, g.rows); got != "[prune.scheme Time of conv2] [[dense 300 ms] [p4e 100.0 ± 0.0 ms] [joint -]]" {
		t.Error(got)
	}
}
