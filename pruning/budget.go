package pruning

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// budget says how many tiles may be kept, and shares them between layers: the tiles of most importance for their cost over
// all layers, but no layer gets fewer than a share of what it would get if all layers kept the same share, nor fewer than
// one tile for each group of the network's outputs, without which classes would vanish, if that is a small part of the
// budget: the many outputs of an autoencoder are not all worth a tile. Small layers stay whole.
type budget struct {
	partition *partition
	density   float64
	cost      [][]float64 // of a tile, by layer and tap
	limit     float64     // of all kept tiles together, in the unit of cost
	even      bool        // every layer keeps the same share
}

// Measured: without a floor layers collapse.
const (
	floorShare = 0.2  // of a layer's share if all layers kept the same share
	smallLayer = 0.05 // share of all tiles below which a layer is small
	smallMost  = 0.5  // share of the budget that small layers may take together

	outputsMost = 0.2 // share of the budget that one tile for each group of outputs may take
)

// newBudget keeps tiles that cost the given share of all, and at least one tile of each layer. Without costs, by layer and tap, every
// tile costs the same.
func newBudget(p *partition, density float64, cost [][]float64) budget {
	whole := cost == nil
	if whole {
		for _, s := range p.geometry {
			cost = append(cost, slices.Repeat([]float64{1}, s.Taps()))
		}
	}
	b := budget{partition: p, density: density, cost: cost}
	all, least := 0.0, 0.0
	for l, byTap := range cost {
		all += b.whole(l)
		least += slices.Min(byTap)
	}
	b.limit = density * all
	if whole {
		b.limit = math.Round(b.limit)
	}
	b.limit = math.Min(math.Max(b.limit, least), all)
	return b
}

// whole is what all tiles of a layer cost.
func (b budget) whole(layer int) float64 {
	return float64(b.partition.groups[layer]*b.partition.groups[layer+1]) * floats.Sum(b.cost[layer])
}

// mean is what a tile of a layer costs on average.
func (b budget) mean(layer int) float64 { return stat.Mean(b.cost[layer], nil) }

// costs are what each tile of a layer costs.
func (b budget) costs(layer int) []float64 {
	g := b.partition.grid(layer)
	c := make([]float64, g.Tiles())
	for i := range c {
		c[i] = b.cost[layer][g.Tap(i)]
	}
	return c
}

// newEvenBudget keeps the given share of the tiles of each layer, and at least one.
func newEvenBudget(p *partition, density float64) budget {
	b := newBudget(p, density, nil)
	b.even, b.limit = true, 0
	for _, n := range b.floors() {
		b.limit += float64(n)
	}
	return b
}

// share is the density of the budget.
func (b budget) share() float64 { return b.density }

// of is a budget of the same kind for another density.
func (b budget) of(density float64) allowance {
	if b.even {
		return newEvenBudget(b.partition, density)
	}
	b.limit *= density / b.density
	b.density = density
	return b
}

// keep chooses the tiles to keep, given the importance in each tile, and returns the importance kept.
func (b budget) keep(sums [][]float64) (kept [][]bool, total float64) {
	kept, _, total = b.settle(sums)
	return kept, total
}

// settle chooses the tiles to keep, and returns what each tile is worth: tiles whose outputs no kept tile reads, or whose
// inputs no kept tile gives, are worth nothing, so others take their place.
func (b budget) settle(sums [][]float64) (kept [][]bool, worth [][]float64, total float64) {
	kept, total = b.choose(sums)
	for range maxRevisions {
		alive, dead := b.partition.withoutDead(sums, kept)
		if !dead {
			break
		}
		sums = alive
		kept, total = b.choose(sums)
	}
	return kept, sums, total
}

// maxRevisions bounds how often dead tiles are replaced: others may die of it.
const maxRevisions = 8

// withoutDead returns the sums with zero for the dead among the kept tiles that are not zero yet, and whether there are
// any.
func (p *partition) withoutDead(sums [][]float64, kept [][]bool) (alive [][]float64, dead bool) {
	alive = make([][]float64, len(sums))
	for l := range sums {
		alive[l] = slices.Clone(sums[l])
		g := p.grid(l)
		for i, k := range kept[l] {
			if in, out := g.Ends(i); k && sums[l][i] != 0 && (!p.read(l, out, kept) || !p.given(l, in, kept)) {
				alive[l][i], dead = 0, true
			}
		}
	}
	return alive, dead
}

// read tells whether a kept tile of the next layer reads a group of a layer's outputs.
func (p *partition) read(l, group int, kept [][]bool) bool {
	if l+1 == len(kept) {
		return true
	}
	for i := group; i < len(kept[l+1]); i += p.groups[l+1] {
		if kept[l+1][i] {
			return true
		}
	}
	return false
}

// given tells whether a kept tile of the layer before gives a group of a layer's inputs.
func (p *partition) given(l, group int, kept [][]bool) bool {
	return l == 0 || slices.Contains(kept[l-1][group*p.columns(l-1):(group+1)*p.columns(l-1)], true)
}

// choose takes the tiles of most importance for their cost, whether dead or not.
func (b budget) choose(sums [][]float64) (kept [][]bool, total float64) {
	order, costs := make([][]int, len(sums)), make([][]float64, len(sums))
	for l := range sums {
		costs[l] = b.costs(l)
	}
	number := b.floors()
	kept = make([][]bool, len(sums))
	left := b.limit * (1 + 1e-9) // costs are sums of rounded numbers
	take := func(l, i int) {
		kept[l][i] = true
		total += sums[l][i]
		left -= costs[l][i]
	}
	for l, s := range sums {
		order[l], kept[l] = b.ranked(l, s), make([]bool, len(s))
		worthless := 0
		for _, v := range s {
			if v == 0 {
				worthless++
			}
		}
		if !b.even { // others take the place of worthless tiles
			number[l] = max(1, min(number[l], len(s)-worthless))
		}
		for _, i := range order[l][:number[l]] {
			take(l, i)
		}
	}
	type next struct {
		layer, index int
		worth        float64
	}
	var rest []next
	for l, o := range order {
		for _, i := range o[number[l]:] {
			rest = append(rest, next{layer: l, index: i, worth: sums[l][i] / costs[l][i]})
		}
	}
	slices.SortStableFunc(rest, func(a, b next) int { return cmp.Compare(b.worth, a.worth) })
	for _, r := range rest {
		if costs[r.layer][r.index] <= left {
			take(r.layer, r.index)
		}
	}
	return kept, total
}

// ranked lists the tiles of a layer, the most important first; in the last layer the best tile of each group of
// outputs comes before all others.
func (b budget) ranked(l int, sums []float64) []int {
	order := make([]int, len(sums))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(sums[j], sums[i]) })
	if l < len(b.partition.dims)-2 || !b.everyOutput() {
		return order
	}
	cols := b.partition.columns(l)
	seen := make([]bool, b.partition.groups[l+1])
	var first, rest []int
	for _, i := range order {
		if row := i / cols; !seen[row] {
			seen[row] = true
			first = append(first, i)
		} else {
			rest = append(rest, i)
		}
	}
	return append(first, rest...)
}

// everyOutput tells whether each group of the network's outputs is to have a tile.
func (b budget) everyOutput() bool {
	last := len(b.partition.dims) - 1
	return float64(b.partition.groups[last])*b.mean(last-1) <= outputsMost*b.limit
}

// floors gives the fewest tiles of each layer, together within the budget.
func (b budget) floors() []int {
	if b.even {
		return b.evenFloors()
	}
	tiles, all := b.partition.tiles(), b.partition.total()
	isSmall := func(n int) bool { return float64(n) < smallLayer*all }
	small := 0.0
	for l, n := range tiles {
		if isSmall(n) {
			small += b.whole(l)
		}
	}
	whole := small <= smallMost*b.limit
	floor := make([]int, len(tiles))
	used := 0.0
	for l, n := range tiles {
		floor[l] = max(1, int(floorShare*b.density*float64(n)))
		if l == len(tiles)-1 && b.everyOutput() {
			floor[l] = max(floor[l], b.partition.groups[l+1])
		}
		if whole && isSmall(n) {
			floor[l] = n
		}
		used += float64(floor[l]) * b.mean(l)
	}
	for used > b.limit { // more minimums than tiles: one each, at least
		l := slices.Index(floor, slices.Max(floor))
		if floor[l] == 1 {
			break
		}
		floor[l]--
		used -= b.mean(l)
	}
	return floor
}

func (b budget) evenFloors() []int {
	floor := b.partition.tiles()
	for l, n := range floor {
		floor[l] = max(1, int(math.Round(b.density*float64(n))))
	}
	return floor
}

// floored lists the layers that would have fewer tiles if it were not for their floor: a tile elsewhere that went is
// worth more. Layers that stay whole as they are small do not count.
func (b budget) floored(sums [][]float64, kept [][]bool) []int {
	if b.even {
		return nil
	}
	best := 0.0
	for l, s := range sums {
		costs := b.costs(l)
		for i, v := range s {
			if !kept[l][i] {
				best = math.Max(best, v/costs[i])
			}
		}
	}
	var layers []int
	for l, floor := range b.floors() {
		number, least, costs := 0, math.Inf(1), b.costs(l)
		for i, k := range kept[l] {
			if k {
				number++
				least = math.Min(least, sums[l][i]/costs[i])
			}
		}
		if number == floor && floor < len(kept[l]) && least < best {
			layers = append(layers, l)
		}
	}
	return layers
}
