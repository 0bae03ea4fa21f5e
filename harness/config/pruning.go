package config

import (
	"slices"

	"gopkg.in/yaml.v3"

	"hepex/network"
	"hepex/pruning"
)

// Options are what package pruning makes of the settings: all but the tile shape, the layout and the recipe of training. The
// settings that it names, such as tiles.ratio, are the keys under prune.
func (p Prune) Options() pruning.Options {
	o := pruning.Options{
		Scheme: p.Scheme, Custom: p.Steps, Importance: p.Importance, Scope: p.Scope, Target: p.Target, Ratio: p.Ratio,
		Permutation: p.Permutation, Score: p.Tiles.Score, MaxNonzero: p.Tiles.MaxNonzero,
		Events: p.Events, Until: p.Until, Curve: p.Curve, Budget: p.Budget, Plan: p.Plan, Lasso: p.Lasso, LassoOn: p.LassoOn,
		Distil:  pruning.Distil(p.Distil),
		Retrain: network.Options{Epochs: p.Retrain.Epochs, LR: p.Retrain.LR}, Rate: p.Retrain.Rate, Stop: p.Retrain.Patience,
	}
	var small network.Architecture
	small.Hidden = p.Hidden
	addTo(&small, p.Layers)
	o.Small = pruning.Small{Conv: small.Conv, Hidden: small.Hidden}
	if p.Tiles.Ratio != 0 {
		o.TileRatio = &p.Tiles.Ratio
	}
	if slices.Contains(o.Reads(), "search") {
		o.Permutation = p.Search
	}
	return o
}

// schemeDefaults sets what suits the scheme where nothing is given, or nothing sound.
func (d *draft) schemeDefaults() {
	for setting, value := range d.spec.Prune.Options().Defaults(d.spec.Network.Type == "autoencoder") {
		if path := join("prune", setting); d.settings[path] == nil || !d.sound(path) {
			byPath[path].set(&d.spec, &yaml.Node{Kind: yaml.ScalarNode, Value: value}) // a test reads them all
		}
	}
}

// checkPruning finds what the scheme cannot do.
func (d *draft) checkPruning() {
	for _, f := range d.spec.Prune.Options().Faults() {
		var paths []string
		for _, setting := range f.Settings {
			paths = append(paths, join("prune", setting))
		}
		if d.sound(paths...) {
			d.fail(paths[0], d.settings.nearest(paths...), "%s", f.Text)
		}
	}
	if d.settings["prune.tiles.ratio"] != nil && d.settings["prune.tiles.max_nonzero"] != nil && d.sound("prune.tiles.ratio") {
		d.fail("prune.tiles.ratio", d.settings["prune.tiles.ratio"],
			"both ratio and max_nonzero are given; want one of them (a sweep can replace prune.tiles as a whole)")
	}
}
