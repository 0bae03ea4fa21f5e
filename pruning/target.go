package pruning

import (
	"slices"

	"hepex/network"
)

// target is what a prune step removes a share of.
type target struct {
	name  string
	reads []string // settings, by their names in configs
	step  func(o Options, ratio float64) Step
}

// targets are the values of Options.Target, and in the plural those of the prune steps of custom schemes.
var targets = []target{
	{"weight", []string{"importance", "scope"}, func(o Options, ratio float64) Step {
		return PruneWeights{Importance: o.Importance, Scope: o.Scope, Ratio: ratio, Seed: o.Seed}
	}},
	{"neuron", []string{"importance", "scope"}, func(o Options, ratio float64) Step { return o.pruneNeurons(neurons, ratio) }},
	{"filter", []string{"importance", "scope"}, func(o Options, ratio float64) Step { return o.pruneNeurons(filters, ratio) }},
	{"channel", []string{"importance", "scope"}, func(o Options, ratio float64) Step { return o.pruneNeurons(channels, ratio) }},
	{"tile", []string{"importance", "scope", "tiles.score"}, func(o Options, ratio float64) Step {
		return o.pruneTiles(o.Score, ratio)
	}},
}

// blocks, groups of neurons that share tiles, are for mofhei and custom schemes only.
var blocks = target{"block", []string{"importance"}, func(o Options, ratio float64) Step {
	return PruneBlocks{Importance: o.Importance, Ratio: ratio, Shape: o.Shape, Seed: o.Seed}
}}

// Targets are what the first prune step of p3 to p4e removes.
func Targets() (names []string) {
	for _, t := range targets {
		names = append(names, t.name)
	}
	return names
}

// target is the options' own, an empty one if there is none of that name.
func (o Options) target() (t target) {
	if i := slices.IndexFunc(targets, func(t target) bool { return t.name == o.Target }); i >= 0 {
		t = targets[i]
	}
	return t
}

// CheckTarget tells whether a network of the given geometry has what the scheme is to prune. If not, setting is the one that asks for
// it, by its name in configs.
func (o Options) CheckTarget(g network.Geometry) (setting string, err error) {
	var steps []Step
	switch {
	case o.reads("target"):
		setting, steps = "target", []Step{o.target().step(o, o.Ratio)}
	case o.reads("steps"):
		setting = "steps"
		if steps, err = o.custom(); err != nil {
			return setting, err
		}
	}
	for _, step := range steps {
		if p, ok := step.(PruneNeurons); ok {
			if err := p.check(g); err != nil {
				return setting, err
			}
		}
	}
	return "", nil
}
