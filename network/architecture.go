package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// The activations of an [Architecture].
const (
	square    = "square"    // x²
	quadratic = "quadratic" // a·x² + b·x with learnt a and b
)

// Activations lists the activations that an [Architecture] may name.
func Activations() []string { return []string{square, quadratic} }

// Architecture describes a network: conv [batch norm] activation [average pool] … dense [batch norm] activation … dense.
type Architecture struct {
	Inputs      int
	Image       Axis   `json:",omitzero"`  // convolutional networks: how the inputs lie, Inputs in all
	Conv        []Conv `json:",omitempty"` // before the hidden layers
	Hidden      []int  // neurons of each hidden layer; none = a linear network, if there is no conv
	Outputs     int
	Activation  string // one of [Activations]
	BatchNorm   bool   // normalise before each activation; not with "square", which it was measured to harm
	Autoencoder bool   // initialise for reconstruction; Outputs must equal Inputs
}

// Conv is a convolutional layer with what comes after its activation.
type Conv struct {
	Filters                 int // output channels
	Kernel, Stride, Padding Size
	Pool                    Size // average pooling of windows that do not overlap; {} = none
}

// Random streams of one seed: each use has its own.
const (
	streamInit = iota + 1
	streamShuffle
	streamAugment
)

// New makes a network with random weights and zero biases.
//
// Weights are normal with deviation 1/√inputs, and learnt activations start at ¼·x² + ½·x. Autoencoders start with
// deviation √(2/(inputs+outputs)) (Glorot), which keeps the layers alike for a global ranking of weights, and at
// ½·x² + ½·x: from a weaker square the network turns linear.
func New(a Architecture, seed uint64) (*Network, error) {
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("network: architecture: %w", err)
	}
	rng := rand.New(rand.NewPCG(seed, streamInit))
	n := &Network{Inputs: a.Inputs}
	g := a.geometry()
	for i, stage := range g {
		if stage.Pool != nil {
			n.Layers = append(n.Layers, &AveragePool{*stage.Pool})
		}
		n.Layers = append(n.Layers, a.dense(stage.Window, stage.Out, rng))
		if i == len(g)-1 {
			break
		}
		if a.BatchNorm {
			n.Layers = append(n.Layers, newBatchNorm(stage.Out))
		}
		n.Layers = append(n.Layers, a.activation())
	}
	return n, nil
}

// Geometry is that of the network, or what is wrong with the architecture.
func (a Architecture) Geometry() (Geometry, error) {
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("network: architecture: %w", err)
	}
	return a.geometry(), nil
}

func (a Architecture) geometry() Geometry {
	var g Geometry
	var pool *Window
	axis := Flat(a.Inputs)
	if len(a.Conv) > 0 {
		axis = a.Image
	}
	add := func(w Window, out int) {
		g = append(g, Stage{w, out, pool})
		axis, pool = w.Out(out), nil
	}
	for _, c := range a.Conv {
		add(c.window(axis), c.Filters)
		if c.Pool != (Size{}) {
			w := c.pool(axis)
			pool, axis = &w, w.Out(axis.Channels)
		}
	}
	for _, width := range append(slices.Clone(a.Hidden), a.Outputs) {
		add(Whole(axis), width)
	}
	return g
}

// window is what the layer reads of its inputs.
func (c Conv) window(in Axis) Window {
	return Window{In: in, Kernel: c.Kernel, Stride: c.Stride, Padding: c.Padding}
}

// pool is the window of the pooling of the layer's outputs.
func (c Conv) pool(out Axis) Window { return Window{In: out, Kernel: c.Pool, Stride: c.Pool} }

// CheckConv says what is wrong with conv layer number at, from 0.
func (a Architecture) CheckConv() (at int, err error) {
	if len(a.Conv) == 0 {
		return 0, nil
	}
	axis := a.Image
	if axis.Size() != a.Inputs {
		return 0, fmt.Errorf("image of %v: want %d values", axis, a.Inputs)
	}
	for i, c := range a.Conv {
		if c.Filters < 1 || c.Filters > maxWidth {
			return i, fmt.Errorf("%d filters: want 1 to %d", c.Filters, maxWidth)
		}
		w := c.window(axis)
		if err := w.check(); err != nil {
			return i, err
		}
		if axis = w.Out(c.Filters); axis.check() != nil {
			return i, axis.check()
		}
		if c.Pool == (Size{}) {
			continue
		}
		p := c.pool(axis)
		if err := p.check(); err != nil {
			return i, fmt.Errorf("average pool: %w", err)
		}
		axis = p.Out(axis.Channels)
	}
	return 0, nil
}

func (a Architecture) check() error {
	for _, width := range append([]int{a.Inputs, a.Outputs}, a.Hidden...) {
		if width < 1 || width > maxWidth {
			return fmt.Errorf("layer of %d neurons: want 1 to %d", width, maxWidth)
		}
	}
	if !slices.Contains(Activations(), a.Activation) {
		return fmt.Errorf("activation %q: want %s", a.Activation, strings.Join(Activations(), " or "))
	}
	if a.BatchNorm && a.Activation == square {
		return fmt.Errorf("batch norm with activation %q: want %q, as batch norm harms a pure square", square, quadratic)
	}
	if a.Autoencoder && a.Outputs != a.Inputs {
		return fmt.Errorf("autoencoder with %d inputs and %d outputs: want as many outputs as inputs", a.Inputs, a.Outputs)
	}
	if at, err := a.CheckConv(); err != nil {
		return fmt.Errorf("conv layer %d: %w", at+1, err)
	}
	values := 0
	for _, s := range a.geometry() {
		values += s.Reads() * s.Out
	}
	if values > maxValues {
		return fmt.Errorf("%d weights: want at most %d", values, maxValues)
	}
	return nil
}

func (a Architecture) dense(w Window, out int, rng *rand.Rand) *Dense {
	in := w.Reads()
	deviation := 1 / math.Sqrt(float64(in))
	if a.Autoencoder {
		deviation = math.Sqrt(2 / float64(in+out))
	}
	d := &Dense{In: in, Out: out, W: make([]float32, in*out), B: make([]float32, out)}
	if w != Whole(Flat(w.In.Channels)) {
		d.Window = &w
	}
	for i := range d.W {
		d.W[i] = float32(deviation * rng.NormFloat64())
	}
	return d
}

func (a Architecture) activation() *Quadratic {
	switch {
	case a.Activation == square:
		return &Quadratic{A: 1}
	case a.Autoencoder:
		return &Quadratic{A: 0.5, B: 0.5, Learnt: true}
	default:
		return &Quadratic{A: 0.25, B: 0.5, Learnt: true}
	}
}

func newBatchNorm(width int) *BatchNorm {
	b := &BatchNorm{make([]float32, width), make([]float32, width), make([]float32, width), make([]float32, width)}
	for i := range width {
		b.Gamma[i], b.Var[i] = 1, 1
	}
	return b
}
