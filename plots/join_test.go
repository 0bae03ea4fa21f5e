package plots

import (
	"slices"
	"testing"

	"hepex/harness/record"
)

// A line joins points that differ in what x shows, and in their seeds, alone; else there are markers, and a note says what differs.
func TestLinesJoinLike(t *testing.T) {
	at := func(density float64, params map[string]any) *record.Record { return one(density, density, params) }
	p4e := func(density, ratio float64, more ...any) *record.Record {
		params := map[string]any{"prune.scheme": "p4e", "prune.ratio": ratio}
		for i := 0; i < len(more); i += 2 {
			params[more[i].(string)] = more[i+1]
		}
		return at(density, params)
	}
	small := func(density float64, hidden ...any) *record.Record {
		return at(density, map[string]any{"prune.hidden": hidden})
	}
	tests := []struct {
		name    string
		records record.Set
		joined  bool
		note    string
	}{
		{"ratios", record.Set{p4e(0.2, 0.8), p4e(0.4, 0.6)}, true, ""},
		{"seeds", record.Set{p4e(0.2, 0.8, "train.seed", 1), p4e(0.3, 0.8, "train.seed", 2), p4e(0.5, 0.6, "train.seed", 1)}, true, ""},
		{"ratios in step", record.Set{p4e(0.2, 0.8, "prune.tiles.ratio", 0.7), p4e(0.4, 0.6, "prune.tiles.ratio", 0.5)}, true, ""},
		{"ratios that cross", record.Set{p4e(0.2, 0.8, "prune.tiles.ratio", 0.7), p4e(0.4, 0.6, "prune.tiles.ratio", 0.5), p4e(0.5, 0.7, "prune.tiles.ratio", 0.9)},
			false, "prune.ratio, prune.tiles.ratio"},
		{"with epochs", record.Set{p4e(0.2, 0.8, "train.epochs", 2), p4e(0.4, 0.6, "train.epochs", 1)}, false, "prune.ratio, train.epochs"},
		{"permutations", record.Set{p4e(0.2, 0.8, "prune.permutation", "none"), p4e(0.4, 0.6, "prune.permutation", "kmeans")}, false, "prune.permutation, prune.ratio"},
		{"tile shapes", record.Set{p4e(0.2, 0.8, "tile", "8x8x64"), p4e(0.4, 0.8, "tile", "4x32x32")}, false, "tile"},
		{"schemes", record.Set{p4e(0.2, 0.8), at(0.5, map[string]any{"prune.scheme": "joint", "prune.ratio": 0.8})}, false, "prune.scheme"},
		{"a ratio that one lacks", record.Set{p4e(0.2, 0.8, "prune.lasso", 0.1), p4e(0.4, 0.6)}, false, "prune.lasso, prune.ratio"},
		{"sizes of a layer", record.Set{small(0.2, 16.0), small(0.4, 32.0)}, true, ""},
		{"sizes of two layers", record.Set{small(0.2, 16.0, 8.0), small(0.4, 32.0, 16.0)}, false, "prune.hidden"},
		{"dense stays beside", record.Set{p4e(0.2, 0.8), p4e(0.4, 0.6), at(1, map[string]any{"prune.scheme": "dense"})}, true, ""},
		{"one value of two", record.Set{p4e(0.2, 0.8, "he.weights", "encrypted"), p4e(0.2, 0.8, "he.weights", "plain"), p4e(0.4, 0.6, "he.weights", "plain")}, true, ""},
		{"plain and encrypted", record.Set{p4e(0.2, 0.8, "he.weights", "encrypted"), p4e(0.4, 0.6, "he.weights", "plain")}, false, "he.weights, prune.ratio"},
		{"the same x", record.Set{p4e(0.2, 0.8), p4e(0.2, 0.7), p4e(0.4, 0.6)}, true, ""},
		{"the same x, another y", record.Set{p4e(0.2, 0.8), with(record.Set{p4e(0.2, 0.7)}, func(_ int, r *record.Record) { r.Latency.EvaluateMedian *= 2 })[0], p4e(0.4, 0.6)}, false, "prune.ratio"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fig := Figure{ID: "f", X: "tiles.density", Y: "latency.evaluate", Series: "data.name"}
			records := with(test.records, func(_ int, r *record.Record) { r.Params["data.name"] = "mnist" })
			c := mustReduce(t, fig, records)
			cv := c.panels[0].curves[0]
			if cv.joined != test.joined || c.legend[0].line != test.joined || !c.legend[0].marker {
				t.Errorf("joined: %t, legend %+v", cv.joined, c.legend[0])
			}
			if line := cv.line(); test.joined && (len(line) != 2 || line[1].X > 60) {
				t.Errorf("line %v, want it through both ratios", line)
			}
			for _, at := range cv.line() {
				if !slices.ContainsFunc(cv.points, func(pt point) bool { return pt.x.mean == at.X && pt.y.mean == at.Y }) {
					t.Errorf("the line passes %v, where no point has its mean", at)
				}
			}
			want := "No line where points of a series differ in " + test.note + "."
			if got := slices.Contains(c.notes, want); got != (test.note != "") {
				t.Errorf("notes %q, want %q", c.notes, want)
			}
			fig.Markers = true
			if c := mustReduce(t, fig, records); c.panels[0].curves[0].joined || c.legend[0].line {
				t.Error("markers only: joined")
			}
		})
	}
	ratios := record.Set{p4e(0.2, 0.8, "prune.tiles.ratio", 0.7), p4e(0.4, 0.6, "prune.tiles.ratio", 0.5)}
	if c := mustReduce(t, Figure{ID: "f", X: "prune.ratio", Y: "tiles.density"}, ratios); !c.panels[0].curves[0].joined {
		t.Error("x is the parameter that moves the points")
	}
}
