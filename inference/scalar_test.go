package inference

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/inference/kernels"
)

// Integer products equal big integers, coefficient by coefficient, for all sizes of moduli and weights, and for
// coefficients and sums that are as large as they get.
func TestScalarProductsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, logQ := range []int{35, 46, 50, 60} {
		for _, weight := range []int64{1, 3, 200, 4000, 1 << 20, kernels.MaxWeight} {
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
						rows[o].biases = []float64{3*rng.Float64() - 1.5}
						rows[o].Negative = o * len(x) / 2
						for i := range x {
							w := weight
							if o > 0 {
								w = rng.Int64N(weight + 1)
							}
							rows[o].Index, rows[o].Weights = append(rows[o].Index, int32(i)), append(rows[o].Weights, uint32(w))
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
	bias := residues(row.biases[0], scale, p.Q())
	for c := range 2 {
		for l, q := range p.Q()[:2] {
			for _, k := range []int{0, 1, 129, p.N() - 1} {
				want := new(big.Int)
				for i, in := range row.Index {
					v := new(big.Int).SetUint64(x[in].Value[c].Coeffs[l][k])
					if v.Mul(v, big.NewInt(int64(row.Weights[i]))); i < row.Negative {
						v.Neg(v)
					}
					want.Add(want, v)
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
				out[o], rows[o].biases = hefloat.NewCiphertext(p.Parameters, 1, 2), []float64{0}
				for i := range x {
					if rng.Float64() < density {
						n++
						rows[o].Index = append(rows[o].Index, int32(i))
						rows[o].Weights = append(rows[o].Weights, uint32(1+rng.IntN(100)))
					}
				}
				rows[o].Negative = len(rows[o].Index) / 2
			}
			b.ReportAllocs()
			for b.Loop() {
				check(b, scalarLayer(p, rows, x, out, p.DefaultScale(), 1))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*p.N()*3*2), "ns/coefficient")
		})
	}
}
