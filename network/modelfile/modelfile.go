// Package modelfile reads networks that others have trained, from ONNX files, and from .safetensors and .npz files with a stated
// architecture, and writes networks so that others can use them.
//
// A file becomes a row of steps, and these become a [network.Network]. Polynomials between layers are followed symbolically, channel by
// channel, so that a square or a·x² + b·x + c is recognised however an exporter writes it; factors and summands of channels become part
// of the layers with weights beside them. Values that a file has channel by channel are put in the order of hepex, in which the
// channels of a position lie together; inputs are taken in the order of data sets.
package modelfile

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/onnx"
)

// Bounds of what a file may describe.
const (
	maxInputs = 1 << 20 // values of a sample
	maxRank   = 8
)

// Model is a network as a file has it.
type Model struct {
	Producer string // the program that wrote the file, as it says
	SHA256   string // of the file, with data in other files
	Input    network.Axis
	Output   network.Axis

	steps    []step
	pieces   []piece          // as the file has them
	unfitted *network.Network // with quadratics that are not fitted yet
}

// Unfitted is the network with some quadratic in the place of every activation that is no polynomial.
func (m *Model) Unfitted() *network.Network { return m.unfitted.Clone() }

// Geometry is that of the layers with weights.
func (m *Model) Geometry() network.Geometry { return m.unfitted.Geometry() }

// BatchNorm tells whether the network has a layer of batch norm.
func (m *Model) BatchNorm() bool {
	return slices.ContainsFunc(m.unfitted.Layers, func(l network.Layer) bool { _, ok := l.(*network.BatchNorm); return ok })
}

// Options say how to read a file.
type Options struct {
	Replace bool // activations that are no polynomials are read, for Fit to put quadratics in their place

	// For files that hold weights alone.
	Architecture *network.Architecture
	Tensors      []string // the names of its layers in the file, in the order of layers, where their sizes do not tell; else nil
}

// SaysLayers tells whether files with the ending of the path say what the layers of their network are.
func SaysLayers(path string) bool { return extension(path) == ".onnx" }

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

// Read reads the network in a file. The error lists all nodes that are not supported ([*UnsupportedError]), or says what else is wrong.
func Read(path string, o Options) (*Model, error) {
	m, err := read(path, o)
	if err != nil {
		return nil, fmt.Errorf("modelfile: %s: %w", path, err)
	}
	return m, nil
}

func read(path string, o Options) (*Model, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(extension(path), content, filepath.Dir(path), o)
}

// parse reads a file of a format, with external data in the folder.
func parse(format string, content []byte, folder string, o Options) (*Model, error) {
	switch format {
	case ".onnx":
		file, err := onnx.Decode(content, folder)
		if err != nil {
			return nil, err
		}
		return fromONNX(file, o)
	case ".npz":
		return readWeights(content, readNPZ, o)
	case ".safetensors":
		return readWeights(content, readSafetensors, o)
	}
	return nil, fmt.Errorf("a file with the ending %q: want .onnx, .safetensors or .npz", format)
}

func fromONNX(file *onnx.Model, o Options) (*Model, error) {
	w, err := walk(&file.Graph, o.Replace)
	if err != nil {
		return nil, err
	}
	m := &Model{Producer: file.Producer, SHA256: file.SHA256, Input: w.start, Output: w.axis, steps: w.steps}
	return m, m.check()
}

// maxPooled bounds the weights of a kernel that a pooling spreads.
const maxPooled = 1 << 23

// check wants a network that can be folded once activations are replaced.
func (m *Model) check() error {
	for i, s := range m.steps[min(1, len(m.steps)):] {
		pool, ok := s.layer.(*network.AveragePool)
		if !ok {
			continue
		}
		if d, ok := m.steps[i].layer.(*network.Dense); ok && d.Window != nil && d.Window.Pooled(pool.Window).Reads()*d.Out > maxPooled {
			return fmt.Errorf("%s: pooling makes a kernel of more than %d weights: want an activation before it, or a smaller pooling", s.node, maxPooled)
		}
	}
	net, err := m.replaced(slices.Repeat([]network.Quadratic{start}, m.activations()))
	if err != nil {
		return err
	}
	m.unfitted = net.Clone()
	if m.pieces, err = assemble(m.Input, m.steps); err != nil {
		return err
	}
	net.Straighten()
	if len(net.Dense()) == 0 {
		return errors.New("no layer with weights")
	}
	_, err = net.Fold()
	return err
}

// start is a quadratic before it is fitted.
var start = network.Quadratic{A: 0.25, B: 0.5, Learnt: true}

// activations counts those that are no polynomials.
func (m *Model) activations() (n int) {
	for _, s := range m.steps {
		if s.act != nil {
			n++
		}
	}
	return n
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

// Forward evaluates the network as the file has it, with its own activations: x is samples×inputs, the result samples×outputs.
func (m *Model) Forward(x *mat.Dense) *mat.Dense {
	y := x
	for _, p := range m.pieces {
		y = p.net.Forward(y)
		if p.act != nil {
			y.Apply(func(_, _ int, v float64) float64 { return p.act.f(v) }, y)
		}
	}
	return y
}

// Network is the network, if its activations are polynomials.
func (m *Model) Network() (*network.Network, error) {
	if names := m.Replaced(); names != nil {
		return nil, fmt.Errorf("modelfile: %s: no polynomial: want samples to fit a quadratic to", strings.Join(names, "; "))
	}
	net, err := m.replaced(nil)
	if err != nil {
		return nil, fmt.Errorf("modelfile: %w", err)
	}
	return net, nil
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
