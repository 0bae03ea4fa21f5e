package kernels

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Random numbers stay far from the bounds that the kernels rely on. These tests construct inputs that get near them.

// Family 47 is exact although a value, the first or the last, moves by almost q in each stage, or hardly: the input makes the
// product there, t = w·y, little more than 0, or, as the quotient of w was rounded, than q.
func TestTransformsAtTheirBounds(t *testing.T) {
	names := supported(t)
	for i, logN := range slices.Repeat(allLogN, len(names)) {
		for _, bound := range []int64{1 << 30, 1 << 32, 1 << 40, 1 << 47} {
			p := newPair(t, names[i/len(allLogN)], logN, bound, false, nil)
			x, got, want := Aligned(p.n), Aligned(p.n), Aligned(p.n)
			for last := range 2 {
				for h := 1; h < p.n; h *= 2 {
					w := ring.IMForm(p.sub.RootsForward[h+last*(h-1)], p.q, p.sub.MRedConstant)
					product := p.q/(1<<52/(p.q*uint64(logN+1))) + 1 // y is at most the offset and q
					if bound == 1<<47 {                             // y may grow by q in each stage
						product = Mul(w, 1<<52, p.q)/36*uint64(logN+bits.Len(uint(h))-1) + 1
					}
					x[p.n/2/h] = Mul(product, Inverse(w, p.q), p.q)
				}
				x[0] = uint64(bound>>47) * (p.q - 1)
				p.portable.NTT(want, x, nil)
				p.vector.NTT(got, x, nil)
				same(t, p.name, got, want)
			}
		}
	}
}

// Products are exact for as many terms as need reductions on the way, of numbers whose upper or lower halves are as large as they get.
func TestProductsAtTheirBounds(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		const n = 64
		rng := mathrand.New(mathrand.NewPCG(5, p.q))
		x, stored := make([]uint64, n), make([]uint64, n) // a coefficient's terms are all the same
		for i := range x {
			x[i], stored[i] = p.q-1-rng.Uint64N(p.q/64), p.q-1-rng.Uint64N(p.q/64)
			switch i % 4 {
			case 0:
				x[i], stored[i] = p.q-1, p.q-1
			case 1: // the lower 52 bits
				for x[i]*stored[i]<<12 < 1<<64-1<<51 {
					x[i] = p.q - 1 - rng.Uint64N(p.q/64)
				}
			}
		}
		var in Inputs
		in.Append(x)
		in.Append(x)
		for _, terms := range []int{5, 6, 7, 8, 9, 12, 14, 40, 600, 4097, 8200} {
			index := make([]int32, terms)
			for _, r := range p.rings() {
				var streams [3]*Stream // by width
				for width := 1; width <= 2; width++ {
					s := newStream(&Arena{}, n, terms, width, p.q)
					for k := range terms {
						s.put(k, [][]uint64{stored, stored}[:width], func(dst, x []uint64) { copy(dst, x) })
					}
					streams[width] = s
				}
				number := make([]uint64, n)
				r.Get(streams[1], 0, 0, number)
				for name, run := range map[string]func(dst *[3][]uint64){
					"key":    func(dst *[3][]uint64) { r.KeyProducts(dst, &in, index, streams[2], 0, n) },
					"plain":  func(dst *[3][]uint64) { r.PlainProducts(dst, &in, index, streams[1], 0, n) },
					"cipher": func(dst *[3][]uint64) { r.CipherProducts(dst, &in, index, streams[2], 0, n) },
				} {
					dst := [3][]uint64{make([]uint64, n), make([]uint64, n), make([]uint64, n)}
					run(&dst)
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

// A source's key and counter are all drawn: fewer random bytes would still look random.
func TestNewSourceDrawsAllOfItsSeed(t *testing.T) {
	defer func(r io.Reader) { rand.Reader = r }(rand.Reader)
	var seed Seed
	for i := range seed {
		seed[i] = byte(i + 1)
	}
	rand.Reader = bytes.NewReader(seed[:])
	got, want := make([]uint64, 8), make([]uint64, 8)
	NewSource().words(got)
	seed.Source(0).words(want)
	same(t, "source", got, want)
}

func TestPack(t *testing.T) {
	for size := 1; size <= 8; size++ {
		x := []uint64{0, 1, 0x123456789abcdef0 >> (64 - 8*size), 1<<(8*size-1) + 1, ^uint64(0) >> (64 - 8*size)}
		packed, back := make([]byte, len(x)*size), make([]uint64, len(x))
		Pack(packed, x, size)
		if packed[2*size] != byte(x[2]) || packed[3*size-1] != 0x12 {
			t.Errorf("%d bytes: %x is packed as %x", size, x[2], packed[2*size:3*size])
		}
		Unpack(back, packed, size)
		same(t, fmt.Sprintf("%d bytes", size), back, x)
	}
}

// Backward, family 47 is exact although the products of one stage are as large as they get, and with them the sums of the stages that
// follow; or, where these take differences, only what is subtracted.
func TestInverseTransformsAtTheirBounds(t *testing.T) {
	type test struct {
		stage      int    // of products
		difference int    // stage of differences, if any
		d          uint64 // what is about multiplied, in q
	}
	for i, logN := range slices.Repeat([]int{10, 12, 13}, len(supported(t))) {
		p := newPair(t, supported(t)[i/3], logN, 1<<47, false, nil)
		q, x, got, want := p.q, Aligned(p.n), Aligned(p.n), Aligned(p.n)
		root := func(roots []uint64, stage, i int) uint64 {
			return ring.IMForm(roots[p.n>>(stage+1)+i>>(stage+1)], q, p.sub.MRedConstant)
		}
		var tests []test
		for stage := range logN {
			for difference := stage + 1; difference <= min(stage+5, logN); difference++ {
				tests = append(tests, test{stage, difference, 4}, test{stage, difference, 8}, test{stage, difference, 16})
			}
		}
		for _, c := range tests {
			clear(x)
			for i := range x {
				if i>>c.stage&1 == 0 {
					continue
				}
				// A product is q more if it is below f·d/2^52·q, where the quotient was rounded by f and d was multiplied.
				more := Mul(root(p.sub.RootsBackward, c.stage, i), 1<<52, q) / 32 * c.d
				switch large := c.difference == logN || i>>c.difference&1 == 1; {
				case !large:
					x[i] = more/4*5 + 1
				case more > q/16:
					x[i] = more / 4 * 3
				default:
					x[i] = q - 1
				}
			}
			for s := c.stage; s >= 0; s-- {
				for i := range x {
					if j := i + 1<<s; i>>s&1 == 0 {
						a, b := x[i], Mul(x[j], root(p.sub.RootsForward, s, i), q)
						x[i], x[j] = Mul(a+b, (q+1)/2, q), Mul(a+q-b, (q+1)/2, q)
					}
				}
			}
			p.portable.INTT(want, x)
			p.vector.INTT(got, x)
			same(t, fmt.Sprintf("%s, %+v", p.name, c), got, want)
		}
	}
}

// Every source of a seed is another one, and the same each time.
func TestSourcesOfASeed(t *testing.T) {
	seed, seen := NewSeed(), map[uint64]int{}
	for _, n := range []int{0, 1, 2, 255, 256, 257, 1<<16 - 1} {
		var first, again [1]uint64
		seed.Source(n).words(first[:])
		seed.Source(n).words(again[:])
		if other, ok := seen[first[0]]; ok || first != again {
			t.Errorf("source %d: %x, then %x; source %d", n, first, again, other)
		}
		seen[first[0]] = n
	}
}
