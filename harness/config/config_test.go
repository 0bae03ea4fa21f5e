package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"hepex/datasets"
	"hepex/network"
	"hepex/packing"
	"hepex/pruning"
)

func parse(t testing.TB, src string) *Config {
	t.Helper()
	c, err := Parse("f", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if err := againstSchema(t, src); err != nil {
		t.Errorf("%v in\n%s", err, src)
	}
	return c
}

// names writes the given parameters of each point, and its label.
func names(points []Point, paths ...string) []string {
	var list []string
	for _, p := range points {
		var words []string
		for _, path := range paths {
			word := "-"
			if v, ok := p.Params[path]; ok {
				word = fmt.Sprint(v)
			}
			words = append(words, word)
		}
		if p.Label != "" {
			words = append(words, "("+p.Label+")")
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func TestDefaults(t *testing.T) {
	c := parse(t, base)
	want := Spec{
		Data:    Data{Name: "digits", Own: datasets.DefaultFiles(), Train: 60000, Test: 10000, Validation: 0.1},
		Network: Network{Type: "mlp", Hidden: []int{128}, Activation: "square"},
		Train:   Train{Epochs: 10, Batch: 128, LR: 1e-3, Seed: 1, WeightDecay: 0.05},
		Prune: Prune{
			Scheme: "p4e", Importance: "l1", Scope: "local", Target: "weight", Ratio: 0.8, Permutation: "kmeans",
			Tiles: Tiles{Score: "avg", MaxNonzero: 0.0625}, Search: "joint", Curve: "linear", Budget: "tiles", Plan: "final", LassoOn: "all",
			Retrain: Retrain{Epochs: 3, LR: 1e-3, Rate: "restarts"}, Distil: Distil{Temperature: 4},
		},
		Tile:    packing.Shape{In: 16, Out: 16, Batch: 32},
		Layout:  "tiles",
		HE:      HE{Weights: "encrypted", Ring: "auto", Precision: 16},
		Measure: Measure{Encrypted: true, Warmup: 1, Threads: 1, Repeats: Repeats{Min: 5, Max: 20, CI: 0.05}, Order: "sequential"},
	}
	if len(c.Points) != 1 {
		t.Fatalf("%d points, want 1", len(c.Points))
	}
	if diff := cmp.Diff(want, c.Points[0].Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	wantParams := map[string]any{
		"data.name": "digits", "data.train": 60000, "data.test": 10000, "data.validation": 0.1,
		"network.type": "mlp", "network.hidden": []int{128}, "network.activation": "square", "network.batch_norm": false,
		"train.epochs": 10, "train.batch": 128, "train.lr": 1e-3, "train.seed": 1, "train.weight_decay": 0.05,
		"prune.scheme": "p4e", "prune.importance": "l1", "prune.scope": "local", "prune.target": "weight", "prune.ratio": 0.8,
		"prune.permutation": "kmeans", "prune.tiles.max_nonzero": 0.0625, "prune.retrain.epochs": 3, "prune.retrain.lr": 1e-3, "prune.retrain.rate": "restarts",
		"tile": "16x16x32", "layout": "tiles", "he.weights": "encrypted", "he.ring": "auto", "he.precision": 16, "he.insecure": false, "measure.threads": 1,
	}
	if diff := cmp.Diff(wantParams, c.Points[0].Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if want := (Limits{Timeout: 20 * time.Minute, MaxFailures: 5}); c.Limits != want {
		t.Errorf("limits %+v, want %+v", c.Limits, want)
	}
	if c.Name != "test" || len(c.Frozen) == 0 {
		t.Errorf("name %q, frozen %q", c.Name, c.Frozen)
	}
	if extra := slices.DeleteFunc(ParamNames(), func(name string) bool { _, ok := wantParams[name]; return ok }); !slices.Equal(extra,
		[]string{"data.from", "data.label", "data.target", "data.arrays.x_train", "data.arrays.y_train", "data.arrays.x_test", "data.arrays.y_test", "data.channels", "data.scale",
			"data.holdout", "data.noise", "network.layers", "network.from", "network.tensors", "train.augment.shift", "train.augment.flip", "prune.search", "prune.tiles.score", "prune.tiles.ratio", "prune.events", "prune.until", "prune.curve", "prune.budget", "prune.plan", "prune.lasso", "prune.lasso_on", "prune.hidden", "prune.layers", "prune.steps",
			"prune.retrain.patience", "prune.distil.alpha", "prune.distil.temperature", "he.log_q", "he.log_p", "he.log_scale", "he.headroom", "measure.encrypted", "network.sha256"}) {
		t.Errorf("further parameters: %q", extra)
	}
}

func TestGoodConfigs(t *testing.T) {
	for _, c := range []struct {
		name, edits string
		paths       string // of the parameters in want
		want        []string
	}{
		{"tile as a mapping", "tile: {in: 32, out: 64, batch: 4}", "tile", []string{"32x64x4"}},
		{"smallest secure tile", "tile: 8x8x32", "tile", []string{"8x8x32"}},
		{"small tile when insecure", "tile: 2x2x4\nhe: {insecure: true}", "tile he.insecure", []string{"2x2x4 true"}},
		{"moduli", "he: {log_q: [45, 40, 40, 40], log_p: [49], log_scale: 40}", "he.log_q he.log_p he.log_scale",
			[]string{"[45 40 40 40] [49] 40"}},
		{"headroom", "he: {headroom: 2.5}", "he.headroom", []string{"2.5"}},
		{"headroom of its own", "he: {precision: 16}", "he.headroom", []string{"-"}},
		{"insecure moduli", "he: {log_q: [60, 60, 60, 60, 60, 60, 60], log_p: [60], log_scale: 40, insecure: true}", "he.log_p", []string{"[60]"}},
		{"retraining at the rate of training", "train: {lr: 2e-3}", "train.lr prune.retrain.lr", []string{"0.002 0.002"}},
		{"batch norm", "network: {type: autoencoder, hidden: [64, 32, 64], activation: quadratic, batch_norm: true}",
			"network.type network.hidden network.batch_norm", []string{"autoencoder [64 32 64] true"}},
		{"dense without ratio", "prune: {scheme: dense}", "prune.scheme prune.ratio", []string{"dense -"}},
		{"what suits joint", "prune: {scheme: joint, ratio: 0.8}", "prune.importance prune.search prune.events prune.until prune.curve prune.retrain.rate",
			[]string{"fisher joint 4 0.5 cubic one"}},
		{"what suits joint on autoencoders", "network: {type: autoencoder, hidden: [32]}\nprune: {scheme: joint, ratio: 0.8}", "prune.events prune.until", []string{"16 0.75"}},
		{"joint otherwise", "prune: {scheme: joint, ratio: 0.8, importance: l1, search: none, events: 2, curve: linear, retrain: {rate: restarts}}",
			"prune.importance prune.search prune.events prune.curve prune.retrain.rate", []string{"l1 none 2 linear restarts"}},
		{"distillation at a temperature", "prune: {scheme: p3, ratio: 0.5, distil: {alpha: 0.9}}", "prune.distil.alpha prune.distil.temperature", []string{"0.9 4"}},
		{"own steps", `prune: {scheme: custom, steps: [prune weights 0.8, retrain 2, permute kmeans, drop 0.1, expand, retrain 1]}`, "prune.scheme prune.steps prune.ratio",
			[]string{"custom [prune weights 0.8 retrain 2 permute kmeans drop 0.1 expand retrain 1] -"}},
		{"quality only, without encryption", "tile: 8x8x1\nmeasure: {encrypted: false}", "tile measure.encrypted he.weights layout", []string{"8x8x1 false encrypted tiles"}},
		{"minus zero is zero", "prune: {scheme: p3, ratio: -0.0}", "prune.ratio", []string{"0"}},
		{"grid, first key slowest", "sweep: {grid: {train.seed: [2, 1], prune.scheme: [p3, p4]}}", "train.seed prune.scheme",
			[]string{"2 p3", "2 p4", "1 p3", "1 p4"}},
		{"zips are factors after the grid",
			"sweep: {grid: {train.seed: [1, 2]}, zip: [{tile: [16x16x32, 32x64x4], he.weights: [encrypted, plain]}, {train.epochs: [3, 4]}]}",
			"train.seed tile he.weights train.epochs", []string{
				"1 16x16x32 encrypted 3", "1 16x16x32 encrypted 4", "1 32x64x4 plain 3", "1 32x64x4 plain 4",
				"2 16x16x32 encrypted 3", "2 16x16x32 encrypted 4", "2 32x64x4 plain 3", "2 32x64x4 plain 4"}},
		{"range with its end", "sweep: {grid: {prune.ratio: {from: 0.5, to: 0.95, step: 0.05}}}", "prune.ratio",
			[]string{"0.5", "0.55", "0.6", "0.65", "0.7", "0.75", "0.8", "0.85", "0.9", "0.95"}},
		{"range past its end", "sweep: {grid: {train.seed: {from: 1, to: 6, step: 2}}}", "train.seed", []string{"1", "3", "5"}},
		{"range with exponents", "sweep: {grid: {train.lr: {from: 1e-3, to: 3e-3, step: 1e-3}}}", "train.lr", []string{"0.001", "0.002", "0.003"}},
		{"range of one", "sweep: {grid: {train.seed: {from: 7, to: 7, step: 1}}}", "train.seed", []string{"7"}},
		{"when multiplies some points, in their place",
			"sweep: {grid: {prune.scheme: [p4e, p4, p3], train.seed: [1, 2]}, when: [{if: {prune.scheme: p4, train.seed: 2}, grid: {prune.tiles.max_nonzero: [0, 0.5]}}]}",
			"prune.scheme train.seed prune.tiles.max_nonzero", []string{"p4e 1 0.0625", "p4e 2 0.0625", "p4 1 0.0625", "p4 2 0", "p4 2 0.5", "p3 1 -", "p3 2 -"}},
		{"when in order, by what entries before gave, and zips", "sweep: {when: [{if: {prune.scheme: p4e}, grid: {train.seed: {from: 1, to: 3, step: 1}}}, {if: {train.seed: 2}, zip: [{train.epochs: [4, 5], prune.ratio: [0.1, 0.2]}]}, {if: {train.seed: 3}, grid: {train.epochs: [6]}}]}",
			"train.seed train.epochs prune.ratio", []string{"1 10 0.8", "2 4 0.1", "2 5 0.2", "3 6 0.8"}},
		{"when by a default, before exclude, not for cases", `sweep: {when: [{if: {train.epochs: 10}, grid: {train.seed: [1, 2]}}], exclude: [{train.seed: 1}], cases: [{prune.scheme: p3}]}`,
			"prune.scheme train.seed", []string{"p4e 2", "p3 1"}},
		{"when nothing matches", `sweep: {when: [{if: {prune.scheme: p3}, grid: {train.seed: [1, 2]}}]}`, "train.seed", []string{"1"}},
		{"lists as values", "sweep: {grid: {network.hidden: [[128, 128], [64]]}}", "network.hidden", []string{"[128 128]", "[64]"}},
		{"section as a value", "sweep: {grid: {prune.tiles: [{ratio: 0.25}, {max_nonzero: 0}]}}",
			"prune.tiles.score prune.tiles.ratio prune.tiles.max_nonzero", []string{"avg 0.25 -", "- - 0"}},
		{"exclusion needs all its keys", "sweep: {grid: {prune.scheme: [p2t, p3], prune.ratio: [0.5, 0.6]}, exclude: [{prune.scheme: p2t, prune.ratio: 0.50}]}",
			"prune.scheme prune.ratio", []string{"p2t 0.6", "p3 0.5", "p3 0.6"}},
		{"exclusion of a contradiction", "sweep: {grid: {prune.scheme: [p2t, p4e], prune.tiles: [{score: nonzero, ratio: 0.5}]}, exclude: [{prune.scheme: p2t}]}",
			"prune.scheme prune.tiles.score", []string{"p4e nonzero"}},
		{"exclusion of a default and of a tile", "sweep: {grid: {tile: [16x16x32, 32x64x4]}, exclude: [{tile: {in: 16, out: 16, batch: 32}, train.seed: 1}]}",
			"tile", []string{"32x64x4"}},
		{"cases are added to the base", "sweep: {cases: [{label: dense, prune.scheme: dense}, {train.seed: 2}]}",
			"prune.scheme train.seed", []string{"p4e 1", "dense 1 (dense)", "p4e 2"}},
		{"cases are small grids, not excluded", "sweep: {grid: {train.seed: [1, 2]}, exclude: [{train.seed: 1}], cases: [{label: a, tile: [16x16x32, 32x64x4], network.hidden: [64, 32]}]}",
			"train.seed tile network.hidden", []string{"2 16x16x32 [128]", "1 16x16x32 [64 32] (a)", "1 32x64x4 [64 32] (a)"}},
		{"case with several hidden", "sweep: {exclude: [{train.seed: 1}], cases: [{network.hidden: [[64], [32]]}, {train.seed: {from: 2, to: 3, step: 1}}]}",
			"network.hidden train.seed", []string{"[64] 1", "[32] 1", "[128] 2", "[128] 3"}},
		{"equal points merge and keep the label", "sweep: {cases: [{label: base}, {label: again, train.seed: 1}]}", "train.seed", []string{"1 (base)"}},
		{"dense is one point for all ratios", "sweep: {grid: {prune.scheme: [dense, p3], prune.ratio: [0.5, 0.6]}}",
			"prune.scheme prune.ratio", []string{"dense -", "p3 0.5", "p3 0.6"}},
		{"dense is one point per tile and retraining", "prune: {scheme: dense}\nsweep: {grid: {tile: [16x16x32, 32x64x4], prune.retrain.epochs: [2, 3]}}",
			"tile prune.retrain.epochs", []string{"16x16x32 2", "16x16x32 3", "32x64x4 2", "32x64x4 3"}},
		{"p2t has no permutation", "sweep: {grid: {prune.scheme: [p2t, p3], prune.permutation: [none, kmeans]}}",
			"prune.scheme prune.permutation", []string{"p2t -", "p3 none", "p3 kmeans"}},
		{"p2t scores tiles", "prune: {scheme: p2t, ratio: 0.5}\nsweep: {grid: {prune.tiles.score: [min, max], prune.target: [weight, tile]}}",
			"prune.tiles.score prune.target", []string{"min -", "max -"}},
		{"p3 scores tiles if those are its target", "prune: {scheme: p3, ratio: 0.5}\nsweep: {grid: {prune.target: [weight, tile], prune.tiles.score: [min, max], prune.tiles.max_nonzero: [0, 0.5]}}",
			"prune.target prune.tiles.score prune.tiles.max_nonzero", []string{"weight - -", "tile min -", "tile max -"}},
		{"p4 scores tiles for a ratio", "sweep: {grid: {prune.tiles.score: [min, max], prune.tiles.ratio: [0.1]}}",
			"prune.tiles.score prune.tiles.ratio prune.tiles.max_nonzero", []string{"min 0.1 -", "max 0.1 -"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := names(parse(t, edited(c.edits)).Points, strings.Fields(c.paths)...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLooksOfFigures(t *testing.T) {
	c := parse(t, edited(`figures: [{id: a, x: tile, y: tiles.kept, title: "A & B", width: 8.5, where: {prune.scheme: p4e, no.such: "<= 0.1"}, labels: {p4e: "P4E"}, lines: false, pareto: true, guide: equal, bands: [{x: [0, 1], share: [0.5, 1], label: paper}, {x: [0, 2], y: [3, 4], label: ours}]}, {id: b, x: tile, y: tile, lines: true}]
tables: [{id: a, title: "T", rows: "tile, prune.scheme", cells: [tiles.density]}]`))
	want := Figure{
		ID: "a", X: Ref{"tile", "f", 7, 22}, Y: Ref{"tiles.kept", "f", 7, 31}, Title: "A & B", Width: 8.5,
		Where: []Condition{
			{Ref: Ref{"prune.scheme", "f", 7, 79}, Value: "p4e"},
			{Ref: Ref{"no.such", "f", 7, 98}, Op: "<=", Limit: 0.1},
		},
		Labels: map[string]string{"p4e": "P4E"}, Markers: true, Pareto: true, Guide: "equal",
		Bands: []Band{{X: []float64{0, 1}, Share: []float64{0.5, 1}, Label: "paper"}, {X: []float64{0, 2}, Y: []float64{3, 4}, Label: "ours"}},
	}
	if diff := cmp.Diff(want, c.Figures[0]); diff != "" {
		t.Errorf("figure (-want +got):\n%s", diff)
	}
	if c.Figures[1].Markers {
		t.Error("lines: true gives no lines")
	}
	if got := c.Tables[0]; got.Title != "T" || got.Rows.Name != "tile, prune.scheme" || got.Cols.Name != "" {
		t.Errorf("table %+v", got)
	}
	unknown := func(name string) error {
		if name == "no.such" || name == "prune.scheme" {
			return errors.New("no " + name)
		}
		return nil
	}
	err := c.CheckNames(unknown, unknown, unknown)
	if want := "f:7:98: no no.such\nf:8:36: no prune.scheme"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOutputsAndLimits(t *testing.T) {
	c := parse(t, edited(`limits: {timeout: 90s, memory: 16GiB, retries: 3, max_failures: 2}
figures: [{id: a, x: tile, y: tiles.density}, {id: b, x: no.such, y: tile, series: prune.scheme, facet: tile}, {id: c, x: tile, rows: label, scale: {x: log}, range: {x: [0.1, 1]}}]
tables: [{id: a, rows: tile, cols: train.seed, cells: [tiles.density, nor.this]}]`))
	if want := (Limits{90 * time.Second, 16 << 30, 3, 2}); c.Limits != want {
		t.Errorf("limits %+v, want %+v", c.Limits, want)
	}
	wantFigures := []Figure{
		{ID: "a", X: Ref{"tile", "f", 8, 22}, Y: Ref{"tiles.density", "f", 8, 31}},
		{ID: "b", X: Ref{"no.such", "f", 8, 58}, Y: Ref{"tile", "f", 8, 70}, Series: Ref{"prune.scheme", "f", 8, 84}, Facet: Ref{"tile", "f", 8, 105}},
		{ID: "c", X: Ref{"tile", "f", 8, 123}, Rows: Ref{"label", "f", 8, 135}, XAxis: Axis{"log", []float64{0.1, 1}}},
	}
	if diff := cmp.Diff(wantFigures, c.Figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	wantTables := []Table{{ID: "a", Rows: Ref{"tile", "f", 9, 24}, Cols: Ref{"train.seed", "f", 9, 36}, Cells: []Ref{{"tiles.density", "f", 9, 56}, {"nor.this", "f", 9, 71}}}}
	if diff := cmp.Diff(wantTables, c.Tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	known := append(ParamNames(), "tiles.density", "label")
	check := func(name string) error {
		if slices.Contains(known, name) {
			return nil
		}
		return fmt.Errorf("no metric %q", name)
	}
	err := c.CheckNames(check, check, check)
	if want := "f:8:58: no metric \"no.such\"\nf:9:71: no metric \"nor.this\""; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	all := func(string) error { return nil }
	if err := c.CheckNames(all, all, all); err != nil {
		t.Errorf("all names known, got %v", err)
	}
	if !IsNumber("prune.ratio") || !IsNumber("train.seed") || IsNumber("tile") || IsNumber("network.hidden") || IsNumber("no.such") {
		t.Error("IsNumber takes a text for a number, or the other way round")
	}
}

// TestPoints checks, over a sweep that crosses everything the schemes ignore, that a Spec and its Params decide
// each other and survive JSON, and that reading again gives the same plan.
func TestPoints(t *testing.T) {
	src := edited(`measure: {warmup: 3, threads: 2}
sweep: {grid: {prune.scheme: [dense, p2t, p3, p3e, p4, p4e], prune.target: [weight, tile], prune.importance: [l1, random], prune.permutation: [none, kmeans], prune.tiles: [{score: min}, {score: max, max_nonzero: 0.5}, {score: min, ratio: 0.5}], tile: [16x16x32, 32x64x4]}, zip: [{he: [{}, {log_q: [45, 40], log_p: [49], log_scale: 40}], train.seed: [1, 2]}]}`)
	c := parse(t, src)
	if diff := cmp.Diff(c.Points, parse(t, src).Points, cmpopts.IgnoreUnexported(Point{})); diff != "" {
		t.Errorf("second reading differs:\n%s", diff)
	}
	specs, fingerprints := map[string]bool{}, map[string]bool{}
	for _, p := range c.Points {
		text, err := json.Marshal(p.Spec)
		if err != nil {
			t.Fatal(err)
		}
		var back Spec
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.Spec, back); diff != "" {
			t.Fatalf("spec changed in JSON:\n%s", diff)
		}
		if diff := cmp.Diff(p.Params, params(&back)); diff != "" {
			t.Fatalf("spec does not give its params:\n%s", diff)
		}
		if diff := cmp.Diff(p.Spec, back); diff != "" {
			t.Fatalf("params changed a finished spec:\n%s", diff)
		}
		specs[string(text)], fingerprints[fingerprint(p.Params)] = true, true
	}
	if len(c.Points) < 100 || len(specs) != len(c.Points) || len(fingerprints) != len(c.Points) {
		t.Errorf("%d points with %d specs and %d params, want as many of each", len(c.Points), len(specs), len(fingerprints))
	}
}

func TestMeasuringIsNoParameter(t *testing.T) {
	plain := parse(t, base).Points[0]
	more := parse(t, edited("measure: {warmup: 5, repeats: {min: 10, max: 11, ci: 0.1}}\nlimits: {timeout: 1m}")).Points[0]
	if diff := cmp.Diff(plain.Params, more.Params); diff != "" {
		t.Errorf("params depend on how often to measure:\n%s", diff)
	}
	if more.Spec.Measure.Warmup != 5 || more.Spec.Measure.Repeats != (Repeats{10, 11, 0.1}) {
		t.Errorf("spec lost it: %+v", more.Spec.Measure)
	}
}

// What the registry of schemes names is a key, defaults are values of that key, and no key is left that no scheme reads.
func TestSchemesNameKeys(t *testing.T) {
	unread := map[string]bool{}
	for _, key := range ParamNames() {
		if setting, ok := strings.CutPrefix(key, "prune."); ok {
			unread[setting] = true
		}
	}
	known := maps.Clone(unread)
	share := 0.5
	for _, scheme := range pruning.Schemes() {
		for _, target := range pruning.Targets() {
			o := pruning.Options{
				Scheme: scheme, Target: target, Events: 2, Budget: "evaluation", Small: pruning.Small{Hidden: []int{8}, Conv: []network.Conv{{}}}, Stop: 1,
				Distil: pruning.Distil{Alpha: 0.5},
			}
			settings := o.Reads()
			o.TileRatio = &share
			settings = append(settings, o.Reads()...)
			for _, autoencoder := range []bool{false, true} {
				for setting, value := range o.Defaults(autoencoder) {
					settings = append(settings, setting)
					if f := byPath["prune."+setting]; f != nil {
						if bad := f.set(&Spec{}, &yaml.Node{Kind: yaml.ScalarNode, Value: value}); bad != nil {
							t.Errorf("%s: default of %s: %s", scheme, setting, bad.text)
						}
					}
				}
			}
			for _, setting := range settings {
				if !known[setting] {
					t.Errorf("%s names %s, which is no key", scheme, setting)
				}
				delete(unread, setting)
			}
		}
	}
	if len(unread) > 0 {
		t.Errorf("no scheme reads %v", unread)
	}
	for _, encrypted := range []bool{false, true} {
		for _, key := range ignored(&Spec{Network: Network{Type: "autoencoder"}, Measure: Measure{Encrypted: encrypted}}) {
			if byPath[key] == nil && children[key] == nil {
				t.Errorf("ignored names %s, which is no key", key)
			}
		}
	}
}

func TestSizesOfDataSets(t *testing.T) {
	train, test := 0, 0
	for _, name := range datasets.Names() {
		form, err := datasets.FormOf(name)
		if err != nil {
			t.Fatal(err)
		}
		train, test = max(train, form.Train), max(test, form.Test)
		d := parse(t, edited("data: {name: "+name+"}")).Points[0].Spec.Data
		if d.Train != form.Train || d.Test != form.Test {
			t.Errorf("%s: %d and %d samples by default, want all %d and %d", name, d.Train, d.Test, form.Train, form.Test)
		}
	}
	if train != trainSize || test != testSize {
		t.Errorf("the largest sets have %d and %d samples, not %d and %d", train, test, trainSize, testSize)
	}
}

// example is the config in the package comment.
func example(t testing.TB) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range new(comment.Parser).Parse(f.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			return code.Text
		}
	}
	t.Fatal("doc.go has no example")
	return ""
}

func TestExampleInDoc(t *testing.T) {
	c := parse(t, example(t))
	if want := (2+2)*10*2 - 2 + 2; len(c.Points) != want {
		t.Errorf("%d points, want %d", len(c.Points), want)
	}
	if got := names(c.Points[78:], "prune.scheme", "tile"); !slices.Equal(got, []string{"dense 16x16x32 (dense)", "dense 32x64x4 (dense)"}) {
		t.Errorf("last points %q", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	random := make([]byte, 4096)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(random)
	for _, c := range []struct {
		name string
		text []byte // nil: there is no file
		want string // after the path; empty: accepted
	}{
		{"good.yaml", []byte(base), ""},
		{"bom.yaml", []byte("\ufeff" + base), ""},
		{"crlf.yaml", []byte(strings.ReplaceAll(base, "\n", "\r\n")), ""},
		{"missing.yaml", nil, ": cannot be read: no such file or directory; want a config file"},
		{"large.yaml", []byte(base + strings.Repeat("#\n", maxSize/2)), ":1:1: the file has more than 1048576 bytes; want at most 1048576"},
		{"random.yaml", random, ":1:1: not a text file; want YAML in UTF-8"},
		{"latin1.yaml", []byte("name: caf\xe9\n"), ":1:1: not a text file; want YAML in UTF-8"},
		{"utf16.yaml", []byte("\xff\xfev\x00e\x00"), ":1:1: not a text file; want YAML in UTF-8"},
		{"nul.yaml", []byte(base + "\x00"), ":1:1: not a text file; want YAML in UTF-8"},
		{"anchor.yaml", []byte("version: 1\nname: *who\n"), ":2:7: alias *who; want the value itself, as configs have no anchors and aliases"},
		{"deep.yaml", bytes.Repeat([]byte("["), 20000), ":1:1: not YAML: exceeded max depth of 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if c.text != nil {
				if err := os.WriteFile(path, c.text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			got := ""
			if _, err := Load(path); err != nil {
				got = err.Error()
				if errs := (Errors{}); !errors.As(err, &errs) {
					t.Errorf("error is %T, want Errors", err)
				}
			}
			want := c.want
			if want != "" {
				want = path + want
			}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
	if _, err := Load(dir); err == nil || !strings.HasPrefix(err.Error(), dir+": cannot be read: ") {
		t.Errorf("folder instead of a file: got %v", err)
	}
}

// FuzzParse reads configs that may extend a.yaml and, through it, each other.
func FuzzParse(f *testing.F) {
	f.Add([]byte(base), []byte(""))
	f.Add([]byte(example(f)), []byte(""))
	f.Add([]byte("version: 1\nname: x\nextends: [a.yaml, dir/../a.yaml]\ntrain: {seed: 2}\n"), []byte(base))
	for _, c := range badCases(f) {
		files := c.files()
		f.Add([]byte(files["f"]), []byte(files["a.yaml"]))
	}
	f.Fuzz(func(t *testing.T, src, under []byte) {
		files := tree{"f": string(src), "a.yaml": string(under)}
		c, err := load("f", files.content)
		if err == nil {
			if len(c.Points) == 0 {
				t.Error("no points")
			}
			again, err := load("f", files.content)
			if err != nil || !cmp.Equal(c.Points, again.Points, cmpopts.IgnoreUnexported(Point{})) {
				t.Errorf("second reading differs: %v", err)
			}
			checkFrozen(t, c)
			return
		}
		errs := Errors{}
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("error is %T, want Errors", err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || strings.ContainsAny(e.Message, "\n\r") || files[e.File] == "" && e.File != "a.yaml" && e.File != "f" {
				t.Errorf("bad error %q", e)
			}
		}
	})
}

func BenchmarkParse1000(b *testing.B) {
	src := []byte(edited("sweep: {grid: {train.seed: {from: 1, to: 100, step: 1}, prune.ratio: {from: 0.05, to: 0.5, step: 0.05}}}"))
	for b.Loop() {
		if c, err := Parse("f", src); err != nil || len(c.Points) != 1000 {
			b.Fatal(err)
		}
	}
}
