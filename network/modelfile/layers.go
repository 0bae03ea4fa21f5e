package modelfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"hepex/network"
	"hepex/network/onnx"
)

func checkGemm(n *onnx.Node) error {
	if integer(n, "transA", 0) != 0 {
		return errors.New("transA is not 0; want samples in rows")
	}
	return nil
}

// gemm is alpha·x·W + beta·b.
func (w *walker) gemm(n *onnx.Node) (value, error) {
	t, err := w.constant(n, 1)
	if err != nil || t == nil {
		return value{}, cmp.Or(err, errors.New("want constant weights"))
	}
	weights, err := w.matrix(n, t, integer(n, "transB", 0) != 0)
	if err != nil {
		return value{}, err
	}
	bias := make([]float32, weights.out)
	if b, err := w.constant(n, 2); err != nil {
		return value{}, err
	} else if b != nil {
		if len(b.Floats) != 1 && (len(b.Floats) != weights.out || b.Dims[len(b.Dims)-1] != int64(weights.out)) {
			return value{}, fmt.Errorf("constant %q of shape %s: want %d biases", b.Name, onnx.Shape(b.Dims), weights.out)
		}
		for i := range bias {
			bias[i] = b.Floats[i%len(b.Floats)]
		}
	}
	scale(weights.w, float(n, "alpha", 1))
	scale(bias, float(n, "beta", 1))
	return w.dense(weights, bias)
}

func (w *walker) matMul(n *onnx.Node) (value, error) {
	t, err := w.constant(n, 1)
	if err != nil || t == nil {
		return value{}, cmp.Or(err, errors.New("want constant weights on the right"))
	}
	weights, err := w.matrix(n, t, false)
	if err != nil {
		return value{}, err
	}
	return w.dense(weights, make([]float32, weights.out))
}

// matrix is out×in weights whose columns lie as the values that they read.
type matrix struct {
	out int
	w   []float32
}

// matrix reads the weights of a fully connected layer, as in×out, or as out×in if they are transposed.
func (w *walker) matrix(n *onnx.Node, t *onnx.Tensor, transposed bool) (matrix, error) {
	if err := w.settle(n.Inputs[0]); err != nil {
		return matrix{}, err
	}
	in := w.axis.Size()
	switch {
	case !w.flat:
		return matrix{}, fmt.Errorf("a matrix on values of %v: want them flattened before", w.axis)
	case len(t.Dims) != 2 || t.Floats == nil:
		return matrix{}, fmt.Errorf("weights %q of %v and shape %s: want a matrix of %v", t.Name, t.Type, onnx.Shape(t.Dims), onnx.Float)
	}
	rows, cols := int(t.Dims[0]), int(t.Dims[1])
	if transposed {
		rows, cols = cols, rows
	}
	if rows != in || cols < 1 {
		return matrix{}, fmt.Errorf("weights %q of shape %s on %d values", t.Name, onnx.Shape(t.Dims), in)
	}
	weights := t.Floats
	if !transposed {
		weights = make([]float32, len(t.Floats))
		for i, v := range t.Floats {
			weights[i%cols*in+i/cols] = v
		}
	}
	return matrix{cols, channelsLast(weights, w.grid.Channels, w.grid.Positions())}, nil
}

// dense adds a fully connected layer.
func (w *walker) dense(m matrix, bias []float32) (value, error) {
	d := &network.Dense{In: w.axis.Size(), Out: m.out, W: m.w, B: bias}
	if w.axis.Positions() > 1 {
		window := network.Whole(w.axis)
		d.Window = &window
	}
	w.grid = network.Flat(m.out)
	return w.layer(d)
}

// layer adds a layer, unless network.Network refuses it.
func (w *walker) layer(l network.Layer) (value, error) {
	out, err := network.OutputsOf(l, w.axis)
	if err != nil {
		return value{}, err
	}
	return w.add(step{layer: l}, out), nil
}

// ints is a list of numbers, or so many times what it is by default.
func ints(n *onnx.Node, name string, count int, otherwise int64) []int64 {
	if a := n.Attribute(name); a != nil {
		return a.Ints
	}
	return slices.Repeat([]int64{otherwise}, count)
}

// checkWindow checks the settings of a convolution or a pooling.
func checkWindow(n *onnx.Node) error {
	if a := n.Attribute("auto_pad"); a != nil && a.Text != "NOTSET" && a.Text != "VALID" {
		return fmt.Errorf("auto_pad %q; want NOTSET or VALID", a.Text)
	}
	if g := integer(n, "group", 1); g != 1 {
		return fmt.Errorf("%d groups; want 1", g)
	}
	for name, want := range map[string]int{"kernel_shape": 2, "strides": 2, "dilations": 2, "pads": 4} {
		a := n.Attribute(name)
		if a == nil {
			continue
		}
		if len(a.Ints) != want {
			return fmt.Errorf("%s %v; want %d numbers, for rows and columns", name, a.Ints, want)
		}
		if name == "dilations" && !slices.Equal(a.Ints, []int64{1, 1}) {
			return fmt.Errorf("dilations %v; want 1", a.Ints)
		}
		for _, v := range a.Ints {
			if v < 0 || v > maxInputs {
				return fmt.Errorf("%s %v; want 0 to %d", name, a.Ints, maxInputs)
			}
		}
	}
	if p := ints(n, "pads", 4, 0); p[0] != p[2] || p[1] != p[3] {
		return fmt.Errorf("pads %v; want as much on both sides", p)
	}
	return nil
}

// window is the window of a convolution or a pooling.
func (w *walker) window(n *onnx.Node, kernel network.Size) network.Window {
	s, p := ints(n, "strides", 2, 1), ints(n, "pads", 4, 0)
	return network.Window{In: w.axis, Kernel: kernel,
		Stride: network.Size{H: int(s[0]), W: int(s[1])}, Padding: network.Size{H: int(p[0]), W: int(p[1])}}
}

// onGrid settles the first input, which must lie on a grid.
func (w *walker) onGrid(n *onnx.Node) error {
	if err := w.settle(n.Inputs[0]); err != nil {
		return err
	}
	if w.flat {
		return fmt.Errorf("it reads values without a grid: want (samples, channels, rows, columns)")
	}
	w.gridded = true
	return nil
}

// conv has weights (outputs, channels, rows, columns).
func (w *walker) conv(n *onnx.Node) (value, error) {
	v := w.values[n.Inputs[0]]
	crop := v.crop
	v.crop = network.Size{}
	w.values[n.Inputs[0]] = v
	if err := w.onGrid(n); err != nil {
		return value{}, err
	}
	t, err := w.constant(n, 1)
	if err != nil || t == nil {
		return value{}, cmp.Or(err, errors.New("want constant weights"))
	}
	if len(t.Dims) != 4 || t.Floats == nil || t.Dims[1] != int64(w.axis.Channels) || t.Size() == 0 {
		return value{}, fmt.Errorf("weights %q of %v and shape %s: want (filters, %d, rows, columns) of %v", t.Name, t.Type, onnx.Shape(t.Dims), w.axis.Channels, onnx.Float)
	}
	kernel := network.Size{H: int(t.Dims[2]), W: int(t.Dims[3])}
	if k := n.Attribute("kernel_shape"); k != nil && !slices.Equal(k.Ints, t.Dims[2:]) {
		return value{}, fmt.Errorf("kernel_shape %v and weights %q of shape %s: want the same kernel", k.Ints, t.Name, onnx.Shape(t.Dims))
	}
	window := w.window(n, kernel)
	p := &window.Padding
	if p.H > 0 && crop.H > 0 || p.W > 0 && crop.W > 0 {
		return value{}, fmt.Errorf("padding %v around what was cropped: want one of them", *p)
	}
	p.H, p.W = p.H-crop.H, p.W-crop.W
	d := &network.Dense{In: window.Reads(), Out: int(t.Dims[0]), W: channelsLast(t.Floats, w.axis.Channels, window.Taps()), B: make([]float32, t.Dims[0]), Window: &window}
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		b, err := w.floats(n, 2, t.Dims[0])
		if err != nil {
			return value{}, err
		}
		copy(d.B, b)
	}
	return w.layer(d)
}

func checkNorm(n *onnx.Node) error {
	switch {
	case integer(n, "training_mode", 0) != 0:
		return errors.New("in training mode; want a network exported for inference")
	case integer(n, "spatial", 1) != 1:
		return errors.New("spatial is 0; want statistics of channels")
	}
	return nil
}

func (w *walker) batchNorm(n *onnx.Node) (value, error) {
	if err := w.settle(n.Inputs[0]); err != nil {
		return value{}, err
	}
	channels := w.channels()
	if channels == 0 {
		return value{}, fmt.Errorf("batch norm of flattened channels: want it before they are flattened")
	}
	var s [4][]float32 // gamma, beta, mean, variance
	for i := range s {
		values, err := w.floats(n, i+1, int64(channels))
		if err != nil {
			return value{}, err
		}
		s[i] = slices.Clone(values)
	}
	epsilon := float(n, "epsilon", 1e-5)
	for c, v := range s[3] {
		if !(v >= 0) || !(float64(v)+epsilon > 0) {
			return value{}, fmt.Errorf("variance %g with epsilon %g: want positive numbers", v, epsilon)
		}
		s[0][c] *= float32(math.Sqrt((float64(v) + network.NormEpsilon) / (float64(v) + epsilon)))
	}
	return w.layer(&network.BatchNorm{Gamma: s[0], Beta: s[1], Mean: s[2], Var: s[3]})
}

func checkPool(n *onnx.Node) error {
	if err := checkWindow(n); err != nil {
		return err
	}
	switch {
	case n.Attribute("kernel_shape") == nil:
		return errors.New("want a kernel_shape")
	case slices.Max(ints(n, "pads", 4, 0)) > 0:
		return errors.New("padding; want none")
	case integer(n, "ceil_mode", 0) != 0:
		return errors.New("ceil_mode is not 0; want windows that lie inside")
	}
	return nil
}

func (w *walker) averagePool(n *onnx.Node) (value, error) {
	if err := w.onGrid(n); err != nil {
		return value{}, err
	}
	k := n.Attribute("kernel_shape").Ints
	return w.layer(&network.AveragePool{Window: w.window(n, network.Size{H: int(k[0]), W: int(k[1])})})
}

func (w *walker) globalAveragePool(n *onnx.Node) (value, error) {
	if err := w.onGrid(n); err != nil {
		return value{}, err
	}
	return w.layer(&network.AveragePool{Window: network.Whole(w.axis)})
}
