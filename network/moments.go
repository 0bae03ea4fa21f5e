package network

import (
	"fmt"
	"math"
)

// InputMoments gives the mean square of every input of every dense layer over the first samples of the data, summed over output
// positions: one slice per dense layer, with one E[x²] per input of an output. w²·E[x²] is what a weight adds to the mean square of
// its outputs, if the inputs are independent and of mean zero.
func InputMoments(n *Network, d Data, samples int) ([][]float64, error) {
	outputs, err := n.check()
	if err == nil {
		err = d.check(n.Inputs, outputs)
	}
	if err == nil && (samples < 1 || samples > d.Len()) {
		err = fmt.Errorf("first %d samples: want 1 to %d", samples, d.Len())
	}
	if err != nil {
		return nil, fmt.Errorf("network: moments: %w", err)
	}
	f := freeze[float64](n)
	moments := make([][][]float64, len(f.shards)) // by shard and layer
	for i := range moments {
		moments[i] = zeros(n)
	}
	f.run(Data{X: d.X[:samples*d.Dim], Dim: d.Dim}, func(shard, _ int, _ []float64) {
		layer := 0
		for _, op := range f.shards[shard].ops {
			if op, ok := op.(*denseOp[float64]); ok {
				op.pieces(len(op.x)/op.inputs(), func(_, _ int, x []float64) { addSquares(moments[shard][layer], x) })
				layer++
			}
		}
	})
	mean := zeros(n)
	for l := range mean {
		for i := range mean[l] {
			for _, m := range moments {
				mean[l][i] += m[l][i]
			}
			mean[l][i] /= float64(samples)
			if math.IsNaN(mean[l][i]) || math.IsInf(mean[l][i], 0) {
				return nil, fmt.Errorf("network: moments: dense layer %d, input %d: mean square %g: want finite values", l, i, mean[l][i])
			}
		}
	}
	return mean, nil
}

// zeros has one value for each input of each dense layer.
func zeros(n *Network) [][]float64 {
	var z [][]float64
	for _, d := range n.Dense() {
		z = append(z, make([]float64, d.In))
	}
	return z
}

// addSquares adds the squares of the columns of x.
func addSquares(sums, x []float64) {
	for ; len(x) > 0; x = x[len(sums):] {
		for i, v := range x[:len(sums)] {
			sums[i] += float64(v * v)
		}
	}
}
