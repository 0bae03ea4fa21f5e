package modelfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"hepex/network"
	"hepex/network/onnx"
)

func checkFlatten(n *onnx.Node) error {
	if axis := integer(n, "axis", 1); axis != 1 && axis != -3 {
		return fmt.Errorf("axis %d; want 1: all values of a sample in one row", axis)
	}
	return nil
}

func (w *walker) flatten(n *onnx.Node) (value, error) {
	v, err := w.variable(n.Inputs[0])
	if err != nil {
		return value{}, err
	}
	if w.flat {
		return value{polynomial: v}, nil
	}
	if !v.uniform() {
		if err := w.settle(n.Inputs[0]); err != nil {
			return value{}, err
		}
		v = identity(w.current)
	}
	w.flat, w.grid = true, w.axis
	if !w.gridded { // a fully connected network has no use for the grid
		w.arrange(network.Flat(w.axis.Size()))
	}
	return value{polynomial: v}, nil
}

// reshape flattens, or leaves the shape as it is; a network may also begin with values that it arranges as images of one channel.
func (w *walker) reshape(n *onnx.Node) (value, error) {
	t, err := w.constant(n, 1)
	if err != nil || t == nil || t.Ints == nil {
		return value{}, cmp.Or(err, errors.New("want a constant shape"))
	}
	v, err := w.variable(n.Inputs[0])
	if err != nil {
		return value{}, err
	}
	dims, err := w.target(t.Ints)
	switch {
	case err != nil:
		return value{}, err
	case len(dims) == 1:
		return w.flatten(n)
	case !w.flat && slices.Equal(dims, w.dims()):
		return value{polynomial: v}, nil
	case w.flat && len(dims) == 3 && dims[0] == 1 && w.current == 0 && v.isIdentity():
		w.arrange(network.Axis{H: dims[1], W: dims[2], Channels: 1})
		w.flat, w.grid = false, w.axis
		return value{polynomial: v}, nil
	}
	return value{}, fmt.Errorf("from %v values to %s: want all values of a sample in one row", w.axis, onnx.Shape(t.Ints))
}

// dims is the shape of a sample as the file has it.
func (w *walker) dims() []int {
	if w.flat {
		return []int{w.axis.Size()}
	}
	return []int{w.axis.Channels, w.axis.H, w.axis.W}
}

// target is the shape of a sample that the shape of a reshaping stands for, whose first number is of samples.
func (w *walker) target(shape []int64) ([]int, error) {
	have := append([]int{-1}, w.dims()...)
	var dims []int
	open, known := -1, 1
	for i, d := range shape {
		switch {
		case d == 0 && i < len(have):
			d = int64(have[i])
		case d == -1 && i > 0:
			if open >= 0 {
				return nil, fmt.Errorf("shape %s: want one open size at most", onnx.Shape(shape))
			}
			open, d = i-1, 1
		}
		if i == 0 {
			continue
		}
		if d < 1 || d > maxInputs || known*int(d) > maxInputs {
			return nil, fmt.Errorf("shape %s: want sizes of at least 1", onnx.Shape(shape))
		}
		known *= int(d)
		dims = append(dims, int(d))
	}
	size := w.axis.Size()
	if len(dims) == 0 || size%known != 0 || open < 0 && size != known {
		return nil, fmt.Errorf("shape %s for %d values of a sample", onnx.Shape(shape), size)
	}
	if open >= 0 {
		dims[open] = size / known
	}
	return dims, nil
}

// squeeze drops rows and columns where there is one of each; of constants, axes of size 1.
func (w *walker) squeeze(n *onnx.Node) (value, error) {
	if c := w.values[n.Inputs[0]].constant; c != nil {
		return w.squeezed(n, c)
	}
	axes, err := w.axes(n, len(w.dims())+1)
	if err != nil || !slices.Equal(axes, []int64{2, 3}) || w.axis.Positions() != 1 {
		return value{}, cmp.Or(err, fmt.Errorf("axes %v of %v values: want axes 2 and 3, of size 1", axes, w.axis))
	}
	return w.flatten(n)
}

// squeezed is a constant without the axes that the node lists, or without all of size 1 if it lists none.
func (w *walker) squeezed(n *onnx.Node, c *onnx.Tensor) (value, error) {
	axes, err := w.axes(n, len(c.Dims))
	if err != nil {
		return value{}, err
	}
	out := *c
	out.Dims = nil
	for i, d := range c.Dims {
		listed := slices.Contains(axes, int64(i))
		if listed && d != 1 {
			return value{}, fmt.Errorf("axis %d of constant %q of shape %s: want an axis of size 1", i, c.Name, onnx.Shape(c.Dims))
		}
		if !listed && (d != 1 || axes != nil) {
			out.Dims = append(out.Dims, d)
		}
	}
	return value{constant: &out}, nil
}

// axes are the axes of a node, as a setting or as its second input, of so many, sorted; nil if it lists none.
func (w *walker) axes(n *onnx.Node, rank int) ([]int64, error) {
	axes, err := w.listedAxes(n, 1, rank)
	slices.Sort(axes)
	return axes, err
}

// listedAxes are those of a setting or of an input as the node lists them, counted from the first.
func (w *walker) listedAxes(n *onnx.Node, input, rank int) ([]int64, error) {
	var axes []int64
	if a := n.Attribute("axes"); a != nil {
		axes = slices.Clone(a.Ints)
	} else if t, err := w.constant(n, input); err != nil {
		return nil, err
	} else if t != nil && t.Type != onnx.Int64 {
		return nil, fmt.Errorf("axes %q of %v: want %v", t.Name, t.Type, onnx.Int64)
	} else if t != nil {
		axes = slices.Clone(t.Ints)
	}
	for i, a := range axes {
		if a < 0 {
			axes[i] += int64(rank)
		}
	}
	return axes, nil
}

// reduceMean is global average pooling if it takes the mean over rows and columns.
func (w *walker) reduceMean(n *onnx.Node) (value, error) {
	axes, err := w.axes(n, len(w.dims())+1)
	if err != nil || w.flat || !slices.Equal(axes, []int64{2, 3}) {
		return value{}, cmp.Or(err, fmt.Errorf("axes %v of %v values: want axes 2 and 3, rows and columns", axes, w.axis))
	}
	v, err := w.globalAveragePool(n)
	if err == nil && integer(n, "keepdims", 1) == 0 {
		w.flat, w.grid = true, w.axis
	}
	return v, err
}

// shape is the shape of values, with an open size for samples: exporters compute from it what to flatten to.
func (w *walker) shape(n *onnx.Node) (value, error) {
	if n.Attributes != nil {
		return value{}, errors.New("a part of the shape; want all of it")
	}
	if _, err := w.variable(n.Inputs[0]); err != nil {
		return value{}, err
	}
	shape := []int64{-1}
	for _, d := range w.dims() {
		shape = append(shape, int64(d))
	}
	return list(shape), nil
}

func list(values []int64) value {
	return value{constant: &onnx.Tensor{Type: onnx.Int64, Dims: []int64{int64(len(values))}, Ints: values}}
}

// sizes is an input that must be a list of sizes.
func (w *walker) sizes(n *onnx.Node, input int) ([]int64, error) {
	t, err := w.constant(n, input)
	if err != nil || t == nil || t.Type != onnx.Int64 || len(t.Dims) > 1 {
		return nil, cmp.Or(err, fmt.Errorf("input %d: want sizes", input))
	}
	return t.Ints, nil
}

func (w *walker) gather(n *onnx.Node) (value, error) {
	from, err := w.sizes(n, 0)
	if err != nil {
		return value{}, err
	}
	at, err := w.sizes(n, 1)
	if err != nil || len(at) != 1 || at[0] < 0 || at[0] >= int64(len(from)) {
		return value{}, cmp.Or(err, errors.New("want one size of a shape"))
	}
	v := list(from[at[0] : at[0]+1])
	return v, nil
}

func (w *walker) unsqueeze(n *onnx.Node) (value, error) {
	sizes, err := w.sizes(n, 0)
	if err == nil && len(sizes) != 1 {
		err = errors.New("want one size of a shape")
	}
	return list(sizes), err
}

func (w *walker) concat(n *onnx.Node) (value, error) {
	var all []int64
	for i := range n.Inputs {
		sizes, err := w.sizes(n, i)
		if err != nil {
			return value{}, err
		}
		if all = append(all, sizes...); len(all) > maxRank {
			return value{}, fmt.Errorf("more than %d sizes", maxRank)
		}
	}
	return list(all), nil
}
