package kernels

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Floats are exact while they are integers below 2^53.
func TestFloatConstants(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*floats)
		if !ok {
			return
		}
		q := float64(p.q)
		s := math.Log2(v.c.start[0]) - 52
		for lane := range 4 {
			c := [...]float64{v.c.q[lane], v.c.inverse[lane], v.c.words[lane], v.c.start[lane], float64(v.c.modulus[lane])}
			if c != [...]float64{q, 1 / q, 1<<52 + q, math.Exp2(52 + s), q} {
				t.Errorf("lane %d: %v", lane, c)
			}
		}
		// The upper half of a sum, a multiple of 2^s, and its quotient by q; the lower half with what the upper leaves.
		n := float64(v.terms)
		if n*q*q > math.Exp2(52+s) || n*q > 1<<53 || n*math.Exp2(s-1)+4*q > 1<<53 || n < 4 {
			t.Errorf("%d products between reductions, by 2^%g", v.terms, s)
		}
		if v.wide != (bits.Len64(p.q) > LazyBits) {
			t.Errorf("wide %t", v.wide)
		}
		// What a stage adds: half of q, the quotient's error, and another half where quotients grow beyond what rounds to integers.
		grow := func(y float64, stages int) float64 {
			for range stages {
				t := .5 + y*q*math.Exp2(-54)
				if y*q/2 > 1<<51 {
					t += .5
				}
				y += t
			}
			return y
		}
		stages := bits.Len(uint(p.n)) - 1
		forward, backward := grow(1.75, stages), 32.0
		if v.wide {
			forward, backward = max(grow(1.75, 3), grow(grow(.51, 3), 5)), 4.01
		}
		if forward*q > 1<<53 || backward*q > 1<<52*1.01 {
			t.Errorf("wide %t: up to %g·q and back up to %g·q", v.wide, forward, backward)
		}
		rng := rand.New(rand.NewPCG(6, p.q))
		for _, w := range []uint64{0, 1, p.q / 2, p.q/2 + 1, p.q - 1, rng.Uint64N(p.q)} {
			f, quotient := v.Factor(w).floats()
			if f > q/2 || f < -q/2 || v.number(f) != w || quotient != f/q {
				t.Errorf("factor %d of %d: %g, %g", w, p.q, f, quotient)
			}
		}
	})
}

// Sums of products are exact although each moves the lower half by as much as it can, the same way, for as many terms as there are between
// reductions.
func TestFloatProductsAtTheirBounds(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*floats)
		if !ok {
			return
		}
		unit := uint64(v.c.start[0] / (1 << 52)) // 2^s
		rng := rand.New(rand.NewPCG(7, p.q))
		var in Inputs
		x, y := make([]uint64, group), make([]uint64, group)
		for i := range x {
			for range 1 << 12 { // the remainder by 2^s nearest to its half, above or below
				a, b := p.q-1-rng.Uint64N(p.q/1024), p.q-1-rng.Uint64N(p.q/1024)
				distance := func(a, b uint64) uint64 {
					r := (a * b) & (unit - 1)
					if i%2 == 0 {
						return (r - unit/2) & (unit - 1)
					}
					return (unit/2 - 1 - r) & (unit - 1)
				}
				if distance(a, b) < distance(x[i], y[i]) || x[i] == 0 {
					x[i], y[i] = a, b
				}
			}
		}
		in.Append(x)
		for _, terms := range []int{v.terms - 1, v.terms, v.terms + 1, 2 * v.terms, 2*v.terms + 1} {
			s := newStream(&Arena{}, group, terms, 2, p.q)
			for k := range terms {
				v.Put(s, k, y, y)
			}
			dst := [3][]uint64{make([]uint64, group), make([]uint64, group)}
			v.KeyProducts(&dst, &in, make([]int32, terms), s, 0, group)
			for i := range x {
				want := word(x[i])
				want.Mul(want, word(y[i])).Mul(want, big.NewInt(int64(terms)))
				if want.Mod(want, word(p.q)); dst[0][i] != want.Uint64() || dst[1][i] != want.Uint64() {
					t.Fatalf("%d terms of %d·%d: %d and %d, want %d", terms, x[i], y[i], dst[0][i], dst[1][i], want)
				}
			}
		}
	})
}

// Forward, values stay exact although one moves by half of q in each stage.
func TestFloatTransformsAtTheirBounds(t *testing.T) {
	for _, kernels := range supported(t) {
		if kernels != AVX2 {
			continue
		}
		for _, logN := range []int{15, 16} {
			for _, bound := range []int64{1 << 47, 1 << 48, 1 << 50} {
				p := newPair(t, kernels, logN, bound, false, nil)
				x, got, want := Aligned(p.n), Aligned(p.n), Aligned(p.n)
				for _, product := range []uint64{p.q / 2, p.q/2 + 1} { // nearest to 0, the most and the least
					for h := 1; h < p.n; h *= 2 {
						w := ring.IMForm(p.sub.RootsForward[h], p.q, p.sub.MRedConstant)
						x[p.n/2/h] = Mul(product, Inverse(w, p.q), p.q)
					}
					x[0] = p.q - 1
					p.portable.NTT(want, x, nil)
					p.vector.NTT(got, x, nil)
					same(t, p.name, got, want)
				}
			}
		}
	}
}
