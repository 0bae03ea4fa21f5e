package pruning

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"hepex/network"
	"hepex/packing"
)

// Train trains the network, or retrains it under its masks.
type Train struct{ Options network.Options }

func (t Train) String() string {
	o := t.Options
	return fmt.Sprintf("train epochs=%d batch=%d lr=%g decay=%g clip=%g warmup=%d seed=%d", o.Epochs, o.Batch, o.LR, o.WeightDecay, o.Clip, o.Warmup, o.Seed)
}

// Epochs that the step trains.
func (t Train) Epochs() int { return t.Options.Epochs }

// Apply trains in place.
func (t Train) Apply(s *State, data Data) error {
	if t.Options.Epochs == 0 {
		return nil
	}
	d, err := data()
	if err != nil {
		return err
	}
	return network.Train(s.Net, d, t.Options)
}

// PruneWeights removes the given share of all weights, those of least importance.
type PruneWeights struct {
	Importance, Scope string
	Ratio             float64
	Seed              uint64
}

func (p PruneWeights) String() string {
	return fmt.Sprintf("prune weights importance=%s scope=%s ratio=%g seed=%d", p.Importance, p.Scope, p.Ratio, p.Seed)
}

// Apply masks weights.
func (p PruneWeights) Apply(s *State, data Data) error {
	layers := s.Net.Dense()
	scores, err := importances(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	for l, lowest := range lowest(scores, p.Ratio, p.Scope) {
		for _, w := range lowest {
			prune(layers[l], w)
		}
	}
	return nil
}

// PruneTiles removes the given share of all tiles, those of lowest score. Tiles that are already zero are
// the first to go and count.
type PruneTiles struct {
	Importance, Scope, Score string
	Ratio                    float64
	Shape                    packing.Shape
	Seed                     uint64
}

func (p PruneTiles) String() string {
	return fmt.Sprintf("prune tiles importance=%s scope=%s score=%s ratio=%g tile=%s seed=%d", p.Importance, p.Scope, p.Score, p.Ratio, groups(p.Shape), p.Seed)
}

// Apply masks all weights of the dropped tiles.
func (p PruneTiles) Apply(s *State, data Data) error {
	weights, err := importances(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	tilings := s.tilings(p.Shape)
	scores := make([][]float64, len(tilings))
	for l, t := range tilings {
		scores[l] = tileScores(p.Score, t, weights[l])
	}
	for l, tiles := range lowest(scores, p.Ratio, p.Scope) {
		drop(tilings[l], tiles)
	}
	return nil
}

// DropTiles removes every tile with at most the given fraction of weights that are not zero, but never the
// fullest tile of a layer.
type DropTiles struct {
	MaxNonzero float64
	Shape      packing.Shape
}

func (p DropTiles) String() string {
	return fmt.Sprintf("drop tiles nonzero<=%g tile=%s", p.MaxNonzero, groups(p.Shape))
}

// Apply masks all weights of the dropped tiles.
func (p DropTiles) Apply(s *State, _ Data) error {
	for _, t := range s.tilings(p.Shape) {
		sizes, nonZero := t.sizes(), t.nonZero()
		fullest := slices.Index(nonZero, slices.Max(nonZero))
		var tiles []int
		for i, n := range nonZero {
			if i != fullest && float64(n) <= p.MaxNonzero*float64(sizes[i]) {
				tiles = append(tiles, i)
			}
		}
		drop(t, tiles)
	}
	return nil
}

// Expand makes every weight of a kept tile trainable again: inside a tile that is paid for, weights are free.
type Expand struct{ Shape packing.Shape }

func (p Expand) String() string { return "expand tile=" + groups(p.Shape) }

// Apply unmasks weights; they start at zero.
func (p Expand) Apply(s *State, _ Data) error {
	for _, t := range s.tilings(p.Shape) {
		if t.dense.Mask == nil {
			continue
		}
		kept := t.nonZero()
		t.each(func(tile, w int) { t.dense.Mask[w] = kept[tile] > 0 })
	}
	return nil
}

// groups names the part of a shape that decides which weights share a tile.
func groups(s packing.Shape) string { return fmt.Sprintf("%dx%d", s.In, s.Out) }

func drop(t tiling, tiles []int) {
	gone := make([]bool, t.rows*t.cols)
	for _, i := range tiles {
		gone[i] = true
	}
	t.each(func(tile, w int) {
		if gone[tile] {
			prune(t.dense, w)
		}
	})
}

// tileScores ranks the tiles of a layer over their real weights: padding does not count.
func tileScores(score string, t tiling, importance []float64) []float64 {
	out := make([]float64, t.rows*t.cols)
	if score == "min" {
		for i := range out {
			out[i] = math.Inf(1)
		}
	}
	t.each(func(tile, w int) {
		switch v := importance[w]; score {
		case "min":
			out[tile] = min(out[tile], v)
		case "max":
			out[tile] = max(out[tile], v)
		case "avg", "sum":
			out[tile] += v
		}
	})
	sizes, nonZero := t.sizes(), t.nonZero()
	for i := range out {
		switch {
		case nonZero[i] == 0:
			out[i] = -1 // below every tile that still holds a weight
		case score == "avg":
			out[i] /= float64(sizes[i])
		case score == "nonzero":
			out[i] = float64(nonZero[i]) / float64(sizes[i])
		}
	}
	return out
}

// lowest gives, by layer, the indices of the given share of all scores that are lowest, in each layer or
// over all layers. A layer always keeps its highest score; equal scores go by index.
func lowest(scores [][]float64, ratio float64, scope string) [][]int {
	type item struct {
		layer, index int
		score        float64
	}
	var all []item
	total := 0
	picked := make([][]int, len(scores))
	for l, s := range scores {
		items := make([]item, len(s))
		for i, v := range s {
			items[i] = item{l, i, v}
		}
		slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.score, b.score) })
		total += len(items)
		items = items[:len(items)-1]
		if scope == "local" {
			items = items[:min(share(ratio, len(s)), len(items))]
		}
		all = append(all, items...)
	}
	if scope == "global" {
		slices.SortStableFunc(all, func(a, b item) int { return cmp.Compare(a.score, b.score) })
		all = all[:min(share(ratio, total), len(all))]
	}
	for _, it := range all {
		picked[it.layer] = append(picked[it.layer], it.index)
	}
	return picked
}

// share rounds ratio·n to the nearest whole number.
func share(ratio float64, n int) int { return int(math.Round(ratio * float64(n))) }
