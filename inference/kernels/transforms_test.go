package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func fetching(r Ring) *Ahead {
	a := &Ahead{}
	a.Append(r.NewStream(&Arena{}, 1, 1))
	a.Append(r.NewStream(&Arena{}, 1, 2))
	return a
}

func TestTransforms(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		got, want := Aligned(p.n), Aligned(p.n)
		for name, x := range vectors(p.n, p.q, p.n == 1<<12) {
			for what, f := range map[string]func(r Ring, dst, src []uint64){
				"NTT":           func(r Ring, dst, src []uint64) { r.NTT(dst, src, nil) },
				"NTT, fetching": func(r Ring, dst, src []uint64) { r.NTT(dst, src, fetching(p.vector)) },
				"INTT":          func(r Ring, dst, src []uint64) { r.INTT(dst, src) },
			} {
				f(p.portable, want, x)
				f(p.vector, got, x)
				same(t, what+" of "+name, got, want)
				copy(got, x)
				f(p.vector, got, got)
				same(t, what+" of "+name+" in place", got, want)
			}
			p.sub.NTT(x, want)
			p.vector.NTT(got, x, nil)
			same(t, "NTT of "+name+" by lattigo", got, want)
			p.vector.INTT(got, got)
			same(t, "there and back, "+name, got, x)
		}
	})
}

func TestCenteredTransforms(t *testing.T) {
	from := []uint64{1<<30 - 35, 1<<40 + 15, 1<<47 - 115, 1<<50 - 27, 1 << 51, 1<<51 + 21, 1<<52 - 47, 1<<60 - 93}
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		got, want := Aligned(p.n), Aligned(p.n)
		for _, prime := range append(from, p.q+2, p.q-2) {
			for name, x := range vectors(p.n, prime, false) {
				if p.n > 1<<12 && name != "edges" {
					continue
				}
				p.portable.Center(want, x, prime)
				p.vector.Center(got, x, prime)
				same(t, fmt.Sprintf("center %s from %d", name, prime), got, want)
				for i, v := range x[:64] { // against plain arithmetic
					c := word(v)
					if v > prime/2 {
						c.Sub(c, word(prime))
					}
					if c.Mod(c, word(p.q)).Uint64() != got[i] {
						t.Fatalf("center %d from %d: %d, want %d", v, prime, got[i], c)
					}
				}
				p.portable.NTTCenter(want, x, prime, nil)
				p.vector.NTTCenter(got, x, prime, nil)
				same(t, fmt.Sprintf("centred NTT of %s from %d", name, prime), got, want)
			}
		}
	})
}

// TestRandomPrimes takes other primes and numbers each time.
func TestRandomPrimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	names := supported(t)
	for i := range 40 * len(names) {
		p := newPair(t, names[i%len(names)], allLogN[rng.IntN(5)], 1<<(34+rng.IntN(17)), rng.IntN(2) == 1, rng)
		x, got, want := Aligned(p.n), Aligned(p.n), Aligned(p.n)
		for i := range x {
			x[i] = rng.Uint64N(p.q)
		}
		p.portable.NTT(want, x, nil)
		p.vector.NTT(got, x, nil)
		same(t, "NTT, "+p.name, got, want)
		p.portable.INTT(want, x)
		p.vector.INTT(got, x)
		same(t, "INTT, "+p.name, got, want)
	}
}
