package network

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rings are points in the square, labelled by their distance from the centre: no linear network can tell them apart.
func rings(samples int, seed uint64) Data {
	rng := rand.New(rand.NewPCG(seed, 9))
	d := Data{Dim: 2}
	for range samples {
		x, y := 2*rng.Float64()-1, 2*rng.Float64()-1
		d.X = append(d.X, float32(x), float32(y))
		d.Labels = append(d.Labels, uint8(min(2, 3*math.Hypot(x, y))))
	}
	return d
}

func TestTrainLearns(t *testing.T) {
	tests := map[string]Architecture{
		"square":     {Hidden: []int{16}, Activation: "square"},
		"quadratic":  {Hidden: []int{16, 16}, Activation: "quadratic"},
		"batch norm": {Hidden: []int{16, 16}, Activation: "quadratic", BatchNorm: true},
	}
	for name, a := range tests {
		t.Run(name, func(t *testing.T) {
			a.Inputs, a.Outputs = 2, 3
			n, err := New(a, 1)
			if err != nil {
				t.Fatal(err)
			}
			var losses []float64
			o := Options{Epochs: 20, Batch: 64, LR: 2e-2, Clip: 1, Warmup: 20}
			o.Progress = func(p Progress) {
				losses = append(losses, p.Loss)
				if p.Epoch != len(losses) || p.Epochs != 20 {
					t.Errorf("progress %+v: want epoch %d of 20", p, len(losses))
				}
			}
			if err := Train(n, rings(2000, 1), o); err != nil {
				t.Fatal(err)
			}
			if len(losses) != 20 || losses[19] > 0.7*losses[0] {
				t.Errorf("losses %v: want 20, the last at most 0.7 of the first", losses)
			}
			q, err := Evaluate(n, rings(1000, 2))
			if err != nil || q.Metric != "accuracy" || q.Value < 0.85 {
				t.Errorf("%v, %v on new samples: want an accuracy of at least 0.85, where a linear network has 0.65", q, err)
			}
		})
	}
}

func TestTrainRegression(t *testing.T) {
	d := rings(1000, 1)
	d.Labels = nil
	for i := 0; i < len(d.X); i += 2 {
		d.Target = append(d.Target, d.X[i]*d.X[i+1])
	}
	n, _ := New(Architecture{Inputs: 2, Hidden: []int{8}, Outputs: 1, Activation: "quadratic"}, 1)
	if err := Train(n, d, Options{Epochs: 20, Batch: 20, LR: 1e-2, Clip: 1}); err != nil {
		t.Fatal(err)
	}
	if q, err := Evaluate(n, d); err != nil || q.Metric != "mse" || q.Value > 1e-3 {
		t.Errorf("%v, %v: want an mse of at most 1e-3, as a product is a sum of squares", q, err)
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	// Large enough for gonum to compute blocks of a product at the same time.
	a := Architecture{Inputs: 300, Hidden: []int{200, 130}, Outputs: 10, Activation: "quadratic", BatchNorm: true}
	rng := rand.New(rand.NewPCG(1, 1))
	d := Data{Dim: 300}
	for i := range 600 {
		d.Labels = append(d.Labels, uint8(i%10))
		for range 300 {
			d.X = append(d.X, max(0, float32(rng.NormFloat64())))
		}
	}
	run := func(procs int, seed uint64) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		n, err := New(a, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := Train(n, d, Options{Epochs: 2, Batch: 130, LR: 1e-3, WeightDecay: 0.1, Clip: 1, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		return encoded(t, n)
	}
	want := run(1, 7)
	for _, procs := range []int{1, 2, 5} {
		if !bytes.Equal(run(procs, 7), want) {
			t.Errorf("GOMAXPROCS %d changes the result", procs)
		}
	}
	if bytes.Equal(run(1, 8), want) {
		t.Error("another seed gives the same result")
	}
}

func TestTrainKeepsMasks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	n, _ := New(Architecture{Inputs: 2, Hidden: []int{16, 16}, Outputs: 3, Activation: "quadratic", BatchNorm: true}, 1)
	for _, d := range n.Dense() {
		d.Mask = make([]bool, len(d.W))
		for i := range d.W {
			if d.Mask[i] = rng.IntN(3) == 0; !d.Mask[i] {
				d.W[i] = 0
			}
		}
	}
	before, dense := n.Clone(), n.Dense()
	if err := Train(n, rings(100, 1), Options{Epochs: 2, Batch: 10, LR: 1e-2, WeightDecay: 0.1, Clip: 1}); err != nil {
		t.Fatal(err)
	}
	for l, old := range before.Dense() {
		d := dense[l] // taken before training, which is in place
		if !slices.Equal(d.Mask, old.Mask) {
			t.Errorf("layer %d: the mask changed", l)
		}
		for i, keep := range d.Mask {
			if !keep && math.Float32bits(d.W[i]) != 0 || keep && d.W[i] == old.W[i] {
				t.Errorf("layer %d, weight %d, kept %t: %g became %g", l, i, keep, old.W[i], d.W[i])
			}
		}
	}
}

// A pruned weight must not count in the clipped norm either: training with a mask is training without the weight.
func TestMaskedIsAbsent(t *testing.T) {
	d := rings(64, 1)
	narrow := Data{Dim: 1, Labels: d.Labels}
	for i := 0; i < len(d.X); i += 2 {
		narrow.X = append(narrow.X, d.X[i])
	}
	o := Options{Epochs: 3, Batch: 16, LR: 1e-2, WeightDecay: 0.1, Clip: 0.1}
	masked := &Dense{In: 2, Out: 3, W: []float32{1, 0, 2, 0, -1, 0}, B: make([]float32, 3), Mask: []bool{true, false, true, false, true, false}}
	absent := &Dense{In: 1, Out: 3, W: []float32{1, 2, -1}, B: make([]float32, 3)}
	if err := errors.Join(Train(&Network{2, []Layer{masked}}, d, o), Train(&Network{1, []Layer{absent}}, narrow, o)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{masked.W[0], masked.W[2], masked.W[4]}, absent.W); diff != "" {
		t.Error(diff)
	}
}

func TestTrainDropsTheRest(t *testing.T) {
	d := Data{X: []float32{1, 1, 1}, Dim: 1, Target: []float32{9, 9, 9}}
	dense := &Dense{In: 1, Out: 1, W: []float32{0}, B: []float32{0}}
	epochs := 0
	o := Options{Epochs: 2, Batch: 2, LR: 0.25, Progress: func(Progress) { epochs++ }}
	if err := Train(&Network{1, []Layer{dense}}, d, o); err != nil {
		t.Fatal(err)
	}
	// One step per epoch, at the full and at half the rate.
	if want := 0.25 + 0.125; math.Abs(float64(dense.W[0])-want) > 0.01 || epochs != 2 {
		t.Errorf("weight %g after %d epochs: want about %g after 2", dense.W[0], epochs, want)
	}
}

func TestTrainDiverges(t *testing.T) {
	big := func() *Network {
		return &Network{1, []Layer{
			&Dense{In: 1, Out: 1, W: []float32{1e15}, B: []float32{0}}, &Quadratic{A: 1},
			&Dense{In: 1, Out: 1, W: []float32{1}, B: []float32{0}}}}
	}
	tests := map[string]struct {
		x       float32
		options Options
	}{
		"loss":          {1e15, Options{LR: 1e-3}},
		"gradient":      {1, Options{LR: 1e-3}},
		"learning rate": {1e-15, Options{LR: 1e39}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := big()
			o := test.options
			o.Epochs, o.Batch = 1, 1
			err := Train(n, Data{X: []float32{test.x}, Dim: 1, Target: []float32{0}}, o)
			if !errors.Is(err, ErrDiverged) {
				t.Errorf("error %v: want ErrDiverged", err)
			}
			if diff := cmp.Diff(big(), n); diff != "" {
				t.Errorf("the network changed: %s", diff)
			}
		})
	}
}

func TestTrainRefuses(t *testing.T) {
	good := Options{Epochs: 1, Batch: 10, LR: 1e-3}
	tests := map[string]struct {
		change func(*Options, *Data)
		want   string
	}{
		"epochs":        {func(o *Options, _ *Data) { o.Epochs = -1 }, "-1 epochs"},
		"no batch":      {func(o *Options, _ *Data) { o.Batch = 0 }, "batch 0: want 1 to 20"},
		"large batch":   {func(o *Options, _ *Data) { o.Batch = 21 }, "batch 21: want 1 to 20"},
		"batch norm":    {func(o *Options, _ *Data) { o.Batch = 7 }, "batch 7 with batch norm: want at least 8"},
		"learning rate": {func(o *Options, _ *Data) { o.LR = 0 }, "learning rate 0"},
		"nan rate":      {func(o *Options, _ *Data) { o.LR = math.NaN() }, "learning rate NaN"},
		"weight decay":  {func(o *Options, _ *Data) { o.WeightDecay = -1 }, "weight decay -1"},
		"clip":          {func(o *Options, _ *Data) { o.Clip = -1 }, "clip -1"},
		"warm-up":       {func(o *Options, _ *Data) { o.Warmup = -1 }, "warm-up of -1 steps"},
		"label":         {func(_ *Options, d *Data) { d.Labels = append(slices.Clone(d.Labels[:19]), 3) }, "sample 19 has label 3"},
		"dimension":     {func(_ *Options, d *Data) { d.Dim = 1 }, "samples of 1 values: want 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n, _ := New(Architecture{Inputs: 2, Hidden: []int{2}, Outputs: 3, Activation: "quadratic", BatchNorm: true}, 1)
			o, d := good, rings(20, 1)
			test.change(&o, &d)
			wantError(t, Train(n, d, o), test.want)
		})
	}
}

func TestNoEpochs(t *testing.T) {
	n, _ := New(Architecture{Inputs: 2, Outputs: 3, Activation: "square"}, 1)
	want := n.Clone()
	if err := Train(n, rings(5, 1), Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
}

func TestGolden(t *testing.T) {
	if runtime.GOARCH != "amd64" || BLAS != "gonum" {
		t.Skipf("the hashes are those of gonum on amd64; %s on %s may round differently", BLAS, runtime.GOARCH)
	}
	tests := map[string]struct {
		architecture Architecture
		labels       bool
		want         string
	}{
		"square classifier":     {Architecture{Outputs: 3, Activation: "square"}, true, "b105797e545f45cc"},
		"batch norm classifier": {Architecture{Outputs: 3, Activation: "quadratic", BatchNorm: true}, true, "5c45b94e220c4599"},
		"autoencoder":           {Architecture{Outputs: 2, Activation: "quadratic", Autoencoder: true}, false, "7083a37138c534a5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, d := test.architecture, rings(200, 3)
			a.Inputs, a.Hidden = 2, []int{20, 7}
			if !test.labels {
				d.Labels = nil
			}
			n, err := New(a, 11)
			if err != nil {
				t.Fatal(err)
			}
			first := n.Dense()[0]
			first.Mask = make([]bool, len(first.W))
			for i := range first.W {
				if first.Mask[i] = i%3 > 0; !first.Mask[i] {
					first.W[i] = 0
				}
			}
			o := Options{Epochs: 3, Batch: 16, LR: 1e-2, WeightDecay: 0.1, Clip: 1, Warmup: 5, Seed: 12}
			if err := Train(n, d, o); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(encoded(t, n)))[:16]; got != test.want {
				t.Errorf("trained network hashes to %s: want %s; if this change of results is meant, raise Version (now %d) and put in the new hash",
					got, test.want, Version)
			}
		})
	}
}

func encoded(t testing.TB, n *Network) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := n.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// BenchmarkEpoch is one epoch of a classifier on 60,000 random samples of 784 values, four of five of them zero, as
// in images of digits.
func BenchmarkEpoch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const samples = 60000
	d := Data{X: make([]float32, samples*784), Dim: 784, Labels: make([]uint8, samples)}
	for i := range d.X {
		d.X[i] = max(0, 5*rng.Float32()-4)
	}
	for i := range d.Labels {
		d.Labels[i] = uint8(rng.IntN(10))
	}
	n, err := New(Architecture{Inputs: 784, Hidden: []int{128, 128}, Outputs: 10, Activation: "square"}, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Train(n, d, Options{Epochs: 1, Batch: 128, LR: 1e-4, Clip: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
