package pruning

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"hepex/packing"
)

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
	gone, floored := lowest(scores, p.Ratio, p.Scope)
	for l, weights := range gone {
		for _, w := range weights {
			prune(layers[l], w)
		}
	}
	s.noteFloors(floored)
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
	gone, floored := lowest(scores, p.Ratio, p.Scope)
	s.noteFloors(floored)
	s.drop(tilings, gone)
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
	tilings := s.tilings(p.Shape)
	gone := make([][]int, len(tilings))
	for l, t := range tilings {
		sizes, nonZero := t.sizes(), t.nonZero()
		fullest := slices.Index(nonZero, slices.Max(nonZero))
		for i, n := range nonZero {
			if i != fullest && float64(n) <= p.MaxNonzero*float64(sizes[i]) {
				gone[l] = append(gone[l], i)
			}
		}
	}
	s.drop(tilings, gone)
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
		t.Each(func(tile, w int) { t.dense.Mask[w] = kept[tile] > 0 })
	}
	return nil
}

// groups names the part of a shape that decides which weights share a tile.
func groups(s packing.Shape) string { return fmt.Sprintf("%dx%d", s.In, s.Out) }

// drop masks all weights of the tiles that are gone. Where these would cut all paths from the inputs to the outputs, the
// path of largest weights stays, so that no network becomes constant.
func (s *State) drop(tilings []tiling, gone [][]int) {
	kept, grids := make([][]bool, len(tilings)), make([]packing.Grid, len(tilings))
	for l, t := range tilings {
		grids[l] = t.Grid
		nonZero := t.nonZero()
		kept[l] = make([]bool, len(nonZero))
		for i, n := range nonZero {
			kept[l][i] = n > 0 && !slices.Contains(gone[l], i)
		}
	}
	if !connected(grids, kept) {
		for l, i := range strongest(grids, tileSums(tilings)) {
			kept[l][i] = true
		}
		s.note("a path of tiles kept from inputs to outputs: the ranking would have cut all")
	}
	for l, t := range tilings {
		t.Each(func(tile, w int) {
			if !kept[l][tile] {
				prune(t.dense, w)
			}
		})
	}
}

// connected tells whether a path of kept tiles leads from the inputs to the outputs.
func connected(grids []packing.Grid, kept [][]bool) bool {
	reached := slices.Repeat([]bool{true}, grids[0].InGroups)
	for l, tiles := range kept {
		next := make([]bool, grids[l].Rows)
		for i, k := range tiles {
			if in, out := grids[l].Ends(i); k && reached[in] {
				next[out] = true
			}
		}
		reached = next
	}
	return slices.Contains(reached, true)
}

// tileSums gives the sum of |w| of each tile, −∞ for those that have no weights left.
func tileSums(tilings []tiling) [][]float64 {
	var all [][]float64
	for _, t := range tilings {
		sums := make([]float64, t.Tiles())
		t.Each(func(tile, w int) { sums[tile] += math.Abs(float64(t.dense.W[w])) })
		for i, n := range t.nonZero() {
			if n == 0 {
				sums[i] = math.Inf(-1)
			}
		}
		all = append(all, sums)
	}
	return all
}

// strongest is the path through one tile of each layer with the largest sum; −∞ is a tile that no path may use.
func strongest(grids []packing.Grid, sums [][]float64) []int {
	best := make([]float64, grids[0].InGroups) // of the paths to each group
	var from [][]int                           // the tile by which the best path comes to each group
	for l, g := range grids {
		next, by := slices.Repeat([]float64{math.Inf(-1)}, g.Rows), make([]int, g.Rows)
		for i, v := range sums[l] {
			if in, out := g.Ends(i); best[in]+v > next[out] {
				next[out], by[out] = best[in]+v, i
			}
		}
		best, from = next, append(from, by)
	}
	path := make([]int, len(grids))
	group := floats.MaxIdx(best)
	for l := len(grids) - 1; l >= 0; l-- {
		path[l] = from[l][group]
		group, _ = grids[l].Ends(path[l])
	}
	return path
}

// tileScores ranks the tiles of a layer over their real weights: padding does not count.
func tileScores(score string, t tiling, importance []float64) []float64 {
	out := make([]float64, t.Tiles())
	if score == "min" {
		for i := range out {
			out[i] = math.Inf(1)
		}
	}
	t.Each(func(tile, w int) {
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

// lowest gives, by layer, the indices of the given share of all scores that are lowest, in each layer or over all
// layers. A layer always keeps its highest scores: one, or over all layers also a share of what it would keep if all
// layers kept the same (see budget); floored lists the layers that this saved from losing more. Equal scores go by index.
func lowest(scores [][]float64, ratio float64, scope string) (picked [][]int, floored []int) {
	type item struct {
		layer, index int
		score        float64
	}
	byScore := func(a, b item) int { return cmp.Compare(a.score, b.score) }
	var all, safe []item
	total := 0
	for l, s := range scores {
		items := make([]item, len(s))
		for i, v := range s {
			items[i] = item{layer: l, index: i, score: v}
		}
		slices.SortStableFunc(items, byScore)
		total += len(items)
		floor := 1
		if scope == "global" {
			floor = max(1, int(floorShare*(1-ratio)*float64(len(items))))
		} else {
			items = items[:max(share(ratio, len(s)), 0)]
			floor = max(0, len(items)-len(s)+1)
		}
		safe = append(safe, items[len(items)-floor:]...)
		all = append(all, items[:len(items)-floor]...)
	}
	if scope == "global" {
		slices.SortStableFunc(all, byScore)
		all = all[:min(share(ratio, total), len(all))]
	}
	picked = make([][]int, len(scores))
	for _, it := range all {
		picked[it.layer] = append(picked[it.layer], it.index)
	}
	if scope == "global" && len(all) > 0 {
		for _, it := range safe { // the lowest of the safe items of a layer comes first
			if it.score < all[len(all)-1].score && !slices.Contains(floored, it.layer) {
				floored = append(floored, it.layer)
			}
		}
	}
	return picked, floored
}

// share rounds ratio·n to the nearest whole number.
func share(ratio float64, n int) int { return int(math.Round(ratio * float64(n))) }

// noteFloors says which layers were kept from losing more.
func (s *State) noteFloors(layers []int) {
	for _, l := range layers {
		s.note("layer %d kept from collapsing: a global ranking would have pruned more of it", l+1)
	}
}
