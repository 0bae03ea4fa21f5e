package pruning

import (
	"cmp"
	"math"
	"slices"
)

// budget says how many tiles may be kept, and shares them between layers: the tiles of most importance over all
// layers, but no layer gets fewer than a share of what it would get if all layers kept the same share, nor fewer than
// one tile for each group of the network's outputs, without which classes would vanish. Small layers stay whole.
type budget struct {
	partition *partition
	tiles     int
}

// Measured: without a floor layers collapse.
const (
	floorShare = 0.2  // of a layer's share if all layers kept the same share
	smallLayer = 0.05 // share of all tiles below which a layer is small
	smallMost  = 0.5  // share of the budget that small layers may take together
)

// newBudget keeps the given share of all tiles.
func newBudget(p *partition, density float64) budget {
	total := 0
	for _, n := range p.tiles() {
		total += n
	}
	return budget{p, min(max(int(math.Round(density*float64(total))), len(p.dims)-1), total)}
}

// keep chooses the tiles to keep, given the importance in each tile, and returns the importance kept. Tiles whose
// outputs no kept tile reads, or whose inputs no kept tile gives, are worth nothing, so others take their place.
func (b budget) keep(sums [][]float64) (kept [][]bool, total float64) {
	kept, total = b.choose(sums)
	for range maxRevisions {
		alive, dead := b.partition.withoutDead(sums, kept)
		if !dead {
			break
		}
		sums = alive
		kept, total = b.choose(sums)
	}
	return kept, total
}

// maxRevisions bounds how often dead tiles are replaced: others may die of it.
const maxRevisions = 8

// withoutDead returns the sums with zero for the dead among the kept tiles that are not zero yet, and whether there are
// any.
func (p *partition) withoutDead(sums [][]float64, kept [][]bool) (alive [][]float64, dead bool) {
	alive = make([][]float64, len(sums))
	for l := range sums {
		alive[l] = slices.Clone(sums[l])
		cols := p.groups[l]
		for i, k := range kept[l] {
			if k && sums[l][i] != 0 && (!p.read(l, i/cols, kept) || !p.given(l, i%cols, kept)) {
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
	return l == 0 || slices.Contains(kept[l-1][group*p.groups[l-1]:(group+1)*p.groups[l-1]], true)
}

// choose takes the tiles of most importance, whether dead or not.
func (b budget) choose(sums [][]float64) (kept [][]bool, total float64) {
	order := make([][]int, len(sums))
	number := b.floors()
	for l, s := range sums {
		order[l] = b.ranked(l, s)
		worthless := 0
		for _, v := range s {
			if v == 0 {
				worthless++
			}
		}
		number[l] = max(1, min(number[l], len(s)-worthless))
	}
	left := b.tiles
	for _, n := range number {
		left -= n
	}
	type next struct {
		layer, index int
		sum          float64
	}
	var rest []next
	for l, o := range order {
		for _, i := range o[number[l]:] {
			rest = append(rest, next{l, i, sums[l][i]})
		}
	}
	slices.SortStableFunc(rest, func(a, b next) int { return cmp.Compare(b.sum, a.sum) })
	kept = make([][]bool, len(sums))
	take := func(l, i int) {
		kept[l][i] = true
		total += sums[l][i]
	}
	for l, o := range order {
		kept[l] = make([]bool, len(sums[l]))
		for _, i := range o[:number[l]] {
			take(l, i)
		}
	}
	for _, r := range rest[:max(left, 0)] {
		take(r.layer, r.index)
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
	if l < len(b.partition.dims)-2 {
		return order
	}
	cols := b.partition.groups[l]
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

// floors gives the fewest tiles of each layer, together at most the budget.
func (b budget) floors() []int {
	tiles := b.partition.tiles()
	total, small := 0, 0
	for _, n := range tiles {
		total += n
	}
	isSmall := func(n int) bool { return float64(n) < smallLayer*float64(total) }
	for _, n := range tiles {
		if isSmall(n) {
			small += n
		}
	}
	whole := float64(small) <= smallMost*float64(b.tiles)
	floor := make([]int, len(tiles))
	used := 0
	for l, n := range tiles {
		floor[l] = max(1, int(floorShare*float64(b.tiles)*float64(n)/float64(total)))
		if l == len(tiles)-1 {
			floor[l] = max(floor[l], b.partition.groups[l+1])
		}
		if whole && isSmall(n) {
			floor[l] = n
		}
		used += floor[l]
	}
	for used > b.tiles { // more minimums than tiles: one each, at least
		l := slices.Index(floor, slices.Max(floor))
		if floor[l] == 1 {
			break
		}
		floor[l]--
		used--
	}
	return floor
}
