package tune

import (
	"testing"

	"hepex/inference"
	"hepex/packing"
)

func TestShapeFor(t *testing.T) {
	axes := []int{784, 128, 10}
	for _, batch := range []int{0, 1, 32, 256} {
		s, err := ShapeFor(axes, packing.Tiles, batch, inference.Wanted{Precision: 16, Encrypted: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("batch %d: %s", batch, s)
		if err := s.Check(); err != nil || batch != 0 && s.Batch != batch {
			t.Errorf("batch %d: shape %s, %v", batch, s, err)
		}
		cost, _, err := nominal(axes, packing.Tiles, s, inference.Wanted{Precision: 16, Encrypted: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []packing.Shape{{In: 16, Out: 16, Batch: max(batch, 1)}, {In: 64, Out: 64, Batch: max(batch, 1)}} {
			if c, _, err := nominal(axes, packing.Tiles, other, inference.Wanted{Precision: 16, Encrypted: true}); err == nil && c/float64(other.Batch) < cost/float64(s.Batch) {
				t.Errorf("batch %d: %s costs %g per image, %s %g", batch, s, cost/float64(s.Batch), other, c/float64(other.Batch))
			}
		}
	}
}
