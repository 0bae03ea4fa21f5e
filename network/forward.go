package network

import (
	"math"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// NormEpsilon keeps batch norm from dividing by zero.
const NormEpsilon = 1e-5

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
	w := d.window()
	return affine(&w, x, mat.NewDense(d.Out, d.In, widen(d.W)), widen(d.B))
}

func (p *AveragePool) forward(x *mat.Dense) *mat.Dense {
	return pooled(&p.Window, x, 1/float64(p.Taps()))
}

func (q *Quadratic) forward(x *mat.Dense) *mat.Dense {
	a, b := float64(q.A), float64(q.B)
	x.Apply(func(_, _ int, v float64) float64 { return (a*v + b) * v }, x)
	return x
}

func (b *BatchNorm) forward(x *mat.Dense) *mat.Dense {
	scale, shift := b.Affine()
	x.Apply(func(_, j int, v float64) float64 { return scale[j%len(scale)]*v + shift[j%len(scale)] }, x)
	return x
}

// Affine is batch norm by running statistics as y = scale·x + shift.
func (b *BatchNorm) Affine() (scale, shift []float64) {
	scale, shift = make([]float64, len(b.Gamma)), make([]float64, len(b.Gamma))
	for i := range scale {
		scale[i] = float64(b.Gamma[i]) / math.Sqrt(float64(b.Var[i])+NormEpsilon)
		shift[i] = float64(b.Beta[i]) - scale[i]*float64(b.Mean[i])
	}
	return scale, shift
}

// affine is W·x + b at each position of a window for samples in rows; b has a value for each channel, or one for each channel at each
// position.
func affine(w *Window, x, weights *mat.Dense, b []float64) *mat.Dense {
	rows, _ := x.Dims()
	out, _ := weights.Dims()
	var wT mat.Dense
	wT.CloneFrom(weights.T()) // gonum then skips the zeros among the samples, and sums in an order that does not depend on where in memory a matrix lies
	y := mat.NewDense(rows, w.Positions()*out, nil)
	product := func(m int, x []float64, stride int, y []float64) {
		gemm(blas.NoTrans, m, out, w.Reads(), x, stride, wT.RawMatrix().Data, 0, y)
	}
	reads := w.stretches()
	inBatches(rows, func(from, to int) {
		if w.IsWhole() {
			raw := x.RawMatrix()
			product(to-from, raw.Data[from*raw.Stride:], raw.Stride, y.RawMatrix().Data[from*out:])
			return
		}
		patch := make([]float64, w.Positions()*w.Reads())
		for i := from; i < to; i++ {
			patches(reads, patch, x.RawRowView(i))
			product(w.Positions(), patch, w.Reads(), y.RawRowView(i))
		}
	})
	for i := range rows {
		for row := y.RawRowView(i); len(row) > 0; row = row[len(b):] {
			floats.Add(row[:len(b)], b)
		}
	}
	return y
}

// pooled sums over the positions of a window, channel by channel, times scale, for samples in rows.
func pooled(w *Window, x *mat.Dense, scale float64) *mat.Dense {
	rows, _ := x.Dims()
	y := mat.NewDense(rows, w.Positions()*w.In.Channels, nil)
	inputs := w.Inputs()
	for i := range rows {
		poolSums(inputs, w.In.Channels, y.RawRowView(i), x.RawRowView(i))
	}
	if scale != 1 {
		y.Scale(scale, y)
	}
	return y
}

// poolSums adds to out, positions × channels, what the taps of each position read; inputs are those of a window.
func poolSums[T float](inputs [][]int, channels int, out, x []T) {
	for p, taps := range inputs {
		sum := out[p*channels:][:channels]
		for _, at := range taps {
			add(sum, x[at*channels:][:channels])
		}
	}
}

// inBatches calls f for ranges of rows, on all processors.
func inBatches(rows int, f func(from, to int)) {
	n := min(rows, runtime.GOMAXPROCS(0))
	parallel(n, func(i int) { f(i*rows/n, (i+1)*rows/n) })
}

func widen[T float](values []T) []float64 {
	wide := make([]float64, len(values))
	for i, v := range values {
		wide[i] = float64(v)
	}
	return wide
}
