package kernels

import (
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// vectorKernels are the implementations that tests hold against the portable one, with what makes their rings.
var vectorKernels = map[string]func(*ring.SubRing) Ring{AVX512: newVector, AVX2: newFloats}

// supported lists those of them that this machine has; a test without any is skipped.
func supported(t testing.TB) (names []string) {
	t.Helper()
	for _, k := range implementations {
		if k.supported && k.name != Portable {
			names = append(names, k.name)
		}
	}
	if names == nil {
		t.Skip("the processor has no vector kernels")
	}
	return names
}

// pair is one prime's ring in a vector implementation and in the portable one.
type pair struct {
	kernels          string
	name             string
	n                int
	q                uint64
	sub              *ring.SubRing
	vector, portable Ring
}

// newPair takes the largest prime below a bound that suits the ring, the smallest above minus the bound if that is negative,
// or a random one further on. Vector kernels serve no more than MaxBits.
func newPair(t testing.TB, kernels string, logN int, bound int64, conjugate bool, rng *rand.Rand) *pair {
	t.Helper()
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
	v := vectorKernels[kernels](r.SubRings[0])
	size := bits.Len64(q)
	if (v != nil) != (size <= MaxBits) {
		t.Fatalf("log n %d, q %d: vector kernels %t", logN, q, v != nil)
	}
	return &pair{kernels, fmt.Sprintf("%s, log n %d, q %d (%d bits), conjugate %t", kernels, logN, q, size, conjugate), n, q, r.SubRings[0], v, NewPortable(r.SubRings[0])}
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
	for _, kernels := range supported(t) {
		for _, conjugate := range []bool{false, true} {
			for _, logN := range logNs {
				for _, bound := range bounds {
					p := newPair(t, kernels, logN, bound, conjugate, nil)
					t.Run(p.name, func(t *testing.T) { t.Parallel(); f(t, p) })
				}
			}
		}
	}
}

// wordwise is pairs for what no ring's transform is part of, with primes of all sizes.
func wordwise(t *testing.T, logN int, f func(t *testing.T, p *pair)) {
	for _, kernels := range supported(t) {
		for _, bound := range allBounds {
			p := newPair(t, kernels, logN, bound, false, nil)
			t.Run(p.name, func(t *testing.T) { t.Parallel(); f(t, p) })
		}
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
