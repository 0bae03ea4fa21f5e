package trial

import (
	"math"
	"testing"

	"hepex/packing"
)

// Every primitive is of one kind, so that the kinds add up to the whole.
func TestPrimitivesAddUp(t *testing.T) {
	counts := packing.Counts{}
	for i, op := range packing.Ops() {
		counts.Add(op, i%3, i+1)
	}
	price := func(op packing.Op, level int) float64 { return float64(op+1) + 0.1*float64(level) }
	sum := 0.0
	for _, part := range perPrimitive(counts, price) {
		sum += part.Seconds
	}
	if want := counts.Cost(price); math.Abs(sum-want) > 1e-9*want {
		t.Errorf("%g, want %g", sum, want)
	}
	delete(counts, packing.At{Op: packing.MulMask, Level: int(packing.MulMask) % 3})
	for _, part := range perPrimitive(counts, price) {
		if part.Name == "masks" {
			t.Error("a mask that is not there takes time")
		}
	}
}
