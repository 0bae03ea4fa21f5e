package packing

import (
	"math"
	"math/rand/v2"
	"testing"

	"hepex/network/networktest"
)

// A trimmed model computes what the whole one does, from fewer inputs.
func TestTrim(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	trimmed := 0
	for round := range 80 {
		f := networktest.Folded(rng, networktest.Dims(rng, 3, 40), 0.3, 4)
		if round%4 == 3 {
			f = networktest.Random(rng, networktest.Conv(rng, 4), 0.3, 1)
		}
		dims := f.Dims()
		in, out := 1<<rng.IntN(4), 1<<rng.IntN(4)
		pack := func() (*Model, error) {
			return TilesOf(Shape{in, out, MinSlots / in / out}).Pack(f, nil)
		}
		switch round % 4 {
		case 0:
			pack = func() (*Model, error) { return ScalarIn(MinSlots).Pack(f, nil) }
		case 1:
			orders := networktest.Orders(rng, dims)
			pack = func() (*Model, error) { return TilesOf(Shape{in, out, MinSlots / in / out}).Pack(f, orders) }
		}
		whole, err := pack()
		if err != nil {
			t.Fatal(err)
		}
		cut, err := pack()
		if err != nil {
			t.Fatal(err)
		}
		cut.Trim()
		if cut.Layers[0].Cols < whole.Layers[0].Cols {
			trimmed++
		}
		x := networktest.Samples(rng, min(3, whole.Batch), f.Geometry().Axis(0).Size())
		want, _, err := whole.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := cut.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		for b := range want {
			for o := range want[b] {
				if math.Abs(got[b][o]-want[b][o]) > 1e-9*(1+math.Abs(want[b][o])) {
					t.Fatalf("round %d: output %d is %g, want %g", round, o, got[b][o], want[b][o])
				}
			}
		}
		if first := &cut.Layers[0]; round%4 != 3 && first.Cols > 1 && len(first.reads(cut.Kept[0])) < first.Cols {
			t.Errorf("round %d: %d inputs are sent, %d read", round, first.Cols, len(first.reads(cut.Kept[0])))
		}
	}
	if trimmed < 10 {
		t.Errorf("%d models were trimmed, want some", trimmed)
	}
}
