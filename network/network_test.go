package network

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

func TestNew(t *testing.T) {
	tests := map[string]struct {
		architecture Architecture
		dims         []int
		deviation    float64 // of the first layer's weights
		activation   Quadratic
		kinds        string
	}{
		"square classifier": {
			Architecture{Inputs: 400, Hidden: []int{100, 50}, Outputs: 10, Activation: "square"},
			[]int{400, 100, 50, 10}, 1.0 / 20, Quadratic{A: 1},
			"dense, quadratic, dense, quadratic, dense"},
		"deep classifier": {
			Architecture{Inputs: 400, Hidden: []int{100}, Outputs: 10, Activation: "quadratic", BatchNorm: true},
			[]int{400, 100, 10}, 1.0 / 20, Quadratic{A: 0.25, B: 0.5, Learnt: true},
			"dense, batch norm, quadratic, dense"},
		"autoencoder": {
			Architecture{Inputs: 150, Hidden: []int{50}, Outputs: 150, Activation: "quadratic", Autoencoder: true},
			[]int{150, 50, 150}, 1.0 / 10, Quadratic{A: 0.5, B: 0.5, Learnt: true},
			"dense, quadratic, dense"},
		"linear": {
			Architecture{Inputs: 400, Outputs: 30, Activation: "square"},
			[]int{400, 30}, 1.0 / 20, Quadratic{}, "dense"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := New(test.architecture, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := n.Dims(); !slices.Equal(got, test.dims) {
				t.Errorf("dims %v: want %v", got, test.dims)
			}
			var kinds []string
			for _, l := range n.Layers {
				kinds = append(kinds, l.kind())
				if q, ok := l.(*Quadratic); ok && *q != test.activation {
					t.Errorf("activation %v: want %v", *q, test.activation)
				}
			}
			if got := strings.Join(kinds, ", "); got != test.kinds {
				t.Errorf("layers %s: want %s", got, test.kinds)
			}
			var square float64
			w := n.Dense()[0].W
			for _, v := range w {
				square += float64(v) * float64(v)
			}
			if got := math.Sqrt(square / float64(len(w))); math.Abs(got/test.deviation-1) > 0.05 {
				t.Errorf("deviation %g of weights: want about %g", got, test.deviation)
			}
			if other, _ := New(test.architecture, 2); slices.Equal(other.Dense()[0].W, w) {
				t.Error("two seeds give the same weights")
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := Architecture{Inputs: 4, Hidden: []int{3}, Outputs: 2, Activation: "quadratic"}
	tests := map[string]struct {
		change func(*Architecture)
		want   string
	}{
		"no inputs":              {func(a *Architecture) { a.Inputs = 0 }, "layer of 0 neurons"},
		"negative layer":         {func(a *Architecture) { a.Hidden = []int{-1} }, "layer of -1 neurons"},
		"huge layer":             {func(a *Architecture) { a.Outputs = 1 << 40 }, "layer of 1099511627776 neurons"},
		"too many weights":       {func(a *Architecture) { a.Inputs, a.Hidden = 1<<20, []int{1 << 20} }, "weights: want at most"},
		"unknown activation":     {func(a *Architecture) { a.Activation = "relu" }, "want square or quadratic"},
		"batch norm with square": {func(a *Architecture) { a.Activation, a.BatchNorm = "square", true }, "batch norm harms"},
		"odd autoencoder":        {func(a *Architecture) { a.Autoencoder = true }, "as many outputs as inputs"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := good
			test.change(&a)
			_, err := New(a, 1)
			wantError(t, err, test.want)
		})
	}
}

// The network below maps (1, 2) to 3·((1·1+2·2+1)·4+1)² + … by hand.
func TestForward(t *testing.T) {
	n := &Network{Inputs: 2, Layers: []Layer{
		&Dense{In: 2, Out: 2, W: []float32{1, 2, 0, -1}, B: []float32{1, 0}, Mask: []bool{true, true, false, true}},
		&BatchNorm{Gamma: []float32{4, 1}, Beta: []float32{1, 0}, Mean: []float32{2, 0}, Var: []float32{4, 1}},
		&Quadratic{A: 2, B: 1},
		&Dense{In: 2, Out: 1, W: []float32{3, 10}, B: []float32{-1}},
	}}
	x := mat.NewDense(1, 2, []float64{1, 2})
	u := 4*(6-2)/math.Sqrt(4+1e-5) + 1
	v := -2 / math.Sqrt(1+1e-5)
	want := 3*(2*u*u+u) + 10*(2*v*v+v) - 1
	if got := n.Forward(x).At(0, 0); math.Abs(got-want) > 1e-12*want {
		t.Errorf("forward %g: want %g", got, want)
	}
	if x.At(0, 0) != 1 || x.At(0, 1) != 2 {
		t.Error("forward changed its argument")
	}
}

func TestClone(t *testing.T) {
	n := randomNetwork(rand.New(rand.NewPCG(1, 1)))
	want, c := n.Clone(), n.Clone()
	for _, l := range c.Layers {
		switch l := l.(type) {
		case *Dense:
			l.W[0], l.B[0] = 7, 7
			if l.Mask != nil {
				l.Mask[0] = !l.Mask[0]
			}
		case *Quadratic:
			l.A++
		case *BatchNorm:
			l.Gamma[0], l.Beta[0], l.Mean[0], l.Var[0] = 7, 7, 7, 7
		}
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("changing a clone changed the network: %s", diff)
	}
}

func TestEvaluate(t *testing.T) {
	identity := &Network{Inputs: 2, Layers: []Layer{&Dense{In: 2, Out: 2, W: []float32{1, 0, 0, 1}, B: []float32{0, 0}}}}
	many := make([]float32, 2*3000) // more than are evaluated at once
	labels := make([]uint8, 3000)
	for i := range labels {
		many[2*i+i%2] = 1
		labels[i] = uint8(i % 2)
		if i >= 2400 {
			labels[i] = 1 - labels[i]
		}
	}
	tests := map[string]struct {
		data Data
		want Quality
	}{
		"accuracy":    {Data{X: many, Dim: 2, Labels: labels}, Quality{"accuracy", 0.8, 1}},
		"autoencoder": {Data{X: many, Dim: 2}, Quality{Metric: "mse"}},
		"target":      {Data{X: many[:4], Dim: 2, Target: []float32{1, 0, 0, 4}}, Quality{Metric: "mse", Value: 9.0 / 4}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Evaluate(identity, test.data)
			if err != nil || got != test.want {
				t.Errorf("%v, %v: want %v", got, err, test.want)
			}
		})
	}
}

func TestEvaluateRefuses(t *testing.T) {
	n, _ := New(Architecture{Inputs: 3, Outputs: 2, Activation: "square"}, 1)
	nan := float32(math.NaN())
	tests := map[string]struct {
		data Data
		want string
	}{
		"dimension":      {Data{X: make([]float32, 4), Dim: 2, Labels: []uint8{0, 0}}, "samples of 2 values: want 3"},
		"zero dimension": {Data{}, "samples of 0 values"},
		"no samples":     {Data{Dim: 3}, "want one sample or more"},
		"half a sample":  {Data{X: make([]float32, 4), Dim: 3, Labels: []uint8{0}}, "all whole"},
		"label":          {Data{X: make([]float32, 6), Dim: 3, Labels: []uint8{1, 2}}, "sample 1 has label 2"},
		"labels":         {Data{X: make([]float32, 6), Dim: 3, Labels: []uint8{1}}, "1 labels"},
		"target":         {Data{X: make([]float32, 6), Dim: 3, Target: make([]float32, 6)}, "6 target values"},
		"autoencoder":    {Data{X: make([]float32, 6), Dim: 3}, "6 target values: want 2 for each"},
		"both":           {Data{X: make([]float32, 3), Dim: 3, Target: make([]float32, 2), Labels: []uint8{0}}, "want one of them"},
		"nan":            {Data{X: []float32{0, nan, 0}, Dim: 3, Labels: []uint8{0}}, "sample value 1 is NaN"},
		"nan target":     {Data{X: make([]float32, 3), Dim: 3, Target: []float32{0, nan}}, "target value 1 is NaN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Evaluate(n, test.data)
			wantError(t, err, test.want)
		})
	}
}

func TestEvaluateOverflow(t *testing.T) {
	n := &Network{Inputs: 1}
	for range 3 {
		n.Layers = append(n.Layers, &Dense{In: 1, Out: 1, W: []float32{1e38}, B: []float32{0}}, &Quadratic{A: 1})
	}
	for name, d := range map[string]Data{
		"accuracy": {X: []float32{1}, Dim: 1, Labels: []uint8{0}},
		"mse":      {X: []float32{1}, Dim: 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Evaluate(n, d)
			wantError(t, err, "outputs overflow")
		})
	}
}

func TestBrokenNetworks(t *testing.T) {
	inf := float32(math.Inf(1))
	dense := func() *Dense { return &Dense{In: 2, Out: 2, W: []float32{1, 2, 3, 4}, B: []float32{0, 0}} }
	tests := map[string]struct {
		network *Network
		want    string
	}{
		"zero value":      {&Network{}, "0 inputs"},
		"no layers":       {&Network{Inputs: 1}, "no layers"},
		"inputs":          {&Network{3, []Layer{dense()}}, "layer 0 (dense): takes 2 values: want 3"},
		"shape":           {&Network{2, []Layer{&Dense{In: 2, Out: 2, W: make([]float32, 4)}}}, "4 weights and 0 biases"},
		"infinite weight": {&Network{2, []Layer{&Dense{In: 2, Out: 1, W: []float32{0, inf}, B: []float32{0}}}}, "weight 1 is +Inf"},
		"infinite bias":   {&Network{2, []Layer{&Dense{In: 2, Out: 1, W: []float32{0, 0}, B: []float32{inf}}}}, "bias 0 is +Inf"},
		"mask":            {&Network{2, []Layer{&Dense{In: 2, Out: 1, W: []float32{0, 0}, B: []float32{0}, Mask: []bool{true}}}}, "mask of 1"},
		"pruned weight":   {&Network{2, []Layer{&Dense{In: 2, Out: 1, W: []float32{0, 3}, B: []float32{0}, Mask: []bool{true, false}}}}, "pruned weight 1 is 3"},
		"activation":      {&Network{2, []Layer{dense(), &Quadratic{A: inf}}}, "layer 1 (quadratic): coefficient 0"},
		"batch norm":      {&Network{2, []Layer{dense(), newBatchNorm(3)}}, "gamma of 3 values: want 2"},
		"variance": {&Network{2, []Layer{dense(), &BatchNorm{make([]float32, 2), make([]float32, 2), make([]float32, 2), []float32{1, -1}}}},
			"variance -1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Evaluate(test.network, Data{X: []float32{0, 0}, Dim: 2, Labels: []uint8{0}})
			wantError(t, err, test.want)
			_, err = test.network.Fold()
			wantError(t, err, test.want)
			wantError(t, Train(test.network, Data{X: []float32{0, 0}, Dim: 2, Labels: []uint8{0}}, Options{}), test.want)
			_, err = test.network.WriteTo(new(strings.Builder))
			wantError(t, err, test.want)
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v: want one with %q", err, want)
	}
}

// randomNetwork has up to three conv layers, one to four dense layers of 1 to 50 neurons, random values everywhere, and random masks
// that may remove whole rows, columns and layers.
func randomNetwork(rng *rand.Rand) *Network {
	a := Architecture{Inputs: 1 + rng.IntN(50), Outputs: 1 + rng.IntN(50), Activation: Activations()[rng.IntN(2)]}
	if rng.IntN(2) == 0 {
		randomConvs(rng, &a)
	}
	for range rng.IntN(4) {
		a.Hidden = append(a.Hidden, 1+rng.IntN(50))
	}
	a.BatchNorm = a.Activation == "quadratic" && rng.IntN(2) == 0
	n, err := New(a, rng.Uint64())
	if err != nil {
		panic(err)
	}
	normal := func(values []float32) {
		for i := range values {
			values[i] = float32(rng.NormFloat64())
		}
	}
	for _, l := range n.Layers {
		switch l := l.(type) {
		case *Dense:
			normal(l.B)
			randomMask(l, rng)
		case *Quadratic:
			if l.Learnt {
				l.A, l.B = float32(0.1+rng.Float64())*float32(rng.IntN(3)-1), float32(rng.NormFloat64())
			}
		case *BatchNorm:
			normal(l.Gamma)
			normal(l.Beta)
			normal(l.Mean)
			for i := range l.Var {
				l.Var[i] = float32(rng.ExpFloat64())
			}
		}
	}
	return n
}

// randomConvs adds layers of odd sizes: kernels of 1 to 7, on one side or both, strides, paddings and crops, and pooling.
func randomConvs(rng *rand.Rand, a *Architecture) {
	a.Image = Axis{1 + rng.IntN(9), 1 + rng.IntN(9), 1 + rng.IntN(3)}
	a.Inputs = a.Image.Size()
	axis := a.Image
	for range 1 + rng.IntN(3) {
		kernel := Size{1 + rng.IntN(7), 1 + rng.IntN(7)}
		c := Conv{
			Filters: 1 + rng.IntN(5), Kernel: kernel, Stride: Size{1 + rng.IntN(3), 1 + rng.IntN(3)},
			Padding: Size{rng.IntN(kernel.H), rng.IntN(kernel.W)},
		}
		if rng.IntN(4) == 0 {
			c.Padding = Size{-rng.IntN(3), -rng.IntN(3)}
		}
		if w := c.window(axis); w.check() != nil {
			continue
		}
		axis = c.window(axis).Out(c.Filters)
		if rng.IntN(2) == 0 {
			c.Pool = Size{1 + rng.IntN(axis.H), 1 + rng.IntN(axis.W)}
			axis = c.pool(axis).Out(axis.Channels)
		}
		a.Conv = append(a.Conv, c)
	}
}

func randomMask(d *Dense, rng *rand.Rand) {
	if rng.IntN(4) == 0 {
		return
	}
	rate := func() float64 { return max(0, 1.3*rng.Float64()-0.2) }
	weights, rows, columns := rate(), rate(), rate()
	if rng.IntN(10) == 0 {
		rows = 1
	}
	deadColumn := make([]bool, d.In)
	for j := range deadColumn {
		deadColumn[j] = rng.Float64() < columns/2
	}
	d.Mask = make([]bool, len(d.W))
	for i := range d.Out {
		deadRow := rng.Float64() < rows
		for j := range d.In {
			keep := !deadRow && !deadColumn[j] && rng.Float64() >= weights
			d.Mask[i*d.In+j] = keep
			if !keep {
				d.W[i*d.In+j] = 0
			}
		}
	}
}
