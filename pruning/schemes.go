package pruning

import (
	"fmt"
	"maps"
	"slices"
)

// scheme is an entry of the registry: all that tells one scheme from another. Settings have the names of keys under prune.
type scheme struct {
	name        string
	reads       []string                 // the settings that decide what comes out, besides those of all schemes …
	also        func(o Options) []string // … and others, as these want
	defaults    map[string]string        // where other values suit it better than those of all schemes, as configs write them …
	whole       map[string]string        // … for budgets of the whole evaluation
	autoencoder map[string]string        // … for autoencoders
	check       func(o Options) []Fault
	phases      func(o Options) []phase // in the course of the retraining, nil if there is none …
	after       func(o Options) []Step  // … and what follows
}

// schemes are in the order in which lists show them.
var schemes = []scheme{
	{ // train, retrain: what the others are compared with, trained as long as they are
		name: "dense", phases: func(Options) []phase { return once() },
	},
	{ // train, prune tiles, retrain
		name: "p2t", reads: []string{"ratio", "importance", "scope", "tiles.score"},
		phases: func(o Options) []phase { return once(o.pruneTiles(o.Score, o.Ratio)) },
	},
	{ // train, prune, retrain, permute
		name: "p3", reads: []string{"target", "ratio", "scope", "permutation"},
		phases: func(o Options) []phase { return once(o.target().step(o, o.Ratio)) },
		after:  func(o Options) []Step { return []Step{o.permute()} },
	},
	{ // train, prune, retrain, permute, expand, retrain
		name: "p3e", reads: []string{"target", "ratio", "scope", "permutation", "retrain.rate"},
		phases: func(o Options) []phase { return o.twice(o.permute(), Expand{Shape: o.Shape}) },
	},
	{ // train, prune, retrain, permute, drop almost-zero tiles, retrain
		name: "p4", reads: []string{"target", "ratio", "scope", "permutation", "retrain.rate"}, also: Options.dropReads,
		phases: func(o Options) []phase { return o.twice(o.drop()) },
	},
	{ // train, prune, retrain, permute, drop almost-zero tiles, expand, retrain: the order is the paper's, that of the others ours
		name: "p4e", reads: []string{"target", "ratio", "scope", "permutation", "retrain.rate"}, also: Options.dropReads,
		phases: func(o Options) []phase { p, drop := o.drop(); return o.twice(p, drop, Expand{Shape: o.Shape}) },
	},
	{ // train, then in rounds: prune the tiles of lowest average, retrain; Hunter (Cai et al., AsiaCCS 2022) for tiles of dense layers
		name: "hunter", reads: []string{"ratio", "importance", "scope", "events", "curve", "retrain.rate"},
		defaults: map[string]string{"events": "4"}, autoencoder: map[string]string{"events": "16"},
		phases: func(o Options) []phase {
			return o.rounds(1, o.Events, func(density float64) Step { return o.pruneTiles("avg", 1-density) })
		},
	},
	{ // train, prune groups of hidden neurons, retrain; MOFHEI (arXiv 2412.07954) for tiles of dense layers
		name: "mofhei", reads: []string{"ratio", "importance"},
		phases: func(o Options) []phase { return once(blocks.step(o, o.Ratio)) },
	},
	{ // ours: train, another network in its place if there are hidden neurons, then in rounds: order neurons and drop tiles together, retrain
		name: "joint", reads: []string{"ratio", "importance", "search", "events", "budget"},
		also: func(o Options) []string { // a single event is before the retraining, not in its course
			return slices.Concat(only(o.Events > 1, "until", "curve", "lasso", "retrain.rate"),
				only(Whole(o.Budget), "plan", "lasso_on"), o.Small.reads())
		},
		defaults:    map[string]string{"importance": "fisher", "curve": "cubic", "retrain.rate": "one", "events": "4", "until": "0.5"},
		whole:       map[string]string{"until": "0.2", "lasso_on": "dropped"},
		autoencoder: map[string]string{"events": "16", "until": "0.75", "lasso_on": "all"},
		check: func(o Options) []Fault {
			return only(o.Lasso > 0 && o.Rate != "one",
				Fault{[]string{"lasso", "retrain.rate"}, fmt.Sprintf("got %g with restarts; want prune.retrain.rate: one", o.Lasso)})
		},
		phases: func(o Options) []phase {
			return o.rounds(o.Until, max(o.Events-1, 1), func(density float64) Step { return o.joint(density) })
		},
	},
	{ // train, another network with fewer neurons for all epochs; no pruning
		name: "small", reads: []string{"hidden"}, also: func(o Options) []string { return o.Small.reads() },
		after: func(o Options) []Step {
			train := Train{Options: o.Train, Distil: o.Distil, Stop: o.Stop}
			train.Options.Epochs += o.Retrain.Epochs
			return []Step{o.Small, train}
		},
	},
	{ // train, then the steps that a config lists (see ParseStep)
		name: "custom", reads: []string{"steps", "importance", "scope", "tiles.score", "tiles.max_nonzero", "tiles.ratio", "budget"},
		check: func(o Options) []Fault {
			_, err := o.custom()
			return only(err != nil, Fault{[]string{"steps", "retrain.epochs"}, fmt.Sprint(err)})
		},
		after: func(o Options) []Step { steps, _ := o.custom(); return steps }, // which check has read
	},
}

// Schemes are the names of the pruning schemes.
func Schemes() (names []string) {
	for _, s := range schemes {
		names = append(names, s.name)
	}
	return names
}

// scheme is the entry of the options' scheme, an empty one if there is none of that name.
func (o Options) scheme() (s scheme) {
	if i := slices.IndexFunc(schemes, func(s scheme) bool { return s.name == o.Scheme }); i >= 0 {
		s = schemes[i]
	}
	return s
}

// Reads lists the settings that decide what comes out, sorted, by the names that configs have for them under prune. That may
// depend on their values: a scheme that drops tiles reads tiles.max_nonzero unless tiles.ratio is given.
func (o Options) Reads() []string {
	s := o.scheme()
	names := slices.Concat([]string{"scheme", "retrain.epochs", "retrain.lr"}, s.reads, only(slices.Contains(s.reads, "target"), o.target().reads...),
		only(o.Stop != 0, "retrain.patience"), only(o.Distil.Alpha != 0, "distil.alpha", "distil.temperature"))
	if s.also != nil {
		names = append(names, s.also(o)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (o Options) reads(setting string) bool { return slices.Contains(o.Reads(), setting) }

// only are the items if a condition holds.
func only[T any](when bool, items ...T) []T {
	if !when {
		return nil
	}
	return items
}

// Prunes tells whether the scheme removes weights: dense and small networks are what others are compared with.
func (o Options) Prunes() bool { return o.reads("importance") }

// Defaults are the settings that suit the scheme better than those of all schemes, as configs write them.
func (o Options) Defaults(autoencoder bool) map[string]string {
	s, d := o.scheme(), map[string]string{}
	maps.Copy(d, s.defaults)
	if Whole(o.Budget) {
		maps.Copy(d, s.whole)
	}
	if autoencoder {
		maps.Copy(d, s.autoencoder)
	}
	return d
}
