package kernels

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExtensions(t *testing.T) {
	names := supported(t)
	for i, conjugate := range slices.Repeat([]bool{false, true}, len(names)) {
		kernels := names[i/2]
		var vector, portable []Ring
		for _, bound := range []int64{1 << 46, -906e12, 1 << 49, 1 << 50, 1 << 30, 1 << 47} {
			p := newPair(t, kernels, 9, bound, conjugate, nil)
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
		p := newPair(t, names[0], 9, bound, false, nil)
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
