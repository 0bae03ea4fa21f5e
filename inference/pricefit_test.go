package inference

import (
	"math"
	"testing"

	"hepex/packing"
)

func TestPriceClass(t *testing.T) {
	small := Literal{Ring: Standard, LogN: 13, LogQ: []int{45, 30}, LogP: []int{46}}
	for name, c := range map[string]struct {
		lit  Literal
		same bool
	}{
		"longer":        {Literal{Ring: Standard, LogN: 13, LogQ: []int{40, 40, 22}, LogP: []int{40}}, true},
		"another ring":  {Literal{Ring: ConjugateInvariant, LogN: 13, LogQ: []int{45, 30}, LogP: []int{46}}, false},
		"larger ring":   {Literal{Ring: Standard, LogN: 14, LogQ: []int{45, 30}, LogP: []int{46}}, false},
		"two special":   {Literal{Ring: Standard, LogN: 13, LogQ: []int{45, 30}, LogP: []int{46, 46}}, false},
		"other kernels": {Literal{Ring: Standard, LogN: 13, LogQ: []int{45, 48}, LogP: []int{46}}, false},
	} {
		if same := c.lit.PriceClass() == small.PriceClass(); same != c.same {
			t.Errorf("%s: class %q, the other's %q", name, c.lit.PriceClass(), small.PriceClass())
		}
	}
}

// Rates of a parameter set give its prices back, but for one that was measured in a bad moment.
func TestRatesAreSmooth(t *testing.T) {
	lit := Literal{Ring: Standard, LogN: 13, LogQ: []int{45, 30, 30, 30}, LogP: []int{46}}
	nominal := lit.arithmetic().Nominal()
	counts := packing.Counts{}
	p := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	for level := range 4 {
		at := packing.At{Op: packing.RotateSum, Level: level}
		p.Ours[at], p.Floor[at], counts[at] = 2*nominal(at.Op, level), 1, 1
	}
	bad := packing.At{Op: packing.RotateSum, Level: 2}
	p.Ours[bad] *= 1.8
	w := Work{Counts: counts}
	got := p.Rates(lit, w).Priced(lit, w)
	for at := range p.Ours {
		if want := 2 * nominal(at.Op, at.Level); math.Abs(got.Ours[at]/want-1) > 1e-9 || got.Floor[at] != 1 {
			t.Errorf("level %d: %g s, floor %g: want %g and 1", at.Level, got.Ours[at], got.Floor[at], want)
		}
	}
}
