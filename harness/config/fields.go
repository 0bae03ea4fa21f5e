package config

import (
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"hepex/datasets"
	"hepex/network"
	"hepex/packing"
	"hepex/pruning"
)

// field is one key of a point: a place in Spec and the kind of value that goes there.
type field struct {
	path   string
	want   string
	schema schema
	list   bool // the value itself is a list

	set  func(s *Spec, n *yaml.Node) *fault
	get  func(s *Spec) any
	copy func(to, from *Spec)
}

func key[T any](path string, k kind[T], place func(s *Spec) *T) field {
	list := reflect.TypeFor[T]().Kind() == reflect.Slice
	return field{
		path:   path,
		want:   k.want,
		schema: k.schema,
		list:   list,
		set: func(s *Spec, n *yaml.Node) *fault {
			v, f := k.read(n)
			if f == nil {
				*place(s) = v
			}
			return f
		},
		get:  func(s *Spec) any { return *place(s) },
		copy: func(to, from *Spec) { *place(to) = *place(from) },
	}
}

// Sizes of the largest published data sets, and the most samples that one may have. Unless given, a point uses all samples of its own set.
const (
	trainSize = 60000
	testSize  = 10000

	maxSamples = 10_000_000
)

var primeBits = whole(20, 60)

// fields are all keys of a point.
var fields = []field{
	key("data.name", setName, func(s *Spec) *string { return &s.Data.Name }),
	key("data.from", line("the path of a file or folder with data of one's own, from the folder that hepex is started in", 1000),
		func(s *Spec) *string { return &s.Data.Own.From }),
	key("data.label", columnName, func(s *Spec) *string { return &s.Data.Own.Label }),
	key("data.target", columnNames, func(s *Spec) *[]string { return &s.Data.Own.Target }),
	key("data.arrays.x_train", arrayName, func(s *Spec) *string { return &s.Data.Own.Arrays.XTrain }),
	key("data.arrays.y_train", arrayName, func(s *Spec) *string { return &s.Data.Own.Arrays.YTrain }),
	key("data.arrays.x_test", arrayName, func(s *Spec) *string { return &s.Data.Own.Arrays.XTest }),
	key("data.arrays.y_test", arrayName, func(s *Spec) *string { return &s.Data.Own.Arrays.YTest }),
	key("data.channels", oneOf("first", "last"), func(s *Spec) *string { return &s.Data.Own.Channels }),
	key("data.scale", oneOf(datasets.Scales()...), func(s *Spec) *string { return &s.Data.Own.Scale }),
	key("data.holdout", number("0 < holdout < 1"), func(s *Spec) *float64 { return &s.Data.Own.Holdout }),
	key(pinned, found, func(s *Spec) *datasets.Found { return &s.Data.Own.Found }),
	key("data.train", whole(1, maxSamples), func(s *Spec) *int { return &s.Data.Train }),
	key("data.test", whole(1, maxSamples), func(s *Spec) *int { return &s.Data.Test }),
	key("data.validation", number("0 < validation < 0.5"),
		func(s *Spec) *float64 { return &s.Data.Validation }),
	key("data.noise", number("0 ≤ noise ≤ 1"), func(s *Spec) *float64 { return &s.Data.Noise }),

	key("network.type", oneOf("mlp", "cnn", "autoencoder"), func(s *Spec) *string { return &s.Network.Type }),
	key("network.hidden", listOf(1, 8, whole(1, 4096)), func(s *Spec) *[]int { return &s.Network.Hidden }),
	key("network.layers", layerList, func(s *Spec) *[]Layer { return &s.Network.Layers }),
	key("network.activation", oneOf(append(network.Activations(), replace)...), func(s *Spec) *string { return &s.Network.Activation }),
	key("network.batch_norm", boolean, func(s *Spec) *bool { return &s.Network.BatchNorm }),
	key("network.from", modelFile, func(s *Spec) *string { return &s.Network.From }),
	key("network.tensors", listOf(1, 2*maxLayers, label), func(s *Spec) *[]string { return &s.Network.Tensors }),

	key("train.epochs", whole(0, 10000), func(s *Spec) *int { return &s.Train.Epochs }),
	key("train.batch", whole(1, trainSize), func(s *Spec) *int { return &s.Train.Batch }),
	key("train.lr", learningRate, func(s *Spec) *float64 { return &s.Train.LR }),
	key("train.seed", whole(0, 1<<31-1), func(s *Spec) *int { return &s.Train.Seed }),
	key("train.weight_decay", number("0 ≤ weight_decay < 1"),
		func(s *Spec) *float64 { return &s.Train.WeightDecay }),
	key("train.augment.shift", whole(0, 16), func(s *Spec) *int { return &s.Train.Augment.Shift }),
	key("train.augment.flip", boolean, func(s *Spec) *bool { return &s.Train.Augment.Flip }),

	key("prune.scheme", oneOf(pruning.Schemes()...), func(s *Spec) *string { return &s.Prune.Scheme }),
	key("prune.importance", oneOf(pruning.Importances()...), func(s *Spec) *string { return &s.Prune.Importance }),
	key("prune.scope", oneOf(pruning.Scopes()...), func(s *Spec) *string { return &s.Prune.Scope }),
	key("prune.target", oneOf(pruning.Targets()...), func(s *Spec) *string { return &s.Prune.Target }),
	key("prune.ratio", number("0 ≤ ratio < 1"), func(s *Spec) *float64 { return &s.Prune.Ratio }),
	key("prune.permutation", oneOf(pruning.Permutations()...), func(s *Spec) *string { return &s.Prune.Permutation }),
	key("prune.search", oneOf(pruning.Permutations()...), func(s *Spec) *string { return &s.Prune.Search }),
	key("prune.tiles.score", oneOf(pruning.Scores()...), func(s *Spec) *string { return &s.Prune.Tiles.Score }),
	key("prune.tiles.max_nonzero", number("0 ≤ max_nonzero ≤ 1"),
		func(s *Spec) *float64 { return &s.Prune.Tiles.MaxNonzero }),
	key("prune.tiles.ratio", number("0 < ratio < 1 (max_nonzero: 0 drops the empty tiles only)"),
		func(s *Spec) *float64 { return &s.Prune.Tiles.Ratio }),
	key("prune.events", whole(1, pruning.MaxEvents), func(s *Spec) *int { return &s.Prune.Events }),
	key("prune.until", number("0 ≤ until < 1"), func(s *Spec) *float64 { return &s.Prune.Until }),
	key("prune.curve", oneOf(pruning.Curves()...), func(s *Spec) *string { return &s.Prune.Curve }),
	key("prune.budget", oneOf(pruning.Budgets()...), func(s *Spec) *string { return &s.Prune.Budget }),
	key("prune.plan", oneOf(pruning.Plans()...), func(s *Spec) *string { return &s.Prune.Plan }),
	key("prune.lasso", number("0 ≤ lasso ≤ 10"), func(s *Spec) *float64 { return &s.Prune.Lasso }),
	key("prune.lasso_on", oneOf(pruning.LassoScopes()...), func(s *Spec) *string { return &s.Prune.LassoOn }),
	key("prune.hidden", listOf(1, 8, whole(1, 4096)), func(s *Spec) *[]int { return &s.Prune.Hidden }),
	key("prune.layers", layerList, func(s *Spec) *[]Layer { return &s.Prune.Layers }),
	key("prune.steps", steps, func(s *Spec) *[]string { return &s.Prune.Steps }),
	key("prune.retrain.epochs", whole(0, 10000), func(s *Spec) *int { return &s.Prune.Retrain.Epochs }),
	key("prune.retrain.lr", learningRate, func(s *Spec) *float64 { return &s.Prune.Retrain.LR }),
	key("prune.retrain.rate", oneOf(pruning.Rates()...), func(s *Spec) *string { return &s.Prune.Retrain.Rate }),
	key("prune.retrain.patience", whole(0, 10000), func(s *Spec) *int { return &s.Prune.Retrain.Patience }),
	key("prune.distil.alpha", number("0 ≤ alpha ≤ 1"), func(s *Spec) *float64 { return &s.Prune.Distil.Alpha }),
	key("prune.distil.temperature", number("0 < temperature ≤ 100"),
		func(s *Spec) *float64 { return &s.Prune.Distil.Temperature }),

	key("tile", tileShape, func(s *Spec) *packing.Shape { return &s.Tile }),

	key("layout", oneOf(layouts()...), func(s *Spec) *string { return &s.Layout }),

	key("he.weights", oneOf("plain", "encrypted"), func(s *Spec) *string { return &s.HE.Weights }),
	key("he.ring", oneOf(AnyRing, "standard", "conjugate-invariant"), func(s *Spec) *string { return &s.HE.Ring }),
	key("he.precision", whole(1, 40), func(s *Spec) *int { return &s.HE.Precision }),
	key("he.log_q", listOf(1, 64, primeBits), func(s *Spec) *[]int { return &s.HE.LogQ }),
	key("he.log_p", listOf(1, 64, primeBits), func(s *Spec) *[]int { return &s.HE.LogP }),
	key("he.log_scale", primeBits, func(s *Spec) *int { return &s.HE.LogScale }),
	key("he.headroom", number("0 < headroom ≤ 100"), func(s *Spec) *float64 { return &s.HE.Headroom }),
	key("he.insecure", boolean, func(s *Spec) *bool { return &s.HE.Insecure }),

	key("measure.encrypted", boolean, func(s *Spec) *bool { return &s.Measure.Encrypted }),
	key("measure.warmup", whole(0, 1000), func(s *Spec) *int { return &s.Measure.Warmup }),
	key("measure.threads", whole(1, 1024), func(s *Spec) *int { return &s.Measure.Threads }),
	key("measure.repeats.min", whole(1, 10000), func(s *Spec) *int { return &s.Measure.Repeats.Min }),
	key("measure.repeats.max", whole(1, 10000), func(s *Spec) *int { return &s.Measure.Repeats.Max }),
	key("measure.repeats.ci", number("0 < ci < 1"), func(s *Spec) *float64 { return &s.Measure.Repeats.CI }),
	key("measure.order", oneOf("sequential", "interleaved"), func(s *Spec) *string { return &s.Measure.Order }),
}

// AnyRing leaves the choice of the ring to the derivation of parameters.
const AnyRing = "auto"

func layouts() []string {
	var names []string
	for _, k := range packing.Kinds {
		names = append(names, string(k))
	}
	return names
}

var learningRate = number("0 < lr ≤ 1")

// defaults is the point of a file that says nothing, which lacks what must be given. The learning rate of
// retraining is that of training.
func defaults() Spec {
	return Spec{
		Data:    Data{Own: datasets.DefaultFiles(), Train: trainSize, Test: testSize, Validation: 0.1},
		Network: Network{Activation: "square"},
		Train:   Train{Epochs: 10, Batch: 128, LR: 1e-3, Seed: 1, WeightDecay: 0.05},
		Prune: Prune{
			Importance: "l1", Scope: "local", Target: "weight", Permutation: "kmeans", Search: "joint", Curve: "linear", Budget: "tiles", Plan: "final", LassoOn: "all",
			Tiles:   Tiles{Score: "avg", MaxNonzero: 0.0625},
			Retrain: Retrain{Epochs: 3, Rate: "restarts"},
			Distil:  Distil{Temperature: 4},
		},
		Layout:  string(packing.Tiles),
		HE:      HE{Weights: "encrypted", Ring: AnyRing, Precision: 16},
		Measure: Measure{Encrypted: true, Warmup: 1, Threads: 1, Repeats: Repeats{Min: 5, Max: 20, CI: 0.05}, Order: "sequential"},
	}
}

var (
	byPath   = map[string]*field{}
	children = map[string][]string{} // the keys of each section, in order; those of "" are at the top level
	topKeys  []string                // the keys of a document, in order
)

func init() {
	for i, f := range fields {
		byPath[f.path] = &fields[i]
		parent := ""
		for _, name := range strings.Split(f.path, ".") {
			if !slices.Contains(children[parent], name) {
				children[parent] = append(children[parent], name)
			}
			parent = join(parent, name)
		}
	}
	topKeys = slices.Concat([]string{"version", "name", "extends"}, children[""], []string{"sweep", "limits", "figures", "tables", "expect"})
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}
