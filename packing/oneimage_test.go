package packing

import (
	"math"
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
)

func TestOneImageEqualsPlainNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range rounds(t) {
		f := randomDense(rng)
		switch rng.IntN(6) {
		case 0:
			f = randomConv(rng, 4)
		case 1, 2:
			f = networktest.SomeLinear(rng, networktest.Folded(rng, networktest.Dims(rng, 5, 150), rng.Float64(), 1))
		}
		slots, encrypted := 64<<rng.IntN(6), rng.IntN(2) == 0
		m, err := OneImageIn(slots, encrypted).Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, 1, f.Geometry().Axis(0).Size())
		got, _, err := m.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		diff, size := networktest.MaxError(networktest.Forward(f, x), got)
		if diff > 1e-9*math.Max(size, 1) {
			t.Fatalf("dims %v, %d slots: differs by %g of %g; layers %+v", f.Dims(), slots, diff, size, m.Layers)
		}
	}
}

// Every weight that is not zero appears in exactly as many terms as copies of its output need.
func TestOneImageIsFrugal(t *testing.T) {
	l, err := OneImageIn(8192, false).Layout(network.FullyConnected(784, 128, 128, 10))
	if err != nil {
		t.Fatal(err)
	}
	kept := make([][][]bool, len(l.Layers))
	for i, ly := range l.Layers {
		for range ly.Rows {
			row := make([]bool, ly.Terms())
			for c := range row {
				row[c] = true
			}
			kept[i] = append(kept[i], row)
		}
	}
	c := Total(l.Counts(kept, false))
	if n := c.Of(Decompose, Relinearize, RelinearizeRescale); n > 13 {
		t.Errorf("%d decompositions: want at most 13", n)
	}
	if l.Levels != 3 {
		t.Errorf("%d levels: want 3", l.Levels)
	}
	t.Logf("%+v\n%v", l.Layers, c)
}

// Layers of odd widths, whose arrangements once brought rotations that no weight needed, get by with few keys; so does a wide
// one, and keys are not saved at the cost of the evaluation.
func TestOneImageNeedsFewKeys(t *testing.T) {
	for _, c := range []struct {
		dims []int
		mib  int     // of keys, as the delayed chain needs them
		cost float64 // nominal seconds of limbs of degree 2^13
	}{
		{[]int{784, 7, 13, 5, 3, 9, 10}, 165, 0.0130},
		{[]int{784, 128, 128, 10}, 70, 0.0041},
		{[]int{3072, 512, 256, 10}, 120, 0.0115},
	} {
		const slots = 8192
		l, err := OneImageIn(slots, false).Layout(network.FullyConnected(c.dims...))
		if err != nil {
			t.Fatal(err)
		}
		keys := l.KeyLevels(false)
		if mib := keys.Limbs(1) * 8 * 2 * slots >> 20; mib > c.mib {
			t.Errorf("%v: %d keys of %d MiB, want at most %d", c.dims, len(keys.Rotate), mib, c.mib)
		}
		if cost := Total(l.Counts(l.Dense(), false)).Cost(Nominal(1)); cost > c.cost {
			t.Errorf("%v: %g s, want at most %g", c.dims, cost, c.cost)
		}
	}
}
