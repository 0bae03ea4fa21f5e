package packing

import "testing"

// What a modulus costs depends on its size: in steps where the kernels change and where more bytes come from memory.
func TestNominalFollowsTheModuli(t *testing.T) {
	at := func(bits int) Prices {
		return Arithmetic{LogN: 13, LogQ: []int{bits, bits, bits}, LogP: []int{bits}}.Nominal()
	}
	for _, op := range Ops() {
		last := 0.0
		for _, bits := range []int{30, 38, 46, 49, 60} {
			p := at(bits)(op, 2)
			if p < last || !(p > 0) {
				t.Errorf("%s: %g s with moduli of %d bits, %g with smaller ones", op, p, bits, last)
			}
			if last = p; at(bits)(op, 1) > p {
				t.Errorf("%s: dearer at a lower level", op)
			}
		}
	}
	if small, large := at(46)(Decompose, 2), at(60)(Decompose, 2); large < 5*small {
		t.Errorf("decomposition: %g s with moduli of 60 bits, %g with 46", large, small)
	}
	deep := Nominal(2)
	if a, b := deep(Rescale, tabled-1), deep(Rescale, tabled); b <= a {
		t.Errorf("a level beyond the table costs %g, the one before it %g", b, a)
	}
}
