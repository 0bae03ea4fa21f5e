package pruning

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// A block structure hidden by random permutations: k-means must find most of it again. The seed decides
// which neurons and tiles, not whether the test passes.
func TestKMeansFindsHiddenBlocks(t *testing.T) {
	const size, tile = 128, 8
	shape := packing.Shape{In: tile, Out: tile, Batch: 1}
	rng := rand.New(rand.NewPCG(5, 6))
	s := &State{Net: newNet(t, size, size)}
	d := s.Net.Dense()[0]
	rows, cols := rng.Perm(size), rng.Perm(size)
	planted := map[[2]int]bool{}
	for len(planted) < 51 { // a fifth of the 256 tiles
		planted[[2]int{rng.IntN(size / tile), rng.IntN(size / tile)}] = true
	}
	for o := range size {
		for i := range size {
			if !planted[[2]int{rows[o] / tile, cols[i] / tile}] {
				prune(d, o*size+i)
			}
		}
	}
	kept := map[string]int{}
	for _, strategy := range Permutations() {
		c := s.Clone()
		if err := (Permute{Strategy: strategy, Shape: shape, Seed: 1}).Apply(c, Data{}); err != nil {
			t.Fatal(err)
		}
		for a, o := range c.Orders {
			if sorted := slices.Sorted(slices.Values(o)); sorted[0] != 0 || sorted[size-1] != size-1 || len(slices.Compact(sorted)) != size {
				t.Fatalf("%s: order of axis %d is not a permutation", strategy, a)
			}
		}
		kept[strategy], _ = keptTiles(c, shape)
	}
	t.Logf("%d tiles planted, kept: %v of %d", len(planted), kept, size*size/tile/tile)
	if kept["kmeans"] > 2*len(planted) {
		t.Errorf("k-means keeps %d tiles where %d are enough", kept["kmeans"], len(planted))
	}
}

// Where hardly a tile is empty, k-means is judged by the weights that go with the dropped share: it must lose fewer
// than the order that it starts from.
func TestKMeansLosesFewerWeights(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 8, Batch: 1}
	rng := rand.New(rand.NewPCG(7, 8))
	s := &State{Net: newNet(t, 96, 64, 10)}
	rows, cols := rng.Perm(64), rng.Perm(96)
	for w := range s.Net.Dense()[0].W { // blocks of 60 % and 10 % of weights left, hidden by random orders
		keep := 0.1
		if (rows[w/96]/8+cols[w%96]/8)%3 == 0 {
			keep = 0.6
		}
		if rng.Float64() > keep {
			prune(s.Net.Dense()[0], w)
		}
	}
	for _, scope := range Scopes() {
		lost := map[string]int{}
		for _, strategy := range []string{"none", "sort", "kmeans"} {
			c, p := s.Clone(), Permute{Strategy: strategy, Share: 0.5, Scope: scope, Shape: shape}
			if err := p.Apply(c, Data{}); err != nil {
				t.Fatal(err)
			}
			if err := (PruneTiles{"l1", scope, "nonzero", 0.5, shape, 0}).Apply(c, Data{}); err != nil {
				t.Fatal(err)
			}
			lost[strategy] = count(s.Net.Dense()[0].Mask, true) - count(c.Net.Dense()[0].Mask, true)
		}
		t.Logf("%s: weights lost with half the tiles: %v", scope, lost)
		if lost["kmeans"] >= lost["sort"]*9/10 {
			t.Errorf("%s: k-means loses %d weights, sort %d", scope, lost["kmeans"], lost["sort"])
		}
	}
}

// Neurons go to clusters as if all pairs were sorted, equal distances among them.
func TestNearestPairsFirst(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		neurons, clusters, values := 1+rng.IntN(40), 1+rng.IntN(6), 1+rng.IntN(20)
		points := func(n int) [][]float64 {
			all := make([][]float64, n)
			for i := range all {
				all[i] = []float64{float64(rng.IntN(values)), float64(rng.IntN(values))}
			}
			return all
		}
		features, centroids := points(neurons), points(clusters)
		capacity := make([]int, clusters)
		for range neurons {
			capacity[rng.IntN(clusters)]++
		}
		if got, want := assign(features, centroids, capacity), assignSorted(features, centroids, capacity); !slices.Equal(got, want) {
			t.Fatalf("features %v, centroids %v, capacity %v: %v, want %v", features, centroids, capacity, got, want)
		}
	}
}

func assignSorted(features, centroids [][]float64, capacity []int) []int {
	type pair struct {
		distance        float64
		neuron, cluster int
	}
	var pairs []pair
	for i, of := range distances(features, centroids) {
		for g, d := range of {
			pairs = append(pairs, pair{d, i, g})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.distance, b.distance) })
	free, group := slices.Clone(capacity), slices.Repeat([]int{-1}, len(features))
	for _, p := range pairs {
		if group[p.neuron] < 0 && free[p.cluster] > 0 {
			group[p.neuron] = p.cluster
			free[p.cluster]--
		}
	}
	return group
}

func BenchmarkKMeans(b *testing.B) {
	n, err := network.New(network.Architecture{Inputs: 784, Hidden: []int{128, 128}, Outputs: 10, Activation: "square"}, 1)
	if err != nil {
		b.Fatal(err)
	}
	s := &State{Net: n}
	if err := (PruneWeights{"l1", "local", 0.8, 1}).Apply(s, Data{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := (Permute{Strategy: "kmeans", MaxNonzero: 0.0625, Shape: packing.Shape{In: 8, Out: 8, Batch: 1}}).Apply(s, Data{}); err != nil {
			b.Fatal(err)
		}
	}
}
