package modelfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hepex/network"
	"hepex/network/onnx"
)

// Fault is a node that cannot be encrypted.
type Fault struct {
	Node string // its name and type
	Text string // what is wrong; what is allowed

	node *onnx.Node
}

// UnsupportedError lists all nodes of a file that cannot be encrypted.
type UnsupportedError struct {
	Faults []Fault

	nodes []*onnx.Node // all of the network
}

func (e *UnsupportedError) Error() string {
	texts := []string{fmt.Sprintf("%d nodes are not supported", len(e.Faults))}
	if len(e.Faults) == 1 {
		texts[0] = "a node is not supported"
	}
	for _, f := range e.Faults {
		texts = append(texts, "node "+f.Node+": "+f.Text)
	}
	return strings.Join(append(texts, "supported are "+Supported()), "; ")
}

// walker turns the nodes of a graph into steps, one after the other.
type walker struct {
	graph   *onnx.Graph
	values  map[string]value
	steps   []step
	current int // the base of polynomials in what the last step gives; it grows with every step

	start   network.Axis          // of the inputs
	axis    network.Axis          // of what the last step gives
	flat    bool                  // the file has it as (samples, values), not as (samples, channels, rows, columns)
	grid    network.Axis          // the grid that flat values lie on, in the order of the file: channel by channel
	gridded bool                  // something has worked on a grid
	node    *onnx.Node            // under way
	made    map[string]*onnx.Node // by what each gives
}

// walk gives the steps of a graph.
func walk(g *onnx.Graph, replace bool) (*walker, error) {
	if len(g.Outputs) != 1 {
		return nil, fmt.Errorf("%d outputs: want one", len(g.Outputs))
	}
	nodes := live(g)
	if err := checkNodes(nodes, replace); err != nil {
		return nil, err
	}
	w := &walker{graph: g, values: map[string]value{}, made: map[string]*onnx.Node{}}
	if err := w.input(); err != nil {
		return nil, err
	}
	for i := range g.Constants {
		w.values[g.Constants[i].Name] = value{constant: &g.Constants[i]}
	}
	for _, n := range nodes {
		w.node = n
		out, err := operators[n.Op].lower(w, n)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Label(), err)
		}
		if out.dims == nil {
			out.dims = w.dims()
		}
		w.values[n.Outputs[0]], w.made[n.Outputs[0]] = out, n
	}
	if err := w.settle(g.Outputs[0].Name); err != nil {
		return nil, fmt.Errorf("output %q: %w", g.Outputs[0].Name, err)
	}
	return w, nil
}

// live lists the nodes that the output depends on.
func live(g *onnx.Graph) []*onnx.Node {
	needed := map[string]bool{g.Outputs[0].Name: true}
	var nodes []*onnx.Node
	for i := range slices.Backward(g.Nodes) {
		n := &g.Nodes[i]
		if !slices.ContainsFunc(n.Outputs, func(name string) bool { return needed[name] }) {
			continue
		}
		for _, name := range n.Inputs {
			needed[name] = name != ""
		}
		nodes = append(nodes, n)
	}
	slices.Reverse(nodes)
	return nodes
}

// checkNodes finds all that is not supported whatever the values are.
func checkNodes(nodes []*onnx.Node, replace bool) error {
	var faults []Fault
	for _, n := range nodes {
		if err := checkNode(n, replace); err != nil {
			faults = append(faults, Fault{n.Label(), err.Error(), n})
		}
	}
	if faults == nil {
		return nil
	}
	return &UnsupportedError{faults, nodes}
}

func checkNode(n *onnx.Node, replace bool) error {
	_, acts := activations[n.Op]
	op, known := operators[n.Op]
	switch {
	case len(n.Outputs) == 0 || n.Outputs[0] == "" || n.Op != "Constant" && (len(n.Inputs) == 0 || n.Inputs[0] == ""):
		return errors.New("its first input or output is missing")
	case n.Domain != "":
		return fmt.Errorf("an operator of %s; want standard ones", n.Domain)
	case acts && !replace:
		return errors.New("no polynomial; want squares and quadratics, or network.activation: replace, which puts a learnt quadratic in its place")
	case acts || known && op.check == nil:
	case !known && strings.HasSuffix(n.Op, "MaxPool"):
		return errors.New("a maximum is no polynomial; want average pooling")
	case !known && (n.Op == "Softmax" || n.Op == "LogSoftmax"):
		return errors.New("no polynomial; want a network that ends before it: the largest output is the same")
	case !known:
		return errors.New("unknown")
	default:
		if err := op.check(n); err != nil {
			return err
		}
	}
	for _, a := range n.Attributes {
		switch {
		case !slices.Contains(op.attributes, a.Name):
			return fmt.Errorf("setting %q; want %s", a.Name, either(op.attributes))
		case a.Kind != settings[a.Name]: // its value would be taken for 0
			return fmt.Errorf("setting %q of another type; want that of the standard", a.Name)
		}
	}
	if len(n.Outputs) > 1 && slices.ContainsFunc(n.Outputs[1:], func(name string) bool { return name != "" }) && n.Op != "Dropout" && n.Op != "BatchNormalization" {
		return fmt.Errorf("%d outputs; want one", len(n.Outputs))
	}
	return nil
}

func either(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "none but " + strings.Join(names, ", ")
}

// input reads the shape of the one input: samples first, then values, or channels, rows and columns.
func (w *walker) input() error {
	if len(w.graph.Inputs) != 1 {
		return fmt.Errorf("%d inputs: want one", len(w.graph.Inputs))
	}
	in := w.graph.Inputs[0]
	if in.Type != onnx.Float && in.Type != onnx.Double {
		return fmt.Errorf("input %q of %v: want %v", in.Name, in.Type, onnx.Float)
	}
	size := 1
	for _, d := range in.Dims[min(1, len(in.Dims)):] {
		if d < 1 || d > maxInputs || size*int(d) > maxInputs {
			return fmt.Errorf("input %q of shape %s: want sizes after the first that are known, and at most %d values", in.Name, onnx.Shape(in.Dims), maxInputs)
		}
		size *= int(d)
	}
	switch len(in.Dims) {
	case 2:
		w.axis, w.flat = network.Flat(size), true
	case 4:
		w.axis = network.Axis{Channels: int(in.Dims[1]), H: int(in.Dims[2]), W: int(in.Dims[3])}
	default:
		return fmt.Errorf("input %q of shape %s: want (samples, values) or (samples, channels, rows, columns)", in.Name, onnx.Shape(in.Dims))
	}
	w.arrange(w.axis)
	w.grid = w.axis
	w.values[in.Name] = value{polynomial: identity(0), dims: w.dims()}
	return nil
}

// arrange says how the inputs lie, on which nothing has worked but what is the same for all values.
func (w *walker) arrange(axis network.Axis) { w.start, w.axis = axis, axis }

// add appends a step that gives values on an axis, and returns these.
func (w *walker) add(s step, out network.Axis) value {
	name := fmt.Sprintf("input %q", w.graph.Inputs[0].Name)
	if w.node != nil {
		name = "node " + w.node.Label()
	}
	s.node, s.out = name, out
	_, quadratic := s.layer.(*network.Quadratic)
	if !w.flat && !quadratic && s.act == nil && (s.affine == nil || !s.affine.uniform()) {
		w.gridded = true
	}
	w.steps = append(w.steps, s)
	w.current++
	w.axis = out
	return value{polynomial: identity(w.current)}
}

// settle turns what a polynomial does to the last step into steps of their own, so that the name stands for what the last step gives.
func (w *walker) settle(name string) error {
	v, err := w.variable(name)
	if err != nil || v.isIdentity() {
		return err
	}
	defer func(reader *onnx.Node) { w.node = reader }(w.node)
	w.node = w.made[name]
	one := coefficient{1}
	switch c := v.c; {
	case v.degree() == 0:
		return errors.New("a constant in the place of values")
	case v.degree() == 2 && len(w.steps) == 0:
		return errors.New("the inputs are squared: want a layer before the first square")
	case v.degree() == 1:
		w.add(step{affine: &affine{c[1], c[0]}}, w.axis)
	case c[1].uniform() && c[2].uniform():
		a, b := c[2].at(0), c[1].at(0)
		w.add(step{layer: &network.Quadratic{A: float32(a), B: float32(b), Learnt: a != 1 || b != 0}}, w.axis)
		if !c[0].zero() {
			w.add(step{affine: &affine{one, c[0]}}, w.axis)
		}
	case slices.Contains(c[2], 0):
		return errors.New("a square for some channels and none for others: want it for all or none")
	default: // a·(x + b/2a)² + c − b²/4a, channel by channel
		half := combine(c[1], c[2], func(b, a float64) float64 { return b / (2 * a) })
		rest := combine(half, c[2], func(h, a float64) float64 { return -h * h * a })
		w.add(step{affine: &affine{one, half}}, w.axis)
		w.add(step{layer: &network.Quadratic{A: 1}}, w.axis)
		w.add(step{affine: &affine{c[2], combine(c[0], rest, sum)}}, w.axis)
	}
	w.values[name] = value{polynomial: identity(w.current), dims: w.dims()}
	return nil
}

// variable is a value that is no constant, in terms of the last step.
func (w *walker) variable(name string) (polynomial, error) {
	v, ok := w.values[name]
	switch {
	case !ok:
		return polynomial{}, errors.New("an input is missing")
	case v.constant != nil:
		return polynomial{}, fmt.Errorf("%q is a constant: want values of the network", name)
	case v.crop != (network.Size{}):
		return polynomial{}, fmt.Errorf("%q is cropped: want a convolution to read it", name)
	case v.base != w.current:
		return polynomial{}, fmt.Errorf("it reads %q, on which other layers have worked since: want layers in a row, without branches", name)
	}
	return v.polynomial, w.shaped(name, v)
}

// shaped says whether values are still in the shape that they were made in, which the walker keeps for all.
func (w *walker) shaped(name string, v value) error {
	if v.number() || slices.Equal(v.dims, w.dims()) {
		return nil
	}
	return fmt.Errorf("it reads %q, of which another shape was made since: want layers in a row, without branches", name)
}

// constant is an input of the node that must be a constant, nil if it is left out.
func (w *walker) constant(n *onnx.Node, input int) (*onnx.Tensor, error) {
	if input >= len(n.Inputs) || n.Inputs[input] == "" {
		return nil, nil
	}
	v := w.values[n.Inputs[input]]
	if v.constant == nil {
		return nil, fmt.Errorf("input %d is computed: want a constant", input)
	}
	return v.constant, nil
}

// floats is an input that must be a constant of a shape.
func (w *walker) floats(n *onnx.Node, input int, dims ...int64) ([]float32, error) {
	t, err := w.constant(n, input)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, fmt.Errorf("input %d is missing", input)
	case t.Floats == nil && t.Size() > 0:
		return nil, fmt.Errorf("constant %q of %v: want %v", t.Name, t.Type, onnx.Float)
	case !slices.Equal(t.Dims, dims):
		return nil, fmt.Errorf("constant %q of shape %s: want %s", t.Name, onnx.Shape(t.Dims), onnx.Shape(dims))
	}
	return t.Floats, nil
}

// coefficient is a constant that all values share, or those of a channel.
func (w *walker) coefficient(t *onnx.Tensor) (coefficient, error) {
	values := make([]float64, 0, len(t.Floats)+len(t.Ints))
	for _, v := range t.Floats {
		values = append(values, float64(v))
	}
	for _, v := range t.Ints {
		values = append(values, float64(v))
	}
	if len(values) == 1 {
		return values, nil
	}
	channels, from := w.channels(), 1 // dimensions after that of channels
	if !w.flat {
		from = 3
	}
	at := len(t.Dims) - from
	if channels == 0 || at < 0 || at > 1 || t.Dims[at] != int64(channels) || t.Size() != channels {
		return nil, fmt.Errorf("constant %q of shape %s: want one number, or one for each channel of %v values", t.Name, onnx.Shape(t.Dims), w.axis)
	}
	return newCoefficient(values), nil
}

// channels is the number of channels that constants can have a number for each of; 0 where flat values of several channels lie in
// another order than that of the file.
func (w *walker) channels() int {
	if w.flat && (w.axis.Positions() > 1 || w.grid.Positions() > 1 && w.grid.Channels > 1) {
		return 0
	}
	return w.axis.Channels
}
