package pruning

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/packing"
)

// clusters is a small learnable task: ten noisy prototypes.
func clusters(samples, dim int) network.Data {
	rng := rand.New(rand.NewPCG(1, 2))
	prototypes := make([][]float64, 10)
	for c := range prototypes {
		prototypes[c] = make([]float64, dim)
		for i := range prototypes[c] {
			prototypes[c][i] = rng.Float64()
		}
	}
	d := network.Data{Dim: dim}
	for range samples {
		c := rng.IntN(10)
		d.Labels = append(d.Labels, uint8(c))
		for i := range dim {
			d.X = append(d.X, float32(prototypes[c][i]+rng.NormFloat64()*0.3))
		}
	}
	return d
}

func newNet(t *testing.T, dims ...int) *network.Network {
	t.Helper()
	n, err := network.New(network.Architecture{
		Inputs: dims[0], Hidden: dims[1 : len(dims)-1], Outputs: dims[len(dims)-1], Activation: "square",
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func options(scheme string) Options {
	train := network.Options{Epochs: 2, Batch: 32, LR: 3e-3, Seed: 1, Clip: 1}
	retrain := train
	retrain.Epochs = 3
	return Options{
		Scheme: scheme, Importance: "l1", Scope: "local", Target: "weight", Ratio: 0.7, Permutation: "kmeans",
		Score: "avg", MaxNonzero: 0.1, Events: 3, Until: 0.5, Curve: "cubic", Budget: "tiles",
		Custom: []string{"prune weights 0.5", "retrain 1", "permute kmeans", "prune tiles 0.5", "expand", "retrain 2"},
		Small:  Small{Hidden: []int{9, 7}, Activation: "square", Seed: 1},
		Shape:  packing.Shape{In: 8, Out: 4, Batch: 1}, Seed: 1, Train: train, Retrain: retrain, Rate: "restarts",
	}
}

// both gives the same samples for training and validation.
func both(d network.Data) Data {
	get := func() (network.Data, error) { return d, nil }
	return Data{get, get}
}

func apply(t *testing.T, o Options, s *State, d network.Data) {
	t.Helper()
	applyTo(t, o, s, both(d))
}

func applyTo(t *testing.T, o Options, s *State, data Data) {
	t.Helper()
	steps, err := o.Steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := step.Apply(s, data); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
}

func TestPrunedShare(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	d := clusters(200, 40)
	data := both(d)
	for _, scope := range Scopes() {
		for _, kind := range Importances() {
			for _, ratio := range []float64{0, 0.1, 0.5, 0.9} {
				s := &State{Net: newNet(t, 40, 24, 10)}
				if err := (PruneWeights{kind, scope, ratio, 1}).Apply(s, data); err != nil {
					t.Fatal(err)
				}
				pruned, total := 0, 0
				for _, d := range s.Net.Dense() {
					n := len(d.W) - count(d.Mask, true)
					if d.Mask == nil {
						n = 0
					}
					if scope == "local" && n != share(ratio, len(d.W)) {
						t.Errorf("%s %s %g: a layer lost %d of %d weights", scope, kind, ratio, n, len(d.W))
					}
					pruned, total = pruned+n, total+len(d.W)
				}
				if scope == "global" && pruned != share(ratio, total) {
					t.Errorf("%s %s %g: %d of %d weights pruned", scope, kind, ratio, pruned, total)
				}
			}
		}
		for _, score := range Scores() {
			s := &State{Net: newNet(t, 40, 24, 10)}
			if err := (PruneTiles{"l1", scope, score, 0.5, shape, 1}).Apply(s, Data{}); err != nil {
				t.Fatal(err)
			}
			kept, total := keptTiles(s, shape)
			// 5·6 tiles and 6·2: half of each, or of all
			if total != 42 || kept != 21 {
				t.Errorf("%s %s: %d of %d tiles kept, want 21 of 42", scope, score, kept, total)
			}
		}
	}
}

func count(mask []bool, v bool) int {
	n := 0
	for _, m := range mask {
		if m == v {
			n++
		}
	}
	return n
}

func keptTiles(s *State, shape packing.Shape) (kept, total int) {
	for _, tl := range s.tilings(shape) {
		for _, n := range tl.nonZero() {
			total++
			if n > 0 {
				kept++
			}
		}
	}
	return kept, total
}

func TestNoLayerLosesItsLastTile(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	for _, step := range []Step{
		PruneTiles{"l1", "local", "avg", 0.999, shape, 1}, PruneTiles{"l1", "global", "avg", 0.999, shape, 1}, DropTiles{1, shape},
	} {
		s := &State{Net: newNet(t, 40, 24, 10)}
		if err := step.Apply(s, Data{}); err != nil {
			t.Fatal(err)
		}
		for l, tl := range s.tilings(shape) {
			if slices.Max(tl.nonZero()) == 0 {
				t.Errorf("%s: layer %d has no tile left", step, l)
			}
		}
	}
}

func TestPrunesTheLeastImportant(t *testing.T) {
	s := &State{Net: newNet(t, 40, 24, 10)}
	before := s.Net.Clone()
	if err := (PruneWeights{"l1", "local", 0.6, 1}).Apply(s, Data{}); err != nil {
		t.Fatal(err)
	}
	for l, d := range s.Net.Dense() {
		largest, smallest := 0.0, math.Inf(1)
		for w, v := range before.Dense()[l].W {
			if a := math.Abs(float64(v)); d.Mask[w] {
				smallest = min(smallest, a)
			} else {
				largest = max(largest, a)
			}
		}
		if largest > smallest {
			t.Errorf("layer %d: pruned |w| up to %g, kept down to %g", l, largest, smallest)
		}
	}
}

func TestEverySchemeOnEveryPermutation(t *testing.T) {
	data := clusters(320, 20)
	for _, scheme := range Schemes() {
		for _, permutation := range Permutations() {
			if slices.Contains([]string{"dense", "p2t", "hunter", "mofhei", "custom"}, scheme) && permutation != "none" {
				continue
			}
			o := options(scheme)
			o.Permutation = permutation
			if permutation == "sort" || permutation == "none" {
				o.Rate = "one"
			}
			s := &State{Net: newNet(t, 20, 24, 18, 10)}
			apply(t, o, s, data)
			for l, d := range s.Net.Dense() {
				for w := range d.W {
					if !alive(d, w) && d.W[w] != 0 {
						t.Fatalf("%s %s layer %d: a pruned weight is %g", scheme, permutation, l, d.W[w])
					}
				}
			}
			if scheme == "p3e" || scheme == "p4e" {
				for _, tl := range s.tilings(o.Shape) {
					sizes := tl.sizes()
					for i, n := range tl.nonZero() {
						if n != 0 && n != sizes[i] {
							t.Fatalf("%s %s: tile %d has %d of %d weights: want all or none", scheme, permutation, i, n, sizes[i])
						}
					}
				}
			}
			checkPermuted(t, s, data)
			again := &State{Net: newNet(t, 20, 24, 18, 10)}
			apply(t, o, again, data)
			if d := cmp.Diff(bytesOf(t, s), bytesOf(t, again)); d != "" {
				t.Fatalf("%s %s is not deterministic", scheme, permutation)
			}
		}
	}
}

// checkPermuted compares the network with its permuted self on permuted inputs.
func checkPermuted(t *testing.T, s *State, d network.Data) {
	t.Helper()
	f, err := s.Net.Fold()
	if err != nil {
		t.Fatal(err)
	}
	if s.Orders == nil {
		return
	}
	const samples = 5
	x := mat.NewDense(samples, d.Dim, nil)
	px := mat.NewDense(samples, d.Dim, nil)
	first, last := s.Orders[0], s.Orders[len(s.Orders)-1]
	for b := range samples {
		for to := range d.Dim {
			from := to/len(first)*len(first) + first[to%len(first)] // the channels of a position lie together
			x.Set(b, from, float64(d.X[b*d.Dim+from]))
			px.Set(b, to, float64(d.X[b*d.Dim+from]))
		}
	}
	want, got := f.Forward(x), f.Permute(s.Orders).Forward(px)
	for b := range samples {
		for p, n := range last {
			if diff := math.Abs(want.At(b, n) - got.At(b, p)); diff > 1e-9*(1+math.Abs(want.At(b, n))) {
				t.Fatalf("output %d: %g, permuted %g", n, want.At(b, n), got.At(b, p))
			}
		}
	}
}

// The same steps must prune the same network: if this changes, raise Version.
func TestGoldenOrder(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	joint := func(density float64) Step {
		return Joint{Importance: "l1", Strategy: "joint", Density: density, Budget: "tiles", Shape: shape, Seed: 1}
	}
	for _, c := range []struct {
		name  string
		dims  []int
		steps []Step
		want  string
	}{
		{"p4", []int{12, 9, 4}, []Step{PruneWeights{"l1", "local", 0.7, 1}, Permute{Strategy: "kmeans", Shape: shape, Seed: 1}, DropTiles{0.1, shape}},
			"[[0 2 3 4 6 7 8 9 1 5 10 11] [0 4 5 6 1 2 3 8 7] [0 1 2 3]] 32 11"},
		{"weights, global", []int{20, 18, 4}, []Step{PruneWeights{"l1", "global", 0.7, 1}}, "[] 101 29"},
		{"tiles, global", []int{20, 18, 4}, []Step{PruneTiles{"l1", "global", "avg", 0.5, shape, 1}}, "[] 120 56"},
		{"joint, twice", []int{20, 18, 4}, []Step{joint(0.7), joint(0.4)},
			"[[0 2 7 8 14 16 18 19 1 3 4 5 9 10 11 12 6 13 15 17] [2 8 11 14 5 7 12 17 4 9 10 16 0 6 13 15 1 3] [0 1 2 3]] 160 32"},
	} {
		s := &State{Net: newNet(t, c.dims...)}
		for _, step := range c.steps {
			if err := step.Apply(s, Data{}); err != nil {
				t.Fatal(err)
			}
		}
		got := fmt.Sprint(s.Orders, count(s.Net.Dense()[0].Mask, true), count(s.Net.Dense()[1].Mask, true))
		if got != c.want {
			t.Errorf("%s: got %s\nwant %s\nif pruning was meant to change, raise pruning.Version", c.name, got, c.want)
		}
	}
}
