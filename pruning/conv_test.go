package pruning

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// convNet is a random small convolutional network for ten classes.
func convNet(t *testing.T, rng *rand.Rand) *network.Network {
	t.Helper()
	for {
		a := network.Architecture{
			Image: network.Axis{H: 5 + rng.IntN(4), W: 5 + rng.IntN(4), Channels: 1 + rng.IntN(5)}, Outputs: 10,
			Activation: network.Activations()[rng.IntN(2)],
		}
		a.BatchNorm = a.Activation == "quadratic" && rng.IntN(2) == 0
		a.Inputs = a.Image.Size()
		for range 1 + rng.IntN(2) {
			c := network.Conv{
				Filters: 2 + rng.IntN(9), Kernel: network.Size{H: 1 + rng.IntN(3), W: 1 + rng.IntN(3)},
				Stride: network.Size{H: 1 + rng.IntN(2), W: 1 + rng.IntN(2)},
			}
			c.Padding = network.Size{H: rng.IntN(c.Kernel.H), W: rng.IntN(c.Kernel.W)}
			if rng.IntN(4) == 0 {
				c.Padding = network.Size{H: -rng.IntN(2), W: -rng.IntN(2)}
			}
			if rng.IntN(2) == 0 {
				c.Pool = network.Square(2)
			}
			a.Conv = append(a.Conv, c)
		}
		if rng.IntN(2) == 0 {
			a.Hidden = []int{4 + rng.IntN(12)}
		}
		if n, err := network.New(a, rng.Uint64()); err == nil { // else a kernel or a pooling was too large
			return n
		}
	}
}

// convOptions are options for a random shape of tiles that fills a ciphertext.
func convOptions(rng *rand.Rand, scheme string) Options {
	o := options(scheme)
	in, out := 1<<rng.IntN(4), 1<<rng.IntN(3)
	o.Shape = packing.Shape{In: in, Out: out, Batch: packing.MinSlots / in / out}
	o.Train.Epochs, o.Seed = rng.IntN(2), rng.Uint64()
	o.Scope, o.Permutation = Scopes()[rng.IntN(2)], Permutations()[rng.IntN(5)]
	o.Importance, o.Target = Importances()[rng.IntN(len(Importances()))], Targets()[rng.IntN(len(Targets()))]
	o.Ratio = []float64{0.2, 0.5, 0.8}[rng.IntN(3)]
	o.Small.Hidden, o.Small.Conv = []int{6}[:rng.IntN(2)], []network.Conv{{Filters: 3, Kernel: network.Square(2), Stride: network.Square(2)}}
	o.Custom = []string{"prune filters 0.3", "retrain 1", "prune channels 0.3", "permute kmeans", "prune tiles 0.5", "expand", "retrain 2"}
	if scheme == "joint" {
		o.Small = Small{}
		if o.Rate = Rates()[rng.IntN(2)]; o.Rate == "one" {
			o.Lasso = 0.01
		}
		o.Plan, o.LassoOn, o.Kind = Plans()[rng.IntN(2)], LassoScopes()[rng.IntN(2)], packing.Tiles
		o.Budget = Budgets()[rng.IntN(3)]
	}
	return o
}

// Every scheme prunes convolutional networks as it says, whatever their layers and tiles.
func TestSchemesOnConvolutions(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for _, scheme := range Schemes() {
		for range rounds {
			n, o := convNet(t, rng), convOptions(rng, scheme)
			data := clusters(96, n.Inputs)
			s := &State{Net: n}
			t.Run(fmt.Sprintf("%s/%s/%s", scheme, o.Shape, n.Geometry().Key()), func(t *testing.T) {
				apply(t, o, s, data)
				checkMasks(t, o, s)
				checkDensity(t, o, s)
				checkPermuted(t, s, data)
				checkPacked(t, s, o.Shape)
			})
		}
	}
}

// checkMasks checks that pruned weights are zero, and that they are whole tiles where the scheme drops, or expands, these.
func checkMasks(t *testing.T, o Options, s *State) {
	t.Helper()
	whole := slices.Contains([]string{"dense", "small", "p2t", "hunter", "p3e", "p4e", "joint", "custom"}, o.Scheme)
	for l, tl := range s.tilings(o.Shape) {
		for w, v := range tl.dense.W {
			if !alive(tl.dense, w) && v != 0 {
				t.Fatalf("layer %d: a pruned weight is %g", l+1, v)
			}
		}
		sizes := tl.sizes()
		for i, n := range tl.nonZero() {
			if whole && n != 0 && n != sizes[i] {
				t.Errorf("layer %d, tile %d: %d of %d weights are left; want all or none", l+1, i, n, sizes[i])
			}
		}
	}
}

// checkDensity checks the share of tiles that is left, where the scheme says one.
func checkDensity(t *testing.T, o Options, s *State) {
	t.Helper()
	kept, total := keptTiles(s, o.Shape)
	layers := s.tilings(o.Shape)
	path := len(layers) // of tiles, which may be kept besides
	switch {
	case o.Scheme == "dense" || o.Scheme == "small":
		if kept != total {
			t.Errorf("%d of %d tiles left; want all", kept, total)
		}
	case o.Scheme == "joint" && o.Budget == "tiles":
		if want := max(int(math.Round((1-o.Ratio)*float64(total))), len(layers)); kept != want {
			t.Errorf("%d of %d tiles left; want %d", kept, total, want)
		}
	case (o.Scheme == "p2t" || o.Scheme == "hunter") && o.Scope == "local":
		want := 0
		for _, tl := range layers {
			want += max(1, tl.Tiles()-share(o.Ratio, tl.Tiles()))
		}
		if kept < want || kept > want+path {
			t.Errorf("%d of %d tiles left; want %d, and at most %d for a path", kept, total, want, path)
		}
	case o.Scheme == "mofhei":
		if want := share(1-o.Ratio, total); kept > want && len(s.Notes) == 0 {
			t.Errorf("%d of %d tiles left; want at most %d, or a note", kept, total, want)
		}
	}
}

// checkPacked checks that encryption keeps no tile that pruning dropped.
func checkPacked(t *testing.T, s *State, shape packing.Shape) {
	t.Helper()
	f, err := s.Net.Fold()
	if err != nil {
		t.Fatal(err)
	}
	m, err := packing.TilesOf(shape).Pack(f, s.Orders)
	if err != nil {
		t.Fatal(err)
	}
	for l, tl := range s.tilings(shape) {
		left := tl.nonZero()
		if len(m.Kept[l]) != tl.Rows || len(m.Kept[l][0]) != tl.Cols() {
			t.Fatalf("layer %d: packed in %d rows of %d tiles, pruned in %d of %d", l+1, len(m.Kept[l]), len(m.Kept[l][0]), tl.Rows, tl.Cols())
		}
		for row, terms := range m.Kept[l] {
			for term, kept := range terms {
				if kept && left[row*tl.Cols()+term] == 0 {
					t.Errorf("layer %d: tile %d of row %d is packed, though nothing is left of it", l+1, term, row)
				}
			}
		}
	}
}

// What a pruned convolutional network takes once it is packed is within a budget of the whole evaluation, in each layout that can be
// priced.
func TestWholeBudgetsOfConvolutionsAreMet(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	met := 0
	for range 200 {
		n, o := convNet(t, rng), convOptions(rng, "joint")
		o.Budget, o.Train.Epochs = wholeBudgets[rng.IntN(len(wholeBudgets))], 0
		o.Encrypted = rng.IntN(2) == 0
		choice := packing.Choice{Kind: packing.Tiles, Shape: o.Shape, Encrypted: o.Encrypted}
		if rng.IntN(3) == 0 {
			choice = packing.ScalarIn(packing.MinSlots)
			o.Shape, o.Kind, o.Encrypted = choice.Shape, packing.Scalar, false
		}
		o.Ratio = 0.1 + 0.8*rng.Float64()
		g := n.Geometry()
		var unreachable *UnreachableError
		if err := o.CheckBudget(g); errors.As(err, &unreachable) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		s := &State{Net: n}
		apply(t, o, s, clusters(96, n.Inputs))
		checkMasks(t, o, s)
		f, err := s.Net.Fold()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := choice.Layout(g)
		if err != nil {
			t.Fatal(err)
		}
		m, err := choice.Pack(f, s.Orders)
		if err != nil {
			t.Fatal(err)
		}
		m.Trim()
		cost := func(l *packing.Layout, kept [][][]bool) float64 {
			l.SetDelayed(true)
			a := l.Typical()
			c := l.Costs(a.Nominal(), a, o.Encrypted).Of(kept)
			return map[string]float64{"evaluation": c.Seconds, "memory": c.Memory, "upload": c.Upload}[o.Budget]
		}
		if got, most := cost(m.Layout, m.Kept), (1-o.Ratio)*cost(whole, whole.Dense()); got > most*(1+1e-6) {
			t.Errorf("%s, %s of %s, ratio %g: %g, want at most %g", g.Key(), o.Budget, choice, o.Ratio, got, most)
		}
		met++
	}
	if met < 20 {
		t.Errorf("%d budgets could be met: the test shows little", met)
	}
}
