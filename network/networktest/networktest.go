// Package networktest makes random networks and inputs for the property tests of other packages.
package networktest

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// Folded is a random fully connected network with the given sizes of its neuron axes: see Random.
func Folded(rng *rand.Rand, dims []int, keep float64, block int) *network.Folded {
	return Random(rng, network.FullyConnected(dims...), keep, block)
}

// Random is a random network of a geometry. Blocks of block×block channels, tap by tap, are kept with
// probability keep and pruned otherwise, so that rows, columns and now and then a layer are empty. Biases differ by position in some
// layers.
func Random(rng *rand.Rand, g network.Geometry, keep float64, block int) *network.Folded {
	f := &network.Folded{}
	for _, s := range g {
		in, channels := s.Reads(), s.Window.In.Channels
		w := mat.NewDense(s.Out, in, nil)
		kept := map[[3]int]bool{}
		for o := range s.Out {
			for i := range in {
				key := [3]int{o / block, i % channels / block, i / channels}
				if _, ok := kept[key]; !ok {
					kept[key] = rng.Float64() < keep
				}
				if kept[key] {
					w.Set(o, i, rng.NormFloat64()/math.Sqrt(float64(in)))
				}
			}
		}
		bias := make([]float64, s.Out)
		for o := range bias {
			bias[o] = rng.NormFloat64() / 2
		}
		bias = slices.Repeat(bias, s.Window.Positions())
		if s.Window.Positions() > 1 && rng.IntN(3) == 0 {
			for i := range bias {
				bias[i] += rng.NormFloat64() / 2
			}
		}
		l := network.Affine{W: w, B: bias, Pool: s.Pool}
		if s.Window != network.Whole(network.Flat(in)) {
			l.Window = &s.Window
		}
		f.Layers = append(f.Layers, l)
	}
	return f
}

// Conv is the geometry of a random network of 1 to 3 conv layers and 0 to 2 dense ones after them: kernels of 1 to 7, on one side or
// both, strides of 1 to 3, paddings and crops, 1 to 5 channels, pooling; grids of at most most×most.
func Conv(rng *rand.Rand, most int) network.Geometry {
	var g network.Geometry
	axis := network.Axis{H: 1 + rng.IntN(most), W: 1 + rng.IntN(most), Channels: 1 + rng.IntN(3)}
	for range 1 + rng.IntN(3) {
		var s network.Stage
		if rng.IntN(3) == 0 {
			k := network.Size{H: 1 + rng.IntN(axis.H), W: 1 + rng.IntN(axis.W)}
			s.Pool = &network.Window{In: axis, Kernel: k, Stride: network.Size{H: 1 + rng.IntN(k.H), W: 1 + rng.IntN(k.W)}}
			axis = s.Pool.Out(axis.Channels)
		}
		p := network.Size{H: rng.IntN(3), W: rng.IntN(3)}
		if rng.IntN(4) == 0 {
			p = network.Size{H: -rng.IntN((axis.H + 1) / 2), W: -rng.IntN((axis.W + 1) / 2)}
		}
		k := network.Size{H: min(max(p.H, 0)+1+rng.IntN(4), 7, axis.H+2*p.H), W: min(max(p.W, 0)+1+rng.IntN(4), 7, axis.W+2*p.W)}
		s.Window = network.Window{In: axis, Kernel: k, Stride: network.Size{H: 1 + rng.IntN(3), W: 1 + rng.IntN(3)}, Padding: p}
		s.Out = 1 + rng.IntN(5)
		g = append(g, s)
		axis = s.Window.Out(s.Out)
	}
	for range rng.IntN(3) {
		g = append(g, network.Stage{Window: network.Whole(axis), Out: 1 + rng.IntN(9)})
		axis = g.Axis(len(g))
	}
	return g
}

// LeNet is the geometry of the network that MOFHEI and Orion evaluate.
func LeNet() network.Geometry {
	conv := func(filters int) network.Conv {
		return network.Conv{Filters: filters, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)}
	}
	a := network.Architecture{
		Inputs: 784, Image: network.Axis{H: 28, W: 28, Channels: 1}, Conv: []network.Conv{conv(32), conv(64)}, Hidden: []int{512}, Outputs: 10,
		Activation: "square",
	}
	g, err := a.Geometry()
	if err != nil {
		panic(err) // a fixed network
	}
	return g
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
