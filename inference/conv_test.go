package inference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// convolve is a convolution by its definition: x lies position by position, so do the outputs; w is filters × taps × channels.
func convolve(w network.Window, weights [][]float64, bias, x []float64) (out []float64) {
	for py := range w.Grid().H {
		for px := range w.Grid().W {
			for f, filter := range weights {
				sum := bias[f]
				for ky := range w.Kernel.H {
					for kx := range w.Kernel.W {
						y, x0 := py*w.Stride.H+ky-w.Padding.H, px*w.Stride.W+kx-w.Padding.W
						if y < 0 || y >= w.In.H || x0 < 0 || x0 >= w.In.W {
							continue
						}
						for c := range w.In.Channels {
							sum += filter[(ky*w.Kernel.W+kx)*w.In.Channels+c] * x[(y*w.In.W+x0)*w.In.Channels+c]
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

func squares(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * v
	}
	return y
}

// convLayer is a layer whose bias is the same at all positions.
func convLayer(w network.Window, weights [][]float64, bias []float64) network.Affine {
	return network.Affine{W: mat.NewDense(len(weights), w.Reads(), slices.Concat(weights...)), B: slices.Repeat(bias, w.Positions()), Window: &w}
}

// coarse is filters of random weights that integers of ten fractional bits hold exactly.
func coarse(rng *rand.Rand, filters, reads int) (w [][]float64) {
	for range filters {
		row := make([]float64, reads)
		for i := range row {
			row[i] = float64(rng.IntN(33)-16) / 64
		}
		w = append(w, row)
	}
	return w
}

// window on one channel or more, without padding.
func window(in network.Axis, kernel, stride network.Size) network.Window {
	return network.Window{In: in, Kernel: kernel, Stride: stride}
}

// convCase is a network, an input, and the outputs that are known.
type convCase struct {
	name    string
	network network.Folded
	x, want []float64
}

// count is 1, 2, … n.
func count(n int) (x []float64) {
	for i := range n {
		x = append(x, float64(i+1))
	}
	return x
}

// convCases are what is easily wrong: sizes that do not fit, edges, and poolings.
func convCases(t *testing.T) (cases []convCase) {
	t.Helper()
	rng := rand.New(rand.NewPCG(31, 1))
	one := network.Square(1)
	add := func(name string, x, want []float64, layers ...network.Affine) {
		cases = append(cases, convCase{name, network.Folded{Layers: layers}, x, want})
	}

	small := window(network.Axis{H: 3, W: 3, Channels: 1}, network.Square(2), one)
	add("3×3 inputs, a kernel of 2×2, no bias", count(9), []float64{37, 47, 67, 77}, convLayer(small, [][]float64{{1, 2, 3, 4}}, []float64{0}))

	n := &network.Network{Inputs: 16, Layers: []network.Layer{
		&network.AveragePool{Window: window(network.Axis{H: 4, W: 4, Channels: 1}, network.Square(2), network.Square(2))},
		&network.Dense{In: 1, Out: 1, W: []float32{1}, B: []float32{0}, Window: &network.Window{In: network.Axis{H: 2, W: 2, Channels: 1}, Kernel: one, Stride: one}},
	}}
	pooled, err := n.Fold()
	check(t, err)
	add("means of 2×2 of 4×4 inputs", count(16), []float64{3.5, 5.5, 11.5, 13.5}, pooled.Layers...)

	corner := network.Window{In: network.Axis{H: 2, W: 2, Channels: 1}, Kernel: network.Square(3), Stride: one, Padding: one}
	add("the only tap lies outside at three of four positions", count(4), []float64{0.5, 0.5, 0.5, 2.5},
		convLayer(corner, [][]float64{{2, 0, 0, 0, 0, 0, 0, 0, 0}}, []float64{0.5}))

	cropped := network.Window{In: network.Axis{H: 3, W: 4, Channels: 1}, Kernel: network.Size{H: 1, W: 2}, Stride: one, Padding: network.Size{H: -1, W: -1}}
	add("a crop leaves the middle", count(12), []float64{6 + 2*7}, convLayer(cropped, [][]float64{{1, 2}}, []float64{0}))

	// The first filter is pruned: it gives (3/2)² everywhere, which two or three taps add up. The second gives (2x)².
	three := window(network.Axis{H: 1, W: 3, Channels: 1}, one, one)
	after := network.Window{In: network.Axis{H: 1, W: 3, Channels: 2}, Kernel: network.Size{H: 1, W: 3}, Stride: one, Padding: network.Size{W: 1}}
	add("a constant channel beside padding", count(3), []float64{2*2.25 + 1, 3*2.25 + 4, 2*2.25 + 9},
		convLayer(three, [][]float64{{0}, {2}}, []float64{1.5, 0}), convLayer(after, [][]float64{{1, 0, 1, 0.25, 1, 0}}, []float64{0}))

	overlap := network.Window{In: network.Axis{H: 1, W: 3, Channels: 1}, Kernel: network.Size{H: 1, W: 2}, Stride: one}
	line := convLayer(three, [][]float64{{1}}, []float64{0})
	sums := convLayer(window(network.Axis{H: 1, W: 2, Channels: 1}, one, one), [][]float64{{0.5}}, []float64{0})
	sums.Pool = &overlap
	add("poolings that overlap", count(3), []float64{2.5, 6.5}, line, sums)

	random := func(in network.Axis) []float64 { return networktest.Samples(rng, 1, in.Size())[0] }
	single := func(name string, w network.Window, filters int) {
		weights, bias, x := coarse(rng, filters, w.Reads()), coarse(rng, 1, filters)[0], random(w.In)
		add(name, x, convolve(w, weights, bias, x), convLayer(w, weights, bias))
	}
	single("8×256 inputs, a kernel of 1×7, stride 1×2", window(network.Axis{H: 8, W: 256, Channels: 1}, network.Size{H: 1, W: 7}, network.Size{H: 1, W: 2}), 1)
	single("3×32×32 inputs, four filters of 7×7", window(network.Axis{H: 32, W: 32, Channels: 3}, network.Square(7), one), 4)
	single("64×64 inputs, more than slots, a kernel of 7×7, stride 3", window(network.Axis{H: 64, W: 64, Channels: 1}, network.Square(7), network.Square(3)), 1)

	first := network.Window{In: network.Axis{H: 6, W: 5, Channels: 2}, Kernel: network.Square(3), Stride: network.Size{H: 2, W: 1}, Padding: one}
	second := network.Window{In: first.Out(4), Kernel: network.Size{H: 2, W: 3}, Stride: one}
	dense := network.Whole(second.Out(8))
	w1, w2, w3 := coarse(rng, 4, first.Reads()), coarse(rng, 8, second.Reads()), coarse(rng, 3, dense.Reads())
	b1, b2, b3, x := coarse(rng, 1, 4)[0], coarse(rng, 1, 8)[0], coarse(rng, 1, 3)[0], random(first.In)
	y := convolve(dense, w3, b3, squares(convolve(second, w2, b2, squares(convolve(first, w1, b1, x)))))
	add("conv 4, square, conv 8, square, dense", x, y, convLayer(first, w1, b1), convLayer(second, w2, b2), convLayer(dense, w3, b3))
	return cases
}

// Networks whose outputs are known give them in every layout, whether weights are encrypted or not, on one thread and on several.
func TestKnownConvolutions(t *testing.T) {
	const slots = 1 << (testLogN - 1)
	shape := packing.Shape{In: 2, Out: 4, Batch: slots / 8}
	for _, c := range convCases(t) {
		for _, choice := range []packing.Choice{
			packing.TilesOf(shape), {Kind: packing.Tiles, Shape: shape, Encrypted: true}, packing.ScalarIn(slots),
			packing.OneImageIn(slots, false), packing.OneImageIn(slots, true),
		} {
			if choice.Kind == packing.OneImage && len(c.x) > slots {
				continue // thousands of tiles, which are those of dense layers
			}
			t.Run(fmt.Sprintf("%s/%s", c.name, choice), func(t *testing.T) {
				t.Parallel()
				m, err := choice.Pack(&c.network, nil)
				check(t, err)
				p, err := NewParameters(smallLiteral(m.Layout), true)
				check(t, err)
				got, _ := evaluate(t, p, m, choice.Encrypted, 1+len(c.x)%3, [][]float64{c.x})
				if bits := precision([][]float64{c.want}, got); bits < 14 {
					t.Errorf("%.1f bits: got %.4g, want %.4g", bits, got[0][:min(8, len(got[0]))], c.want[:min(8, len(c.want))])
				}
				forward := networktest.Forward(&c.network, [][]float64{c.x})
				if bits := precision([][]float64{c.want}, forward); bits < 40 {
					t.Errorf("the plain network: %.1f bits: got %.4g", bits, forward[0][:min(8, len(forward[0]))])
				}
			})
		}
	}
}

// A batch for another network, of a part of the inputs, or none is an error, and leaves the server as it was.
func TestWrongBatchesAreErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	shape := packing.Shape{In: 2, Out: 4, Batch: 32}
	m, err := packing.TilesOf(shape).Pack(networktest.Random(rng, paddedNetwork(), 1, 1), nil)
	check(t, err)
	y := newParty(t, m, paddedNetwork().Axis(0).Size(), false)
	server, input := y.server(t, 2)
	_, _, err = server.Evaluate(input)
	check(t, err)
	part := *input
	part.ciphertexts = input.ciphertexts[1:]
	missing := *input
	missing.ciphertexts = slices.Clone(input.ciphertexts)
	missing.ciphertexts[3] = nil
	empty, err := NewInput(y.params, y.layout)
	check(t, err)
	output, _, err := server.Evaluate(input)
	check(t, err)
	for name, batch := range map[string]*Batch{"part": &part, "missing": &missing, "empty": empty, "output": output} {
		if _, _, err := server.Evaluate(batch); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	samples := paddedNetwork().Axis(0).Size()
	for _, x := range [][][]float64{nil, {make([]float64, samples-1)}, make([][]float64, m.Batch+1)} {
		if _, err := y.client.Encrypt(x); err == nil {
			t.Errorf("%d samples: no error", len(x))
		}
	}
	if _, _, err = server.Evaluate(input); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
