package network

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"
)

// overfit is a run that soon knows its few samples by heart, and then gets worse on others.
func overfit(t *testing.T, labels bool) (*Network, Data, Options) {
	t.Helper()
	few, others := rings(60, 1), rings(400, 2)
	a := Architecture{Inputs: 2, Hidden: []int{24, 24}, Outputs: 3, Activation: "quadratic", BatchNorm: true}
	if labels {
		for i := 0; i < len(few.Labels); i += 3 {
			few.Labels[i] = 2 - few.Labels[i]
		}
	} else {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, d := range []*Data{&few, &others} {
			d.Labels = nil
			for i := 0; i < len(d.X); i += 2 {
				d.Target = append(d.Target, d.X[i]*d.X[i+1]+0.3*float32(rng.NormFloat64()))
			}
		}
		a.Outputs = 1
	}
	n, err := New(a, 1)
	if err != nil {
		t.Fatal(err)
	}
	return n, few, Options{Epochs: 32, Batch: 20, LR: 2e-2, Clip: 1, Stop: &Stop{Validation: others, Patience: 4}, Report: &Report{}}
}

// The run must end where the rule says and return the weights of the best epoch, which an undisturbed run shows.
func TestStop(t *testing.T) {
	for name, labels := range map[string]bool{"accuracy": true, "mse": false} {
		t.Run(name, func(t *testing.T) {
			for _, patience := range []int{1, 4, 100} {
				n, d, o := overfit(t, labels)
				watched := n.Clone()
				o.Stop.Patience = patience
				if err := Train(n, d, o); err != nil {
					t.Fatal(err)
				}
				epochs, best := watch(t, watched, d, o)
				if want := (Report{epochs, best.epoch}); *o.Report != want {
					t.Errorf("patience %d: %+v, want %+v", patience, *o.Report, want)
				}
				if !bytes.Equal(encoded(t, n), best.network) {
					t.Errorf("patience %d: not the weights of epoch %d", patience, best.epoch)
				}
				if patience < 100 && (epochs == o.Epochs || best.epoch < 2) {
					t.Errorf("%d epochs, best %d: the test shows nothing", epochs, best.epoch)
				}
			}
		})
	}
}

type watchedEpoch struct {
	epoch   int
	network []byte
}

// watch trains without stopping, looks at the network after every epoch and applies the rule by hand.
func watch(t *testing.T, n *Network, d Data, o Options) (epochs int, best watchedEpoch) {
	t.Helper()
	stop, last := *o.Stop, Quality{}
	look := func(n *Network) error {
		if epochs-best.epoch >= stop.Patience {
			return nil
		}
		epochs++
		q, err := Evaluate(n, stop.Validation)
		if better := q.Metric == "mse" && q.Value < last.Value || q.Metric == "accuracy" && q.Value > last.Value; best.epoch == 0 || better {
			last, best = q, watchedEpoch{epochs, encoded(t, n)}
		}
		return err
	}
	all := o.Epochs
	o.Stop, o.Report = nil, nil
	for e := 1; e < all; e++ {
		o.Events = append(o.Events, Event{float64(e) / float64(all), func(n *Network) (*Lasso, error) { return nil, look(n) }})
	}
	if err := Train(n, d, o); err != nil {
		t.Fatal(err)
	}
	if err := look(n); err != nil {
		t.Fatal(err)
	}
	return epochs, best
}

// Weights from before an event are not what the run is about, however good they were.
func TestStopWaitsForEvents(t *testing.T) {
	n, d, o := overfit(t, true)
	dead := 0
	o.Stop.Patience = 1
	o.Events = []Event{{0, func(*Network) (*Lasso, error) { return nil, nil }}, {0.6, func(n *Network) (*Lasso, error) {
		first := n.Dense()[0]
		first.Mask = make([]bool, len(first.W))
		for i := range first.W {
			if first.Mask[i] = i%8 == 0; !first.Mask[i] {
				first.W[i] = 0
				dead++
			}
		}
		return nil, nil
	}}}
	if err := Train(n, d, o); err != nil {
		t.Fatal(err)
	}
	if dead == 0 || o.Report.Best < 20 || o.Report.Epochs < o.Report.Best {
		t.Errorf("%+v: want the best epoch to be 20 or later, as 0.6 of 32 epochs fall into it", *o.Report)
	}
	for i, w := range n.Dense()[0].W {
		if n.Dense()[0].Mask[i] != (i%8 == 0) || i%8 != 0 && w != 0 {
			t.Fatalf("weight %d is %g, mask %t", i, w, n.Dense()[0].Mask[i])
		}
	}
}

func TestStopIsDeterministic(t *testing.T) {
	run := func(procs int) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		n, d, o := overfit(t, false)
		if err := Train(n, d, o); err != nil {
			t.Fatal(err)
		}
		return encoded(t, n)
	}
	want := run(1)
	for _, procs := range []int{2, 5} {
		if !bytes.Equal(run(procs), want) {
			t.Errorf("GOMAXPROCS %d changes the result", procs)
		}
	}
}

func TestReportWithoutStop(t *testing.T) {
	n, d, o := overfit(t, true)
	o.Stop, o.Epochs = nil, 3
	if err := Train(n, d, o); err != nil || *o.Report != (Report{3, 3}) {
		t.Errorf("%+v, %v: want 3 epochs, the last the best", *o.Report, err)
	}
	o.Epochs = 0
	if err := Train(n, d, o); err != nil || *o.Report != (Report{}) {
		t.Errorf("%+v, %v: want no epochs", *o.Report, err)
	}
}

func TestStopRefused(t *testing.T) {
	tests := map[string]struct {
		stop Stop
		want string
	}{
		"patience":   {Stop{rings(5, 1), 0}, "patience of 0 epochs: want at least 1"},
		"no samples": {Stop{Data{Dim: 2}, 1}, "validation: 0 values"},
		"dimension":  {Stop{Data{X: make([]float32, 3), Dim: 3}, 1}, "validation: samples of 3 values: want 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n, d, o := overfit(t, true)
			o.Stop = &test.stop
			wantError(t, Train(n, d, o), test.want)
		})
	}
}

// A validation sample that no float32 can hold the square of is a sign of divergence like any other.
func TestStopDiverges(t *testing.T) {
	n := &Network{1, []Layer{&Dense{In: 1, Out: 1, W: []float32{1}, B: []float32{0}}, &Quadratic{A: 1}}}
	d := Data{X: []float32{1}, Dim: 1, Target: []float32{1}}
	o := Options{Epochs: 1, Batch: 1, LR: 1e-3, Stop: &Stop{Data{X: []float32{1e30}, Dim: 1, Target: []float32{1}}, 1}}
	before := n.Clone()
	wantError(t, Train(n, d, o), "validation after epoch 1: training diverged: outputs overflow")
	if !bytes.Equal(encoded(t, before), encoded(t, n)) {
		t.Error("the network changed")
	}
}
