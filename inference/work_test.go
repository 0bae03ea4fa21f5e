package inference

import (
	"testing"

	"hepex/packing"
)

// Products of all levels share a price in one scene, and have others with another model or row; what meets no memory has one price.
func TestCases(t *testing.T) {
	small := Work{Sweep: 50 << 20, Keys: 3 << 20, Inputs: map[int]int{1: 60, 2: 64}}
	large, more := small, small
	large.Sweep, large.Keys = 400<<20, 20<<20
	more.Inputs = map[int]int{2: 392}
	shared, integer := small, small
	shared.Shared = map[int]int{2: 4}
	integer.Integer = true
	at := func(op packing.Op, level int) packing.At { return packing.At{Op: op, Level: level} }
	product := small.of(at(packing.MulPlain, 2))
	for name, c := range map[string]struct {
		a, b Case
		same bool
	}{
		"levels of products":     {product, small.of(at(packing.MulPlain, 1)), true},
		"a larger model":         {product, large.of(at(packing.MulPlain, 2)), false},
		"more inputs":            {product, more.of(at(packing.MulPlain, 2)), false},
		"shared tiles":           {product, shared.of(at(packing.MulPlain, 2)), false},
		"shared by more rows":    {shared.of(at(packing.MulPlain, 2)), shared.of(at(packing.MulPlain, 1)), false},
		"rows of integers":       {small.of(at(packing.FinishRow, 2)), integer.of(at(packing.FinishRow, 2)), false},
		"levels of rotations":    {small.of(at(packing.RotateSum, 2)), small.of(at(packing.RotateSum, 1)), false},
		"rotations, more inputs": {small.of(at(packing.RotateSum, 2)), more.of(at(packing.RotateSum, 2)), true},
		"rotations, more keys":   {small.of(at(packing.RotateSum, 2)), large.of(at(packing.RotateSum, 2)), false},
		"additions":              {small.of(at(packing.AddBias, 2)), large.of(at(packing.AddBias, 2)), true},
	} {
		if same := c.a == c.b; same != c.same {
			t.Errorf("%s: %+v and %+v", name, c.a, c.b)
		}
	}
	huge := Work{Sweep: 9 << 40, Inputs: map[int]int{2: 1 << 20}}
	if s := huge.of(at(packing.MulPlain, 2)).Scene; s.MiB != mostSweep || s.Inputs != mostInputs {
		t.Errorf("%+v: want the largest scene", s)
	}
}
