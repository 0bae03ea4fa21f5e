package network

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGradients compares every gradient with a central difference of the loss.
func TestGradients(t *testing.T) {
	classes := Data{Dim: 6, Labels: []uint8{0, 1, 2, 3, 0, 1, 2, 3, 3, 1, 0}}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 11 * 6 {
		classes.X = append(classes.X, float32(rng.NormFloat64()))
	}
	itself := Data{X: classes.X, Dim: 6}
	target := Data{X: classes.X, Dim: 6, Target: classes.X[:11*4]}
	order := rng.Perm(11)
	image := Axis{3, 2, 1}
	conv := []Conv{{Filters: 3, Kernel: Size{2, 2}, Stride: Size{1, 1}, Padding: Size{1, 0}}}
	deep := []Conv{
		{Filters: 2, Kernel: Size{2, 1}, Stride: Size{1, 1}, Padding: Size{1, 0}, Pool: Size{2, 2}},
		{Filters: 3, Kernel: Size{2, 1}, Stride: Size{2, 1}, Padding: Size{1, 0}},
	}
	tests := map[string]struct {
		architecture Architecture
		data         Data
		batch        int
	}{
		"conv, classes":                {Architecture{Image: image, Conv: conv, Hidden: []int{3}, Activation: "square"}, classes, 11},
		"two convs, pooled, quadratic": {Architecture{Image: image, Conv: deep, Activation: "quadratic"}, classes, 11},
		"two convs, batch norm":        {Architecture{Image: image, Conv: deep, Activation: "quadratic", BatchNorm: true}, classes, 11},
		"conv, itself":                 {Architecture{Image: image, Conv: conv, Activation: "quadratic", Autoencoder: true}, itself, 11},

		"linear, classes":         {Architecture{Activation: "square"}, classes, 11},
		"square, classes":         {Architecture{Hidden: []int{5, 3}, Activation: "square"}, classes, 11},
		"square, one per shard":   {Architecture{Hidden: []int{5}, Activation: "square"}, classes, 4},
		"square, one sample":      {Architecture{Hidden: []int{5}, Activation: "square"}, classes, 1},
		"quadratic, classes":      {Architecture{Hidden: []int{5, 3}, Activation: "quadratic"}, classes, 11},
		"batch norm, classes":     {Architecture{Hidden: []int{5, 3}, Activation: "quadratic", BatchNorm: true}, classes, 11},
		"quadratic, itself":       {Architecture{Hidden: []int{5}, Activation: "quadratic", Autoencoder: true}, itself, 11},
		"batch norm, target":      {Architecture{Hidden: []int{5}, Activation: "quadratic", BatchNorm: true}, target, 11},
		"square, target, 7 of 11": {Architecture{Hidden: []int{5, 4}, Activation: "square"}, target, 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := test.architecture
			a.Inputs, a.Outputs = 6, 4
			if a.Autoencoder {
				a.Outputs = 6
			}
			n, err := New(a, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range n.Layers {
				switch l := l.(type) {
				case *Dense:
					l.B[0] = 0.3
				case *BatchNorm:
					l.Gamma[0], l.Beta[1] = 1.5, -0.7
				}
			}
			checkGradients(t, newTrainer[float64](n, test.batch), test.data, order[:test.batch])
		})
	}
}

func checkGradients(t *testing.T, tr *trainer[float64], d Data, batch []int) {
	t.Helper()
	loss := func() float64 {
		for _, d := range tr.dense {
			d.transpose()
		}
		return tr.pass(d, batch)
	}
	loss()
	norm := tr.reduce()
	grads := make([][]float64, len(tr.params)) // the next pass overwrites them
	for i, p := range tr.params {
		grads[i] = slices.Clone(p.grads[0])
	}
	var square float64
	for i, p := range tr.params {
		for j, g := range grads[i] {
			const h = 1e-6
			old := p.value[j]
			p.value[j] = old + h
			up := loss()
			p.value[j] = old - h
			down := loss()
			p.value[j] = old
			if want := (up - down) / (2 * h); math.Abs(g-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("parameter %d[%d]: gradient %g: want %g", i, j, g, want)
			}
			square += g * g
		}
	}
	if math.Abs(norm-math.Sqrt(square)) > 1e-12*norm {
		t.Errorf("norm %g: want %g", norm, math.Sqrt(square))
	}
}

func TestLossOfKnownValues(t *testing.T) {
	y := []float64{0, math.Log(3), 5, 5}
	if got, want := crossEntropy(y, []uint8{1, 0}, 2), (math.Log(4.0/3)+math.Log(2))/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("cross-entropy %g: want %g", got, want)
	}
	if got := squaredError([]float64{1, 2}, []float64{0, 4}, 2); got != 2.5 {
		t.Errorf("squared error %g: want 2.5", got)
	}
}

// TestStep checks one step of training y = w·x + b against Adam worked out by hand: the first step is the learning
// rate in the direction of the gradient.
func TestStep(t *testing.T) {
	d := Data{X: []float32{2, 2}, Dim: 1, Target: []float32{0, 0}} // y = 6.5, so dw = 26, db = 13
	tests := map[string]struct {
		options Options
		w, b    float64
	}{
		"plain":        {Options{LR: 0.1}, 3 - 0.1, 0.5 - 0.1},
		"weight decay": {Options{LR: 0.1, WeightDecay: 0.5}, 3 - 0.1 - 0.1*0.5*3, 0.5 - 0.1},
		"warm-up":      {Options{LR: 0.1, WeightDecay: 0.5, Warmup: 4}, 3 - 0.025 - 0.025*0.5*3, 0.5 - 0.025},
		"clip": { // dw = 2/√5 and db = 1/√5 of 1e-8, next to Adam's 1e-8
			Options{LR: 0.1, Clip: 1e-8}, 3 - 0.1/(1+math.Sqrt(5)/2), 0.5 - 0.1/(1+math.Sqrt(5))},
		"clip above the norm": {Options{LR: 0.1, Clip: 30}, 3 - 0.1, 0.5 - 0.1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dense := &Dense{In: 1, Out: 1, W: []float32{3}, B: []float32{0.5}}
			o := test.options
			o.Epochs, o.Batch = 1, 2
			if err := Train(&Network{1, []Layer{dense}}, d, o); err != nil {
				t.Fatal(err)
			}
			if w, b := float64(dense.W[0]), float64(dense.B[0]); math.Abs(w-test.w) > 1e-6 || math.Abs(b-test.b) > 1e-6 {
				t.Errorf("w %g, b %g: want %g, %g", w, b, test.w, test.b)
			}
		})
	}
}

func TestSchedule(t *testing.T) {
	o := Options{LR: 2, Warmup: 4}
	want := []float64{0.25, 0.5, 0.75, 1} // shares of the cosine
	var last float64
	for step := range 100 {
		cosine := 1 + math.Cos(math.Pi*float64(step)/100)
		share := 1.0
		if step < len(want) {
			share = want[step]
		}
		last = o.rate(step, 100)
		if math.Abs(last-share*cosine) > 1e-12 {
			t.Errorf("step %d: rate %g: want %g", step, last, share*cosine)
		}
	}
	if last <= 0 || last > 0.001 {
		t.Errorf("last rate %g: want little, but not nothing", last)
	}
}

// TestRunningStatistics holds the weights still: the running statistics must reach those of the data.
func TestRunningStatistics(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := Data{Dim: 1}
	for range 4096 {
		d.X = append(d.X, float32(3+2*rng.NormFloat64()))
	}
	norm := newBatchNorm(1)
	n := &Network{1, []Layer{&Dense{In: 1, Out: 1, W: []float32{1}, B: []float32{0}}, norm}}
	if err := Train(n, d, Options{Epochs: 10, Batch: 256, LR: 1e-9}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(norm.Mean[0])-3) > 0.1 || math.Abs(float64(norm.Var[0])-4) > 0.2 {
		t.Errorf("mean %g, variance %g: want about 3, 4", norm.Mean[0], norm.Var[0])
	}
}
