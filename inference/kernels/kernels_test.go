package kernels

import (
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// pair is one prime's ring in both implementations.
type pair struct {
	name             string
	n                int
	q                uint64
	sub              *ring.SubRing
	vector, portable Ring
}

// newPair takes the largest prime below a bound that suits the ring, the smallest above minus the bound if that is negative,
// or a random one further on. Vector kernels serve no more than MaxBits.
func newPair(t testing.TB, logN int, bound int64, conjugate bool, rng *rand.Rand) *pair {
	t.Helper()
	if !supported {
		t.Skip("the processor lacks AVX-512 IFMA")
	}
	root := int64(2) << logN
	if conjugate {
		root *= 2
	}
	step, start := -root, bound/root*root+1-root
	if bound < 0 {
		step, start = root, -bound/root*root+1+root
	}
	q := uint64(start)
	for ; !ring.IsPrime(q) || rng != nil && rng.IntN(8) > 0; q += uint64(step) {
	}
	n := 1 << logN
	newRing := ring.NewRing
	if conjugate {
		newRing = ring.NewRingConjugateInvariant
	}
	r, err := newRing(n, []uint64{q})
	if err != nil {
		t.Fatal(err)
	}
	v := newVector(r.SubRings[0])
	size := bits.Len64(q)
	if (v != nil) != (size <= MaxBits) {
		t.Fatalf("log n %d, q %d: vector kernels %t", logN, q, v != nil)
	}
	return &pair{fmt.Sprintf("log n %d, q %d (%d bits), conjugate %t", logN, q, size, conjugate), n, q, r.SubRings[0], v, NewPortable(r.SubRings[0])}
}

// rings are the implementations that serve the prime.
func (p *pair) rings() []Ring {
	if p.vector == nil {
		return []Ring{p.portable}
	}
	return []Ring{p.vector, p.portable}
}

// bounds of primes: around what words, families and packing end at. Where 2^52/q is a little more than an integer, Barrett's
// reduction leaves no multiple of q; a little less is its worst case.
var bounds = []int64{1 << 30, 1 << 32, 1 << 40, 1 << 52 / 34, -(1 << 52 / 34), 1 << 47, 1 << 48, -906e12, 1 << 50}

// allBounds go on to what the portable implementation ends at.
var allBounds = append([]int64{1 << 51, 1 << 60, 1 << 61}, bounds...)

func pairs(t *testing.T, logNs []int, f func(t *testing.T, p *pair)) {
	for _, conjugate := range []bool{false, true} {
		for _, logN := range logNs {
			for _, bound := range bounds {
				p := newPair(t, logN, bound, conjugate, nil)
				t.Run(p.name, func(t *testing.T) { t.Parallel(); f(t, p) })
			}
		}
	}
}

// wordwise is pairs for what no ring's transform is part of, with primes of all sizes.
func wordwise(t *testing.T, logN int, f func(t *testing.T, p *pair)) {
	for _, bound := range allBounds {
		p := newPair(t, logN, bound, false, nil)
		t.Run(p.name, func(t *testing.T) { t.Parallel(); f(t, p) })
	}
}

var allLogN = []int{9, 10, 12, 13, 14, 15, 16}

// few are degrees that cover a few loops of pointwise functions.
var few = []int{9, 12}

// vectors gives random vectors and extreme ones below a bound, at an address that no cache line begins at if odd.
func vectors(n int, bound uint64, odd bool) map[string][]uint64 {
	rng := rand.New(rand.NewPCG(1, bound))
	m := map[string][]uint64{}
	for _, name := range []string{"zero", "top", "random", "other", "edges", "alternating", "one"} {
		v := Aligned(n + 1)[:n]
		if odd {
			v = Aligned(n + 1)[1 : n+1]
		}
		for i := range v {
			switch name {
			case "top":
				v[i] = bound - 1
			case "random", "other":
				v[i] = rng.Uint64N(bound)
			case "edges":
				v[i] = []uint64{0, 1, bound - 1, bound - 2, bound / 2, bound/2 + 1}[rng.IntN(6)]
			case "alternating":
				v[i] = uint64(i%2) * (bound - 1)
			}
		}
		if name == "one" {
			v[n/2+3] = bound - 1
		}
		m[name] = v
	}
	return m
}

func word(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

func same(t *testing.T, what string, got, want []uint64) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: [%d] is %d, want %d", what, i, got[i], want[i])
		}
	}
}

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

func TestExtensions(t *testing.T) {
	for _, conjugate := range []bool{false, true} {
		var vector, portable []Ring
		for _, bound := range []int64{1 << 46, -906e12, 1 << 49, 1 << 50, 1 << 30, 1 << 47} {
			p := newPair(t, 9, bound, conjugate, nil)
			vector, portable = append(vector, p.vector), append(portable, p.portable)
		}
		for count := 1; count <= 3; count++ {
			for _, rings := range [][]Ring{vector, portable, append(append([]Ring{}, vector[:count]...), portable[count:]...)} {
				checkExtensions(t, rings[:count], rings[count:], 49)
			}
		}
	}
	var many []Ring // the sum of y_i/q_i grows past 8, its multiple of Q past a word
	for bound := int64(1 << 61); len(many) < 28; {
		p := newPair(t, 9, bound, false, nil)
		many, bound = append(many, p.portable), int64(p.q)
	}
	checkExtensions(t, many[:20], many[20:], 40)
}

// checkExtensions takes small numbers and random ones, and some 2^-near·Q away from where the sign changes.
func checkExtensions(t *testing.T, from, to []Ring, near uint) {
	t.Helper()
	const n = 1 << 9
	rng := rand.New(rand.NewPCG(4, 4))
	product := big.NewInt(1)
	for _, r := range from {
		product.Mul(product, word(r.Modulus()))
	}
	half := new(big.Int).Rsh(product, 1)
	values, x := make([]*big.Int, n), make([][]uint64, len(from))
	for i := range values {
		v := new(big.Int).Rand(randSource(rng), product)
		switch i % 8 {
		case 0:
			v.SetInt64(int64(i / 8))
		case 1:
			v.Sub(product, big.NewInt(int64(i/8+1)))
		case 2:
			v.Sub(half, v.Rsh(product, near))
		case 3:
			v.Add(half, v.Rsh(product, near)).Add(v, big.NewInt(1))
		}
		values[i] = v
		for k, r := range from {
			x[k] = append(x[k], new(big.Int).Mod(v, word(r.Modulus())).Uint64())
		}
	}
	e := NewExtender(from, to)
	s := e.NewSplit(n)
	e.Split(s, x)
	for i, r := range to {
		dst := Aligned(n)
		e.Extend(s, i, dst)
		for k, v := range values {
			want := new(big.Int).Set(v)
			if v.Cmp(half) > 0 {
				want.Sub(want, product)
			}
			if want.Mod(want, word(r.Modulus())); want.Uint64() != dst[k] {
				t.Fatalf("%d primes, vector %t, target %d: %d becomes %d, want %d", len(from), r.Vector(), i, v, dst[k], want)
			}
		}
	}
}

func TestUniform(t *testing.T) {
	pairs(t, []int{12}, func(t *testing.T, p *pair) {
		got, want := make([]uint64, p.n+5), make([]uint64, p.n+5)
		p.vector.Uniform(got, newSource([seedBytes]byte{1}))
		p.portable.Uniform(want, newSource([seedBytes]byte{1}))
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

// TestRandomPrimes takes other primes and numbers each time.
func TestRandomPrimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for range 40 {
		p := newPair(t, allLogN[rng.IntN(5)], 1<<(34+rng.IntN(17)), rng.IntN(2) == 1, rng)
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
