package pruning

import (
	"cmp"
	"container/heap"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Bounds of k-means, as in the paper.
const (
	maxRounds     = 5
	maxIterations = 20
)

// kmeans improves the groups by balanced k-means on one axis after the other, as the paper: at most 20 iterations on an
// axis in at most 5 rounds over all axes. What the paper leaves open is ours: a neuron's features are the sums of its
// scores (for zero patterns: its numbers of weights left) towards each group of the neighbouring axes; neurons are
// assigned nearest pair first, until clusters are full; it starts from sort and from a seeded random order; and the
// round wins whose tiles the keeper likes best.
func (p *partition) kmeans(scores [][]float64, k keeper, seed uint64) {
	random := p.copy()
	random.shuffle(rand.New(rand.NewPCG(seed, 0xbf58476d1ce4e5b9)))
	p.sort(scores)
	worth := p.rounds(scores, k)
	if random.rounds(scores, k) > worth {
		p.of = random.of
	}
}

// rounds clusters the axes in turn, takes the best of all rounds, and returns what it is worth.
func (p *partition) rounds(scores [][]float64, k keeper) float64 {
	best := p.copy()
	_, most := k.keep(p.sums(scores))
	for range maxRounds {
		before := p.copy()
		for a := range p.dims {
			p.cluster(a, scores)
		}
		if _, worth := k.keep(p.sums(scores)); worth > most {
			best, most = p.copy(), worth
		}
		if slices.EqualFunc(before.of, p.of, slices.Equal[[]int]) {
			break
		}
	}
	p.of = best.of
	return most
}

// cluster runs balanced k-means on one axis.
func (p *partition) cluster(axis int, scores [][]float64) {
	if p.groups[axis] == 1 {
		return
	}
	features := p.features(axis, scores)
	capacity := make([]int, p.groups[axis])
	for _, g := range p.of[axis] {
		capacity[g]++
	}
	for range maxIterations {
		next := assign(features, centroids(features, p.of[axis], len(capacity)), capacity)
		if slices.Equal(next, p.of[axis]) {
			break
		}
		p.of[axis] = next
	}
}

func centroids(features [][]float64, group []int, clusters int) [][]float64 {
	c := make([][]float64, clusters)
	size := make([]float64, clusters)
	for g := range c {
		c[g] = make([]float64, len(features[0]))
	}
	for i, f := range features {
		size[group[i]]++
		for k, v := range f {
			c[group[i]][k] += v
		}
	}
	for g := range c {
		for k := range c[g] {
			c[g][k] /= size[g]
		}
	}
	return c
}

// assign gives each neuron a cluster, nearest pairs first, until clusters are full.
func assign(features, centroids [][]float64, capacity []int) []int {
	distances := distances(features, centroids)
	free := slices.Clone(capacity)
	nearest := make(nearestFirst, len(features))
	for i := range nearest {
		nearest[i].neuron = i
		nearest[i].find(distances[i], free)
	}
	heap.Init(&nearest)
	group := make([]int, len(features))
	for len(nearest) > 0 {
		first := &nearest[0]
		if free[first.cluster] == 0 { // since it was found
			first.find(distances[first.neuron], free)
			heap.Fix(&nearest, 0)
			continue
		}
		group[first.neuron] = first.cluster
		free[first.cluster]--
		heap.Pop(&nearest)
	}
	return group
}

// candidate is a neuron and the nearest cluster that could take it.
type candidate struct {
	distance        float64
	neuron, cluster int
}

// find takes the nearest of the clusters that are not full, the first of equals.
func (c *candidate) find(distances []float64, free []int) {
	c.cluster = -1
	for g, d := range distances {
		if free[g] > 0 && (c.cluster < 0 || d < c.distance) {
			c.distance, c.cluster = d, g
		}
	}
}

// nearestFirst is a heap of neurons, the one nearest to its cluster on top, the first of equals.
type nearestFirst []candidate

func (h nearestFirst) Len() int { return len(h) }
func (h nearestFirst) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].distance, h[j].distance), h[i].neuron-h[j].neuron) < 0
}
func (h nearestFirst) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *nearestFirst) Push(x any)   { *h = append(*h, x.(candidate)) }
func (h *nearestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// distances gives those of all neurons from all clusters, computed on all processors.
func distances(features, centroids [][]float64) [][]float64 {
	all := make([][]float64, len(features))
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(features); i += workers {
				all[i] = make([]float64, len(centroids))
				for g, c := range centroids {
					d := 0.0
					for k, v := range features[i] {
						d += (v - c[k]) * (v - c[k])
					}
					all[i][g] = d
				}
			}
		})
	}
	wg.Wait()
	return all
}
