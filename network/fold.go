package network

import (
	"errors"
	"fmt"
	"math"
	"slices"

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

// Affine is the layer y = W·x + B.
type Affine struct {
	W      *mat.Dense // outputs×inputs
	B      []float64  // outputs
	Linear bool       // a hidden layer whose outputs are not squared
}

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
// layer after it. Pruned weights stay exactly zero.
//
// Layers must come as dense [batch norm] (quadratic dense [batch norm])*. Another order, a value that is not finite,
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
	var last Affine
	for i, l := range n.Layers {
		if !follows(l, before) {
			return nil, fmt.Errorf("layer %d: %s: want dense [batch norm] quadratic dense …", i, l.kind())
		}
		switch l := l.(type) {
		case *Dense:
			last = Affine{W: mat.NewDense(l.Out, l.In, widen(l.W)), B: widen(l.B)}
			if q, ok := before.(*Quadratic); ok {
				last.absorb(q)
			}
			f.Layers = append(f.Layers, last)
		case *BatchNorm:
			last.normalise(l)
		case *Quadratic:
			switch {
			case l.A == 0:
				f.Layers[len(f.Layers)-1].Linear = true
			case l.dead():
				return nil, fmt.Errorf("layer %d: %g·x² + %g·x died out: want a = 0 or |b/2a| ≤ %d", i, l.A, l.B, maxShift)
			default:
				floats.AddConst(float64(l.B)/(2*float64(l.A)), last.B)
			}
		}
		before = l
	}
	if _, ok := before.(*Quadratic); ok {
		return nil, errors.New("last layer: quadratic: want dense or batch norm")
	}
	return f, nil
}

// follows reports whether a folded network can have the layer after the one before it, nil at the start.
func follows(l, before Layer) bool {
	switch l.(type) {
	case *Dense:
		_, ok := before.(*Quadratic)
		return ok || before == nil
	case *BatchNorm:
		_, ok := before.(*Dense)
		return ok
	default:
		_, ok := before.(*Quadratic)
		return !ok && before != nil
	}
}

// absorb replaces the layer W·(a·z + c) + B by one on z, where a·z + c with c = −b²/4a is what remains of q once its
// shift b/2a is in the layer before it; without a, W·(b·z) + B.
func (l Affine) absorb(q *Quadratic) {
	a, b := float64(q.A), float64(q.B)
	constant := -b * b / (4 * a)
	if a == 0 {
		a, constant = b, 0
	}
	for i := range l.B {
		row := l.W.RawRowView(i)
		for j, w := range row {
			l.B[i] += constant * w
			row[j] = a * w
		}
	}
}

// normalise applies batch norm to the outputs of the layer.
func (l Affine) normalise(n *BatchNorm) {
	scale, shift := n.affine()
	for i := range l.B {
		row := l.W.RawRowView(i)
		for j := range row {
			row[j] *= scale[i]
		}
		l.B[i] = l.B[i]*scale[i] + shift[i]
	}
}

// Dims is the size of every neuron axis: inputs, hidden layers, outputs.
func (f *Folded) Dims() []int {
	_, inputs := f.Layers[0].W.Dims()
	dims := []int{inputs}
	for _, l := range f.Layers {
		dims = append(dims, len(l.B))
	}
	return dims
}

// Forward evaluates the folded network: x is samples×inputs, the result samples×outputs. Like a matrix product, it
// panics if x has another width.
func (f *Folded) Forward(x *mat.Dense) *mat.Dense {
	for i, l := range f.Layers {
		x = affine(x, l.W, l.B)
		if i < len(f.Layers)-1 && !l.Linear {
			x.MulElem(x, x)
		}
	}
	return x
}

// Peaks are, by layer and sample, the largest |value| of any neuron before the square; of the last layer, of any output.
func (f *Folded) Peaks(x *mat.Dense) [][]float64 {
	peaks := make([][]float64, len(f.Layers))
	for i, l := range f.Layers {
		x = affine(x, l.W, l.B)
		n, _ := x.Dims()
		peaks[i] = make([]float64, n)
		for s := range n {
			peaks[i][s] = floats.Norm(x.RawRowView(s), math.Inf(1))
		}
		if i < len(f.Layers)-1 && !l.Linear {
			x.MulElem(x, x)
		}
	}
	return peaks
}

// Permute is the network with its neurons in another order: orders[a][new] = old, one order per neuron axis, axis 0
// the inputs, axis l the outputs of layer l; nil leaves an axis as it is. The permuted network takes permuted inputs
// and gives permuted outputs. Orders that are not permutations of their axes are a mistake of the caller: it panics.
func (f *Folded) Permute(orders [][]int) *Folded {
	dims := f.Dims()
	if len(orders) != len(dims) {
		panic(fmt.Sprintf("network: permute: %d orders: want one for each of %d axes", len(orders), len(dims)))
	}
	full := make([][]int, len(orders))
	for axis, order := range orders {
		full[axis] = identity(dims[axis])
		if order == nil {
			continue
		}
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, full[axis]) {
			panic(fmt.Sprintf("network: permute: axis %d: want a permutation of %d neurons", axis, dims[axis]))
		}
		full[axis] = order
	}
	p := &Folded{}
	for i, l := range f.Layers {
		p.Layers = append(p.Layers, l.permute(full[i], full[i+1]))
	}
	return p
}

func (l Affine) permute(in, out []int) Affine {
	p := Affine{mat.NewDense(len(out), len(in), nil), make([]float64, len(out)), l.Linear}
	for i, from := range out {
		p.B[i] = l.B[from]
		row, old := p.W.RawRowView(i), l.W.RawRowView(from)
		for j, from := range in {
			row[j] = old[from]
		}
	}
	return p
}

func identity(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
