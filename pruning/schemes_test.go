package pruning

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/network"
	"hepex/packing"
)

func TestSchemesAreListsOfSteps(t *testing.T) {
	want := map[string][]string{
		"dense":  {"Train", "Train"},
		"p2t":    {"Train", "PruneTiles", "Train"},
		"p3":     {"Train", "PruneWeights", "Train", "Permute"},
		"p3e":    {"Train", "PruneWeights", "Train", "Permute", "Expand", "Train"},
		"p4":     {"Train", "PruneWeights", "Train", "Permute", "DropTiles", "Train"},
		"p4e":    {"Train", "PruneWeights", "Train", "Permute", "DropTiles", "Expand", "Train"},
		"hunter": {"Train", "PruneTiles", "Train", "PruneTiles", "Train", "PruneTiles", "Train"},
		"mofhei": {"Train", "PruneBlocks", "Train"},
		"joint":  {"Train", "Small", "Train", "Joint", "Train", "Joint", "Train", "Joint", "Train"},
		"small":  {"Train", "Small", "Train"},
		"custom": {"Train", "PruneWeights", "Train", "Permute", "PruneTiles", "Expand", "Train"},
	}
	for _, scheme := range Schemes() {
		for _, rate := range Rates() {
			o := options(scheme)
			o.Rate = rate
			steps, err := o.Steps()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			epochs := 0
			for _, s := range steps {
				switch s := s.(type) {
				case Gradual:
					epochs += s.Train.Options.Epochs
					for _, p := range s.phases {
						for _, inner := range p.steps {
							got = append(got, fmt.Sprintf("%T", inner)[len("pruning."):])
						}
						got = append(got, "Train")
					}
					continue
				case Small:
					epochs = 0 // what comes out is another network
				case Train:
					epochs += s.Options.Epochs
					if s.Options.Epochs == 0 {
						t.Errorf("%s, rate %s: a retraining without an epoch", scheme, rate)
					}
				}
				got = append(got, fmt.Sprintf("%T", s)[len("pruning."):])
			}
			if d := cmp.Diff(want[scheme], got); d != "" {
				t.Errorf("%s, rate %s (-want +got):\n%s", scheme, rate, d)
			}
			if epochs != 5 {
				t.Errorf("%s, rate %s trains %d epochs: every scheme must train 5", scheme, rate, epochs)
			}
		}
	}
}

// The steps of p4e written out are p4e, early stop included.
func TestCustomIsWhatItSays(t *testing.T) {
	built, custom := options("p4e"), options("custom")
	built.Stop, custom.Stop = 2, 2
	custom.Custom = []string{"prune weights 0.7", "retrain 2", "permute kmeans", "drop 0.1", "expand", "retrain 1"}
	var texts [2][]string
	for i, o := range []Options{built, custom} {
		steps, err := o.Steps()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			texts[i] = append(texts[i], s.String())
		}
	}
	if d := cmp.Diff(texts[0], texts[1]); d != "" {
		t.Errorf("(-p4e +custom)\n%s", d)
	}
}

// Every training of every scheme says how samples vary, and nothing if they do not.
func TestTrainingsSayHowSamplesVary(t *testing.T) {
	for _, scheme := range Schemes() {
		o := options(scheme)
		o.Custom, o.Small.Hidden = []string{"retrain 3"}, []int{4}
		texts := func() (trainings []string) {
			steps, err := o.Steps()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if text := s.String(); strings.Contains(text, "train epochs=") {
					trainings = append(trainings, text)
				}
			}
			return trainings
		}
		plain := texts()
		grid := network.Augment{Height: 28, Width: 28, Channels: 1}
		o.Train.Augment, o.Retrain.Augment = grid, grid
		if d := cmp.Diff(plain, texts()); d != "" {
			t.Errorf("%s: a grid alone changes its steps:\n%s", scheme, d)
		}
		o.Train.Augment.Shift, o.Retrain.Augment.Flip = 2, true
		for i, text := range texts() {
			want := " augment=28x28x1,shift=2,flip=false"
			if i > 0 && scheme != "small" && (scheme != "joint" || i > 1) {
				want = " augment=28x28x1,shift=0,flip=true"
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s, training %d: %s, want it to say%s", scheme, i, text, want)
			}
		}
	}
}

func TestStepsAsConfigsWriteThem(t *testing.T) {
	o := options("custom")
	for text, want := range map[string]string{
		"prune weights 0.9":    "prune weights importance=l1 scope=local ratio=0.9 seed=1",
		"prune neurons 0.2":    "prune neurons importance=l1 scope=local ratio=0.2 seed=1",
		"prune filters 0.2":    "prune filters importance=l1 scope=local ratio=0.2 seed=1",
		"prune channels .25":   "prune channels importance=l1 scope=local ratio=0.25 seed=1",
		"prune tiles .5":       "prune tiles importance=l1 scope=local score=avg ratio=0.5 tile=8x4 seed=1",
		"prune blocks 0.5":     "prune blocks importance=l1 ratio=0.5 tile=8x4 seed=1",
		"permute sort":         "permute sort nonzero<=0.1 share=0 scope=local tile=8x4 seed=1",
		"joint 0.75":           "joint importance=l1 strategy=joint rows=0 density=0.25 of tiles tile=8x4 seed=1",
		"drop 0.0625":          "drop tiles nonzero<=0.0625 tile=8x4",
		"expand":               "expand tile=8x4",
		"retrain 4":            "train epochs=4 batch=32 lr=0.003 decay=0 clip=1 warmup=0 seed=2",
		"":                     "error",
		"prune":                "error",
		"prune weights":        "error",
		"prune weights 1":      "error",
		"prune layers 0.5":     "error",
		"prune filter 0.5":     "error",
		"permute best":         "error",
		"drop -1":              "error",
		"retrain 0":            "error",
		"retrain 1.5":          "error",
		"expand 2":             "error",
		"joint NaN":            "error",
		"prune weights 0.5 .5": "error",
	} {
		step, err := o.ParseStep(text)
		got := "error"
		if err == nil {
			got = step.String()
		}
		if got != want {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	bad := func(change func(*Options)) Options {
		o := options("p4e")
		change(&o)
		return o
	}
	ratio := 1.0
	for name, o := range map[string]Options{
		"scheme":      bad(func(o *Options) { o.Scheme = "p5" }),
		"importance":  bad(func(o *Options) { o.Importance = "l7" }),
		"scope":       bad(func(o *Options) { o.Scope = "here" }),
		"target":      bad(func(o *Options) { o.Target = "bias" }),
		"permutation": bad(func(o *Options) { o.Permutation = "best" }),
		"score":       bad(func(o *Options) { o.Scheme, o.Score = "p2t", "median" }),
		"ratio 1.2":   bad(func(o *Options) { o.Ratio = 1.2 }),
		"ratio NaN":   bad(func(o *Options) { o.Ratio = math.NaN() }),
		"tile ratio":  bad(func(o *Options) { o.TileRatio = &ratio }),
		"max_nonzero": bad(func(o *Options) { o.MaxNonzero = -0.1 }),
		"shape":       bad(func(o *Options) { o.Shape.In = 3 }),
		"rate":        bad(func(o *Options) { o.Rate = "two" }),
		"distil":      bad(func(o *Options) { o.Distil.Alpha = 2 }),
		"temperature": bad(func(o *Options) { o.Distil.Alpha = 0.5 }),
		"stop":        bad(func(o *Options) { o.Stop = -1 }),
		"events":      bad(func(o *Options) { o.Scheme, o.Events = "hunter", 4 }),
		"curve":       bad(func(o *Options) { o.Scheme, o.Curve = "joint", "steep" }),
		"budget":      bad(func(o *Options) { o.Scheme, o.Budget = "joint", "money" }),
		"lasso":       bad(func(o *Options) { o.Scheme, o.Lasso = "joint", 0.1 }),
		"until":       bad(func(o *Options) { o.Scheme, o.Until = "joint", 1 }),
		"step":        bad(func(o *Options) { o.Scheme, o.Custom = "custom", []string{"prune"} }),
		"epochs":      bad(func(o *Options) { o.Scheme, o.Custom = "custom", []string{"retrain 2"} }),
	} {
		if _, err := o.Steps(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A setting changes the steps of the schemes that read it and of no others. With a single event, some that are read do not: the
// curve of hunter, say.
func TestSchemesReadWhatTheySay(t *testing.T) {
	share := 0.3
	changes := map[string]func(*Options){
		"importance":         func(o *Options) { o.Importance = "l2" },
		"scope":              func(o *Options) { o.Scope = "global" },
		"target":             func(o *Options) { o.Target = "weight" },
		"ratio":              func(o *Options) { o.Ratio = 0.6 },
		"permutation":        func(o *Options) { o.Permutation = "sort" }, // and search
		"tiles.score":        func(o *Options) { o.Score = "max" },
		"tiles.max_nonzero":  func(o *Options) { o.MaxNonzero = 0.2 },
		"tiles.ratio":        func(o *Options) { o.TileRatio = &share },
		"events":             func(o *Options) { o.Events = 2 },
		"until":              func(o *Options) { o.Until = 0.25 },
		"curve":              func(o *Options) { o.Curve = "linear" },
		"budget":             func(o *Options) { o.Budget = "memory" },
		"plan":               func(o *Options) { o.Plan = "present" },
		"lasso":              func(o *Options) { o.Lasso = 0.2 },
		"lasso_on":           func(o *Options) { o.LassoOn = "all" },
		"hidden":             func(o *Options) { o.Small.Hidden = []int{5} },
		"steps":              func(o *Options) { o.Custom = []string{"prune weights 0.1", "retrain 3"} },
		"retrain.lr":         func(o *Options) { o.Retrain.LR = 1e-2 },
		"retrain.rate":       func(o *Options) { o.Rate, o.Lasso = "restarts", 0 },
		"retrain.patience":   func(o *Options) { o.Stop = 2 },
		"distil.alpha":       func(o *Options) { o.Distil.Alpha = 0.9 },
		"distil.temperature": func(o *Options) { o.Distil.Temperature = 9 },
	}
	for _, scheme := range Schemes() {
		for _, target := range Targets()[1:] {
			for _, events := range []int{3, 1} {
				o := options(scheme)
				o.Target, o.Events, o.Rate, o.Kind = target, events, "one", packing.Tiles
				o.Budget, o.Plan, o.Lasso, o.LassoOn, o.Distil = "evaluation", "final", 0.1, "dropped", Distil{Alpha: 0.5, Temperature: 4}
				o.Custom = []string{"prune tiles 0.1", "permute kmeans", "joint 0.5", "retrain 3"}
				for setting, change := range changes {
					changed := o
					change(&changed)
					read := slices.Concat(o.Reads(), changed.Reads())
					want := slices.Contains(read, setting) || setting == "permutation" && slices.Contains(read, "search")
					if scheme == "small" && setting == "retrain.lr" {
						continue // it has but one training
					}
					if got := stepTexts(t, o) != stepTexts(t, changed); got && !want || want && !got && events > 1 {
						t.Errorf("%s, target %s, %d events: %s changes the steps: %t, want %t", scheme, target, events, setting, got, want)
					}
				}
			}
		}
	}
}

func stepTexts(t *testing.T, o Options) string {
	t.Helper()
	steps, err := o.Steps()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(steps)
}
