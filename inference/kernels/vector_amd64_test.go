package kernels

import (
	"math/big"
	"math/bits"
	"testing"
)

// The constants are what defines them, and within the bounds of the package documentation.
func TestConstants(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*vector)
		if !ok {
			return
		}
		q, c := p.q, v.c
		if want := [...]uint64{q, 1<<52 - q, 2 * q, 1 << 52 / q, 1<<52 - 1, 4 * q, 8 * q, 16 * q}; want != [...]uint64{c.q, c.negQ, c.twoQ, c.barrett, c.mask, c.fourQ, c.eightQ, c.sixteQ} {
			t.Errorf("%+v", c)
		}
		if c.montgomery*q&c.mask != c.mask || c.montgomery > c.mask {
			t.Errorf("%d·q is not −1 modulo 2^52", c.montgomery)
		}
		if c.lift%q != 0 || c.lift > 1<<51 || c.lift <= 1<<51-q { // halves of sums may be as far from 0 as that
			t.Errorf("lift %d", c.lift)
		}
		for _, f := range []Factor{c.radix, v.ofStream, v.fold, v.unfold[0], v.unfold[1]} {
			if w := new(big.Int).Lsh(word(f.w), 52); f.w >= q || w.Div(w, word(q)).Uint64() != f.quotient {
				t.Errorf("%d has the quotient %d", f.w, f.quotient)
			}
		}
		if c.radix.w != 1<<52%q || v.toStream != c.radix || Mul(v.ofStream.w, v.toStream.w, q) != 1 {
			t.Errorf("2^52 is %d, to streams %d and back %d", c.radix.w, v.toStream.w, v.ofStream.w)
		}

		hi := new(big.Int).Mul(word(q), word(q))
		hi.Mul(hi, word(uint64(v.terms))).Rsh(hi, 52).Add(hi, word(3*q+4096))
		if hi.BitLen() > 52 || v.terms > 4094 || v.terms < 4 {
			t.Errorf("%d products between reductions", v.terms)
		}
		stages := uint64(bits.Len(uint(p.n)) - 1)
		if fits := (2*stages+2)*q < 1<<52; v.wide == fits || v.offset != stages*q {
			t.Errorf("%d stages, offset %d·q, family 50 %t", stages, v.offset/q, v.wide)
		}
		if lazy := bits.Len64(q) <= LazyBits; lazy == v.wide && p.n < 1<<16 {
			t.Errorf("%d bits, family 50 %t", bits.Len64(q), v.wide)
		}
	})
}
