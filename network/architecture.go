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

// Architecture describes a fully connected network: dense [batch norm] activation … dense.
type Architecture struct {
	Inputs      int
	Hidden      []int // neurons of each hidden layer; none = a linear network
	Outputs     int
	Activation  string // one of [Activations]
	BatchNorm   bool   // normalise before each activation; not with "square", which it was measured to harm
	Autoencoder bool   // initialise for reconstruction; Outputs must equal Inputs
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
	in := a.Inputs
	for _, width := range a.Hidden {
		n.Layers = append(n.Layers, a.dense(in, width, rng))
		if a.BatchNorm {
			n.Layers = append(n.Layers, newBatchNorm(width))
		}
		n.Layers = append(n.Layers, a.activation())
		in = width
	}
	n.Layers = append(n.Layers, a.dense(in, a.Outputs, rng))
	return n, nil
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
	values, in := 0, a.Inputs
	for _, out := range append(slices.Clone(a.Hidden), a.Outputs) {
		values += in * out
		in = out
	}
	if values > maxValues {
		return fmt.Errorf("%d weights: want at most %d", values, maxValues)
	}
	return nil
}

func (a Architecture) dense(in, out int, rng *rand.Rand) *Dense {
	deviation := 1 / math.Sqrt(float64(in))
	if a.Autoencoder {
		deviation = math.Sqrt(2 / float64(in+out))
	}
	d := &Dense{In: in, Out: out, W: make([]float32, in*out), B: make([]float32, out)}
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
