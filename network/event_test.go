package network

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An event that changes nothing leaves the run as it would have been.
func TestEventsKeepTheRun(t *testing.T) {
	nets := make([]*Network, 2)
	for i := range nets {
		n, err := New(Architecture{Inputs: 2, Hidden: []int{8, 8}, Outputs: 3, Activation: "quadratic"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Epochs: 4, Batch: 50, LR: 1e-2}
		if i == 1 {
			for _, when := range []float64{0, 0.3, 0.9} {
				o.Events = append(o.Events, Event{when, func(*Network) (*Lasso, error) { return nil, nil }})
			}
		}
		if err := Train(n, rings(1000, 1), o); err != nil {
			t.Fatal(err)
		}
		nets[i] = n
	}
	if d := cmp.Diff(nets[0], nets[1]); d != "" {
		t.Errorf("the events changed the network:\n%s", d)
	}
}

// Weights that an event prunes stay zero, and those that another one gives back train again.
func TestEventsPruneAndRegrow(t *testing.T) {
	n, err := New(Architecture{Inputs: 2, Hidden: []int{8}, Outputs: 3, Activation: "square"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	mask := func(keep func(w int) bool) func(n *Network) (*Lasso, error) {
		return func(n *Network) (*Lasso, error) {
			d := n.Dense()[0]
			d.Mask = make([]bool, len(d.W))
			for w := range d.W {
				if d.Mask[w] = keep(w); !d.Mask[w] {
					d.W[w] = 0
				}
			}
			return nil, nil
		}
	}
	o := Options{Epochs: 4, Batch: 50, LR: 1e-2, Events: []Event{
		{0.25, mask(func(w int) bool { return w%2 == 0 })}, {0.5, mask(func(w int) bool { return w%4 != 1 })},
	}}
	if err := Train(n, rings(1000, 1), o); err != nil {
		t.Fatal(err)
	}
	for w, v := range n.Dense()[0].W {
		if pruned := w%4 == 1; pruned != (v == 0) || n.Dense()[0].Mask[w] == pruned {
			t.Errorf("weight %d is %g, mask %t: want zero for every fourth", w, v, n.Dense()[0].Mask[w])
		}
	}
}

// Worked by hand: λ·η = 0.1, a group of four with norm 2 loses 0.1·2/2, one of one with norm 0.05 vanishes.
func TestShrink(t *testing.T) {
	w := &param[float64]{value: []float64{1, 0.05, 1, 1, 1}}
	s := newShrinker(&denseParams[float64]{in: 5, out: 1, w: w}, []int32{0, 1, 0, 0, 0}, 2)
	s.shrink(0.05)
	if d := cmp.Diff([]float64{0.9, 0, 0.9, 0.9, 0.9}, w.value, cmpopts.EquateApprox(0, 1e-12)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A lasso holds from its event to the next: groups that help little shrink to a fraction of the others.
func TestLasso(t *testing.T) {
	smallest := func(lambda float64) float64 {
		n, err := New(Architecture{Inputs: 2, Hidden: []int{12}, Outputs: 3, Activation: "quadratic"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		lasso := &Lasso{lambda, [][]int32{make([]int32, 24), make([]int32, 36)}}
		for w := range 24 { // the weights of a neuron
			lasso.Groups[0][w] = int32(w / 2)
		}
		for w := range 36 {
			lasso.Groups[1][w] = int32(w % 12)
		}
		ratio := math.Inf(1)
		o := Options{Epochs: 20, Batch: 50, LR: 2e-2, Events: []Event{
			{0, func(*Network) (*Lasso, error) { return lasso, nil }},
			{0.75, func(n *Network) (*Lasso, error) {
				var norms []float64
				for w := 0; w < 24; w += 2 {
					norms = append(norms, math.Hypot(float64(n.Dense()[0].W[w]), float64(n.Dense()[0].W[w+1])))
				}
				ratio = slices.Min(norms) / slices.Max(norms)
				return nil, nil
			}},
		}}
		if err := Train(n, rings(1000, 1), o); err != nil {
			t.Fatal(err)
		}
		return ratio
	}
	without, with := smallest(0), smallest(0.1)
	t.Logf("smallest group over largest: %.3f without, %.3f with a lasso", without, with)
	if with > without/3 {
		t.Errorf("a lasso leaves the smallest group at %.3f of the largest, none at %.3f: want a third of that at most", with, without)
	}
}

func TestLassoRefused(t *testing.T) {
	n := &Network{Inputs: 2, Layers: []Layer{&Dense{In: 2, Out: 1, W: make([]float32, 2), B: make([]float32, 1)}}}
	for name, l := range map[string]Lasso{
		"negative": {-1, [][]int32{{0, 0}}}, "not a number": {math.NaN(), [][]int32{{0, 0}}},
		"layers": {1, nil}, "weights": {1, [][]int32{{0}}}, "group": {1, [][]int32{{0, 2}}},
	} {
		o := Options{Epochs: 1, Batch: 5, LR: 1e-2, Events: []Event{{0, func(*Network) (*Lasso, error) { return &l, nil }}}}
		if err := Train(n, Data{X: make([]float32, 20), Dim: 2, Target: make([]float32, 10)}, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A failing event leaves the network as it was.
func TestFailingEvent(t *testing.T) {
	n, err := New(Architecture{Inputs: 2, Hidden: []int{8}, Outputs: 3, Activation: "square"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	before, bad := n.Clone(), errors.New("bad")
	o := Options{Epochs: 2, Batch: 50, LR: 1e-2, Events: []Event{{0.5, func(n *Network) (*Lasso, error) { n.Dense()[0].W[0] = 7; return nil, bad }}}}
	if err := Train(n, rings(1000, 1), o); !errors.Is(err, bad) {
		t.Errorf("error %v: want that of the event", err)
	}
	if d := cmp.Diff(before, n); d != "" {
		t.Errorf("the network changed:\n%s", d)
	}
	o.Events = []Event{{0.5, nil}, {0.2, nil}}
	if err := Train(n, rings(1000, 1), o); err == nil {
		t.Error("events out of order: no error")
	}
}

// The gradients are those of the loss: a small step along a weight changes the loss by gradient × step.
func TestGradientsOfWeights(t *testing.T) {
	n, err := New(Architecture{Inputs: 2, Hidden: []int{5}, Outputs: 3, Activation: "square"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := rings(64, 3)
	loss := func() float64 {
		tr := newTrainer[float64](n, 64)
		all := make([]int, 64)
		for i := range all {
			all[i] = i
		}
		return tr.pass(d, all)
	}
	var got [][]float32
	err = Gradients(n, d, 64, 1, func(layers [][]float32) {
		for _, l := range layers {
			got = append(got, append([]float32(nil), l...))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for l, dense := range n.Dense() {
		for w := range dense.W {
			v := dense.W[w]
			const h = 1.0 / 512
			dense.W[w] = v + h
			up := loss()
			dense.W[w] = v - h
			down := loss()
			dense.W[w] = v
			if want := (up - down) / (2 * h); math.Abs(want-float64(got[l][w])) > 1e-3 {
				t.Errorf("layer %d weight %d: gradient %g, want %g", l, w, got[l][w], want)
			}
		}
	}
}
