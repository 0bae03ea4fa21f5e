package kernels

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// TestPointwise holds both implementations against plain arithmetic.
func TestPointwise(t *testing.T) {
	pairs(t, few, func(t *testing.T, p *pair) {
		vs := vectors(p.n, p.q, p.n == 1<<9)
		mod := func(f func(x, y, z, w *big.Int) *big.Int, x, y, z, w uint64) uint64 {
			v := f(word(x), word(y), word(z), word(w))
			return v.Mod(v, word(p.q)).Uint64()
		}
		for what, op := range map[string]struct {
			run  func(r Ring, dst, x, y, z []uint64, f Factor)
			want func(x, y, z, w *big.Int) *big.Int
		}{
			"x + y": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.Add(dst, x, y) },
				func(x, y, z, w *big.Int) *big.Int { return x.Add(x, y) }},
			"x·w": {func(r Ring, dst, x, y, z []uint64, f Factor) { r.Scale(dst, x, f) },
				func(x, y, z, w *big.Int) *big.Int { return x.Mul(x, w) }},
			"z + x·w": {func(r Ring, dst, x, y, z []uint64, f Factor) { copy(dst, z); r.ScaleAdd(dst, x, f) },
				func(x, y, z, w *big.Int) *big.Int { return x.Mul(x, w).Add(x, z) }},
			"(x − y)·w": {func(r Ring, dst, x, y, z []uint64, f Factor) { r.SubScale(dst, x, y, f) },
				func(x, y, z, w *big.Int) *big.Int { return x.Sub(x, y).Mul(x, w) }},
			"(x − y)·w + z": {func(r Ring, dst, x, y, z []uint64, f Factor) { r.SubScaleAdd(dst, x, y, z, f) },
				func(x, y, z, w *big.Int) *big.Int { return x.Sub(x, y).Mul(x, w).Add(x, z) }},
			"z + x·y": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.MulAdd(dst, x, y, z) },
				func(x, y, z, w *big.Int) *big.Int { return x.Mul(x, y).Add(x, z) }},
			"z − x·y": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.MulSub(dst, x, y, z) },
				func(x, y, z, w *big.Int) *big.Int { return x.Sub(z, x.Mul(x, y)) }},
			"x²": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.Square(dst, Aligned(p.n), Aligned(p.n), x, y) },
				func(x, y, z, w *big.Int) *big.Int { return x.Mul(x, x) }},
			"2·x·y": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.Square(Aligned(p.n), dst, Aligned(p.n), x, y) },
				func(x, y, z, w *big.Int) *big.Int { return x.Mul(x, y).Lsh(x, 1) }},
			"y²": {func(r Ring, dst, x, y, z []uint64, _ Factor) { r.Square(Aligned(p.n), Aligned(p.n), dst, x, y) },
				func(x, y, z, w *big.Int) *big.Int { return y.Mul(y, y) }},
		} {
			for _, names := range [][3]string{{"random", "other", "edges"}, {"top", "top", "top"}, {"zero", "top", "zero"}, {"edges", "alternating", "top"}, {"top", "zero", "top"}, {"one", "edges", "random"}} {
				x, y, z := vs[names[0]], vs[names[1]], vs[names[2]]
				for _, w := range []uint64{0, 1, p.q - 1, p.q / 3} {
					got, want := Aligned(p.n), Aligned(p.n)
					op.run(p.portable, want, x, y, z, p.portable.Factor(w))
					op.run(p.vector, got, x, y, z, p.vector.Factor(w))
					same(t, fmt.Sprintf("%s of %v, w %d", what, names, w), got, want)
					for i := range 64 {
						if v := mod(op.want, x[i], y[i], z[i], w); v != got[i] {
							t.Fatalf("%s of %d, %d, %d, %d: %d, want %d", what, x[i], y[i], z[i], w, got[i], v)
						}
					}
				}
			}
		}
	})
}

func TestPermutations(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		rng := rand.New(rand.NewPCG(1, 2))
		vs := vectors(p.n, p.q, false)
		add, want, got, sum := vs["edges"], Aligned(p.n), Aligned(p.n), Aligned(p.n)
		for range 3 {
			root := uint64(2 * p.n)
			if p.sub.Type() == ring.ConjugateInvariant {
				root *= 2
			}
			element := uint64(1) // a power of 5: a rotation
			for range rng.IntN(p.n) {
				element = element * 5 % root
			}
			index, err := ring.AutomorphismNTTIndex(p.n, root, element)
			if err != nil {
				t.Fatal(err)
			}
			order, err := NewPermutation(index)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"random", "top"} {
				x := vs[name]
				for i, at := range index {
					want[i] = x[at]
				}
				for _, r := range []Ring{p.vector, p.portable} {
					r.Permute(got, x, order)
					same(t, name, got, want)
					r.PermuteAdd(sum, add, x, order)
					for i := range sum {
						if v := (add[i] + want[i]) % p.q; sum[i] != v {
							t.Fatalf("sum of %s: [%d] is %d, want %d", name, i, sum[i], v)
						}
					}
				}
			}
		}
	})
	if _, err := NewPermutation([]uint64{8, 1, 2, 3, 4, 5, 6, 7}); err == nil {
		t.Error("lanes from two vectors: no error")
	}
	var index []uint64 // the ninth order swaps two lanes, the others rotate them
	for i := range uint64(64) {
		index = append(index, i&^7|(i+i/8)&7)
	}
	if _, err := NewPermutation(index); err != nil {
		t.Error(err)
	}
	if _, err := NewPermutation(append(index, 65, 64, 66, 67, 68, 69, 70, 71)); err == nil {
		t.Error("nine orders of lanes: no error")
	}
}

func TestUniform(t *testing.T) {
	pairs(t, []int{12}, func(t *testing.T, p *pair) {
		got, want := make([]uint64, p.n+5), make([]uint64, p.n+5)
		p.vector.Uniform(got, Seed{1}.Source(0))
		p.portable.Uniform(want, Seed{1}.Source(0))
		same(t, "uniform", got, want)
		mean := 0.0
		for _, v := range got {
			if v >= p.q {
				t.Fatalf("%d is not below %d", v, p.q)
			}
			mean += float64(v) / float64(p.q) / float64(len(got))
		}
		if mean < 0.47 || mean > 0.53 { // 6 standard deviations
			t.Errorf("mean %g of the modulus", mean)
		}
		p.vector.Uniform(want, NewSource())
		if got[0] == want[0] && got[1] == want[1] {
			t.Error("another source gives the same numbers")
		}
	})
}

func TestWordBytes(t *testing.T) {
	for q, want := range map[uint64]int{1<<30 - 35: 4, 1 << 32: 4, 1<<32 + 15: 5, 1<<40 - 87: 5, 1<<47 - 115: 6, 1 << 48: 6, 1<<48 + 21: 8, 1<<60 - 93: 8} {
		if got := WordBytes(q); got != want {
			t.Errorf("%d: %d bytes, want %d", q, got, want)
		}
	}
}

// The vector instructions give what plain words give.
func TestFoursEqualWords(t *testing.T) {
	if !hasAVX2 {
		t.Skip("no AVX2 on this machine")
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for _, negative := range []bool{false, true} {
		var x [4][]uint64
		var w [4]uint64
		acc, want := make([]uint64, 64, 72), make([]uint64, 64, 72)
		for k := range x {
			w[k] = rng.Uint64N(1 << 32)
			for range cap(acc) {
				x[k] = append(x[k], rng.Uint64())
			}
		}
		for i := range acc {
			acc[i] = rng.Uint64()
			want[i] = acc[i]
			for k := range x {
				if negative {
					want[i] -= x[k][i] * w[k]
				} else {
					want[i] += x[k][i] * w[k]
				}
			}
		}
		addFour(acc, &pending{x: x, w: w, negative: negative})
		same(t, fmt.Sprintf("negative %t, and what lies behind", negative), acc[:cap(acc)], want[:cap(want)])
	}
}
