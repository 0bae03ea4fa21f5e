package pruning

import (
	"fmt"
	"slices"
	"testing"

	"hepex/packing"
)

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
