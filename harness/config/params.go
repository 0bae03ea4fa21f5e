package config

import (
	"slices"
	"strings"

	"hepex/packing"
)

// notParams are the keys that say how well to measure, not what: they do not decide the outcome.
var notParams = []string{"measure.warmup", "measure.repeats", "measure.order"}

// rule names keys that do not decide the outcome of some points: those of its schemes (nil: of all) for which
// when holds (nil: for all). A key stands for all below it.
type rule struct {
	schemes []string
	when    func(s *Spec) bool
	keys    []string
}

// ignored are the parameters that schemes make no use of.
var ignored = []rule{
	{[]string{"dense", "small"}, nil,
		[]string{"prune.importance", "prune.scope", "prune.target", "prune.ratio", "prune.permutation", "prune.tiles"}},
	{[]string{"mofhei", "joint"}, nil,
		[]string{"prune.scope", "prune.target", "prune.tiles"}},
	{[]string{"hunter"}, nil,
		[]string{"prune.target", "prune.tiles", "prune.until"}},
	{[]string{"custom"}, nil,
		[]string{"prune.ratio", "prune.target"}},
	{[]string{"p2t", "hunter", "mofhei", "joint", "custom"}, nil,
		[]string{"prune.permutation"}},
	{[]string{"dense", "small", "p2t", "p3", "mofhei", "custom"}, nil,
		[]string{"prune.retrain.rate"}}, // they retrain once, or say how often themselves
	{nil, func(s *Spec) bool { return s.Prune.Scheme != "custom" },
		[]string{"prune.steps"}},
	{nil, func(s *Spec) bool { return s.Prune.Scheme != "joint" && s.Prune.Scheme != "hunter" },
		[]string{"prune.events", "prune.until", "prune.curve"}},
	{nil, func(s *Spec) bool { return s.Prune.Scheme != "joint" },
		[]string{"prune.lasso", "prune.search"}},
	{nil, func(s *Spec) bool { return s.Prune.Scheme != "joint" && s.Prune.Scheme != "custom" },
		[]string{"prune.budget"}},
	{nil, func(s *Spec) bool { return s.Prune.Scheme != "joint" || !s.Prune.Whole() },
		[]string{"prune.plan", "prune.lasso_on"}},
	{nil, func(s *Spec) bool { return !s.Prune.Replaces() },
		[]string{"prune.hidden"}},
	{[]string{"joint"}, func(s *Spec) bool { return s.Prune.Events == 1 },
		[]string{"prune.until", "prune.curve", "prune.lasso", "prune.retrain.rate"}}, // one event is at the beginning
	{nil, func(s *Spec) bool { return s.Prune.Distil.Alpha == 0 },
		[]string{"prune.distil"}},
	{nil, func(s *Spec) bool { return s.Network.Type == "autoencoder" },
		[]string{"prune.distil.temperature"}},
	{nil, func(s *Spec) bool { return s.Prune.Retrain.Patience == 0 },
		[]string{"prune.retrain.patience"}},
	{[]string{"p2t"}, nil,
		[]string{"prune.target", "prune.tiles.max_nonzero", "prune.tiles.ratio"}},
	{[]string{"p3", "p3e"}, nil,
		[]string{"prune.tiles.max_nonzero", "prune.tiles.ratio"}},
	{[]string{"p3", "p3e"}, func(s *Spec) bool { return s.Prune.Target != "tile" },
		[]string{"prune.tiles.score"}},
	{[]string{"p4", "p4e"}, func(s *Spec) bool { return s.Prune.Target != "tile" && s.Prune.Tiles.Ratio == 0 },
		[]string{"prune.tiles.score"}},
	{[]string{"p4", "p4e"}, func(s *Spec) bool { return s.Prune.Tiles.Ratio == 0 },
		[]string{"prune.tiles.ratio"}},
	{[]string{"p4", "p4e"}, func(s *Spec) bool { return s.Prune.Tiles.Ratio != 0 },
		[]string{"prune.tiles.max_nonzero"}},
	{nil, func(s *Spec) bool { return s.Measure.Encrypted },
		[]string{"measure.encrypted"}},
	{nil, func(s *Spec) bool { return !s.Measure.Encrypted },
		[]string{"he.ring", "he.precision", "he.log_q", "he.log_p", "he.log_scale", "he.headroom", "he.insecure", "measure.threads"}},
	{nil, func(s *Spec) bool { return s.Data.Noise == 0 },
		[]string{"data.noise"}},
	{nil, func(s *Spec) bool { return s.Train.Augment.Shift == 0 },
		[]string{"train.augment.shift"}},
	{nil, func(s *Spec) bool { return !s.Train.Augment.Flip },
		[]string{"train.augment.flip"}},
	{nil, func(s *Spec) bool { return s.HE.LogQ == nil },
		[]string{"he.log_q", "he.log_p", "he.log_scale"}},
	{nil, func(s *Spec) bool { return s.HE.Headroom == 0 },
		[]string{"he.headroom"}},
}

// ParamNames are the dotted paths that the Params of a point may have.
func ParamNames() []string {
	var names []string
	for _, f := range fields {
		if !covered(f.path, notParams) {
			names = append(names, f.path)
		}
	}
	return names
}

// IsNumber tells whether the parameter at a dotted path is a number.
func IsNumber(path string) bool {
	f, ok := byPath[path]
	if !ok {
		return false
	}
	switch f.get(&Spec{}).(type) {
	case int, float64:
		return true
	}
	return false
}

// params returns what decides the outcome of the point, and gives the keys that do not a fixed value in s.
func params(s *Spec) map[string]any {
	var drop []string
	for _, rule := range ignored {
		if (rule.schemes == nil || slices.Contains(rule.schemes, s.Prune.Scheme)) && (rule.when == nil || rule.when(s)) {
			drop = append(drop, rule.keys...)
		}
	}
	fixed := defaults()
	fixed.Prune.Permutation, fixed.Prune.Tiles.MaxNonzero = "none", 0
	values := map[string]any{}
	for _, f := range fields {
		switch {
		case covered(f.path, drop):
			f.copy(s, &fixed)
		case !covered(f.path, notParams):
			values[f.path] = canonical(f.get(s))
		}
	}
	return values
}

// canonical is a value that encoding/json writes alike on every machine.
func canonical(v any) any {
	if shape, ok := v.(packing.Shape); ok {
		return shape.String()
	}
	return v
}

// covered says whether one of keys is path or a section that holds it.
func covered(path string, keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return path == key || strings.HasPrefix(path, key+".") })
}
