package network

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// normEpsilon keeps batch norm from dividing by zero.
const normEpsilon = 1e-5

// evaluator is the float64 evaluation of a layer; it may overwrite x.
type evaluator interface {
	forward(x *mat.Dense) *mat.Dense
}

// Forward evaluates the network in float64 and leaves x as it is: x is samples×Inputs, the result samples×outputs.
// Batch norm uses its running statistics. Like a matrix product, it panics if x has another width.
func (n *Network) Forward(x *mat.Dense) *mat.Dense {
	y := mat.DenseCopyOf(x)
	for _, l := range n.Layers {
		y = l.forward(y)
	}
	return y
}

func (d *Dense) forward(x *mat.Dense) *mat.Dense {
	return affine(x, mat.NewDense(d.Out, d.In, widen(d.W)), widen(d.B))
}

func (q *Quadratic) forward(x *mat.Dense) *mat.Dense {
	a, b := float64(q.A), float64(q.B)
	x.Apply(func(_, _ int, v float64) float64 { return (a*v + b) * v }, x)
	return x
}

func (b *BatchNorm) forward(x *mat.Dense) *mat.Dense {
	scale, shift := b.affine()
	x.Apply(func(_, j int, v float64) float64 { return scale[j]*v + shift[j] }, x)
	return x
}

// affine is batch norm by running statistics as y = scale·x + shift.
func (b *BatchNorm) affine() (scale, shift []float64) {
	scale, shift = make([]float64, len(b.Gamma)), make([]float64, len(b.Gamma))
	for i := range scale {
		scale[i] = float64(b.Gamma[i]) / math.Sqrt(float64(b.Var[i])+normEpsilon)
		shift[i] = float64(b.Beta[i]) - scale[i]*float64(b.Mean[i])
	}
	return scale, shift
}

// affine is x·Wᵀ + b for samples in rows. The transpose is a copy, as gonum then skips the zeros among the samples, and sums
// in an order that does not depend on where in memory a matrix lies.
func affine(x, w *mat.Dense, b []float64) *mat.Dense {
	var y mat.Dense
	y.Mul(x, mat.DenseCopyOf(w.T()))
	rows, _ := y.Dims()
	for i := range rows {
		row := y.RawRowView(i)
		for j, v := range b {
			row[j] += v
		}
	}
	return &y
}

func widen[T float](values []T) []float64 {
	wide := make([]float64, len(values))
	for i, v := range values {
		wide[i] = float64(v)
	}
	return wide
}
