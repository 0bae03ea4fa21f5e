package network

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// maxShift is the largest shift |b/2a| of an activation a·x² + b·x that can be folded: with a larger one the square of
// the shifted value loses the digits that matter.
const maxShift = 500

// dead tells whether the square of an activation died out, but for a = 0.
func (q *Quadratic) dead() bool {
	return q.A != 0 && math.Abs(float64(q.B)) > 2*maxShift*math.Abs(float64(q.A))
}

// Folded is a network as encryption evaluates it, W_L·(… (W_1·x + b_1)² …) + b_L: only squares, or nothing, stand
// between its layers.
type Folded struct {
	Layers []Affine
}

// Affine is the layer y = W·x + B: fully connected or, with a window, convolutional.
type Affine struct {
	W      *mat.Dense // output channels × inputs that an output reads, tap by tap
	B      []float64  // by output position and channel: near padded borders, folded constants differ
	Linear bool       // a hidden layer whose outputs are not squared
	Window *Window    // what each position reads; nil = the layer reads an axis without a grid
	Pool   *Window    // inputs are sums over windows of what comes; nil = they are what comes
}

// window is the layer's window, whether it has one or not.
func (l *Affine) window() Window {
	if l.Window != nil {
		return *l.Window
	}
	_, in := l.W.Dims()
	return Whole(Flat(in))
}

// channels is the number of output channels.
func (l *Affine) channels() int { n, _ := l.W.Dims(); return n }

// Straighten replaces each learnt quadratic a·x² + b·x that died out in training, |b/2a| > 500, by b·x, and
// gives the indices of the dense layers before them, counted from 0. A folded network needs it; the outputs change by
// what little the squares still gave.
func (n *Network) Straighten() (layers []int) {
	dense := -1
	for _, l := range n.Layers {
		switch l := l.(type) {
		case *Dense:
			dense++
		case *Quadratic:
			if l.Learnt && l.dead() {
				l.A = 0
				layers = append(layers, dense)
			}
		}
	}
	return layers
}

// Fold rewrites the network with squares as its only activations. Batch norm, by its running statistics, goes into
// the dense layer before it. a·x² + b·x is a·(x + b/2a)² − b²/4a: the shift goes into the bias before the square,
// the scale and the constant into the dense layer after it; with a = 0, no square follows and b goes into the dense
// layer after it. Average pooling becomes part of the kernel before it, or, after an activation, sums whose division goes into the
// dense layer after them. Pruned weights stay exactly zero, but where a pooling spreads a kernel.
//
// Layers must come as dense [batch norm, average pool] (quadratic [average pool] dense [batch norm, average pool])*, the first one
// perhaps after an average pool. Another order, a value that is not finite,
// and |b/2a| > 500, where the quadratic died out in training (see Straighten), are errors.
func (n *Network) Fold() (*Folded, error) {
	f, err := n.fold()
	if err != nil {
		return nil, fmt.Errorf("network: fold: %w", err)
	}
	return f, nil
}

func (n *Network) fold() (*Folded, error) {
	if _, err := n.check(); err != nil {
		return nil, err
	}
	f := &Folded{}
	var before Layer
	var last *Affine
	var activation *Quadratic // before the next dense layer
	var pool *Window          // likewise
	for i, l := range n.Layers {
		if !follows(l, before) {
			return nil, fmt.Errorf("layer %d: %s: want dense [batch norm] quadratic [average pool] dense …", i, l.kind())
		}
		switch l := l.(type) {
		case *Dense:
			f.Layers = append(f.Layers, l.folded(activation, pool))
			last, activation, pool = &f.Layers[len(f.Layers)-1], nil, nil
		case *BatchNorm:
			last.normalise(l)
		case *AveragePool:
			if _, ok := before.(*Quadratic); ok || before == nil {
				w := l.Window
				pool = &w
			} else {
				last.average(&l.Window)
			}
		case *Quadratic:
			activation = l
			switch {
			case l.A == 0:
				last.Linear = true
			case l.dead():
				return nil, fmt.Errorf("layer %d: %g·x² + %g·x died out: want a = 0 or |b/2a| ≤ %d", i, l.A, l.B, maxShift)
			default:
				floats.AddConst(float64(l.B)/(2*float64(l.A)), last.B)
			}
		}
		before = l
	}
	if activation != nil || pool != nil {
		return nil, fmt.Errorf("last layer: %s: want dense or batch norm", before.kind())
	}
	return f, nil
}

// follows reports whether a folded network can have the layer after the one before it, nil at the start.
func follows(l, before Layer) bool {
	affine := false // what comes is the output of an affine layer
	switch before.(type) {
	case *Dense, *BatchNorm:
		affine = true
	}
	_, square := before.(*Quadratic)
	_, pool := before.(*AveragePool)
	switch l.(type) {
	case *Dense:
		return square || pool || before == nil
	case *BatchNorm:
		return affine
	case *AveragePool:
		return affine || square || before == nil
	default:
		return affine || pool
	}
}

// folded is the layer on what remains of the activation before it, and on the sums of the pooling between both.
func (d *Dense) folded(q *Quadratic, pool *Window) Affine {
	l := Affine{W: mat.NewDense(d.Out, d.In, widen(d.W)), Pool: pool}
	if d.Window != nil {
		w := *d.Window
		l.Window = &w
	}
	w := l.window()
	for range w.Positions() {
		l.B = append(l.B, widen(d.B)...)
	}
	scale := 1.0
	if pool != nil {
		scale = 1 / float64(pool.Taps())
	}
	if q != nil {
		a, b := float64(q.A), float64(q.B)
		if a == 0 {
			a = b
		} else {
			constants := make([]float64, w.In.Size())
			floats.AddConst(-b*b/(4*a), constants)
			l.addConstants(constants)
		}
		scale *= a
	}
	if scale != 1 {
		l.W.Scale(scale, l.W)
	}
	return l
}

// addConstants adds what constant inputs, after pooling, give to the bias.
func (l *Affine) addConstants(inputs []float64) {
	w, out := l.window(), l.channels()
	patch := make([]float64, w.Positions()*w.Reads())
	patches(w.stretches(), patch, inputs)
	for p := range w.Positions() {
		x := patch[p*w.Reads() : (p+1)*w.Reads()]
		for o := range out {
			l.B[p*out+o] += floats.Dot(l.W.RawRowView(o), x)
		}
	}
}

// normalise applies batch norm to the outputs of the layer.
func (l *Affine) normalise(n *BatchNorm) {
	scale, shift := n.Affine()
	for o := range scale {
		floats.Scale(scale[o], l.W.RawRowView(o))
	}
	for i := range l.B {
		o := i % len(scale)
		l.B[i] = l.B[i]*scale[o] + shift[o]
	}
}

// average takes the mean of outputs over the positions of a pooling: the kernel reads what those positions read.
func (l *Affine) average(pool *Window) {
	old, out := l.window(), l.channels()
	merged := old.Pooled(*pool)
	w, c := mat.NewDense(out, merged.Reads(), nil), old.In.Channels
	share := 1 / float64(pool.Taps())
	for d := range pool.Taps() {
		y, x := d/pool.Kernel.W*old.Stride.H, d%pool.Kernel.W*old.Stride.W
		for t := range old.Taps() {
			to := ((y+t/old.Kernel.W)*merged.Kernel.W + x + t%old.Kernel.W) * c
			for o := range out {
				floats.AddScaled(w.RawRowView(o)[to:to+c], share, l.W.RawRowView(o)[t*c:(t+1)*c])
			}
		}
	}
	sums := make([]float64, pool.Out(out).Size())
	poolSums(pool.Inputs(), out, sums, l.B)
	floats.Scale(share, sums)
	l.W, l.B, l.Window = w, sums, &merged
}

// Forward evaluates the folded network: x is samples×inputs, the result samples×outputs. Like a matrix product, it
// panics if x has another width.
func (f *Folded) Forward(x *mat.Dense) *mat.Dense {
	return f.forward(x, func(int, *mat.Dense) {})
}

// Peaks are, by layer and sample, the largest |value| of any neuron before the square; of the last layer, of any output.
func (f *Folded) Peaks(x *mat.Dense) [][]float64 {
	peaks := make([][]float64, len(f.Layers))
	f.forward(x, func(i int, y *mat.Dense) {
		n, _ := y.Dims()
		peaks[i] = make([]float64, n)
		for s := range n {
			peaks[i][s] = floats.Norm(y.RawRowView(s), math.Inf(1))
		}
	})
	return peaks
}

// forward calls visit with the outputs of each layer before the square, and gives those of the last.
func (f *Folded) forward(x *mat.Dense, visit func(layer int, y *mat.Dense)) *mat.Dense {
	for i := range f.Layers {
		l := &f.Layers[i]
		if l.Pool != nil {
			x = pooled(l.Pool, x, 1)
		}
		w := l.window()
		x = affine(&w, x, l.W, l.B)
		visit(i, x)
		if i < len(f.Layers)-1 && !l.Linear {
			x.MulElem(x, x)
		}
	}
	return x
}

// Permute is the network with its channels in another order: orders[a][new] = old, one order per neuron axis, axis 0
// the inputs, axis l the outputs of layer l; nil leaves an axis as it is. The permuted network takes permuted inputs
// and gives permuted outputs. Orders that are not permutations of their axes are a mistake of the caller: it panics.
func (f *Folded) Permute(orders [][]int) *Folded {
	return f.pick(fullOrders(f.Dims(), orders))
}

// pick is the network of some channels of each axis, in a given order.
func (f *Folded) pick(channels [][]int) *Folded {
	p := &Folded{}
	for i := range f.Layers {
		p.Layers = append(p.Layers, f.Layers[i].pick(channels[i], channels[i+1]))
	}
	return p
}

func (l *Affine) pick(in, out []int) Affine {
	w := l.window()
	p := Affine{W: mat.NewDense(len(out), w.Taps()*len(in), nil), Linear: l.Linear, Window: l.Window.narrow(len(in)), Pool: l.Pool.narrow(len(in))}
	for i, from := range out {
		row, old := p.W.RawRowView(i), l.W.RawRowView(from)
		for t := range w.Taps() {
			for j, from := range in {
				row[t*len(in)+j] = old[t*w.In.Channels+from]
			}
		}
	}
	for position := range w.Positions() {
		for _, from := range out {
			p.B = append(p.B, l.B[position*l.channels()+from])
		}
	}
	return p
}

// narrow is the window, if there is one, on so many channels.
func (w *Window) narrow(channels int) *Window {
	if w == nil {
		return nil
	}
	n := *w
	n.In.Channels = channels
	return &n
}
