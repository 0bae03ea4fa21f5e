package config

import (
	"fmt"
	"slices"
	"strings"

	"hepex/datasets"
	"hepex/packing"
)

// notParams are the keys that say how well to measure, not what: they do not decide the outcome.
var notParams = []string{"measure.warmup", "measure.repeats", "measure.order"}

// pinned is the key of what files of one's own were found to hold. It is no parameter, as the checksum of data stands beside these.
const pinned = "data.found"

// isParam tells whether a key is a parameter.
func isParam(path string) bool { return path != pinned && !covered(path, notParams) }

// fileHash is the parameter that says what the file network.from held.
const fileHash = "network.sha256"

// ignored are the keys that do not decide the outcome of the point, besides those that its scheme does not read. A key stands for
// all below it.
func ignored(s *Spec) (keys []string) {
	drop := func(when bool, those ...string) {
		if when {
			keys = append(keys, those...)
		}
	}
	drop(len(s.Network.Layers) > 0, "network.hidden")
	drop(len(s.Network.Layers) == 0, "network.layers")
	drop(len(s.Prune.Layers) == 0, "prune.layers")
	drop(len(s.Prune.Layers) > 0, "prune.hidden")
	drop(s.Network.Type == "autoencoder" || s.Data.Form().Targets > 0, "prune.distil.temperature")
	drop(s.Measure.Encrypted, "measure.encrypted")
	drop(!s.Measure.Encrypted, "he.ring", "he.precision", "he.log_q", "he.log_p", "he.log_scale", "he.headroom", "he.insecure", "measure.threads")
	drop(!s.Data.IsOwn(), ownKeys...)
	drop(s.Data.IsOwn() || s.Data.IsRandom(), "data.name")
	drop(s.Data.Own.Label == "", "data.label")
	drop(s.Data.Own.Target == nil, "data.target")
	drop(s.Data.Own.Arrays == datasets.DefaultFiles().Arrays, "data.arrays")
	drop(s.Data.Own.Channels == "", "data.channels")
	drop(s.Data.Noise == 0, "data.noise")
	drop(s.Network.ofFile(), "network.hidden", "network.layers", "network.batch_norm")
	drop(s.Network.ofFile() && !s.Network.Replaces(), "network.activation")
	drop(s.Network.ofFile() && s.Network.Type == "", "network.type")
	drop(s.Network.From == "", "network.from")
	drop(s.Network.Tensors == nil, "network.tensors")
	drop(s.Train.Augment.Shift == 0, "train.augment.shift")
	drop(!s.Train.Augment.Flip, "train.augment.flip")
	drop(s.HE.LogQ == nil, "he.log_q", "he.log_p", "he.log_scale")
	drop(s.HE.Headroom == 0, "he.headroom")
	return keys
}

// ParamNames are the dotted paths that the Params of a point may have.
func ParamNames() []string {
	var names []string
	for _, f := range fields {
		if isParam(f.path) {
			names = append(names, f.path)
		}
	}
	return append(names, fileHash)
}

// IsDefault tells whether a value of the parameter at a dotted path, as Params or a record has it, is what a config has that does not
// give one. So is that of a parameter that there is no more.
func IsDefault(path string, value any) bool {
	f, ok := byPath[path]
	if !ok {
		return true
	}
	unset := defaults()
	return fmt.Sprint(value) == fmt.Sprint(canonical(f.get(&unset)))
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
	drop, reads, fixed := ignored(s), s.Prune.Options().Reads(), defaults()
	fixed.Prune.Permutation, fixed.Prune.Tiles.MaxNonzero = "none", 0
	values := map[string]any{}
	for _, f := range fields {
		setting, prunes := strings.CutPrefix(f.path, "prune.")
		switch {
		case covered(f.path, drop), prunes && !slices.Contains(reads, setting):
			f.copy(s, &fixed)
		case isParam(f.path):
			values[f.path] = canonical(f.get(s))
		}
	}
	if s.Network.From != "" {
		values[fileHash] = s.Network.Imported.SHA256
	}
	return values
}

// canonical is a value that encoding/json writes alike on every machine.
func canonical(v any) any {
	switch v := v.(type) {
	case packing.Shape:
		return v.String()
	case []Layer:
		return LayersText(v)
	}
	return v
}

// covered says whether one of keys is path or a section that holds it.
func covered(path string, keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return path == key || strings.HasPrefix(path, key+".") })
}
