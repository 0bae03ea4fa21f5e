package modelfile

import (
	"math"

	"hepex/network/onnx"
)

// activations are the operators that [Model.Fit] can put a quadratic in the place of.
var activations = map[string]func(n *onnx.Node) func(x float64) float64{
	"Relu":        plain(func(x float64) float64 { return math.Max(x, 0) }),
	"Sigmoid":     plain(sigmoid),
	"Tanh":        plain(math.Tanh),
	"Erf":         plain(math.Erf),
	"Softplus":    plain(func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }),
	"HardSwish":   plain(func(x float64) float64 { return x * clamp(x/6+0.5) }),
	"LeakyRelu":   leaky,
	"Elu":         elu,
	"HardSigmoid": hardSigmoid,
}

func plain(f func(x float64) float64) func(*onnx.Node) func(float64) float64 {
	return func(*onnx.Node) func(float64) float64 { return f }
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func clamp(x float64) float64 { return math.Min(math.Max(x, 0), 1) }

func leaky(n *onnx.Node) func(x float64) float64 {
	slope := float(n, "alpha", 0.01)
	return func(x float64) float64 { return math.Max(x, 0) + slope*math.Min(x, 0) }
}

func elu(n *onnx.Node) func(x float64) float64 {
	alpha := float(n, "alpha", 1)
	return func(x float64) float64 { return math.Max(x, 0) + alpha*math.Expm1(math.Min(x, 0)) }
}

func hardSigmoid(n *onnx.Node) func(x float64) float64 {
	alpha, beta := float(n, "alpha", 0.2), float(n, "beta", 0.5)
	return func(x float64) float64 { return clamp(alpha*x + beta) }
}

// gatedNames are what the product of an activation and its argument is called.
var gatedNames = map[string]string{"Sigmoid": "SiLU", "Erf": "GELU", "HardSigmoid": "HardSwish"}

func gated(name string) string {
	if g, ok := gatedNames[name]; ok {
		return g
	}
	return "gated " + name
}

// float is the value of an attribute, or what it is by default.
func float(n *onnx.Node, name string, otherwise float64) float64 {
	if a := n.Attribute(name); a != nil {
		return float64(a.Float)
	}
	return otherwise
}

// integer is the value of an attribute, or what it is by default.
func integer(n *onnx.Node, name string, otherwise int64) int64 {
	if a := n.Attribute(name); a != nil {
		return a.Int
	}
	return otherwise
}
