package modelfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"hepex/datasets/npy"
	"hepex/network"
	"hepex/network/onnx"
)

// Export is a network to be written for others: in the order of its tiles, so that what is kept of it is seen.
type Export struct {
	Net      *network.Network
	Orders   [][]int         // of the channels of every axis, see [network.Network.Permute]; nil = as they are
	Metadata []onnx.Property // to be written beside it
}

// The names under which files have the orders of inputs and outputs: number p of the file is number order[p] of the network. They are
// undone when the file is read by this package.
const (
	inputOrder  = "hepex.input_order"
	outputOrder = "hepex.output_order"
)

// opset of the standard operators that are written, and the version of the format that has it.
const (
	opset     = 13
	irVersion = 7
)

// permuted is the network in the order of the file, with the orders of both ends.
func (e Export) permuted() (net *network.Network, ends [2][]int) {
	dims := e.Net.Dims()
	orders := e.Orders
	if orders == nil {
		orders = make([][]int, len(dims))
	}
	for i, axis := range []int{0, len(dims) - 1} {
		if ends[i] = orders[axis]; ends[i] == nil {
			for c := range dims[axis] {
				ends[i] = append(ends[i], c)
			}
		}
	}
	return e.Net.Permute(orders), ends
}

// ONNX is the network as an ONNX file. Activations are products and sums.
func (e Export) ONNX() ([]byte, error) {
	net, ends := e.permuted()
	w := &writer{model: onnx.Model{IRVersion: irVersion, Producer: "hepex", Opset: opset, Metadata: slices.Clone(e.Metadata)}}
	for i, key := range []string{inputOrder, outputOrder} {
		text, err := json.Marshal(ends[i])
		if err != nil {
			return nil, fmt.Errorf("modelfile: %w", err)
		}
		w.model.Metadata = append(w.model.Metadata, onnx.Property{Key: key, Value: string(text)})
	}
	if err := w.network(net); err != nil {
		return nil, fmt.Errorf("modelfile: export: %w", err)
	}
	content, err := w.model.Encode()
	if err != nil {
		return nil, fmt.Errorf("modelfile: %w", err)
	}
	return content, nil
}

// writer writes a network node by node.
type writer struct {
	model onnx.Model
	last  string       // the value that the next node reads
	axis  network.Axis // of it
	flat  bool         // it has no rows and columns
	names names
}

// names counts the layers of each kind.
type names struct{ weights, norms, activations, pools int }

func (n *names) of(l network.Layer, s *network.Stage) string {
	count := func(kind string, counter *int) string { *counter++; return fmt.Sprint(kind, *counter) }
	switch l.(type) {
	case *network.Dense:
		if s.Conv() {
			return count("conv", &n.weights)
		}
		return count("fc", &n.weights)
	case *network.BatchNorm:
		return count("norm", &n.norms)
	case *network.AveragePool:
		return count("pool", &n.pools)
	}
	return count("activation", &n.activations)
}

// imageDims is the shape of samples on an axis: the first dimension is open.
func imageDims(a network.Axis) []int64 {
	if a.Positions() == 1 {
		return []int64{-1, int64(a.Channels)}
	}
	return []int64{-1, int64(a.Channels), int64(a.H), int64(a.W)}
}

func (w *writer) network(net *network.Network) error {
	g := net.Geometry()
	w.axis = g.Axis(0)
	w.flat = w.axis.Positions() == 1
	w.last = "input"
	graph := &w.model.Graph
	graph.Name = "network"
	graph.Inputs = []onnx.Info{{Name: w.last, Type: onnx.Float, Dims: imageDims(w.axis)}}
	for _, l := range net.Layers {
		name := w.names.of(l, &g[min(w.names.weights, len(g)-1)])
		switch l := l.(type) {
		case *network.Dense:
			w.dense(name, l)
		case *network.BatchNorm:
			n := int64(len(l.Gamma))
			w.node(name, "BatchNormalization", []string{
				w.constant(name+".weight", l.Gamma, n), w.constant(name+".bias", l.Beta, n),
				w.constant(name+".running_mean", l.Mean, n), w.constant(name+".running_var", l.Var, n),
			}, onnx.Attribute{Name: "epsilon", Kind: onnx.KindFloat, Float: network.NormEpsilon})
		case *network.Quadratic:
			w.quadratic(name, l)
		case *network.AveragePool:
			if w.flat {
				return fmt.Errorf("%s after values without rows and columns", name)
			}
			w.node(name, "AveragePool", nil, windowSettings(l.Window)...)
		}
		out, err := network.OutputsOf(l, w.axis)
		if err != nil {
			return err
		}
		w.axis = out
	}
	dims := imageDims(w.axis)
	if !w.flat && len(dims) == 2 {
		dims = append(dims, 1, 1)
	}
	graph.Outputs = []onnx.Info{{Name: w.last, Type: onnx.Float, Dims: dims}}
	return nil
}

// node appends a node that reads what the last one gives, and others.
func (w *writer) node(name, op string, others []string, settings ...onnx.Attribute) {
	w.model.Graph.Nodes = append(w.model.Graph.Nodes, onnx.Node{
		Name: name, Op: op, Inputs: append([]string{w.last}, others...), Outputs: []string{name + ".out"}, Attributes: settings,
	})
	w.last = name + ".out"
}

func (w *writer) constant(name string, values []float32, dims ...int64) string {
	w.model.Graph.Constants = append(w.model.Graph.Constants, onnx.Tensor{Name: name, Type: onnx.Float, Dims: dims, Floats: values})
	return name
}

func (w *writer) dense(name string, d *network.Dense) {
	weight, dims := exportedWeights(d)
	if len(dims) == 4 {
		w.crop(name, d.Window.Padding)
		w.node(name, "Conv", []string{w.constant(name+".weight", weight, dims...), w.constant(name+".bias", d.B, int64(d.Out))}, windowSettings(*d.Window)...)
		return
	}
	if !w.flat {
		w.node(name+".flatten", "Flatten", nil, onnx.Attribute{Name: "axis", Kind: onnx.KindInt, Int: 1})
		w.flat = true
	}
	w.node(name, "Gemm", []string{w.constant(name+".weight", weight, dims...), w.constant(name+".bias", d.B, int64(d.Out))},
		onnx.Attribute{Name: "transB", Kind: onnx.KindInt, Int: 1})
}

// crop writes a negative padding, which only a node of its own may have.
func (w *writer) crop(name string, padding network.Size) {
	h, v := int64(min(padding.H, 0)), int64(min(padding.W, 0))
	if h == 0 && v == 0 {
		return
	}
	pads := onnx.Tensor{Name: name + ".pads", Type: onnx.Int64, Dims: []int64{8}, Ints: []int64{0, 0, h, v, 0, 0, h, v}}
	w.model.Graph.Constants = append(w.model.Graph.Constants, pads)
	w.node(name+".crop", "Pad", []string{pads.Name})
}

// exportedWeights are the weights of a layer channels first, as others have them: (outputs, channels, rows, columns), or (outputs, inputs).
func exportedWeights(d *network.Dense) (values []float32, dims []int64) {
	if d.Window == nil {
		return d.W, []int64{int64(d.Out), int64(d.In)}
	}
	w := d.Window
	values = channelsFirst(d.W, w.In.Channels, w.Taps())
	if w.IsWhole() {
		return values, []int64{int64(d.Out), int64(d.In)}
	}
	return values, []int64{int64(d.Out), int64(w.In.Channels), int64(w.Kernel.H), int64(w.Kernel.W)}
}

// channelsFirst is the inverse of channelsLast.
func channelsFirst(rows []float32, channels, positions int) []float32 {
	return channelsLast(rows, positions, channels)
}

func windowSettings(w network.Window) []onnx.Attribute {
	ints := func(name string, values ...int) onnx.Attribute {
		a := onnx.Attribute{Name: name, Kind: onnx.KindInts}
		for _, v := range values {
			a.Ints = append(a.Ints, int64(v))
		}
		return a
	}
	k, s, p := w.Kernel, w.Stride, network.Size{H: max(w.Padding.H, 0), W: max(w.Padding.W, 0)}
	return []onnx.Attribute{ints("kernel_shape", k.H, k.W), ints("strides", s.H, s.W), ints("pads", p.H, p.W, p.H, p.W)}
}

// quadratic writes a·x² + b·x.
func (w *writer) quadratic(name string, q *network.Quadratic) {
	x := w.last
	factor := func(name string, by float32) {
		if by != 1 {
			w.node(name, "Mul", []string{w.constant(name+".factor", []float32{by})})
		}
	}
	if q.A == 0 {
		factor(name+".linear", q.B)
		return
	}
	w.node(name+".square", "Mul", []string{x})
	factor(name+".scaled", q.A)
	if q.B == 0 {
		return
	}
	square := w.last
	w.last = x
	factor(name+".linear", q.B)
	w.node(name, "Add", []string{square})
}

// NPZ is the weights of the network as a .npz file: LAYER.weight and LAYER.bias, of batch norm also LAYER.running_mean and
// LAYER.running_var, the coefficients of activations other than squares as activationN.a and .b, and the orders of inputs and outputs.
func (e Export) NPZ() ([]byte, error) {
	net, ends := e.permuted()
	arrays := map[string]npy.Array{}
	var failed error
	add := func(name string, values []float32, dims ...int64) {
		shape := make([]int, len(dims))
		for i, d := range dims {
			shape[i] = int(d)
		}
		var err error
		if arrays[name], err = npy.New(values, shape...); err != nil {
			failed = err
		}
	}
	for i, name := range []string{inputOrder, outputOrder} {
		order := make([]int64, len(ends[i]))
		for p, c := range ends[i] {
			order[p] = int64(c)
		}
		if arrays[name], failed = npy.New(order, len(order)); failed != nil {
			return nil, fmt.Errorf("modelfile: %w", failed)
		}
	}
	g := net.Geometry()
	var n names
	for _, l := range net.Layers {
		name := n.of(l, &g[min(n.weights, len(g)-1)])
		switch l := l.(type) {
		case *network.Dense:
			weight, dims := exportedWeights(l)
			add(name+".weight", weight, dims...)
			add(name+".bias", l.B, int64(l.Out))
		case *network.BatchNorm:
			width := int64(len(l.Gamma))
			add(name+".weight", l.Gamma, width)
			add(name+".bias", l.Beta, width)
			add(name+".running_mean", l.Mean, width)
			add(name+".running_var", l.Var, width)
		case *network.Quadratic:
			if l.A != 1 || l.B != 0 {
				add(name+".a", []float32{l.A})
				add(name+".b", []float32{l.B})
			}
		}
	}
	var b bytes.Buffer
	if failed == nil {
		failed = npy.WriteNPZ(&b, arrays)
	}
	if failed != nil {
		return nil, fmt.Errorf("modelfile: %w", failed)
	}
	return b.Bytes(), nil
}
