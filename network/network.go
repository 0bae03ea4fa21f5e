// Package network holds plain sequential networks: their layers as data, training in float32, evaluation in
// float64, masks of pruned weights, a file format, and the folded form that encrypted inference evaluates.
//
// # Data and machinery
//
// A [Network] is data: slices of weights without gradients or optimiser state. [Train] copies it into a trainer,
// and copies the result back. [Network.Forward] evaluates in float64 and is the oracle for encrypted inference;
// [Network.Fold] rewrites the network so that the only activation left is x².
//
// # Determinism
//
// The same network, data, options and seed give the same bytes for any GOMAXPROCS: each batch is split into a
// fixed number of shards, and every sum is taken in a fixed order. Other processor architectures may round
// differently.
package network

import (
	"errors"
	"fmt"
	"slices"
)

// Version is raised whenever a result of this package may change, so that cached and recorded results can tell.
const Version = 1

// Bounds on what a network may be, so that a corrupt file cannot ask for the whole memory.
const (
	maxWidth  = 1 << 20
	maxValues = 1 << 28
)

// Network is a sequential network as plain data. Layers run in order on samples of Inputs values.
type Network struct {
	Inputs int
	Layers []Layer
}

// Layer is one step of a network: *[Dense], *[Quadratic] or *[BatchNorm].
type Layer interface {
	kind() string
	clone() Layer
	// outputs checks the layer on samples of the given number of values and returns the number it makes of them.
	outputs(inputs int) (int, error)
	evaluator
}

// Dense is the fully connected layer y = W·x + b.
type Dense struct {
	In, Out int
	W       []float32 // Out×In, row-major: row i holds the weights of output i
	B       []float32 // Out
	Mask    []bool    // Out×In; false = pruned, and W is 0 there; nil = every weight is kept
}

// Quadratic is the activation A·x² + B·x, one pair of coefficients for the whole layer. The square is {1, 0, false}.
type Quadratic struct {
	A, B   float32
	Learnt bool // A and B are trained with the weights
}

// BatchNorm normalises each value over the batch and then applies Gamma·x + Beta. Outside training it uses the
// running Mean and Var: y = Gamma·(x − Mean)/√(Var + 1e-5) + Beta. All slices have one entry per value.
type BatchNorm struct {
	Gamma, Beta, Mean, Var []float32
}

// Dense lists the fully connected layers in order. They are the network's own, not copies.
func (n *Network) Dense() []*Dense {
	var dense []*Dense
	for _, l := range n.Layers {
		if d, ok := l.(*Dense); ok {
			dense = append(dense, d)
		}
	}
	return dense
}

// Dims is the size of every neuron axis: inputs, hidden layers, outputs.
func (n *Network) Dims() []int {
	dims := []int{n.Inputs}
	for _, d := range n.Dense() {
		dims = append(dims, d.Out)
	}
	return dims
}

// Clone is a deep copy.
func (n *Network) Clone() *Network {
	c := &Network{Inputs: n.Inputs, Layers: make([]Layer, len(n.Layers))}
	for i, l := range n.Layers {
		c.Layers[i] = l.clone()
	}
	return c
}

// check returns the number of outputs, or what is wrong with the network: shapes that do not meet, values that are
// not finite, pruned weights that are not zero.
func (n *Network) check() (int, error) {
	if n.Inputs < 1 || n.Inputs > maxWidth {
		return 0, fmt.Errorf("%d inputs: want 1 to %d", n.Inputs, maxWidth)
	}
	if len(n.Layers) == 0 {
		return 0, errors.New("no layers")
	}
	width := n.Inputs
	for i, l := range n.Layers {
		next, err := l.outputs(width)
		if err != nil {
			return 0, fmt.Errorf("layer %d (%s): %w", i, l.kind(), err)
		}
		width = next
	}
	return width, nil
}

const (
	kindDense     = "dense"
	kindQuadratic = "quadratic"
	kindBatchNorm = "batch norm"
)

func (*Dense) kind() string     { return kindDense }
func (*Quadratic) kind() string { return kindQuadratic }
func (*BatchNorm) kind() string { return kindBatchNorm }

func (d *Dense) clone() Layer {
	return &Dense{d.In, d.Out, slices.Clone(d.W), slices.Clone(d.B), slices.Clone(d.Mask)}
}

func (q *Quadratic) clone() Layer {
	c := *q
	return &c
}

func (b *BatchNorm) clone() Layer {
	return &BatchNorm{slices.Clone(b.Gamma), slices.Clone(b.Beta), slices.Clone(b.Mean), slices.Clone(b.Var)}
}

func (d *Dense) outputs(inputs int) (int, error) {
	if d.In != inputs {
		return 0, fmt.Errorf("takes %d values: want %d", d.In, inputs)
	}
	if d.Out < 1 || d.Out > maxWidth || d.In*d.Out > maxValues {
		return 0, fmt.Errorf("%d×%d weights: want at least 1 and at most %d", d.Out, d.In, maxValues)
	}
	if len(d.W) != d.In*d.Out || len(d.B) != d.Out {
		return 0, fmt.Errorf("%d weights and %d biases: want %d×%d and %d", len(d.W), len(d.B), d.Out, d.In, d.Out)
	}
	if d.Mask != nil && len(d.Mask) != len(d.W) {
		return 0, fmt.Errorf("mask of %d weights: want %d", len(d.Mask), len(d.W))
	}
	if err := errors.Join(finite("weight", d.W), finite("bias", d.B)); err != nil {
		return 0, err
	}
	for i, keep := range d.Mask {
		if !keep && d.W[i] != 0 {
			return 0, fmt.Errorf("pruned weight %d is %g: want 0", i, d.W[i])
		}
	}
	return d.Out, nil
}

func (q *Quadratic) outputs(inputs int) (int, error) {
	return inputs, finite("coefficient", []float32{q.A, q.B})
}

func (b *BatchNorm) outputs(inputs int) (int, error) {
	for _, s := range []struct {
		name   string
		values []float32
	}{{"gamma", b.Gamma}, {"beta", b.Beta}, {"mean", b.Mean}, {"variance", b.Var}} {
		if len(s.values) != inputs {
			return 0, fmt.Errorf("%s of %d values: want %d", s.name, len(s.values), inputs)
		}
		if err := finite(s.name, s.values); err != nil {
			return 0, err
		}
	}
	if v := slices.Min(b.Var); v < 0 {
		return 0, fmt.Errorf("variance %g: want at least 0", v)
	}
	return inputs, nil
}

func finite(name string, values []float32) error {
	for i, v := range values {
		if v-v != 0 { // infinite or not a number
			return fmt.Errorf("%s %d is %g: want a finite value", name, i, v)
		}
	}
	return nil
}
