package inference

import (
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// Work knows what its layout does with memory.
func TestNewWork(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	conv := func(filters int) network.Geometry {
		g, err := network.Architecture{
			Inputs: 36, Image: network.Axis{H: 6, W: 6, Channels: 1}, Outputs: 4, Activation: "square",
			Conv: []network.Conv{{Filters: filters, Kernel: network.Square(3), Stride: network.Square(1)}},
		}.Geometry()
		check(t, err)
		return g
	}
	dense := networktest.Folded(rng, []int{20, 40, 4}, 1, 1)
	tiles := func(out int) packing.Choice { return packing.TilesOf(packing.Shape{In: 4, Out: out, Batch: 8}) }
	for name, c := range map[string]struct {
		choice packing.Choice
		net    *network.Folded
		shared int // of the first layer
		rows   int // that are summed together there
	}{
		"more rows than are summed together": {tiles(4), dense, 1, 8},
		"one position":                       {tiles(32), dense, 1, 2},
		"many positions":                     {tiles(4), networktest.Random(rng, conv(8), 1, 1), 8, 32},
		"two positions at once":              {tiles(2), networktest.Random(rng, conv(32), 1, 1), 2, 32},
		"one position at once":               {tiles(1), networktest.Random(rng, conv(40), 1, 1), 1, 40},
		"integers":                           {packing.ScalarIn(64), dense, 0, 40},
		"integers at positions":              {packing.ScalarIn(64), networktest.Random(rng, conv(20), 1, 1), 0, 260},
		"one image":                          {packing.OneImageIn(1024, false), dense, 1, 1},
	} {
		m, err := c.choice.Pack(c.net, nil)
		check(t, err)
		l := Literal{LogN: 11, LogQ: make([]int, m.Levels+1), LogP: []int{40}}
		for i := range l.LogQ {
			l.LogQ[i] = 40
		}
		w, memory, level := NewWork(l, m.Layout, m.Kept, false), PredictMemory(l, m.Layout, m.Kept, false, 1), m.Layers[0].Level
		keys := memory.Keys
		if m.Kind == packing.OneImage {
			keys = w.Sweep
		}
		if w.Keys != keys || w.Integer != (m.Kind == packing.Scalar) {
			t.Errorf("%s: keys %d, want %d; integers %t", name, w.Keys, keys, w.Integer)
		}
		if sums := int64(c.rows) * int64(2*(level+1)*8<<11); w.Shared[level] != c.shared || w.Sums[level] != sums {
			t.Errorf("%s: %d rows share tiles, sums of %d bytes: want %d and %d", name, w.Shared[level], w.Sums[level], c.shared, sums)
		}
	}
}

// Products of all levels share a price in one scene, and have others with another model or row; what meets no memory has one price.
func TestCases(t *testing.T) {
	small := Work{Sweep: 50 << 20, Keys: 3 << 20, Inputs: map[int]int{1: 60, 2: 64}}
	large, more := small, small
	large.Sweep, large.Keys = 400<<20, 20<<20
	more.Inputs = map[int]int{2: 392}
	shared, integer := small, small
	shared.Shared = map[int]int{2: 4}
	integer.Integer, integer.Sums = true, map[int]int64{1: 1 << 20, 2: 60 << 20}
	at := func(op packing.Op, level int) packing.At { return packing.At{Op: op, Level: level} }
	product := small.of(at(packing.MulPlain, 2))
	for name, c := range map[string]struct {
		a, b Case
		same bool
	}{
		"levels of products":      {product, small.of(at(packing.MulPlain, 1)), true},
		"a larger model":          {product, large.of(at(packing.MulPlain, 2)), false},
		"more inputs":             {product, more.of(at(packing.MulPlain, 2)), false},
		"shared tiles":            {product, shared.of(at(packing.MulPlain, 2)), false},
		"shared by more rows":     {shared.of(at(packing.MulPlain, 2)), shared.of(at(packing.MulPlain, 1)), false},
		"rows of integers":        {small.of(at(packing.FinishRow, 2)), integer.of(at(packing.FinishRow, 2)), false},
		"squares of few integers": {integer.of(at(packing.Square, 1)), integer.of(at(packing.Square, 2)), false},
		"squares after keys":      {integer.of(at(packing.Square, 2)), Work{Integer: true, Keys: 90 << 20, Sums: integer.Sums}.of(at(packing.Square, 2)), true},
		"levels of rotations":     {small.of(at(packing.RotateSum, 2)), small.of(at(packing.RotateSum, 1)), false},
		"rotations, more inputs":  {small.of(at(packing.RotateSum, 2)), more.of(at(packing.RotateSum, 2)), true},
		"rotations, more keys":    {small.of(at(packing.RotateSum, 2)), large.of(at(packing.RotateSum, 2)), false},
		"additions":               {small.of(at(packing.AddBias, 2)), large.of(at(packing.AddBias, 2)), true},
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
