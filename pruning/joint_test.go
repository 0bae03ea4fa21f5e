package pruning

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// best is the most importance that any partition and any choice of so many tiles holds, for one layer.
func best(p *partition, scores [][]float64, tiles int) float64 {
	top := 0.0
	var assign func(axis, neuron int)
	assign = func(axis, neuron int) {
		if axis == len(p.dims) {
			sums := slices.Clone(p.sums(scores)[0])
			slices.SortFunc(sums, func(a, b float64) int {
				if a > b {
					return -1
				}
				return 1
			})
			total := 0.0
			for _, v := range sums[:tiles] {
				total += v
			}
			top = math.Max(top, total)
			return
		}
		if neuron == p.dims[axis] {
			assign(axis+1, 0)
			return
		}
		for g := range p.groups[axis] {
			used := 0
			for _, h := range p.of[axis][:neuron] {
				if h == g {
					used++
				}
			}
			if capacity := min(p.size[axis], p.dims[axis]-g*p.size[axis]); used < capacity {
				p.of[axis][neuron] = g
				assign(axis, neuron+1)
			}
		}
	}
	assign(0, 0)
	return top
}

// For small layers the search comes close to the best of all partitions.
func TestSearchAgainstAllPartitions(t *testing.T) {
	var share float64
	const instances = 20
	for seed := range uint64(instances) {
		rng := rand.New(rand.NewPCG(seed, 1))
		shape := packing.Shape{In: 2, Out: 2, Batch: 1}
		scores := [][]float64{make([]float64, 6*6)}
		for w := range scores[0] {
			scores[0][w] = math.Pow(rng.Float64(), 3)
		}
		p := newPartition(network.FullyConnected(6, 6), shape)
		b := newBudget(p, 4./9, nil)
		p.sort(scores)
		p.descend(scores, b)
		_, got := b.keep(p.sums(scores))
		want := best(newPartition(network.FullyConnected(6, 6), shape), scores, 4)
		if got > want*(1+1e-9) {
			t.Errorf("seed %d: %g is more than the best, %g", seed, got, want)
		}
		share += got / want / instances
	}
	t.Logf("mean share of the best: %.3f", share)
	if share < 0.93 {
		t.Errorf("the search reaches %.3f of the best: want at least 0.93", share)
	}
}

// planted is a layer whose weights lie in half of the tiles of a hidden order.
func planted(n, size int, seed uint64) (net *network.Network, tiles int) {
	rng := rand.New(rand.NewPCG(seed, 2))
	rows, cols := rng.Perm(n), rng.Perm(n)
	groups := n / size
	full := make([]bool, groups*groups)
	for _, i := range rng.Perm(len(full))[:len(full)/2] {
		full[i] = true
	}
	d := &network.Dense{In: n, Out: n, W: make([]float32, n*n), B: make([]float32, n), Mask: make([]bool, n*n)}
	for o := range n {
		for i := range n {
			if full[rows[o]/size*groups+cols[i]/size] {
				d.W[o*n+i], d.Mask[o*n+i] = 0.5+rng.Float32(), true
			}
		}
	}
	return &network.Network{Inputs: n, Layers: []network.Layer{d}}, len(full) / 2
}

// Zero tiles that random permutations hid are found again, all of them; k-means is reported beside.
func TestPlantedTilesAreFound(t *testing.T) {
	for _, c := range []struct{ n, size int }{{64, 8}, {128, 8}, {256, 8}, {128, 16}, {256, 16}} {
		shape := packing.Shape{In: c.size, Out: c.size, Batch: 1}
		net, tiles := planted(c.n, c.size, uint64(c.n))
		scores, err := importances("l1", net, 0, Data{})
		if err != nil {
			t.Fatal(err)
		}
		p := newPartition(network.FullyConnected(c.n, c.n), shape)
		b := newBudget(p, float64(tiles)/p.total(), nil)
		p.search(scores, b)
		s := &State{Net: net, Orders: p.orders()}
		kept, total := keptTiles(s, shape)
		k := &State{Net: net}
		if err := (Permute{Strategy: "kmeans", Shape: shape}).Apply(k, Data{}); err != nil {
			t.Fatal(err)
		}
		byKMeans, _ := keptTiles(k, shape)
		t.Logf("%d×%d, tile %d: %d of %d tiles planted; left by joint %d, by k-means %d", c.n, c.n, c.size, tiles, total, kept, byKMeans)
		if kept != tiles {
			t.Errorf("%d×%d, tile %d: joint keeps %d tiles: want the %d planted ones", c.n, c.n, c.size, kept, tiles)
		}
	}
}

// A budget keeps just its number of tiles, at least one for every group of outputs, and no layer goes empty.
func TestBudget(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		dims := []int{1 + rng.IntN(60), 1 + rng.IntN(40), 1 + rng.IntN(20)}
		p := newPartition(network.FullyConnected(dims...), packing.Shape{In: 1 << rng.IntN(4), Out: 1 << rng.IntN(4), Batch: 1})
		scores := [][]float64{make([]float64, dims[0]*dims[1]), make([]float64, dims[1]*dims[2])}
		for _, s := range scores {
			scale := math.Exp(8 * rng.NormFloat64())
			for i := range s {
				s[i] = scale * rng.Float64()
			}
		}
		b := newBudget(p, rng.Float64(), nil)
		kept, _ := b.keep(p.sums(scores))
		n := 0
		for l, k := range kept {
			if !slices.Contains(k, true) {
				t.Errorf("%v: layer %d lost all tiles", dims, l)
			}
			n += count(k, true)
		}
		if n != int(b.limit) {
			t.Errorf("%v: kept %d tiles: want %g", dims, n, b.limit)
		}
		for r := 0; b.everyOutput() && r < p.groups[2]; r++ {
			if !slices.Contains(kept[1][r*p.groups[1]:(r+1)*p.groups[1]], true) {
				t.Errorf("%v: group %d of the outputs has no tile", dims, r)
			}
		}
	}
}

// A budget in time keeps tiles worth their cost: no more than its share of the time of all, and of equal tiles the cheap ones.
// An even one keeps the same share of each layer.
func TestBudgetsOfTimeAndLayers(t *testing.T) {
	shape := packing.Shape{In: 4, Out: 4, Batch: 1}
	p := newPartition(network.FullyConnected(64, 32, 32, 16), shape)
	equal := make([][]float64, 3)
	for l, n := range p.tiles() {
		equal[l] = slices.Repeat([]float64{1}, n)
	}
	total := func(kept [][]bool, l int) float64 { return float64(count(kept[l], true)) / float64(len(kept[l])) }
	for _, density := range []float64{0.2, 0.5, 0.8} {
		allowed, err := Joint{Budget: "time", Density: density, Shape: shape}.budget(p)
		if err != nil {
			t.Fatal(err)
		}
		timed := allowed.(budget)
		kept, _ := timed.keep(equal)
		spent, all := 0.0, 0.0
		for l, n := range p.tiles() {
			spent += float64(count(kept[l], true)) * timed.cost[l][0]
			all += float64(n) * timed.cost[l][0]
		}
		if !slices.IsSortedFunc(timed.cost, func(a, b []float64) int { return int(math.Copysign(1, b[0]-a[0])) }) || timed.cost[0][0] == timed.cost[2][0] {
			t.Errorf("costs %v: want them to fall with the levels", timed.cost)
		}
		if spent > density*all*(1+1e-9) || spent < density*all-timed.cost[0][0] || total(kept, 2) < total(kept, 0) {
			t.Errorf("density %g: %.3f of the time spent, layers %.2f, %.2f, %.2f", density, spent/all, total(kept, 0), total(kept, 1), total(kept, 2))
		}
		kept, _ = newEvenBudget(p, density).keep(equal)
		for l := range kept {
			if math.Abs(total(kept, l)-density) > 0.5/float64(len(kept[l]))+1e-9 {
				t.Errorf("even density %g: layer %d keeps %g", density, l, total(kept, l))
			}
		}
	}
}

// Joint keeps the share of tiles asked for, trains weights in kept tiles, and comes out alike every time.
func TestJoint(t *testing.T) {
	d := clusters(400, 40)
	var first *State
	for range 2 {
		s := &State{Net: newNet(t, 40, 24, 10)}
		o := options("joint")
		o.Importance, o.Permutation, o.Ratio, o.Rate, o.Lasso = "fisher", "joint", 0.6, "one", 0.01
		apply(t, o, s, d)
		kept, total := keptTiles(s, o.Shape)
		if want := int(math.Round(0.4 * float64(total))); kept != want {
			t.Errorf("%d of %d tiles kept: want %d", kept, total, want)
		}
		for l, tl := range s.tilings(o.Shape) {
			for i, n := range tl.nonZero() {
				if n != 0 && n != tl.sizes()[i] {
					t.Errorf("layer %d, tile %d: %d of %d weights train: want all or none", l, i, n, tl.sizes()[i])
				}
			}
		}
		if first == nil {
			first = s
			continue
		}
		for l, a := range first.Net.Dense() {
			if !slices.Equal(a.W, s.Net.Dense()[l].W) {
				t.Errorf("layer %d differs from run to run", l)
			}
		}
	}
}

// A lasso so strong that it empties tiles which are to stay is told, a fitting one is not.
func TestTooStrongALassoIsNoted(t *testing.T) {
	d := clusters(400, 40)
	for _, c := range []struct {
		lambda float64
		want   bool
	}{{0.01, false}, {10, true}} {
		s := &State{Net: newNet(t, 40, 24, 10)}
		o := options("joint")
		o.Importance, o.Permutation, o.Ratio, o.Rate, o.Lasso = "fisher", "joint", 0.4, "one", c.lambda
		apply(t, o, s, d)
		if got := slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, "too strong a lasso") }); got != c.want {
			t.Errorf("λ = %g: notes %q", c.lambda, s.Notes)
		}
	}
}

// BenchmarkJointSearch times one event of the joint scheme on a deep autoencoder: a search from nothing, and one that
// goes on from the groups before.
func BenchmarkJointSearch(b *testing.B) {
	n, err := network.New(network.Architecture{Inputs: 784, Hidden: []int{256, 64, 256}, Outputs: 784, Activation: "quadratic", Autoencoder: true}, 1)
	if err != nil {
		b.Fatal(err)
	}
	scores, err := importances("l2", n, 0, Data{})
	if err != nil {
		b.Fatal(err)
	}
	shape := packing.Shape{In: 8, Out: 8, Batch: 1}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			p := newPartition(n.Geometry(), shape)
			p.search(scores, newBudget(p, 0.8, nil))
		}
	})
	b.Run("later", func(b *testing.B) {
		start := newPartition(n.Geometry(), shape)
		start.search(scores, newBudget(start, 0.8, nil))
		for b.Loop() {
			p := start.copy()
			p.descend(scores, newBudget(p, 0.5, nil))
		}
	})
}
