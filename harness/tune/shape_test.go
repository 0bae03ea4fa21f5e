package tune

import (
	"testing"

	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

func TestShapeFor(t *testing.T) {
	axes := []int{784, 128, 10}
	for _, batch := range []int{0, 1, 32, 256} {
		s, err := ShapeFor(network.FullyConnected(axes...), packing.Tiles, batch, inference.Wanted{Precision: 16, Encrypted: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("batch %d: %s", batch, s)
		if err := s.Check(); err != nil || batch != 0 && s.Batch != batch {
			t.Errorf("batch %d: shape %s, %v", batch, s, err)
		}
		cost, _, err := nominal(network.FullyConnected(axes...), packing.TilesOf(s), inference.Wanted{Precision: 16, Encrypted: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []packing.Shape{{In: 16, Out: 16, Batch: max(batch, 1)}, {In: 64, Out: 64, Batch: max(batch, 1)}} {
			if c, _, err := nominal(network.FullyConnected(axes...), packing.TilesOf(other), inference.Wanted{Precision: 16, Encrypted: true}); err == nil && c/float64(other.Batch) < cost/float64(s.Batch) {
				t.Errorf("batch %d: %s costs %g per image, %s %g", batch, s, cost/float64(s.Batch), other, c/float64(other.Batch))
			}
		}
	}
}

// A shape names a point, so what it is chosen by is the same whatever kernels a machine has.
func TestShapeForEveryMachine(t *testing.T) {
	axes := []int{784, 64, 64, 10}
	for batch := 1; batch <= 256; batch *= 4 {
		shape := packing.Shape{In: 16, Out: 8192 / 16 / batch, Batch: batch}
		var costs [2]float64
		var memory [2]int64
		for i, on := range []string{inference.Reference, "portable"} {
			var err error
			costs[i], memory[i], err = nominal(network.FullyConnected(axes...), packing.TilesOf(shape), inference.Wanted{Precision: 24, Kernels: on})
			if err != nil {
				t.Fatal(err)
			}
		}
		if costs[0] != costs[1] || memory[0] != memory[1] {
			t.Errorf("%s costs %g s and %d bytes with vector kernels, %g s and %d bytes with portable ones", shape, costs[0], memory[0], costs[1], memory[1])
		}
	}
}
