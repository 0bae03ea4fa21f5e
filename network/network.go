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

// Network is a sequential network as plain data. Layers run in order on samples of Inputs values, which lie on the grid that the
// first layer reads.
type Network struct {
	Inputs int
	Layers []Layer
}

// Layer is one step of a network: *[Dense], *[Quadratic], *[BatchNorm] or *[AveragePool].
type Layer interface {
	kind() string
	clone() Layer
	// outputs checks the layer on samples of the given axis and returns the axis of what it makes of them.
	outputs(in Axis) (Axis, error)
	evaluator
}

// Dense is the affine layer y = W·x + b: fully connected or, with a window, convolutional, the same weights at each output position.
type Dense struct {
	In, Out int       // values that an output reads, output channels
	W       []float32 // Out×In, row-major: row i holds the weights of output i, tap by tap, with the channels of a tap together
	B       []float32 // Out
	Mask    []bool    // Out×In; false = pruned, and W is 0 there; nil = every weight is kept
	Window  *Window   // what each position reads, In values of it; nil = the layer reads an axis without a grid
}

// window is the layer's window, whether it has one or not.
func (d *Dense) window() Window {
	if d.Window != nil {
		return *d.Window
	}
	return Whole(Flat(d.In))
}

// Quadratic is the activation A·x² + B·x, one pair of coefficients for the whole layer. The square is {1, 0, false}.
type Quadratic struct {
	A, B   float32
	Learnt bool // A and B are trained with the weights
}

// AveragePool is the mean over the positions of a window without padding, channel by channel.
type AveragePool struct{ Window }

// BatchNorm normalises each channel over the batch and all positions and then applies Gamma·x + Beta. Outside training it uses the
// running Mean and Var: y = Gamma·(x − Mean)/√(Var + 1e-5) + Beta. All slices have one entry per channel.
type BatchNorm struct {
	Gamma, Beta, Mean, Var []float32
}

// OutputsOf is the axis of what a layer makes of values on an axis, or what is wrong with the layer there.
func OutputsOf(l Layer, in Axis) (Axis, error) { return l.outputs(in) }

// Dense lists the layers with weights in order. They are the network's own, not copies.
func (n *Network) Dense() []*Dense {
	var dense []*Dense
	for _, l := range n.Layers {
		if d, ok := l.(*Dense); ok {
			dense = append(dense, d)
		}
	}
	return dense
}

// input is the axis of the network's inputs.
func (n *Network) input() Axis {
	switch l := n.Layers[0].(type) {
	case *Dense:
		return l.window().In
	case *AveragePool:
		return l.In
	}
	return Flat(n.Inputs)
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
	axis := n.input()
	if axis.Size() != n.Inputs {
		return 0, fmt.Errorf("layer 0 (%s): takes %v values: want %d", n.Layers[0].kind(), axis, n.Inputs)
	}
	for i, l := range n.Layers {
		next, err := l.outputs(axis)
		if err != nil {
			return 0, fmt.Errorf("layer %d (%s): %w", i, l.kind(), err)
		}
		axis = next
	}
	return axis.Size(), nil
}

const (
	kindDense     = "dense"
	kindQuadratic = "quadratic"
	kindBatchNorm = "batch norm"
	kindPool      = "average pool"
)

func (*Dense) kind() string       { return kindDense }
func (*Quadratic) kind() string   { return kindQuadratic }
func (*BatchNorm) kind() string   { return kindBatchNorm }
func (*AveragePool) kind() string { return kindPool }

func (d *Dense) clone() Layer {
	c := &Dense{In: d.In, Out: d.Out, W: slices.Clone(d.W), B: slices.Clone(d.B), Mask: slices.Clone(d.Mask)}
	if d.Window != nil {
		w := *d.Window
		c.Window = &w
	}
	return c
}

func (p *AveragePool) clone() Layer {
	c := *p
	return &c
}

func (q *Quadratic) clone() Layer {
	c := *q
	return &c
}

func (b *BatchNorm) clone() Layer {
	return &BatchNorm{slices.Clone(b.Gamma), slices.Clone(b.Beta), slices.Clone(b.Mean), slices.Clone(b.Var)}
}

func (d *Dense) outputs(in Axis) (out Axis, err error) {
	w := d.window()
	if w.In != in {
		return out, fmt.Errorf("takes %v values: want %v", w.In, in)
	}
	if err := w.check(); err != nil {
		return out, err
	}
	if w.Reads() != d.In {
		return out, fmt.Errorf("%d weights for an output: want %d, for a kernel of %v on %d channels", d.In, w.Reads(), w.Kernel, w.In.Channels)
	}
	if d.Out < 1 || d.Out > maxWidth || d.In*d.Out > maxValues {
		return out, fmt.Errorf("%d×%d weights: want at least 1 and at most %d", d.Out, d.In, maxValues)
	}
	if len(d.W) != d.In*d.Out || len(d.B) != d.Out {
		return out, fmt.Errorf("%d weights and %d biases: want %d×%d and %d", len(d.W), len(d.B), d.Out, d.In, d.Out)
	}
	if d.Mask != nil && len(d.Mask) != len(d.W) {
		return out, fmt.Errorf("mask of %d weights: want %d", len(d.Mask), len(d.W))
	}
	if err := errors.Join(finite("weight", d.W), finite("bias", d.B)); err != nil {
		return out, err
	}
	for i, keep := range d.Mask {
		if !keep && d.W[i] != 0 {
			return out, fmt.Errorf("pruned weight %d is %g: want 0", i, d.W[i])
		}
	}
	out = w.Out(d.Out)
	return out, out.check()
}

func (p *AveragePool) outputs(in Axis) (out Axis, err error) {
	if p.In != in {
		return out, fmt.Errorf("takes %v values: want %v", p.In, in)
	}
	if err := p.check(); err != nil {
		return out, err
	}
	if p.Padding != (Size{}) {
		return out, fmt.Errorf("padding %v: want none", p.Padding)
	}
	return p.Out(in.Channels), nil
}

func (q *Quadratic) outputs(in Axis) (Axis, error) {
	return in, finite("coefficient", []float32{q.A, q.B})
}

func (b *BatchNorm) outputs(in Axis) (Axis, error) {
	for _, s := range []struct {
		name   string
		values []float32
	}{{"gamma", b.Gamma}, {"beta", b.Beta}, {"mean", b.Mean}, {"variance", b.Var}} {
		if len(s.values) != in.Channels {
			return in, fmt.Errorf("%s of %d values: want %d", s.name, len(s.values), in.Channels)
		}
		if err := finite(s.name, s.values); err != nil {
			return in, err
		}
	}
	if v := slices.Min(b.Var); v < 0 {
		return in, fmt.Errorf("variance %g: want at least 0", v)
	}
	return in, nil
}

func finite(name string, values []float32) error {
	for i, v := range values {
		if v-v != 0 { // infinite or not a number
			return fmt.Errorf("%s %d is %g: want a finite value", name, i, v)
		}
	}
	return nil
}
