package pruning

import (
	"fmt"
	"math"

	"hepex/packing"
)

// Permute orders the neurons of every axis so that pruned weights meet in the same tiles (see arrange), by which weights
// are left. One order per axis serves the outputs of a layer, its bias and the inputs of the next, so the network
// computes the same. The strategy is judged by what it lets a later step drop: fewest tiles are left above MaxNonzero,
// or, with a Share, fewest weights are lost.
type Permute struct {
	Strategy   string
	MaxNonzero float64 // fraction of weights up to which a later step drops a tile …
	Share      float64 // … or, if not 0, the share of tiles that it drops
	Scope      string  // of Share
	Shape      packing.Shape
	Seed       uint64
}

func (p Permute) String() string {
	return fmt.Sprintf("permute %s nonzero<=%g share=%g scope=%s tile=%s seed=%d", p.Strategy, p.MaxNonzero, p.Share, p.Scope, groups(p.Shape), p.Seed)
}

// Apply replaces the orders of all axes; the network stays as it is.
func (p Permute) Apply(s *State, _ Data) error {
	left := make([][]float64, len(s.Net.Dense()))
	number := 0.0
	for l, d := range s.Net.Dense() {
		left[l] = make([]float64, len(d.W))
		for w := range d.W {
			if alive(d, w) {
				left[l][w] = 1
				number++
			}
		}
	}
	groups := newPartition(s.Net.Geometry(), p.Shape)
	var k keeper = p.judge(groups)
	switch p.Strategy {
	case "sort":
		for l, d := range s.Net.Dense() {
			left[l] = importance("l1", d, 0, l)
		}
	case "joint":
		density := 1 - p.Share
		if p.Share == 0 { // the fewest tiles that could hold what is left
			density = number / float64(p.Shape.In*p.Shape.Out) / groups.total()
		}
		k = newBudget(groups, math.Min(density, 1), nil)
	}
	groups.arrange(p.Strategy, left, k, false, p.Seed)
	s.Orders = groups.orders()
	return nil
}

// judge is the step that will drop tiles.
func (p Permute) judge(groups *partition) keeper {
	sizes := groups.sizes()
	if p.Share == 0 {
		return threshold{p.MaxNonzero, sizes}
	}
	return fullest{p.Share, p.Scope, sizes}
}

// threshold keeps the tiles with more than a fraction of their weights: fewer are better.
type threshold struct {
	nonzero float64
	sizes   [][]float64
}

func (t threshold) keep(sums [][]float64) (kept [][]bool, worth float64) {
	kept = make([][]bool, len(sums))
	for l, s := range sums {
		kept[l] = make([]bool, len(s))
		for i, v := range s {
			if v > t.nonzero*t.sizes[l][i] {
				kept[l][i] = true
				worth--
			}
		}
	}
	return kept, worth
}

// fullest keeps all but a share of the tiles, those with the most weights for their size: the more weights the better.
type fullest struct {
	share float64
	scope string
	sizes [][]float64
}

func (f fullest) keep(sums [][]float64) (kept [][]bool, worth float64) {
	kept, fractions := make([][]bool, len(sums)), make([][]float64, len(sums))
	for l, s := range sums {
		kept[l], fractions[l] = make([]bool, len(s)), make([]float64, len(s))
		for i, v := range s {
			kept[l][i], fractions[l][i] = true, v/f.sizes[l][i]
			worth += v
		}
	}
	gone, _ := lowest(fractions, f.share, f.scope)
	for l, tiles := range gone {
		for _, i := range tiles {
			kept[l][i] = false
			worth -= sums[l][i]
		}
	}
	return kept, worth
}
