package pruning

import (
	"math/rand/v2"
)

// keeper chooses the tiles to keep, given the importance in each, and says how good that is; more is better.
type keeper interface {
	keep(sums [][]float64) (kept [][]bool, worth float64)
}

// allowance is a keeper whose limit can be another: a search passes through larger ones first.
type allowance interface {
	keeper
	share() float64               // of the unpruned network that may be kept
	of(density float64) allowance // of the same kind, for another share
	// settle chooses as well as it can, and says what each tile is worth to it.
	settle(sums [][]float64) (kept [][]bool, worth [][]float64, total float64)
	floored(worth [][]float64, kept [][]bool) []int // layers that were kept from losing more
}

// arrange groups the neurons of every axis by a strategy, so that few tiles hold much of the importance:
//
//	none    the natural order
//	random  a seeded control
//	sort    by the sum of the scores of a neuron's weights, descending
//	kmeans  as the paper: balanced k-means with the tile's dimension as the size of a cluster (see cluster)
//	joint   ours: groups and kept tiles in turn (see search)
//
// Only kmeans and joint look at the keeper. With warm, joint goes on from the groups as they are.
func (p *partition) arrange(strategy string, scores [][]float64, k keeper, warm bool, seed uint64) {
	switch strategy {
	case "none":
		p.natural()
	case "random":
		p.shuffle(rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)))
	case "sort":
		p.sort(scores)
	case "kmeans":
		p.kmeans(scores, k, seed)
	case "joint":
		b := k.(allowance)
		switch {
		case p.single():
			p.natural() // every tile is a weight: no order is better than another
		case warm:
			p.descend(scores, b)
		default:
			p.search(scores, b)
		}
	}
}

// single tells whether each group is a single neuron.
func (p *partition) single() bool {
	for a, n := range p.dims {
		if p.groups[a] < n {
			return false
		}
	}
	return true
}

func (p *partition) natural() {
	for a, of := range p.of {
		for i := range of {
			of[i] = i / p.size[a]
		}
	}
}

func (p *partition) shuffle(rng *rand.Rand) {
	p.natural()
	for _, of := range p.of {
		rng.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	}
}
