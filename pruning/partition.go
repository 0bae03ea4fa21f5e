package pruning

import (
	"cmp"
	"slices"

	"hepex/packing"
)

// partition assigns the neurons of every axis to the groups that share tiles. Groups hold as many neurons as the tile
// is wide; the last one of an axis holds what is left.
type partition struct {
	dims   []int
	size   []int   // of a full group, by axis
	groups []int   // number, by axis
	of     [][]int // group of each neuron, by axis
}

func newPartition(dims []int, shape packing.Shape) *partition {
	p := &partition{dims: dims}
	for a, n := range dims {
		size := shape.Group(a)
		p.size, p.groups = append(p.size, size), append(p.groups, (n+size-1)/size)
		of := make([]int, n)
		for i := range of {
			of[i] = i / size
		}
		p.of = append(p.of, of)
	}
	return p
}

// orders lists the neurons of each axis group by group.
func (p *partition) orders() [][]int {
	orders := make([][]int, len(p.dims))
	for a, of := range p.of {
		o := make([]int, len(of))
		for i := range o {
			o[i] = i
		}
		slices.SortStableFunc(o, func(i, j int) int { return of[i] - of[j] })
		orders[a] = o
	}
	return orders
}

// tiles is the number of tiles of each layer.
func (p *partition) tiles() []int {
	n := make([]int, len(p.dims)-1)
	for l := range n {
		n[l] = p.groups[l] * p.groups[l+1]
	}
	return n
}

// sums adds up the scores of the weights in each tile of each layer.
func (p *partition) sums(scores [][]float64) [][]float64 {
	out := make([][]float64, len(scores))
	for l, s := range scores {
		in, cols := p.dims[l], p.groups[l]
		out[l] = make([]float64, cols*p.groups[l+1])
		for o, g := range p.of[l+1] {
			row := out[l][g*cols : (g+1)*cols]
			for i, v := range s[o*in : (o+1)*in] {
				row[p.of[l][i]] += v
			}
		}
	}
	return out
}

// sort groups neurons by the sum of their weights' scores, the highest first.
func (p *partition) sort(scores [][]float64) {
	for a, n := range p.dims {
		sum := make([]float64, n)
		if a > 0 {
			in := p.dims[a-1]
			for w, v := range scores[a-1] {
				sum[w/in] += v
			}
		}
		if a < len(scores) {
			for w, v := range scores[a] {
				sum[w%n] += v
			}
		}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(sum[j], sum[i]) })
		for rank, i := range order {
			p.of[a][i] = rank / p.size[a]
		}
	}
}

// improve moves neurons of one axis between groups so that more importance lies in the kept tiles: the benefit of a
// neuron for a group is the importance that it would add to kept tiles of both layers that touch the axis, and pairs
// of neurons change places as long as their benefits gain by it.
func (p *partition) improve(axis int, scores [][]float64, kept [][]bool) {
	groups := p.groups[axis]
	if groups == 1 {
		return
	}
	benefit := p.benefits(axis, scores, kept)
	of := p.of[axis]
	for pass, swapped := 0, true; swapped && pass < maxPasses; pass++ {
		swapped = false
		for i := range of {
			bi, gi := benefit[i*groups:(i+1)*groups], of[i]
			for j := i + 1; j < len(of); j++ {
				gj := of[j]
				if gi == gj {
					continue
				}
				bj := benefit[j*groups : (j+1)*groups]
				if bi[gj]-bi[gi]+(bj[gi]-bj[gj]) > 0 && bi[gj]+bj[gi] > (bi[gi]+bj[gj])*(1+1e-12) {
					of[i], of[j] = gj, gi
					gi, swapped = gj, true
				}
			}
		}
	}
}

// maxPasses bounds the passes over all pairs of an axis; few are needed.
const maxPasses = 30

// benefits gives, for each neuron of an axis, the importance that it has in the kept tiles of each group.
func (p *partition) benefits(axis int, scores [][]float64, kept [][]bool) []float64 {
	n, groups := p.dims[axis], p.groups[axis]
	benefit := make([]float64, n*groups)
	add := func(neuron int, towards []float64, keeps func(group, other int) bool) {
		for g := range groups {
			for other, v := range towards {
				if keeps(g, other) {
					benefit[neuron*groups+g] += v
				}
			}
		}
	}
	if axis > 0 {
		l, in, cols := axis-1, p.dims[axis-1], p.groups[axis-1]
		towards := make([]float64, cols)
		for o := range n {
			clear(towards)
			for i, v := range scores[l][o*in : (o+1)*in] {
				towards[p.of[l][i]] += v
			}
			add(o, towards, func(g, c int) bool { return kept[l][g*cols+c] })
		}
	}
	if axis < len(scores) {
		l, rows := axis, p.groups[axis+1]
		towards := make([]float64, n*rows)
		for o, g := range p.of[l+1] {
			for i, v := range scores[l][o*n : (o+1)*n] {
				towards[i*rows+g] += v
			}
		}
		for i := range n {
			add(i, towards[i*rows:(i+1)*rows], func(g, r int) bool { return kept[l][r*groups+g] })
		}
	}
	return benefit
}

// annealed are the densities that a search passes through: few tiles at once would fix groups too early.
var annealed = []float64{0.6, 0.4, 0.25, 0.15, 0.08}

// search finds groups from nothing.
func (p *partition) search(scores [][]float64, b budget) {
	p.sort(scores)
	for _, density := range annealed {
		if wider := newBudget(p, density); wider.tiles > b.tiles {
			p.descend(scores, wider.keep)
		}
	}
	p.descend(scores, b.keep)
}

// descend improves all axes in turn, choosing the kept tiles anew after each, until they hold no more importance.
func (p *partition) descend(scores [][]float64, keep func(sums [][]float64) ([][]bool, float64)) {
	last := -1.0
	for range maxDescents {
		kept, total := keep(p.sums(scores))
		if total <= last*(1+1e-5) {
			return
		}
		last = total
		for a := range p.dims {
			p.improve(a, scores, kept)
			kept, _ = keep(p.sums(scores))
		}
	}
}

// maxDescents bounds the rounds over all axes.
const maxDescents = 40
