package trial

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/network"
)

// testConfig is one small point; its ring is too small to be secure, for tests only.
const testConfig = `
version: 1
name: test
data: {name: digits, train: 600, test: 100, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: p4e, ratio: 0.8, scope: global, permutation: kmeans, retrain: {epochs: 2}}
tile: 16x8x4
he: {weights: encrypted, precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true}
measure: {warmup: 0, repeats: {min: 2, max: 2, ci: 0.5}}
`

func testJob(t *testing.T, cache, edit string, with ...string) Job {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte(strings.NewReplacer(append([]string{edit}, with...)...).Replace(testConfig)))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Points[0]
	id, err := PointID(p)
	if err != nil {
		t.Fatal(err)
	}
	sharePrices(t, cache)
	return Job{Experiment: c.Name, Point: id, Spec: p.Spec, Params: p.Params, CacheDir: cache}
}

func do(t *testing.T, j Job) (*Result, error) {
	t.Helper()
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	return Measure(j, nil, nil)
}

func TestPointFromStartToEnd(t *testing.T) {
	cache := t.TempDir()
	for name, edit := range map[string][]string{
		"encrypted":   {"encrypted", "encrypted"},
		"plain":       {"encrypted", "plain"},
		"autoencoder": {"mlp, hidden: [16], activation: square", "autoencoder, hidden: [16], activation: quadratic"},
		"batch norm":  {"activation: square", "activation: quadratic, batch_norm: true"},
		"dense":       {"p4e", "dense"},
		"small":       {"p4e, ratio: 0.8", "small, hidden: [8]"},
		"evaluation":  {"p4e, ratio: 0.8", "joint, budget: evaluation, ratio: 0.3"},
		"memory":      {"p4e, ratio: 0.8", "joint, budget: memory, ratio: 0.3"},
		"upload":      {"p4e, ratio: 0.8", "joint, budget: upload, ratio: 0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := do(t, testJob(t, cache, edit[0], edit[1]))
			if err != nil {
				t.Fatal(err)
			}
			r := result.Record
			q := r.Quality
			if q.PrecisionBits < 16 || q.Samples != 4 || r.Batch != 4 || q.Agreement != 1 {
				t.Errorf("quality %+v", q)
			}
			items := r.Operations.Items
			if r.Tiles.Kept != items["tile_mul"] || r.Operations.CtPtMul+r.Operations.CtCtMul != items["tile_mul"]+items["mask_mul"]+items["square_mul"] {
				t.Errorf("%d tiles kept, operations %+v", r.Tiles.Kept, r.Operations)
			}
			epochs := 4
			if name == "small" {
				epochs += 2 // of the network that it replaces
			}
			if r.Training.EpochsTotal != epochs {
				t.Errorf("%d epochs in all: want %d", r.Training.EpochsTotal, epochs)
			}
			if share := map[string]float64{"evaluation": r.Shares.Evaluation, "memory": r.Shares.Memory, "upload": r.Shares.Upload}[name]; share > 0.7 {
				t.Errorf("budget %s: a share of %g is left, want at most 0.7", name, share)
			}
			if r.Shares.Evaluation > 1 || (r.Shares.Evaluation == 1) != (name == "dense") {
				t.Errorf("shares %+v", r.Shares)
			}
			if got, want := r.Latency.EvaluatePerImage, r.Latency.EvaluateMedian/4; got != want {
				t.Errorf("%g s per image: want %g, a quarter of the batch's %g", got, want, r.Latency.EvaluateMedian)
			}
			if len(r.Latency.Evaluate) != 2 || r.Latency.EvaluateMedian <= 0 || r.Latency.Rotation <= 0 || r.Latency.Reference <= 0 || r.Memory.PeakRSS <= 0 || r.Noise == nil {
				t.Errorf("latency %+v, memory %+v", r.Latency, r.Memory)
			}
			if !r.HE.Insecure || r.HE.SecurityBits != 0 || len(r.Warnings) == 0 {
				t.Errorf("insecure parameters unmarked: %+v, %q", r.HE, r.Warnings)
			}
			if name == "dense" && (r.Tiles.Density != 1 || q.Degradation != 0) {
				t.Errorf("dense: tiles %+v, degradation %g", r.Tiles, q.Degradation)
			}
			for l, layer := range result.Tiles.Layers {
				if len(layer.Weights) != layer.Inputs*layer.Outputs || len(layer.Kept) != (layer.Outputs+layer.OutGroup-1)/layer.OutGroup {
					t.Errorf("tile map of layer %d: %d weights, %d rows", l, len(layer.Weights), len(layer.Kept))
				}
				if expands := r.Params["prune.scheme"] == "p4e"; expands != bytes.ContainsFunc(layer.Added, func(r rune) bool { return r != 0 }) {
					t.Errorf("tile map of layer %d: scheme %s, bits of expansion %v", l, r.Params["prune.scheme"], layer.Added)
				}
			}
		})
	}
}

// The other layouts give as whole a record, with the precision promised and the operations predicted.
func TestOtherLayoutsFromStartToEnd(t *testing.T) {
	cache := t.TempDir()
	for layout, batch := range map[string]int{"scalar": 20, "one-image": 1} { // the slots hold 4096 images; there are 20
		t.Run(layout, func(t *testing.T) {
			result, err := do(t, quick(t, cache, "encrypted", "plain", ", log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "", "precision: 16", "precision: 12",
				"tile: 16x8x4", "tile: 16x8x32\nlayout: "+layout))
			if err != nil {
				t.Fatal(err)
			}
			r := result.Record
			if q := r.Quality; q.PrecisionBits < 12 || q.Samples != batch || r.Batch != batch || q.Agreement != 1 {
				t.Errorf("batch %d, quality %+v: want %d samples", r.Batch, q, batch)
			}
			if l := r.Latency; len(l.Evaluate) != 2 || l.EvaluatePerImage != l.EvaluateMedian/float64(batch) || len(l.PerLayer) != 2 {
				t.Errorf("latency %+v", l)
			}
			if m := r.Memory; m.PeakRSS < m.Model+m.Keys+m.Input || m.Model <= 0 || m.Keys <= 0 || r.BytesUp <= 0 || r.BytesUp >= m.Input || r.BytesDown <= 0 {
				t.Errorf("memory %+v, %d bytes up, %d down", m, r.BytesUp, r.BytesDown)
			}
			if r.Operations.Items["tile_mul"] == 0 || r.Predicted.Evaluate <= 0 || r.Predicted.PricesBeside == nil || r.Latency.Warmed {
				t.Errorf("operations %+v, predicted %+v", r.Operations, r.Predicted)
			}
		})
	}
}

// A convolution is measured like any other layer: its tiles are used at many positions, its layers have their names everywhere.
func TestConvolutionFromStartToEnd(t *testing.T) {
	for _, target := range []string{"weight", "filter", "channel"} {
		result, err := do(t, testJob(t, t.TempDir(), "mlp, hidden: [16]", "cnn, layers: [conv 16 5 stride 4]", "ratio: 0.8, scope: global", "ratio: 0.5, target: "+target))
		if err != nil {
			t.Fatal(err)
		}
		r := result.Record
		products := 0
		for i, name := range []string{"conv1", "fc2"} {
			ly := r.Tiles.Layers[i]
			products += ly.Products
			if ly.Name != name || r.Latency.PerLayer[i].Name != name || result.Tiles.Layers[i].Name != name {
				t.Errorf("%s: layer %d is %q in tiles, %q in latencies, %q in the map; want %s", target, i+1, ly.Name, r.Latency.PerLayer[i].Name, result.Tiles.Layers[i].Name, name)
			}
		}
		conv, fc := r.Tiles.Layers[0], r.Tiles.Layers[1]
		if groups := 2; conv.Total != 25*groups || conv.Products != 36*conv.Kept || conv.Rows != 36*((conv.Kept+24)/25) || fc.Products != fc.Kept {
			t.Errorf("%s: %+v", target, r.Tiles.Layers)
		}
		if products != r.Operations.Items["tile_mul"] {
			t.Errorf("%s: %d products in layers, %d in operations", target, products, r.Operations.Items["tile_mul"])
		}
		text, err := json.Marshal(result.Tiles)
		if err == nil {
			_, err = ParseTileMap(text)
		}
		if err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestParametersThatCannotWorkAreRefused(t *testing.T) {
	_, err := do(t, testJob(t, t.TempDir(), "precision: 16", "precision: 40"))
	if f, ok := err.(*Failure); !ok || f.Kind != "parameters" || !strings.Contains(err.Error(), "of 40") {
		t.Errorf("40 bits asked, 40-bit scale: %v; want a parameter failure", err)
	}
	_, err = do(t, testJob(t, t.TempDir(), "log_q: [50, 40", "log_q: [40, 40"))
	if f, ok := err.(*Failure); !ok || f.Kind != "parameters" || !strings.Contains(err.Error(), "wrap") {
		t.Errorf("no room above the scale: %v; want a parameter failure", err)
	}
}

func TestMeasureNeverTrains(t *testing.T) {
	if _, err := Measure(testJob(t, t.TempDir(), "x", "x"), nil, nil); err == nil || !strings.Contains(err.Error(), "cache") {
		t.Errorf("nothing prepared: %v", err)
	}
}

// What schemes have in common is trained once; what a damaged cache held is trained again, to the same end.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	j := testJob(t, dir, "x", "x")
	first, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	entries := files(t, dir)
	if err := Prepare(testJob(t, dir, "16x8x4", "8x16x4"), nil); err != nil {
		t.Fatal(err)
	}
	// Only what follows the permutation depends on the tile: the last retraining, its quality and its values.
	if added := len(files(t, dir)) - len(entries); added != 3 {
		t.Errorf("another tile shape added %d entries: want 3", added)
	}
	for path := range entries {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if ready, err := Prepared(j); ready || err != nil {
		t.Errorf("damaged cache: ready %t, %v", ready, err)
	}
	again, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first.Record.Tiles, again.Record.Tiles) + cmp.Diff(first.Record.Quality.Plain, again.Record.Quality.Plain); d != "" {
		t.Errorf("trained again, differs:\n%s", d)
	}
}

func files(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "locks" {
			out[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A point about quality alone has the plain network's quality and tiles, and nothing encrypted; its tile need not fill a ring.
func TestQualityAlone(t *testing.T) {
	cache := t.TempDir()
	r, err := do(t, testJob(t, cache, "measure: {", "measure: {encrypted: false, ", "tile: 16x8x4", "tile: 16x8x1"))
	if err != nil {
		t.Fatal(err)
	}
	full, err := do(t, testJob(t, cache, "x", "x"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := r.Record, full.Record
	if a.Latency != nil || a.HE != nil || a.Operations != nil || a.Quality.Plain != b.Quality.Plain || a.Tiles.Kept != b.Tiles.Kept {
		t.Errorf("quality alone: %+v, %+v; encrypted %+v, %+v", a.Quality, a.Tiles, b.Quality, b.Tiles)
	}
}

// A learnt quadratic that died out in training is evaluated as the linear layer it became.
func TestDeadQuadratic(t *testing.T) {
	j := testJob(t, t.TempDir(), "encrypted", "plain", "mlp, hidden: [16], activation: square", "autoencoder, hidden: [16], activation: quadratic",
		"[50, 40, 40, 40]", "[50, 40, 40]")
	alterNetwork(t, j, func(n *network.Network) {
		for _, l := range n.Layers {
			if q, ok := l.(*network.Quadratic); ok {
				q.A, q.B = 5e-4, 0.7
			}
		}
	})
	result, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	r := result.Record
	if r.LevelsUsed != 2 || r.Operations.Items["square_mul"] != 0 || r.Quality.PrecisionBits < 16 {
		t.Errorf("%d levels, operations %+v, quality %+v", r.LevelsUsed, r.Operations, r.Quality)
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "died out") }) {
		t.Errorf("warnings %q: want one of the dead quadratic", r.Warnings)
	}
}

func TestPointID(t *testing.T) {
	a, b := testJob(t, "", "x", "x"), testJob(t, "", "seed: 1", "seed: 2")
	more := testJob(t, "", "min: 2, max: 2", "min: 3, max: 9")
	if a.Point == b.Point || a.Point != more.Point || len(a.Point) != 16 {
		t.Errorf("identities %s, other seed %s, more repeats %s", a.Point, b.Point, more.Point)
	}
	a.Spec.Tile.In, a.Spec.Tile.Out = 0, 0
	if id, err := PointID(config.Point{Spec: a.Spec, Params: a.Params}); err == nil {
		t.Errorf("a point whose tile is open is %s", id)
	}
}

func TestJobSurvivesJSON(t *testing.T) {
	j := testJob(t, "c", "x", "x")
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var back Job
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(j.Spec, back.Spec); d != "" {
		t.Error(d)
	}
}

func TestCheckRefusesTooManyLevels(t *testing.T) {
	j := testJob(t, "", "[16]", "[16, 16, 16, 16]", ", log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "", "16x8x4", "16x8x16")
	if path, err := Check(j.Spec); path != "tile" || err == nil || !strings.Contains(err.Error(), "levels") {
		t.Errorf("12 levels at log_n 12: %s: %v", path, err)
	}
	j.Spec.HE.Precision = 40
	if path, err := Check(j.Spec); path != "he.precision" || err == nil {
		t.Errorf("40 bits: %s: %v", path, err)
	}
}
