package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func TestFoldedForms(t *testing.T) {
	trials := 300
	if testing.Short() {
		trials = 60
	}
	for seed := range trials {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			n := randomNetwork(rng)
			f, err := n.Fold()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(f.Dims(), n.Geometry().Channels()) {
				t.Fatalf("folded dims %v: want %v", f.Dims(), n.Geometry().Channels())
			}
			checkPruned(t, n, f)
			x := randomMatrix(rng, 7, n.Inputs)
			want := n.Forward(x)
			wantClose(t, "forward", want, slowForward(n, x))
			if early := poolEarlier(n); early != nil {
				merged, err := early.Fold()
				if err != nil {
					t.Fatal(err)
				}
				wantClose(t, "pooled before the activation", merged.Forward(x), slowForward(early, x))
			}
			wantClose(t, "folded", f.Forward(x), want)
			checkPeaks(t, f, x)
			simple := f.Simplify()
			wantClose(t, "simplified", simple.Forward(x), want)
			checkSimple(t, simple)
			unrolled, err := f.Unroll()
			if err != nil {
				t.Fatal(err)
			}
			wantClose(t, "unrolled", unrolled.Forward(x), want)
			compact, inputs := unrolled.Compact(false)
			wantClose(t, "compact", compact.Forward(onlyColumns(x, inputs)), want)
			checkPermuted(t, "permuted", f, x, want, rng)
			checkPermuted(t, "simplified and permuted", simple, x, want, rng)
		})
	}
}

// checkPeaks compares with the outputs of each layer taken for the last.
func checkPeaks(t *testing.T, f *Folded, x *mat.Dense) {
	t.Helper()
	for i, peaks := range f.Peaks(x) {
		y := (&Folded{f.Layers[:i+1]}).Forward(x)
		for s, peak := range peaks {
			if want := floats.Norm(y.RawRowView(s), math.Inf(1)); peak != want {
				t.Fatalf("layer %d, sample %d: peak %g: want %g", i, s, peak, want)
			}
		}
	}
}

func checkPruned(t *testing.T, n *Network, f *Folded) {
	t.Helper()
	for l, d := range n.Dense() {
		for i, keep := range d.Mask {
			if w := f.Layers[l].W.At(i/d.In, i%d.In); !keep && w != 0 {
				t.Fatalf("layer %d: pruned weight %d is folded to %g", l, i, w)
			}
		}
	}
}

// checkSimple wants each hidden neuron either to read and be read, or to be gone.
func checkSimple(t *testing.T, f *Folded) {
	t.Helper()
	for l := range len(f.Layers) - 1 {
		for i, bias := range f.Layers[l].B {
			j := i % f.Layers[l].channels()
			reads, read := !allZero(f.Layers[l].W.RowView(j)), !f.Layers[l+1].unread(j)
			if reads != read || !reads && bias != 0 {
				t.Fatalf("axis %d, channel %d: reads %t, is read %t, bias %g", l+1, j, reads, read, bias)
			}
		}
	}
}

func checkPermuted(t *testing.T, name string, f *Folded, x, want *mat.Dense, rng *rand.Rand) {
	t.Helper()
	orders := make([][]int, len(f.Dims()))
	for axis, size := range f.Dims() {
		if rng.IntN(4) > 0 {
			orders[axis] = rng.Perm(size)
		}
	}
	y := f.Permute(orders).Forward(selectColumns(x, orders[0]))
	wantClose(t, name, y, selectColumns(want, orders[len(orders)-1]))
}

// selectColumns puts column order[new] of m at new.
func selectColumns(m *mat.Dense, order []int) *mat.Dense {
	if order == nil {
		return m
	}
	rows, cols := m.Dims()
	s := mat.NewDense(rows, cols, nil)
	for to := range cols {
		position, channel := to/len(order), to%len(order)
		s.SetCol(to, mat.Col(nil, position*len(order)+order[channel], m))
	}
	return s
}

// onlyColumns is some columns of m.
func onlyColumns(m *mat.Dense, columns []int) *mat.Dense {
	rows, _ := m.Dims()
	s := mat.NewDense(rows, len(columns), nil)
	for to, from := range columns {
		s.SetCol(to, mat.Col(nil, from, m))
	}
	return s
}

// slowForward follows the definitions of the layers value by value.
func slowForward(n *Network, x *mat.Dense) *mat.Dense {
	rows, _ := x.Dims()
	var y *mat.Dense
	for s := range rows {
		values := mat.Row(nil, s, x)
		for _, l := range n.Layers {
			values = slowLayer(l, values)
		}
		if y == nil {
			y = mat.NewDense(rows, len(values), nil)
		}
		y.SetRow(s, values)
	}
	return y
}

func slowLayer(l Layer, x []float64) []float64 {
	var y []float64
	switch l := l.(type) {
	case *Dense:
		slowWindow(l.window(), func(inputs []int) {
			for o := range l.Out {
				sum := float64(l.B[o])
				for k, i := range inputs {
					if i >= 0 {
						sum += float64(l.W[o*l.In+k]) * x[i]
					}
				}
				y = append(y, sum)
			}
		})
	case *AveragePool:
		slowWindow(l.Window, func(inputs []int) {
			for c := range l.In.Channels {
				sum := 0.0
				for k := c; k < len(inputs); k += l.In.Channels {
					sum += x[inputs[k]]
				}
				y = append(y, sum/float64(l.Taps()))
			}
		})
	case *Quadratic:
		for _, v := range x {
			y = append(y, float64(l.A)*v*v+float64(l.B)*v)
		}
	case *BatchNorm:
		for i, v := range x {
			c := i % len(l.Gamma)
			y = append(y, float64(l.Gamma[c])*(v-float64(l.Mean[c]))/math.Sqrt(float64(l.Var[c])+1e-5)+float64(l.Beta[c]))
		}
	}
	return y
}

// slowWindow calls f with the values that each output position reads, tap by tap and channel by channel, −1 in the padding.
func slowWindow(w Window, f func(inputs []int)) {
	for y := -w.Padding.H; y+w.Kernel.H <= w.In.H+w.Padding.H; y += w.Stride.H {
		for x := -w.Padding.W; x+w.Kernel.W <= w.In.W+w.Padding.W; x += w.Stride.W {
			var inputs []int
			for v := y; v < y+w.Kernel.H; v++ {
				for u := x; u < x+w.Kernel.W; u++ {
					for c := range w.In.Channels {
						if u < 0 || v < 0 || u >= w.In.W || v >= w.In.H {
							inputs = append(inputs, -1)
						} else {
							inputs = append(inputs, (v*w.In.W+u)*w.In.Channels+c)
						}
					}
				}
			}
			f(inputs)
		}
	}
}

// poolEarlier moves poolings before the activations that come before them, or gives nil if there are none.
func poolEarlier(n *Network) *Network {
	c, any := n.Clone(), false
	for i := 1; i < len(c.Layers); i++ {
		if _, ok := c.Layers[i].(*AveragePool); ok {
			c.Layers[i-1], c.Layers[i], any = c.Layers[i], c.Layers[i-1], true
		}
	}
	if !any {
		return nil
	}
	return c
}

func TestFoldRefuses(t *testing.T) {
	dense := &Dense{In: 1, Out: 1, W: []float32{1}, B: []float32{1}}
	square, norm := &Quadratic{A: 1}, newBatchNorm(1)
	tests := map[string]struct {
		layers []Layer
		want   string
	}{
		"activation first":   {[]Layer{square, dense}, "layer 0: quadratic"},
		"batch norm first":   {[]Layer{norm, dense}, "layer 0: batch norm"},
		"activation last":    {[]Layer{dense, square}, "last layer: quadratic"},
		"dense twice":        {[]Layer{dense, dense}, "layer 1: dense"},
		"dense after norm":   {[]Layer{dense, norm, dense}, "layer 2: dense"},
		"activation twice":   {[]Layer{dense, square, square, dense}, "layer 2: quadratic"},
		"norm after square":  {[]Layer{dense, square, norm, dense}, "layer 2: batch norm"},
		"dead quadratic":     {[]Layer{dense, &Quadratic{A: 9e-4, B: 1}, dense}, "died out"},
		"negative but dead":  {[]Layer{dense, &Quadratic{A: -9e-4, B: 1}, dense}, "died out"},
		"quadratic not a no": {[]Layer{dense, &Quadratic{A: float32(math.NaN())}, dense}, "NaN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := (&Network{1, test.layers}).Fold()
			wantError(t, err, test.want)
		})
	}
	if _, err := (&Network{1, []Layer{dense, norm, &Quadratic{A: -1e-2}, dense, norm}}).Fold(); err != nil {
		t.Errorf("batch norm at the end, negative quadratic: %v", err)
	}
	small := &Network{1, []Layer{dense, &Quadratic{A: 5e-4, B: 1e-3, Learnt: true}, dense}}
	if _, err := small.Fold(); err != nil || small.Straighten() != nil {
		t.Errorf("small, but with a small shift: %v", err)
	}
}

func TestStraighten(t *testing.T) {
	dense := &Dense{In: 1, Out: 1, W: []float32{2}, B: []float32{1}}
	dead, square := &Quadratic{A: -9e-4, B: 3, Learnt: true}, &Quadratic{A: 1e-3, B: 1, Learnt: true}
	n := &Network{1, []Layer{dense, dead, dense, square, dense}}
	if _, err := n.Fold(); err == nil {
		t.Fatal("folded what died out")
	}
	if got := n.Straighten(); !slices.Equal(got, []int{0}) || dead.A != 0 || square.A != 1e-3 {
		t.Fatalf("straightened layers %v, coefficients %g and %g", got, dead.A, square.A)
	}
	if got := n.Straighten(); got != nil {
		t.Errorf("straightened layers %v again", got)
	}
	f, err := n.Fold()
	if err != nil {
		t.Fatal(err)
	}
	if !f.Layers[0].Linear || f.Layers[1].Linear || f.Layers[2].Linear {
		t.Error("want the first layer linear, and no other")
	}
	x := mat.NewDense(3, 1, []float64{-1, 0.5, 2})
	wantClose(t, "straight", f.Forward(x), n.Forward(x))
}

func TestSimplifyByHand(t *testing.T) {
	// Neuron 0 is the constant 2, so 3·2² = 12 reaches the only neuron of the next layer, which thus is constant too:
	// (12+1)² = 169. Neuron 1 is then read by nobody.
	f := &Folded{[]Affine{
		{W: mat.NewDense(2, 1, []float64{0, 5}), B: []float64{2, 7}},
		{W: mat.NewDense(1, 2, []float64{3, 0}), B: []float64{1}},
		{W: mat.NewDense(1, 1, []float64{2}), B: []float64{4}},
	}}
	s := f.Simplify()
	for l, layer := range s.Layers {
		if mat.Norm(layer.W, 1) != 0 {
			t.Errorf("layer %d keeps weights %v", l, mat.Formatted(layer.W))
		}
	}
	if got := s.Layers[2].B[0]; got != 2*169+4 {
		t.Errorf("output %g: want %d", got, 2*169+4)
	}
	if f.Layers[0].W.At(1, 0) != 5 || f.Layers[1].B[0] != 1 {
		t.Error("simplify changed its receiver")
	}
}

func TestPermutePanics(t *testing.T) {
	f := &Folded{[]Affine{{W: mat.NewDense(2, 1, nil), B: make([]float64, 2)}}}
	for name, orders := range map[string][][]int{
		"axes":     {nil},
		"length":   {nil, {0}},
		"repeated": {nil, {1, 1}},
		"range":    {{1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f.Permute(orders)
		})
	}
}

func randomMatrix(rng *rand.Rand, rows, cols int) *mat.Dense {
	m := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			m.Set(i, j, rng.NormFloat64())
		}
	}
	return m
}

// wantClose allows an error of 1e-9 of the largest value.
func wantClose(t *testing.T, name string, got, want *mat.Dense) {
	t.Helper()
	var difference mat.Dense
	difference.Sub(got, want)
	largest := max(mat.Max(want), -mat.Min(want))
	if e := max(mat.Max(&difference), -mat.Min(&difference)); !(e <= 1e-9*largest) {
		t.Errorf("%s: off by %g: want at most 1e-9 of %g", name, e, largest)
	}
}
