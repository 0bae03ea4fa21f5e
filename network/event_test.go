package network

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
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
				o.Events = append(o.Events, Event{when, func(*Network) error { return nil }})
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
	mask := func(keep func(w int) bool) func(n *Network) error {
		return func(n *Network) error {
			d := n.Dense()[0]
			d.Mask = make([]bool, len(d.W))
			for w := range d.W {
				if d.Mask[w] = keep(w); !d.Mask[w] {
					d.W[w] = 0
				}
			}
			return nil
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

// A failing event leaves the network as it was.
func TestFailingEvent(t *testing.T) {
	n, err := New(Architecture{Inputs: 2, Hidden: []int{8}, Outputs: 3, Activation: "square"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	before, bad := n.Clone(), errors.New("bad")
	o := Options{Epochs: 2, Batch: 50, LR: 1e-2, Events: []Event{{0.5, func(n *Network) error { n.Dense()[0].W[0] = 7; return bad }}}}
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
