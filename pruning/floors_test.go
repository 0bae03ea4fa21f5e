package pruning

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// However hard tiles are pruned, one step after the other, and wherever the important ones lie, a path leads from the inputs
// to the outputs.
func TestTilesNeverCutAllPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	rescued := map[string]int{}
	for range 300 {
		s := &State{Net: newNet(t, 40, 24, 16, 10)}
		for _, d := range s.Net.Dense() { // tiles of very different importance
			row, col := make([]float32, d.Out), make([]float32, d.In)
			for i := range row {
				row[i] = float32(rng.ExpFloat64())
			}
			for i := range col {
				col[i] = float32(rng.ExpFloat64())
			}
			for w := range d.W {
				d.W[w] *= row[w/d.In] * col[w%d.In]
			}
		}
		scope := Scopes()[rng.IntN(2)]
		for _, step := range [][]Step{
			{PruneTiles{"l1", scope, "avg", 0.9 + 0.09*rng.Float64(), shape, 1}},
			{PruneTiles{"l1", scope, "avg", 0.6, shape, 1}, PruneTiles{"random", scope, "avg", 0.9, shape, 1}},
			{PruneWeights{"l1", scope, 0.9, 1}, Permute{Strategy: "random", Shape: shape, Seed: rng.Uint64()}, DropTiles{0.5, shape}},
			{Joint{Importance: "random", Strategy: Permutations()[rng.IntN(len(Permutations()))], Density: 0.01 + 0.05*rng.Float64(), Budget: "tiles", Shape: shape, Seed: rng.Uint64()}},
		}[rng.IntN(4)] {
			if err := step.Apply(s, Data{}); err != nil {
				t.Fatal(err)
			}
			if !alivePath(s, shape) {
				t.Fatalf("%s: no path is left", step)
			}
			if slices.ContainsFunc(s.Notes, func(n string) bool { return strings.HasPrefix(n, "a path of tiles") }) {
				rescued[fmt.Sprintf("%T", step)]++
			}
		}
	}
	t.Logf("paths kept: %v", rescued)
	for _, step := range []Step{PruneTiles{}, DropTiles{}, Joint{}} {
		if rescued[fmt.Sprintf("%T", step)] == 0 {
			t.Errorf("%T never put a network in danger: the test shows nothing", step)
		}
	}
}

// alivePath tells whether a path of tiles that hold weights leads from the inputs to the outputs.
func alivePath(s *State, shape packing.Shape) bool {
	var kept [][]bool
	var grids []packing.Grid
	for l, tl := range s.tilings(shape) {
		kept, grids = append(kept, nil), append(grids, tl.Grid)
		for _, n := range tl.nonZero() {
			kept[l] = append(kept[l], n > 0)
		}
	}
	return connected(grids, kept)
}

// A layer that a global ranking would empty keeps its floor, and the state says so.
func TestFloorsAreNoted(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	const ratio = 0.5
	for name, step := range map[string]Step{
		"weights": PruneWeights{"l1", "global", ratio, 1}, "tiles": PruneTiles{"l1", "global", "avg", ratio, shape, 1},
	} {
		s := &State{Net: newNet(t, 80, 64, 48, 10)}
		for w := range s.Net.Dense()[1].W {
			s.Net.Dense()[1].W[w] *= 1e-6
		}
		if err := step.Apply(s, Data{}); err != nil {
			t.Fatal(err)
		}
		d := s.Net.Dense()[1]
		if kept := float64(count(d.Mask, true)) / float64(len(d.W)); kept < floorShare*(1-ratio)*0.9 || kept > 0.3 {
			t.Errorf("%s: the weak layer keeps %.3f of its weights: want its floor", name, kept)
		}
		if !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.HasPrefix(n, "layer 2 kept from collapsing") }) {
			t.Errorf("%s: notes %q: want one on layer 2", name, s.Notes)
		}
	}
}

// Blocks that cannot all go are told.
func TestUnreachedRatioIsNoted(t *testing.T) {
	s := &State{Net: newNet(t, 40, 4, 10)}
	if err := (PruneBlocks{"l1", 0.9, packing.Shape{In: 8, Out: 4, Batch: 1}, 1}).Apply(s, Data{}); err != nil {
		t.Fatal(err)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "the ratio asks for") {
		t.Errorf("notes %q: want one", s.Notes)
	}
}

// Distillation and early stop change what comes out, in the same way every time, and never train longer than the budget.
func TestWaysToRetrain(t *testing.T) {
	d := clusters(320, 20)
	noise := clusters(320, 20) // nothing to be learnt about, so that training stops early
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(noise.Labels), func(i, j int) { noise.Labels[i], noise.Labels[j] = noise.Labels[j], noise.Labels[i] })
	plain := options("p4e")
	plain.Retrain.Epochs = 12
	taught, stopped := plain, plain
	taught.Distil = Distil{0.9, 4}
	stopped.Stop = 1
	gradual := stopped // one curve, in whose course the steps happen
	gradual.Rate, gradual.Distil = "one", taught.Distil
	files := map[string][]byte{}
	for name, o := range map[string]Options{"plain": plain, "taught": taught, "stopped": stopped, "gradual": gradual} {
		var first []byte
		for range 2 {
			s := &State{Net: newNet(t, 20, 24, 10)}
			applyTo(t, o, s, Data{both(d).Train, both(noise).Train})
			most := o.Train.Epochs + o.Retrain.Epochs
			if s.Epochs > most || (s.Epochs < most) != (o.Stop > 0) {
				t.Errorf("%s: %d epochs of %d", name, s.Epochs, most)
			}
			if (s.Teacher != nil) != (o.Distil.Alpha > 0) {
				t.Errorf("%s: teacher %v", name, s.Teacher != nil)
			}
			s.Teacher = nil
			if first != nil && !slices.Equal(first, bytesOf(t, s)) {
				t.Errorf("%s is not deterministic", name)
			}
			first = bytesOf(t, s)
		}
		files[name] = first
	}
	if slices.Equal(files["plain"], files["taught"]) {
		t.Error("distillation changed nothing")
	}
}

// Importance by activation is w²·E[x²]: worked by hand on one layer.
func TestImportanceByActivation(t *testing.T) {
	n := &network.Network{Inputs: 2, Layers: []network.Layer{&network.Dense{In: 2, Out: 1, W: []float32{3, 1}, B: make([]float32, 1)}}}
	d := network.Data{X: []float32{1, 4, 1, 0}, Dim: 2, Target: make([]float32, 2)}
	got, err := importances("activation", n, 0, both(d))
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{9, 8}; !slices.Equal(got[0], want) {
		t.Errorf("got %v, want %v", got[0], want)
	}
}

// A layer is said to be at its floor only if a tile elsewhere that went is worth more: one that no path uses is worth nothing.
func TestFloorsAreNotNotedForDeadTiles(t *testing.T) {
	shape := packing.Shape{In: 1, Out: 1, Batch: 1}
	p := newPartition(network.FullyConnected(4, 4, 4), shape)
	b := newBudget(p, 0.5, nil)
	first, second := slices.Repeat([]float64{9}, 16), make([]float64, 16)
	second[0] = 1 // it reads the first group of the first layer's outputs; the others are of use to nobody
	sums := [][]float64{first, second}
	kept, worth, _ := b.settle(sums)
	if got := b.floored(worth, kept); got != nil {
		t.Errorf("kept %v: layers %v are said to be at their floors: want none", kept, got)
	}
}
