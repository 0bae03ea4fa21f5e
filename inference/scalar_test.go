package inference

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// Integer products equal big integers, coefficient by coefficient, for all sizes of moduli and weights, and for
// coefficients and sums that are as large as they get.
func TestScalarProductsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, logQ := range []int{35, 46, 50, 60} {
		for _, weight := range []int64{1, 3, 200, 4000, 1 << 20, maxScalar} {
			for _, inputs := range []int{0, 1, 4, 7, 50, 300} {
				t.Run(fmt.Sprintf("%d bits, weights to %d, %d inputs", logQ, weight, inputs), func(t *testing.T) {
					p, err := NewParameters(Literal{Ring: ConjugateInvariant, LogN: testLogN, LogQ: []int{logQ, logQ}, LogP: []int{60}, LogScale: 30}, true)
					check(t, err)
					x := make([]*rlwe.Ciphertext, inputs)
					for i := range x {
						x[i] = hefloat.NewCiphertext(p.Parameters, 1, 1)
						for _, v := range x[i].Value {
							for l, limb := range v.Coeffs {
								for k := range limb {
									limb[k] = p.Q()[l] - 1 - uint64(rng.IntN(2))
								}
							}
						}
					}
					rows := make([]scalarRow, 3)
					out := make([]*rlwe.Ciphertext, len(rows))
					for o := range rows {
						out[o] = hefloat.NewCiphertext(p.Parameters, 1, 1)
						rows[o].bias = 3*rng.Float64() - 1.5
						for i := range x {
							w := weight
							if o > 0 {
								w = rng.Int64N(2*weight+1) - weight
							}
							rows[o].inputs, rows[o].weights = append(rows[o].inputs, int32(i)), append(rows[o].weights, w)
						}
					}
					scale := powerOfTwo(40).Mul(powerOfTwo(45))
					check(t, scalarLayer(p, rows, x, out, scale, 2))
					for o := range rows {
						checkScalarRow(t, p, rows[o], x, out[o], scale)
					}
				})
			}
		}
	}
}

func checkScalarRow(t *testing.T, p Parameters, row scalarRow, x []*rlwe.Ciphertext, got *rlwe.Ciphertext, scale rlwe.Scale) {
	t.Helper()
	bias := residues(row.bias, scale, p.Q())
	for c := range 2 {
		for l, q := range p.Q()[:2] {
			for _, k := range []int{0, 1, 129, p.N() - 1} {
				want := new(big.Int)
				for i, in := range row.inputs {
					v := new(big.Int).SetUint64(x[in].Value[c].Coeffs[l][k])
					want.Add(want, v.Mul(v, big.NewInt(row.weights[i])))
				}
				if c == 0 {
					want.Add(want, new(big.Int).SetUint64(bias[l]))
				}
				want.Mod(want, new(big.Int).SetUint64(q))
				if have := got.Value[c].Coeffs[l][k]; have != want.Uint64() {
					t.Fatalf("component %d, limb %d, coefficient %d: %d, want %d", c, l, k, have, want)
				}
			}
		}
	}
}

// The vector instructions give what plain words give.
func TestVectorsEqualWords(t *testing.T) {
	if !hasVectors {
		t.Skip("no vector instructions on this machine")
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for _, negative := range []bool{false, true} {
		var x [4][]uint64
		var w [4]uint64
		acc, want := make([]uint64, 64), make([]uint64, 64)
		for k := range x {
			w[k] = rng.Uint64N(1 << 32)
			for range acc {
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
		axpyVectors(acc, &x, &w, negative)
		for i := range acc {
			if acc[i] != want[i] {
				t.Fatalf("negative %t, word %d: %d, want %d", negative, i, acc[i], want[i])
			}
		}
	}
}

// BenchmarkScalarLayer times a layer of 784 inputs and 128 outputs; ns/op-coefficient is the time of one product of one
// coefficient.
func BenchmarkScalarLayer(b *testing.B) {
	p, err := NewParameters(Literal{Ring: ConjugateInvariant, LogN: 13, LogQ: []int{46, 50, 50}, LogP: []int{55}, LogScale: 31}, false)
	check(b, err)
	rng := rand.New(rand.NewPCG(8, 8))
	for _, density := range []float64{1, 0.1} {
		b.Run(fmt.Sprintf("density=%g", density), func(b *testing.B) {
			x, out, rows := make([]*rlwe.Ciphertext, 784), make([]*rlwe.Ciphertext, 128), make([]scalarRow, 128)
			n := 0
			for i := range x {
				x[i] = hefloat.NewCiphertext(p.Parameters, 1, 2)
			}
			for o := range out {
				out[o] = hefloat.NewCiphertext(p.Parameters, 1, 2)
				for sign := int64(1); sign >= -1; sign -= 2 {
					for i := range x {
						if rng.Float64() < density/2 {
							n++
							rows[o].inputs = append(rows[o].inputs, int32(i))
							rows[o].weights = append(rows[o].weights, sign*int64(1+rng.IntN(100)))
						}
					}
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				check(b, scalarLayer(p, rows, x, out, p.DefaultScale(), 1))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*p.N()*3*2), "ns/coefficient")
		})
	}
}
