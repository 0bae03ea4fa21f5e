package modelfile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hepex/network"
	"hepex/network/onnx"
)

// operator is how nodes of one type become steps.
type operator struct {
	attributes []string                 // settings that are understood
	check      func(n *onnx.Node) error // of what the node alone shows; nil = nothing to check
	lower      func(w *walker, n *onnx.Node) (out value, err error)
}

var operators = map[string]operator{
	"Gemm":               {[]string{"alpha", "beta", "transA", "transB"}, checkGemm, (*walker).gemm},
	"MatMul":             {nil, nil, (*walker).matMul},
	"Conv":               {[]string{"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}, checkWindow, (*walker).conv},
	"BatchNormalization": {[]string{"epsilon", "momentum", "training_mode", "spatial"}, checkNorm, (*walker).batchNorm},
	"AveragePool":        {[]string{"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"}, checkPool, (*walker).averagePool},
	"GlobalAveragePool":  {nil, nil, (*walker).globalAveragePool},
	"ReduceMean":         {[]string{"axes", "keepdims", "noop_with_empty_axes"}, nil, (*walker).reduceMean},
	"Flatten":            {[]string{"axis"}, checkFlatten, (*walker).flatten},
	"Reshape":            {[]string{"allowzero"}, nil, (*walker).reshape},
	"Squeeze":            {[]string{"axes"}, nil, (*walker).squeeze},
	"Add":                {nil, nil, arithmetic(sumOf)},
	"Sub":                {nil, nil, arithmetic(differenceOf)},
	"Mul":                {nil, nil, arithmetic(productOf)},
	"Div":                {nil, nil, arithmetic(quotientOf)},
	"Pow":                {nil, nil, arithmetic(powerOf)},
	"Neg":                {nil, nil, (*walker).negate},
	"Identity":           {nil, nil, (*walker).same},
	"Dropout":            {[]string{"ratio", "seed"}, nil, (*walker).dropout},
	"Constant":           {[]string{"value", "value_float", "value_int", "value_ints"}, nil, (*walker).constantNode},
	"Pad":                {[]string{"mode"}, nil, (*walker).pad},
	"Slice":              {nil, nil, (*walker).slice},
	"Shape":              {[]string{"start", "end"}, nil, (*walker).shape},
	"Gather":             {[]string{"axis"}, nil, (*walker).gather},
	"Unsqueeze":          {[]string{"axes"}, nil, (*walker).unsqueeze},
	"Concat":             {[]string{"axis"}, nil, (*walker).concat},
}

// settings are the types of the settings that operators have, which share a name only where they share a type.
var settings = map[string]onnx.AttributeKind{
	"auto_pad": onnx.KindText, "mode": onnx.KindText,
	"alpha": onnx.KindFloat, "beta": onnx.KindFloat, "epsilon": onnx.KindFloat, "momentum": onnx.KindFloat, "ratio": onnx.KindFloat, "value_float": onnx.KindFloat,
	"allowzero": onnx.KindInt, "axis": onnx.KindInt, "ceil_mode": onnx.KindInt, "count_include_pad": onnx.KindInt, "end": onnx.KindInt, "group": onnx.KindInt,
	"keepdims": onnx.KindInt, "noop_with_empty_axes": onnx.KindInt, "seed": onnx.KindInt, "spatial": onnx.KindInt, "start": onnx.KindInt,
	"training_mode": onnx.KindInt, "transA": onnx.KindInt, "transB": onnx.KindInt, "value_int": onnx.KindInt,
	"axes": onnx.KindInts, "dilations": onnx.KindInts, "kernel_shape": onnx.KindInts, "pads": onnx.KindInts, "strides": onnx.KindInts, "value_ints": onnx.KindInts,
	"value": onnx.KindTensor,
}

func init() {
	known := map[string][]string{"LeakyRelu": {"alpha"}, "Elu": {"alpha"}, "HardSigmoid": {"alpha", "beta"}}
	for name := range activations {
		operators[name] = operator{known[name], nil, (*walker).activation}
	}
}

// Supported lists the operators that can be encrypted, and how.
func Supported() string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		if activations[name] == nil {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ") + ": layers in a row, with polynomials of degree 2 between them"
}

// operand is an input of an arithmetic node, a constant too, as a polynomial in the last step.
func (w *walker) operand(n *onnx.Node, input int) (value, error) {
	if input >= len(n.Inputs) {
		return value{}, fmt.Errorf("input %d is missing", input)
	}
	v, ok := w.values[n.Inputs[input]]
	if !ok {
		return value{}, fmt.Errorf("input %d is missing", input)
	}
	if v.constant == nil {
		return v, nil
	}
	c, err := w.coefficient(v.constant)
	v.polynomial = constantPolynomial(w.current, c)
	return v, err
}

// arithmetic is an operator of two values.
func arithmetic(f func(a, b polynomial) (polynomial, error)) func(w *walker, n *onnx.Node) (value, error) {
	return func(w *walker, n *onnx.Node) (value, error) {
		a, err := w.operand(n, 0)
		if err != nil {
			return value{}, err
		}
		b, err := w.operand(n, 1)
		if err != nil {
			return value{}, err
		}
		if err := cmp.Or(w.shaped(n.Inputs[0], a), w.shaped(n.Inputs[1], b)); err != nil {
			return value{}, err
		}
		if a.base != w.current || b.base != w.current {
			if n.Op == "Mul" && a.crop == b.crop && w.gate(a.polynomial, b.polynomial) {
				return value{polynomial: identity(w.current), crop: a.crop}, nil
			}
			return value{}, errors.New("it joins values that other layers have worked on since: want layers in a row, without branches")
		}
		if a.crop != b.crop && !a.number() && !b.number() {
			return value{}, errors.New("it joins values of which not the same lines are cropped")
		}
		p, err := f(a.polynomial, b.polynomial)
		return value{polynomial: p, crop: network.Size{H: max(a.crop.H, b.crop.H), W: max(a.crop.W, b.crop.W)}}, err
	}
}

// gate multiplies an activation by a polynomial of what it reads, as in x·sigmoid(x).
func (w *walker) gate(a, b polynomial) bool {
	if a.base == w.current {
		a, b = b, a
	}
	if len(w.steps) == 0 {
		return false
	}
	last := &w.steps[len(w.steps)-1]
	if last.act == nil || a.base != w.current-1 || b.base != w.current || !a.uniform() || !b.uniform() {
		return false
	}
	f := last.act.f
	last.act = &activation{gated(last.act.name), func(x float64) float64 { return a.eval(x) * b.eval(f(x)) }}
	w.current += 2 // the activation alone is gone, and what it reads is no longer the step before
	return true
}

func sumOf(a, b polynomial) (polynomial, error)        { return a.plus(b, 1), nil }
func differenceOf(a, b polynomial) (polynomial, error) { return a.plus(b, -1), nil }
func productOf(a, b polynomial) (polynomial, error)    { return a.times(b) }

func quotientOf(a, b polynomial) (polynomial, error) {
	if b.degree() > 0 {
		return a, errors.New("a quotient is no polynomial; want a constant divisor")
	}
	if slices.Contains(b.c[0], 0) || b.c[0] == nil {
		return a, errors.New("a divisor is 0")
	}
	inverse := combine(b.c[0], nil, func(v, _ float64) float64 { return 1 / v })
	return a.times(constantPolynomial(b.base, inverse))
}

func powerOf(a, b polynomial) (polynomial, error) {
	switch {
	case b.degree() > 0 || !b.c[0].uniform():
	case b.c[0].at(0) == 1:
		return a, nil
	case b.c[0].at(0) == 2:
		return a.times(a)
	}
	return a, errors.New("want an exponent of 2")
}

func (w *walker) negate(n *onnx.Node) (value, error) {
	v, err := w.operand(n, 0)
	return value{polynomial: polynomial{base: v.base}.plus(v.polynomial, -1), crop: v.crop}, err
}

func (w *walker) same(n *onnx.Node) (value, error) {
	v, ok := w.values[n.Inputs[0]]
	if !ok {
		return v, errors.New("an input is missing")
	}
	return v, nil
}

func (w *walker) dropout(n *onnx.Node) (value, error) {
	training, err := w.constant(n, 2)
	if err != nil || training != nil && !slices.Equal(training.Ints, []int64{0}) {
		return value{}, errors.New("in training mode; want a network exported for inference")
	}
	return w.same(n)
}

func (w *walker) constantNode(n *onnx.Node) (value, error) {
	if len(n.Attributes) != 1 {
		return value{}, errors.New("want one value")
	}
	switch a := n.Attributes[0]; {
	case a.Name == "value" && a.Tensor != nil:
		return value{constant: a.Tensor}, nil
	case a.Name == "value_float":
		return value{constant: &onnx.Tensor{Type: onnx.Float, Floats: []float32{a.Float}}}, nil
	case a.Name == "value_int":
		return value{constant: &onnx.Tensor{Type: onnx.Int64, Ints: []int64{a.Int}}}, nil
	default:
		return value{constant: &onnx.Tensor{Type: onnx.Int64, Dims: []int64{int64(len(a.Ints))}, Ints: a.Ints}}, nil
	}
}

// activation is a step that no encrypted evaluation can do, unless a quadratic takes its place.
func (w *walker) activation(n *onnx.Node) (value, error) {
	p, err := w.operand(n, 0)
	if err != nil {
		return value{}, err
	}
	f := activations[n.Op](n)
	act := &activation{n.Op, f}
	if p.base == w.current && p.crop == (network.Size{}) && p.uniform() && p.degree() == 1 && !p.isIdentity() {
		act.f = func(x float64) float64 { return f(p.eval(x)) }
	} else if err := w.settle(n.Inputs[0]); err != nil {
		return value{}, err
	}
	return w.add(step{act: act}, w.axis), nil
}
