package packing

import (
	"math/rand/v2"
	"strings"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
)

func TestChoicesAreChecked(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(1, 1)), []int{5, 4, 3}, 1, 1)
	for name, c := range map[string]Choice{
		"no kind":                 {Shape: Shape{4, 4, 4}},
		"unknown kind":            {Kind: "rows", Shape: Shape{4, 4, 4}},
		"no shape":                {Kind: Tiles},
		"slots of one image":      OneImageIn(100, false),
		"encrypted integers":      {Kind: Scalar, Shape: Shape{1, 1, 64}, Encrypted: true},
		"more slots than a ring":  ScalarIn(2 * MaxSlots),
		"a shape of three primes": TilesOf(Shape{3, 5, 7}),
	} {
		if c.Check() == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := c.Layout(f.Geometry()); err == nil {
			t.Errorf("%s: laid out", name)
		}
		if _, err := c.Pack(f, nil); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
	if _, err := TilesOf(Shape{4, 4, 4}).Layout(network.FullyConnected(5)); err == nil {
		t.Error("a network without layers is laid out")
	}
}

// Layouts that do not depend on the shape of tiles are those of any shape that fills as many slots, and models are packed in
// the layout that the choice gives for their sizes.
func TestChoicesLayOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	f := networktest.Folded(rng, []int{20, 9, 5}, 1, 1)
	shape := Shape{8, 4, 8}
	for _, plain := range []Choice{TilesOf(shape), OneImageIn(shape.Slots(), false), ScalarIn(shape.Slots())} {
		for _, c := range []Choice{plain, {Kind: plain.Kind, Shape: shape}, {Kind: plain.Kind, Shape: shape, Encrypted: plain.Kind != Scalar}} {
			layout, err := c.Layout(f.Geometry())
			if err != nil {
				t.Fatal(err)
			}
			m, err := c.Pack(f, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Equal(layout) || m.Kind != c.Kind || m.Slots != c.Slots() || m.Shape != plain.Shape {
				t.Errorf("%s: packed as %s %s", c, m.Kind, m.Shape)
			}
			for i, a := range c.Evaluated(f).Layers {
				for j, w := range a.W.RawMatrix().Data {
					if w != m.Weights[i].RawMatrix().Data[j] {
						t.Fatalf("%s: layer %d has weights that are not evaluated", c, i)
					}
				}
			}
		}
	}
	if a, b := TilesOf(shape).String(), (Choice{Tiles, shape, true}).String(); a != "tiles 8x4x8" || b != "tiles 8x4x8, encrypted weights" {
		t.Errorf("%q, %q", a, b)
	}
}

// What packing one image refuses, the layout of the unpruned network refuses before anything is trained.
func TestOneImageRefusesBeforehand(t *testing.T) {
	sq := network.Square
	a := network.Architecture{
		Inputs: 3072, Image: network.Axis{H: 32, W: 32, Channels: 3}, Outputs: 10, Activation: "square",
		Conv: []network.Conv{
			{Filters: 32, Kernel: sq(3), Stride: sq(1), Padding: sq(1), Pool: sq(2)}, {Filters: 64, Kernel: sq(3), Stride: sq(1), Padding: sq(1)},
		},
	}
	g, err := a.Geometry()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OneImageIn(MaxSlots, false).Layout(g); err == nil || !strings.Contains(err.Error(), "layer 2: 16384×8192 weights when unrolled") {
		t.Errorf("error %v: want one on the weights of layer 2", err)
	}
}
