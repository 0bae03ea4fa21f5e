package kernels

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Random numbers stay far from the bounds that the kernels rely on. These tests hold the constants to what defines them and to the
// bounds of the package documentation, and construct inputs that get near them.

func TestConstants(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		v, q := p.vector.(*vector), p.q
		c := v.c
		if want := [...]uint64{q, 1<<52 - q, 2 * q, 1 << 52 / q, 1<<52 - 1, 4 * q, 8 * q, 16 * q}; want != [...]uint64{c.q, c.negQ, c.twoQ, c.barrett, c.mask, c.fourQ, c.eightQ, c.sixteQ} {
			t.Errorf("%+v", c)
		}
		if c.montgomery*q&c.mask != c.mask || c.montgomery > c.mask {
			t.Errorf("%d·q is not −1 modulo 2^52", c.montgomery)
		}
		if c.lift%q != 0 || c.lift > 1<<51 || c.lift <= 1<<51-q { // halves of sums may be as far from 0 as that
			t.Errorf("lift %d", c.lift)
		}
		for _, f := range []Factor{c.radix, v.ofStream, v.fold, v.unfold} {
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
	})
}

func word(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

// Family 47 is exact although the first value loses almost q in each stage: the input makes the product there, t = w·y, hardly
// more than 0. What y may be, at most offset + q, keeps t from being q more.
func TestTransformsLoseAlmostTheirOffset(t *testing.T) {
	for _, logN := range allLogN {
		for _, bound := range []int64{1 << 30, 1 << 32, 1 << 40} {
			p := newPair(t, logN, bound, false, nil)
			least := p.q / (1 << 52 / (p.q * uint64(logN+1)))
			x, got, want := aligned(p.n), aligned(p.n), aligned(p.n)
			for h := 1; h < p.n; h *= 2 {
				w := ring.IMForm(p.sub.RootsForward[h], p.q, p.sub.MRedConstant)
				x[p.n/2/h] = Mul(least+1, Inverse(w, p.q), p.q)
			}
			p.portable.NTT(want, x, nil)
			p.vector.NTT(got, x, nil)
			same(t, p.name, got, want)
		}
	}
}

// Products are exact for as many terms as need reductions on the way, of numbers whose upper or lower halves are as large as they get.
func TestProductsAtTheirBounds(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		const n = 64
		rng := rand.New(rand.NewPCG(5, p.q))
		x, stored := make([]uint64, n), make([]uint64, n) // a coefficient's terms are all the same
		for i := range x {
			x[i], stored[i] = p.q-1-rng.Uint64N(p.q/8), p.q-1-rng.Uint64N(p.q/8)
			switch i % 4 {
			case 0:
				x[i], stored[i] = p.q-1, p.q-1
			case 1: // the lower 52 bits
				for x[i]*stored[i]<<12 < 1<<64-1<<51 {
					x[i] = p.q - 1 - rng.Uint64N(p.q/8)
				}
			}
		}
		var in Inputs
		in.Append(x)
		in.Append(x)
		for _, terms := range []int{5, 6, 7, 8, 9, 12, 14, 40, 600, 4097, 8200} {
			index := make([]int32, terms)
			for _, r := range p.rings() {
				s := newStream(n, terms, 2, p.q)
				for k := range terms {
					s.put(k, [][]uint64{stored, stored}, func(dst, x []uint64) { copy(dst, x) })
				}
				number := make([]uint64, n)
				r.Get(s, 0, 0, number)
				for name, run := range map[string]func(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int){"key": r.KeyProducts, "cipher": r.CipherProducts} {
					dst := [3][]uint64{make([]uint64, n), make([]uint64, n), make([]uint64, n)}
					run(&dst, &in, index, s, 0, n)
					for i := range x {
						want := Mul(Mul(x[i], number[i], p.q), uint64(terms), p.q)
						wants := [3]uint64{want, want, want}
						if name == "cipher" {
							wants[1] = Mul(want, 2, p.q)
						} else {
							wants[2] = 0
						}
						if got := [3]uint64{dst[0][i], dst[1][i], dst[2][i]}; got != wants {
							t.Fatalf("%s, %d terms of %d·%d, vector %t: %d, want %d", name, terms, x[i], stored[i], r.Vector(), got, wants)
						}
					}
				}
			}
		}
	})
}

// given is a source of given words.
type given []uint64

func (g given) XORKeyStream(dst, _ []byte) {
	for i := 0; i < len(dst); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], g[i/8%len(g)])
	}
}

// Rejection keeps all words below the modulus and no others, however their upper bits are.
func TestUniformIsBelowTheModulus(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		q, above := p.q, uint64(1)<<bits.Len64(p.q)
		source := Source{given{q, q - 1, 0, q + 1, above | 1, above - 1, ^(above - 1) | q - 2, q / 2}}
		want := slices.Repeat([]uint64{q - 1, 0, 1, q - 2, q / 2}, 200)
		for _, r := range p.rings() {
			got := make([]uint64, len(want))
			r.Uniform(got, source)
			same(t, fmt.Sprintf("vector %t", r.Vector()), got, want)
		}
	})
}

func TestPack(t *testing.T) {
	for bytes := 1; bytes <= 8; bytes++ {
		x := []uint64{0, 1, 0x123456789abcdef0 >> (64 - 8*bytes), 1<<(8*bytes-1) + 1, ^uint64(0) >> (64 - 8*bytes)}
		packed, back := make([]byte, len(x)*bytes), make([]uint64, len(x))
		Pack(packed, x, bytes)
		if packed[2*bytes] != byte(x[2]) || packed[3*bytes-1] != 0x12 {
			t.Errorf("%d bytes: %x is packed as %x", bytes, x[2], packed[2*bytes:3*bytes])
		}
		Unpack(back, packed, bytes)
		same(t, fmt.Sprintf("%d bytes", bytes), back, x)
	}
}
