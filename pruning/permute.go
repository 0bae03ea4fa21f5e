package pruning

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"hepex/packing"
)

// Permute orders the neurons of every axis so that pruned weights meet in the same tiles. One order per axis
// serves the outputs of a layer, its bias and the inputs of the next, so the network computes the same.
//
//	none    the natural order
//	random  a seeded control
//	sort    by importance: the sum of |w| over a neuron's weights, descending
//	kmeans  balanced k-means, with the tile's dimension as the size of a cluster, on the zero patterns of
//	        the neurons, axis after axis: at most 20 iterations in at most 5 rounds. Clusters start from sort;
//	        a pattern is the number of weights left towards each group of the neighbouring axes; neurons are
//	        assigned greedily, nearest pair first, until clusters are full; the round wins whose tiles are
//	        cheapest to drop: fewest are left above MaxNonzero, or, with a Share, fewest weights are lost.
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
	dims := s.Net.Dims()
	s.Orders = make([][]int, len(dims))
	for a, n := range dims {
		s.Orders[a] = make([]int, n)
		for i := range s.Orders[a] {
			s.Orders[a][i] = i
		}
	}
	switch p.Strategy {
	case "random":
		rng := rand.New(rand.NewPCG(p.Seed, 0x9e3779b97f4a7c15))
		for _, o := range s.Orders {
			rng.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
		}
	case "sort":
		s.sortByImportance()
	case "kmeans":
		s.sortByImportance()
		p.cluster(s)
	}
	return nil
}

func (s *State) sortByImportance() {
	sums := make([][]float64, len(s.Orders))
	for a, o := range s.Orders {
		sums[a] = make([]float64, len(o))
	}
	for l, d := range s.Net.Dense() {
		for w, v := range importance("l1", d, 0, l) {
			sums[l][w%d.In] += v
			sums[l+1][w/d.In] += v
		}
	}
	for a, o := range s.Orders {
		slices.SortStableFunc(o, func(i, j int) int { return cmp.Compare(sums[a][j], sums[a][i]) })
	}
}

const (
	maxRounds     = 5
	maxIterations = 20
)

// cluster improves the orders by balanced k-means on one axis after the other.
func (p Permute) cluster(s *State) {
	best, least := s.copyOrders(), p.cost(s)
	for range maxRounds {
		before := s.copyOrders()
		for a := range s.Orders {
			s.clusterAxis(a, p.Shape)
		}
		if c := p.cost(s); c < least {
			best, least = s.copyOrders(), c
		}
		if slices.EqualFunc(before, s.Orders, slices.Equal[[]int]) {
			break
		}
	}
	s.Orders = best
}

// cost is what the orders cost in the later step that drops tiles: the tiles that it will keep or, if it drops a
// share of them, the weights that go with those.
func (p Permute) cost(s *State) int {
	tilings := s.tilings(p.Shape)
	nonZero, fractions := make([][]int, len(tilings)), make([][]float64, len(tilings))
	kept := 0
	for l, t := range tilings {
		sizes := t.sizes()
		nonZero[l] = t.nonZero()
		for i, n := range nonZero[l] {
			fractions[l] = append(fractions[l], float64(n)/float64(sizes[i]))
			if fractions[l][i] > p.MaxNonzero {
				kept++
			}
		}
	}
	if p.Share == 0 {
		return kept
	}
	lost := 0
	for l, tiles := range lowest(fractions, p.Share, p.Scope) {
		for _, i := range tiles {
			lost += nonZero[l][i]
		}
	}
	return lost
}

func (s *State) copyOrders() [][]int {
	c := make([][]int, len(s.Orders))
	for a, o := range s.Orders {
		c[a] = slices.Clone(o)
	}
	return c
}

// clusterAxis runs balanced k-means on one axis and orders its neurons by cluster.
func (s *State) clusterAxis(a int, shape packing.Shape) {
	group := s.groups(a, len(s.Orders[a]), shape)
	clusters := slices.Max(group) + 1
	if clusters == 1 {
		return
	}
	patterns := s.patterns(a, shape)
	capacity := make([]int, clusters)
	for _, g := range group {
		capacity[g]++
	}
	for range maxIterations {
		next := assign(patterns, centroids(patterns, group, clusters), capacity)
		if slices.Equal(next, group) {
			break
		}
		group = next
	}
	slices.SortStableFunc(s.Orders[a], func(i, j int) int { return cmp.Compare(group[i], group[j]) })
}

// patterns gives, for each neuron of an axis, the number of its weights left towards each group of the
// axis before and of the axis after.
func (s *State) patterns(a int, shape packing.Shape) [][]float64 {
	layers := s.Net.Dense()
	patterns := make([][]float64, len(s.Orders[a]))
	add := func(axis int, weight func(neuron, other int) bool) {
		group := s.groups(axis, len(s.Orders[axis]), shape)
		n := slices.Max(group) + 1
		for i := range patterns {
			counts := make([]float64, n)
			for j, g := range group {
				if weight(i, j) {
					counts[g]++
				}
			}
			patterns[i] = append(patterns[i], counts...)
		}
	}
	if a > 0 {
		d := layers[a-1]
		add(a-1, func(out, in int) bool { return alive(d, out*d.In+in) })
	}
	if a < len(layers) {
		d := layers[a]
		add(a+1, func(in, out int) bool { return alive(d, out*d.In+in) })
	}
	return patterns
}

func centroids(patterns [][]float64, group []int, clusters int) [][]float64 {
	c := make([][]float64, clusters)
	size := make([]float64, clusters)
	for g := range c {
		c[g] = make([]float64, len(patterns[0]))
	}
	for i, p := range patterns {
		size[group[i]]++
		for k, v := range p {
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
func assign(patterns, centroids [][]float64, capacity []int) []int {
	type pair struct {
		distance        float64
		neuron, cluster int
	}
	pairs := make([]pair, 0, len(patterns)*len(centroids))
	for i, p := range patterns {
		for g, c := range centroids {
			d := 0.0
			for k, v := range p {
				d += (v - c[k]) * (v - c[k])
			}
			pairs = append(pairs, pair{d, i, g})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), a.neuron-b.neuron, a.cluster-b.cluster)
	})
	free := slices.Clone(capacity)
	group := slices.Repeat([]int{-1}, len(patterns))
	for _, p := range pairs {
		if group[p.neuron] < 0 && free[p.cluster] > 0 {
			group[p.neuron] = p.cluster
			free[p.cluster]--
		}
	}
	return group
}
