package modelfile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// What is written in any order of channels is read as the network that it was.
func TestExportedNetworksAreReadBack(t *testing.T) {
	for _, name := range []string{"mlp", "lenet", "relu", "plain"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				m, err := Read("testdata/"+name+".onnx", Options{Replace: true})
				if err != nil {
					t.Fatal(err)
				}
				e := Export{Net: m.Unfitted()}
				if seed > 0 {
					rng := rand.New(rand.NewPCG(seed, 1))
					for _, n := range e.Net.Dims() {
						e.Orders = append(e.Orders, rng.Perm(n))
					}
				}
				x := readExample(t, name).inputs
				want := e.Net.Forward(x)
				content, err := e.ONNX()
				if err != nil {
					t.Fatal(err)
				}
				back, err := parse(".onnx", content, "", Options{})
				if err != nil {
					t.Fatal(err)
				}
				wantClose(t, "read back", back.Forward(x), want)
				if name != "mlp" {
					return
				}
				if content, err = e.NPZ(); err != nil {
					t.Fatal(err)
				}
				a := network.Architecture{Inputs: 784, Hidden: []int{48, 16}, Outputs: 10, Activation: "square"}
				if back, err = parse(".npz", content, "", Options{Architecture: &a}); err != nil {
					t.Fatal(err)
				}
				wantClose(t, "weights read back", back.Forward(x), want)
			})
		}
	}
}

// A negative padding, which convolutions of the format cannot have, is a node of its own.
func TestExportedCropsAreReadBack(t *testing.T) {
	for _, padding := range []network.Size{{H: -2, W: -1}, {H: 1, W: -1}, {W: -2}} {
		a := network.Architecture{
			Inputs: 126, Image: network.Axis{H: 9, W: 7, Channels: 2}, Outputs: 3, Activation: "square",
			Conv: []network.Conv{{Filters: 4, Kernel: network.Size{H: 3, W: 2}, Stride: network.Square(1), Padding: padding}},
		}
		net, err := network.New(a, 1)
		if err != nil {
			t.Fatal(err)
		}
		content, err := Export{Net: net}.ONNX()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parse(".onnx", content, "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		wantAlike(t, back, net)
	}
}

// Weights alone of convolutions are channels first in the file, as those of what reads them.
func TestExportedConvolutionsAreReadBack(t *testing.T) {
	a := network.Architecture{
		Inputs: 84, Image: network.Axis{H: 7, W: 6, Channels: 2}, Outputs: 3, Activation: "square", Hidden: []int{5},
		Conv: []network.Conv{{Filters: 4, Kernel: network.Size{H: 3, W: 2}, Stride: network.Square(1), Pool: network.Size{H: 2, W: 1}}},
	}
	net, err := network.New(a, 1)
	if err != nil {
		t.Fatal(err)
	}
	content, err := Export{Net: net}.NPZ()
	if err != nil {
		t.Fatal(err)
	}
	back, err := parse(".npz", content, "", Options{Architecture: &a})
	if err != nil {
		t.Fatal(err)
	}
	wantAlike(t, back, net)
}

// wantAlike checks that a model that was read gives what a network gives.
func wantAlike(t *testing.T, back *Model, net *network.Network) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	x := mat.NewDense(3, net.Inputs, nil)
	x.Apply(func(_, _ int, _ float64) float64 { return rng.Float64() }, x)
	wantClose(t, "read back", back.Forward(x), net.Forward(x))
}
