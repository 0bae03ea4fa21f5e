// Package networktest makes random networks and inputs for the property tests of other packages.
package networktest

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// Folded is a random network with the given sizes of its neuron axes. Blocks of block×block weights are kept with
// probability keep and pruned otherwise, so that rows, columns and now and then a layer are empty.
func Folded(rng *rand.Rand, dims []int, keep float64, block int) *network.Folded {
	f := &network.Folded{}
	for l := 1; l < len(dims); l++ {
		in, out := dims[l-1], dims[l]
		w := mat.NewDense(out, in, nil)
		kept := map[[2]int]bool{}
		for o := range out {
			for i := range in {
				key := [2]int{o / block, i / block}
				if _, ok := kept[key]; !ok {
					kept[key] = rng.Float64() < keep
				}
				if kept[key] {
					w.Set(o, i, rng.NormFloat64()/math.Sqrt(float64(in)))
				}
			}
		}
		bias := make([]float64, out)
		for o := range bias {
			bias[o] = rng.NormFloat64() / 2
		}
		f.Layers = append(f.Layers, network.Affine{W: w, B: bias})
	}
	return f
}

// SomeLinear leaves out the square of about one hidden layer in five.
func SomeLinear(rng *rand.Rand, f *network.Folded) *network.Folded {
	for i := range len(f.Layers) - 1 {
		f.Layers[i].Linear = rng.IntN(5) == 0
	}
	return f
}

// Dims are random sizes, 1 to most, of the axes of a network of 1 to layers layers.
func Dims(rng *rand.Rand, layers, most int) []int {
	dims := []int{1 + rng.IntN(most)}
	for range 1 + rng.IntN(layers) {
		dims = append(dims, 1+rng.IntN(most))
	}
	return dims
}

// Orders permutes about two thirds of the axes; the others are nil.
func Orders(rng *rand.Rand, dims []int) [][]int {
	orders := make([][]int, len(dims))
	for a, d := range dims {
		if rng.IntN(3) > 0 {
			orders[a] = rng.Perm(d)
		}
	}
	return orders
}

// Samples are n random inputs in [0,1).
func Samples(rng *rand.Rand, n, dim int) [][]float64 {
	x := make([][]float64, n)
	for b := range x {
		x[b] = make([]float64, dim)
		for i := range x[b] {
			x[b][i] = rng.Float64()
		}
	}
	return x
}

// Forward evaluates the plain network on samples.
func Forward(f *network.Folded, x [][]float64) [][]float64 {
	m := mat.NewDense(len(x), len(x[0]), nil)
	for b, row := range x {
		m.SetRow(b, row)
	}
	y := f.Forward(m)
	out := make([][]float64, len(x))
	for b := range out {
		out[b] = mat.Row(nil, b, y)
	}
	return out
}

// MaxError is the largest difference between outputs, and the largest absolute value of those wanted.
func MaxError(want, got [][]float64) (diff, size float64) {
	for r := range want {
		for c := range want[r] {
			diff = math.Max(diff, math.Abs(want[r][c]-got[r][c]))
			size = math.Max(size, math.Abs(want[r][c]))
		}
	}
	return diff, size
}
