package config

import (
	"slices"
	"testing"
)

func TestVariant(t *testing.T) {
	c := parse(t, `version: 1
name: base
data: {name: digits}
network: {type: mlp, hidden: [32, 16]}
prune: {scheme: p4e, ratio: 0.5, hidden: [8, 8], retrain: {epochs: 6}}
tile: {batch: 64}
sweep: {grid: {prune.ratio: [0.5, 0.6]}}
figures: [{id: f, x: tiles.density, y: quality.plain}]
`)
	if p := c.Points[0]; !p.Gives("prune.retrain.epochs") || p.Gives("prune.lasso") || p.Gives("prune.retrain.lr") {
		t.Error("what is given and what is a default are confused")
	}
	text, err := c.Variant("other", Values{"prune.scheme": "joint", "prune.hidden": nil, "prune.lasso": 0.05, "measure.encrypted": false, "tile": "8x8x64"},
		[]Values{{"prune.ratio": 0.75}, {"prune.hidden": []int{16, 8}, "prune.scheme": "small"}})
	if err != nil {
		t.Fatal(err)
	}
	v := parse(t, string(text))
	got := names(v.Points, "prune.scheme", "prune.ratio", "prune.hidden", "prune.lasso", "prune.retrain.epochs", "measure.encrypted", "tile")
	want := []string{"joint 0.5 - 0.05 6 false 8x8x64", "joint 0.75 - 0.05 6 false 8x8x64", "small - [16 8] - 6 false 8x8x64"}
	if v.Name != "other" || !slices.Equal(got, want) || len(v.Figures) > 0 {
		t.Errorf("%s %q: want %q\n%s", v.Name, got, want, text)
	}
	if len(c.Points) != 2 || c.Name != "base" {
		t.Error("the config itself changed")
	}
}
