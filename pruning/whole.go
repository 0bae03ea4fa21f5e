package pruning

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"

	"hepex/network"
	"hepex/packing"
)

// A whole budget is a share of everything that the unpruned network takes: its rows and inputs, and what is there whatever is
// kept, not only its tiles.
//
//	evaluation  seconds of an evaluation, at nominal prices
//	memory      bytes that the server needs at its peak
//	upload      bytes that the server is sent: the inputs of a batch, and weights if they are encrypted
type whole struct {
	p       *partition
	prices  prices
	density float64 // share of what the unpruned network takes
	limit   float64 // of all groups and tiles together
	least   []int   // groups of each axis that stay alive, at least
}

// prices are what the parts of an evaluation take, in the unit of the budget.
type prices struct {
	tile  [][]float64 // a kept tile, by layer and tap
	group []float64   // a group of neurons that is computed, or sent, and read, by axis
	fixed float64
}

// wholeBudgets are those that count everything.
var wholeBudgets = []string{"evaluation", "memory", "upload"}

// wholeLayouts are those whose parts can be priced one by one.
var wholeLayouts = []string{string(packing.Tiles), string(packing.Scalar)}

// leastNeurons stay alive on every hidden axis that has as many, or as many as there are outputs, if these are fewer. Measured: a
// bottleneck of four neurons costs a classifier of ten classes 1.5 points.
const leastNeurons = 16

// pricesOf takes prices of a dense layout apart. Each input that is read counts as often as there are groups of rows that could
// read it: more than it takes where those rows do not, so that a budget is never overshot.
func pricesOf(layout *packing.Layout, budget string, encrypted bool) prices {
	a := layout.Typical()
	costs := layout.Costs(a.Nominal(), a, encrypted)
	pick := func(c packing.Cost) float64 { return c.Seconds }
	switch budget {
	case "memory":
		pick = func(c packing.Cost) float64 { return c.Memory }
	case "upload":
		pick = func(c packing.Cost) float64 { return c.Upload }
	}
	pr := prices{fixed: pick(costs.Fixed)}
	for axis := range len(layout.Layers) + 1 {
		each := 0.0
		if axis > 0 {
			each += pick(costs.Layers[axis-1].Row)
		}
		if axis < len(layout.Layers) {
			c := costs.Layers[axis]
			byTap := make([]float64, len(c.Uses))
			for tap := range byTap {
				byTap[tap] = pick(c.TileAt(tap))
			}
			pr.tile = append(pr.tile, byTap)
			each += pick(c.Input)*float64(c.Sent) + pick(c.Pool)*float64(c.Pools) + pick(c.Read)*float64(layout.ReadsOf(axis))
		}
		pr.group = append(pr.group, each)
	}
	return pr
}

// newWhole is a budget of a share of all that the unpruned network takes.
func newWhole(p *partition, density float64, pr prices) (whole, error) {
	w := whole{p: p, prices: pr, density: density}
	outputs := p.geometry.Axis(len(p.geometry)).Size()
	for a, n := range p.dims {
		least := 1
		if a > 0 && a < len(p.dims)-1 {
			positions := p.geometry.Axis(a).Positions()
			channels := (min(leastNeurons, outputs, n*positions) + positions - 1) / positions
			least = (channels + p.size[a] - 1) / p.size[a]
		}
		w.least = append(w.least, least)
	}
	w.limit = density*(pr.fixed+w.all()) - pr.fixed
	if least := w.smallest(); least > w.limit*(1+1e-9) {
		reachable := (least + pr.fixed) / (w.all() + pr.fixed)
		return w, &UnreachableError{Share: density, Least: reachable}
	}
	return w, nil
}

// UnreachableError means that a budget is below what the smallest network takes.
type UnreachableError struct{ Share, Least float64 }

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("pruning: a budget of %.3g of the unpruned network cannot be met: rows, inputs and what does not depend on tiles take at least %.3g", e.Share, e.Least)
}

// CheckBudget tells whether a budget of the whole evaluation can be met by a network of the given geometry: an UnreachableError if not.
func (o Options) CheckBudget(g network.Geometry) error {
	if o.Scheme != "joint" || !Whole(o.Budget) {
		return nil
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	_, err := o.joint(1 - o.Ratio).budget(newPartition(g, o.Shape))
	return err
}

// all is what groups and tiles of the unpruned network take.
func (w whole) all() float64 {
	total := 0.0
	for l, byTap := range w.prices.tile {
		total += float64(w.p.groups[l]*w.p.groups[l+1]) * floats.Sum(byTap)
	}
	for a, price := range w.prices.group {
		total += float64(w.p.groups[a]) * price
	}
	return total
}

// smallest is what the fewest groups take, each with a tile.
func (w whole) smallest() float64 {
	total := 0.0
	for a, n := range w.least {
		total += float64(n) * w.prices.group[a]
	}
	for l, byTap := range w.prices.tile {
		total += float64(w.least[l]+w.least[l+1]-1) * slices.Min(byTap)
	}
	return total
}

// share is the density of the budget.
func (w whole) share() float64 { return w.density }

// of is a budget of the same kind for another density, as far as that can be met.
func (w whole) of(density float64) allowance {
	w.density = density
	w.limit = max(density*(w.prices.fixed+w.all())-w.prices.fixed, w.smallest())
	return w
}

// keep chooses the tiles to keep, given the importance in each, without the exchanges of settle.
func (w whole) keep(sums [][]float64) (kept [][]bool, worth float64) {
	c := newChoice(w, sums)
	c.bisect()
	return c.fill()
}

// settle chooses the tiles to keep, as well as it can.
func (w whole) settle(sums [][]float64) (kept [][]bool, worth [][]float64, total float64) {
	c := newChoice(w, sums)
	c.bisect()
	c.exchange()
	kept, total = c.fill()
	return kept, sums, total
}

// floored is empty: floors are part of what a whole budget wants.
func (w whole) floored([][]float64, [][]bool) []int { return nil }
