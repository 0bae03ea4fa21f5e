package modelfile

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hepex/network"
	"hepex/network/onnx"
)

// Part is a part of a network, or a tensor of a file of weights, for people to look at.
type Part struct {
	Name     string
	Kind     string
	Shape    string  // of what it gives; of a tensor, its own
	Values   int     // weights and biases
	Zeros    int     // of these
	Min, Max float64 // of these
	Fault    string  // why it cannot be encrypted as it is, or ""
}

// Inspection is what a file holds.
type Inspection struct {
	Producer string
	Input    string // shape of a sample
	Parts    []Part
	Refused  bool // some nodes cannot be encrypted, and the rest has no shape
	Replace  bool // it can be encrypted if activations are replaced
	Weights  bool // the file holds weights alone
}

// Inspect looks into a file. The error is of files that cannot be read; what is read but cannot be encrypted is in the inspection.
func Inspect(path string) (*Inspection, error) {
	if !SaysLayers(path) {
		return inspectWeights(path)
	}
	m, err := Read(path, Options{Replace: true})
	var unsupported *UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return &Inspection{Parts: unsupported.parts(), Refused: true}, nil
	case err != nil:
		return nil, err
	}
	i := &Inspection{Producer: m.Producer, Input: m.Input.String(), Replace: m.Replaced() != nil}
	for _, s := range m.steps {
		i.Parts = append(i.Parts, s.part())
	}
	return i, nil
}

// parts are all nodes, those that are supported among them.
func (e *UnsupportedError) parts() (parts []Part) {
	faults := map[*onnx.Node]string{}
	for _, f := range e.Faults {
		faults[f.node] = f.Text
	}
	for _, n := range e.nodes {
		parts = append(parts, Part{Name: n.Label(), Kind: n.Op, Fault: faults[n]})
	}
	return parts
}

// part describes a step.
func (s step) part() Part {
	p := Part{Name: strings.TrimPrefix(s.node, "node "), Shape: s.out.String(), Min: math.Inf(1), Max: math.Inf(-1)}
	switch l := s.layer.(type) {
	case *network.Dense:
		p.Kind = "dense"
		if w := l.Window; w != nil && !w.IsWhole() {
			p.Kind = fmt.Sprintf("conv %v", w.Kernel)
			if w.Stride != network.Square(1) {
				p.Kind += fmt.Sprintf(" stride %v", w.Stride)
			}
			if w.Padding != (network.Size{}) {
				p.Kind += fmt.Sprintf(" padding %v", w.Padding)
			}
		}
		p.count(l.W)
		p.count(l.B)
	case *network.BatchNorm:
		p.Kind = "batch norm"
		for _, values := range [][]float32{l.Gamma, l.Beta, l.Mean, l.Var} {
			p.count(values)
		}
	case *network.AveragePool:
		p.Kind = fmt.Sprintf("average pool %v", l.Kernel)
	case *network.Quadratic:
		p.Kind = fmt.Sprintf("%.3g·x² + %.3g·x", l.A, l.B)
		if l.A == 1 && l.B == 0 {
			p.Kind = "square"
		}
	default:
		if s.act == nil {
			p.Kind = "factors, summands"
			break
		}
		p.Kind, p.Fault = s.act.name, "no polynomial: network.activation: replace puts a learnt quadratic in its place"
	}
	return p
}

func (p *Part) count(values []float32) {
	p.Values += len(values)
	for _, v := range values {
		p.Min, p.Max = math.Min(p.Min, float64(v)), math.Max(p.Max, float64(v))
		if v == 0 {
			p.Zeros++
		}
	}
}

// inspectWeights lists the tensors of a file.
func inspectWeights(path string) (*Inspection, error) {
	content, err := readFile(path)
	var tensors map[string]tensor
	if err == nil {
		tensors, err = readTensors(extension(path), content)
	}
	if err != nil {
		return nil, fmt.Errorf("modelfile: %s: %w", path, err)
	}
	i := &Inspection{Weights: true}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		p := Part{Name: name, Kind: "tensor", Shape: fmt.Sprint(tensors[name].shape), Min: math.Inf(1), Max: math.Inf(-1)}
		p.count(tensors[name].values())
		i.Parts = append(i.Parts, p)
	}
	return i, nil
}
