package bench

import (
	"math"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// What an evaluation takes is the sum over its primitives, each as often as it is done, by either's prices.
func TestPrice(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		c := packing.Choice{Kind: packing.Tiles, Shape: packing.Shape{In: 8, Out: 8, Batch: 64}, Encrypted: encrypted}
		w, err := price(c, network.FullyConnected(32, 16, 4))
		if err != nil {
			t.Fatal(err)
		}
		var ours, floor float64
		tiles := 0
		for _, p := range w.Primitives {
			ours, floor = ours+float64(p.Count)*p.Ours, floor+float64(p.Count)*p.Floor
			if p.Op == packing.MulPlain || p.Op == packing.MulCipher {
				tiles += p.Count
			}
			if p.Count <= 0 || !(p.Ours >= 0) || !(p.Floor >= 0) {
				t.Errorf("%+v", p)
			}
		}
		if tiles != 10 || !(w.Ours > 0) || math.Abs(ours/w.Ours-1) > 1e-9 || math.Abs(floor/w.Floor-1) > 1e-9 { // 4×2 and 2×1 tiles
			t.Errorf("encrypted %t: %d products, %g and %g s, of primitives %g and %g", encrypted, tiles, w.Ours, w.Floor, ours, floor)
		}
	}
}

// Every layout has parameters.
func TestChoices(t *testing.T) {
	for _, c := range choices {
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
	if s, err := reference(); err != nil || !(s > 0) {
		t.Errorf("%g s, %v", s, err)
	}
}
