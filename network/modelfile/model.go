package modelfile

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// Model is a network as a file has it.
type Model struct {
	Producer string // the program that wrote the file, as it says
	SHA256   string // of the file, with data in other files
	Input    network.Axis
	Output   network.Axis

	steps    []step
	ends     ends
	pieces   []piece          // as the file has them
	unfitted *network.Network // with some quadratic in the place of every activation that is no polynomial
}

// start is a quadratic before it is fitted.
var start = network.Quadratic{A: 0.25, B: 0.5, Learnt: true}

// maxPooled bounds the weights of a kernel that a pooling spreads.
const maxPooled = 1 << 23

// finish builds the network, and wants one that can be folded once activations are replaced.
func (m *Model) finish() (err error) {
	if err := m.checkPooling(); err != nil {
		return err
	}
	if m.pieces, err = assemble(m.Input, m.steps); err != nil {
		return err
	}
	m.unfitted = m.pieces[0].net
	if n := len(m.pieces) - 1; n > 0 {
		if m.ends.given() {
			return errors.New("orders of inputs or outputs in the metadata of a network with activations that are no polynomials")
		}
		if m.unfitted, err = m.replaced(slices.Repeat([]network.Quadratic{start}, n)); err != nil {
			return err
		}
	}
	if len(m.unfitted.Dense()) == 0 {
		return errors.New("no layer with weights")
	}
	if m.unfitted, err = m.ends.undo(m.unfitted); err != nil {
		return err
	}
	folds := m.unfitted.Clone()
	folds.Straighten()
	_, err = folds.Fold()
	return err
}

// checkPooling bounds what folding makes of a pooling that no activation parts from the convolution before it.
func (m *Model) checkPooling() error {
	var before *network.Dense
	for _, s := range m.steps {
		switch l := s.layer.(type) {
		case *network.Dense:
			before = l
		case *network.Quadratic:
			before = nil
		case *network.AveragePool:
			if before != nil && before.Window != nil && before.Window.Pooled(l.Window).Reads()*before.Out > maxPooled {
				return fmt.Errorf("%s: pooling makes a kernel of more than %d weights: want an activation before it, or a smaller pooling", s.node, maxPooled)
			}
		}
		if s.act != nil {
			before = nil
		}
	}
	return nil
}

// Unfitted is the network with some quadratic in the place of every activation that is no polynomial.
func (m *Model) Unfitted() *network.Network { return m.unfitted.Clone() }

// Geometry is that of the layers with weights.
func (m *Model) Geometry() network.Geometry { return m.unfitted.Geometry() }

// BatchNorm tells whether the network has a layer of batch norm.
func (m *Model) BatchNorm() bool {
	return slices.ContainsFunc(m.unfitted.Layers, func(l network.Layer) bool { _, ok := l.(*network.BatchNorm); return ok })
}

// Replaced names the activations that are no polynomials, each with the node that it is in.
func (m *Model) Replaced() (names []string) {
	for _, s := range m.steps {
		if s.act != nil {
			names = append(names, fmt.Sprintf("%s, %s", s.act.name, s.node))
		}
	}
	return names
}

// Forward evaluates the network with its own activations: x is samples×inputs, the result samples×outputs.
func (m *Model) Forward(x *mat.Dense) *mat.Dense {
	if len(m.pieces) == 1 {
		return m.unfitted.Forward(x)
	}
	for _, p := range m.pieces {
		x = p.net.Forward(x)
		if p.act != nil {
			x.Apply(func(_, _ int, v float64) float64 { return p.act.f(v) }, x)
		}
	}
	return x
}

// Network is the network, if its activations are polynomials.
func (m *Model) Network() (*network.Network, error) {
	if names := m.Replaced(); names != nil {
		return nil, fmt.Errorf("modelfile: %s: no polynomial: want samples to fit a quadratic to", strings.Join(names, "; "))
	}
	return m.Unfitted(), nil
}

// Fit is the network with a learnt quadratic a·x² + b·x in the place of every activation that is no polynomial: the one that is
// closest, in the mean square, on what samples make of it, the activations before it being replaced already.
func (m *Model) Fit(x *mat.Dense) (*network.Network, error) {
	var fitted []network.Quadratic
	for i, s := range m.steps {
		if s.act == nil {
			continue
		}
		pieces, err := assemble(m.Input, substituted(m.steps[:i], fitted))
		if err != nil {
			return nil, fmt.Errorf("modelfile: %w", err)
		}
		q, err := fit(pieces[0].net.Forward(x).RawMatrix().Data, s.act.f)
		if err != nil {
			return nil, fmt.Errorf("modelfile: %s: %w", s.node, err)
		}
		fitted = append(fitted, q)
	}
	net, err := m.replaced(fitted)
	if err != nil {
		return nil, fmt.Errorf("modelfile: %w", err)
	}
	return net, nil
}

// replaced is the network with quadratics in the place of activations.
func (m *Model) replaced(by []network.Quadratic) (*network.Network, error) {
	pieces, err := assemble(m.Input, substituted(m.steps, by))
	if err != nil {
		return nil, err
	}
	return pieces[0].net, nil
}

// substituted are the steps with quadratics in the place of activations.
func substituted(steps []step, by []network.Quadratic) []step {
	steps = slices.Clone(steps)
	for i := range steps {
		if steps[i].act != nil {
			q := by[0]
			steps[i].act, steps[i].layer, by = nil, &q, by[1:]
		}
	}
	return steps
}

// fit solves the normal equations of a·x² + b·x against f(x).
func fit(values []float64, f func(x float64) float64) (network.Quadratic, error) {
	var m4, m3, m2, y2, y1 float64 // sums of x⁴, x³, x², x²·f, x·f
	for _, x := range values {
		y := f(x)
		m4, m3, m2, y2, y1 = m4+x*x*x*x, m3+x*x*x, m2+x*x, y2+x*x*y, y1+x*y
	}
	det := m4*m2 - m3*m3
	a, b := (y2*m2-y1*m3)/det, (y1*m4-y2*m3)/det
	if !(det > 0) || math.IsInf(det, 0) || math.IsNaN(a+b) {
		return start, errors.New("the samples show too little of the activation to fit a quadratic to it")
	}
	return network.Quadratic{A: float32(a), B: float32(b), Learnt: true}, nil
}
