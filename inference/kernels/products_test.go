package kernels

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// TestProducts covers as many terms as need reductions on the way, numbers as large as they get, packed as small as they go.
func TestProducts(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		rng := rand.New(rand.NewPCG(2, p.q))
		for _, terms := range []int{1, 2, 3, 4, 5, 8, 13, 100} {
			for _, kind := range []string{"random", "top"} {
				number := func() []uint64 {
					if kind == "top" {
						return vectors(p.n, p.q, false)["top"]
					}
					v := make([]uint64, p.n)
					for i := range v {
						v[i] = rng.Uint64N(p.q)
					}
					return v
				}
				distinct := min(terms, 16) // inputs and numbers repeat after so many
				var x Inputs
				var xs, numbers [][]uint64
				for range 2 * distinct {
					xs, numbers = append(xs, number()), append(numbers, number())
				}
				for i := range 2 * distinct {
					x.Append(xs[i])
				}
				index := make([]int32, terms)
				for i := range index {
					index[i] = int32(rng.IntN(distinct))
				}
				gaps := slices.Clone(index)
				for i := range gaps {
					if rng.IntN(3) == 0 {
						gaps[i] = -1
					}
				}
				for _, r := range p.rings() {
					two, one := r.NewStream(&Arena{}, terms+terms%3, 2), r.NewStream(&Arena{}, terms+terms%3, 1) // more than are read
					for k := range terms {
						r.Put(two, k, numbers[2*(k%distinct)], numbers[2*(k%distinct)+1])
						if k%2 == 1 {
							r.Put(one, k-1, numbers[2*((k-1)%distinct)], numbers[2*(k%distinct)])
						} else {
							r.Put(one, k, numbers[2*(k%distinct)])
						}
					}
					if last := two.at(terms-1, 1, p.n-8); len(last) < 64 {
						t.Fatalf("%d bytes of a vector", len(last))
					}
					back := make([]uint64, p.n)
					r.Get(two, terms-1, 1, back)
					same(t, "get", back, numbers[2*((terms-1)%distinct)+1])
					for _, run := range []struct {
						name     string
						index    []int32
						products func(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int)
						stream   *Stream
					}{
						{"key", index, r.KeyProducts, two}, {"plain", index, r.PlainProducts, one}, {"plain", gaps, r.PlainProducts, one},
						{"cipher", index, r.CipherProducts, two}, {"cipher", gaps, r.CipherProducts, two},
					} {
						name, index := run.name, run.index
						var dst [3][]uint64
						for i := range dst {
							dst[i] = make([]uint64, p.n)
						}
						run.products(&dst, &x, index, run.stream, 0, 64)
						run.products(&dst, &x, index, run.stream, 64, p.n)
						for _, i := range []int{0, 1, 31, 32, 63, 64, 65, p.n - 1} {
							p.checkProducts(t, fmt.Sprintf("%s, %d terms, %s, vector %t", name, terms, kind, r.Vector()), name, i, &dst, xs, numbers, index, distinct)
						}
					}
				}
			}
		}
	})
}

func (p *pair) checkProducts(t *testing.T, what, name string, i int, dst *[3][]uint64, xs, numbers [][]uint64, index []int32, distinct int) {
	t.Helper()
	var want [3]uint64
	add := func(out int, x, y []uint64) { want[out] = (want[out] + Mul(x[i], y[i], p.q)) % p.q }
	outs := 2
	for k, in := range index {
		if in < 0 {
			continue
		}
		a, b := numbers[2*(k%distinct)], numbers[2*(k%distinct)+1]
		switch name {
		case "key":
			add(0, xs[in], a)
			add(1, xs[in], b)
		case "plain":
			add(0, xs[2*in], a)
			add(1, xs[2*in+1], a)
		default:
			outs = 3
			add(0, xs[2*in], a)
			add(1, xs[2*in], b)
			add(1, xs[2*in+1], a)
			add(2, xs[2*in+1], b)
		}
	}
	for out := range outs {
		if dst[out][i] != want[out] {
			t.Fatalf("%s: output %d at %d is %d, want %d", what, out, i, dst[out][i], want[out])
		}
	}
}

// Portable products serve primes beyond those of vector kernels, where few products fit into 128 bits.
func TestPortableProductsOfLargePrimes(t *testing.T) {
	for _, size := range []int{50, 55, 60, 61} {
		root := uint64(2) << 9
		q := (uint64(1)<<size/root)*root + 1 - root
		for !ring.IsPrime(q) {
			q -= root
		}
		lattigo, err := ring.NewRing(1<<9, []uint64{q})
		if err != nil {
			t.Fatal(err)
		}
		p := &pair{n: 1 << 9, q: q}
		r := NewPortable(lattigo.SubRings[0])
		for _, terms := range []int{1, 2, 5, 6, 7, 8, 64, 301} {
			for _, top := range []bool{true, false} {
				v := vectors(p.n, q, false)
				xs, numbers := [][]uint64{v["random"], v["edges"]}, [][]uint64{v["other"], v["random"]}
				if top {
					xs, numbers = [][]uint64{v["top"], v["top"]}, [][]uint64{v["top"], v["top"]}
				}
				var x Inputs
				x.Append(xs[0])
				x.Append(xs[1])
				s := r.NewStream(&Arena{}, terms, 2)
				for k := range terms {
					r.Put(s, k, numbers...)
				}
				dst := [3][]uint64{make([]uint64, p.n), make([]uint64, p.n), make([]uint64, p.n)}
				r.CipherProducts(&dst, &x, make([]int32, terms), s, 0, p.n)
				for i := range p.n {
					p.checkProducts(t, fmt.Sprintf("%d bits, %d terms", size, terms), "cipher", i, &dst, xs, numbers, make([]int32, terms), 1)
				}
			}
		}
	}
}

// multiplesTermsBound is how many terms of a sign sums of signed halves hold; floats hold one more in all.
const multiplesTermsBound = 2047

func TestMultiples(t *testing.T) {
	wordwise(t, 10, func(t *testing.T, p *pair) {
		rng := rand.New(rand.NewPCG(3, p.q))
		const inputs = 50
		for _, r := range p.rings() {
			n := r.MultiplesWords()
			x := make([]uint64, inputs*n)
			for _, largest := range []uint64{1, 1000, MaxWeight} {
				for _, terms := range []int{0, 1, 7, 7, 7, 400, multiplesTermsBound, multiplesTermsBound + 1, 2 * multiplesTermsBound, 2*multiplesTermsBound + 40} {
					if terms > 400 && largest < MaxWeight {
						continue
					}
					row := &Row{Negative: terms / 2}
					switch terms { // of one sign
					case multiplesTermsBound:
						row.Negative = terms
					case multiplesTermsBound + 1:
						row.Negative = 0
					}
					for k := range terms {
						row.Index = append(row.Index, int32(rng.IntN(inputs)))
						row.Weights = append(row.Weights, uint32(rng.Uint64N(largest+1)))
						if largest == MaxWeight && terms >= 400 {
							row.Weights[k] = MaxWeight - 1 + uint32(k)%2
						}
					}
					for i := range x {
						if x[i] = rng.Uint64N(p.q); terms >= 400 {
							x[i] = p.q - 1
						}
					}
					bias := rng.Uint64N(p.q)
					if terms == 7 { // what is added last, to halves that are seldom as large as they get
						bias = p.q - 1
					}
					got := make([]uint64, n)
					r.Multiples(got, x, row, bias)
					for i := range got {
						want := word(bias)
						for k, in := range row.Index {
							v := word(x[int(in)*n+i])
							v.Mul(v, big.NewInt(int64(row.Weights[k])))
							if k < row.Negative {
								v.Neg(v)
							}
							want.Add(want, v)
						}
						if want.Mod(want, word(p.q)); want.Uint64() != got[i] {
							t.Fatalf("vector %t, %d terms up to %d: [%d] is %d, want %d", r.Vector(), terms, largest, i, got[i], want)
						}
						if i > 70 || terms > 400 && i > 8 {
							break
						}
					}
				}
			}
		}
	})
}
