package inference

import (
	"fmt"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// The lazy sums equal those reduced after every product, coefficient by coefficient, also where 64-bit words hold
// only a few products and every coefficient is as large as it gets.
func TestLazySumsAreExact(t *testing.T) {
	for _, logQ := range []int{60, 58, 45} {
		for _, degree := range []int{0, 1} {
			for _, tiles := range []int{1, 2, 7, 8, 9, 200} {
				t.Run(fmt.Sprintf("%d bits, degree %d, %d tiles", logQ, degree, tiles), func(t *testing.T) {
					p, err := NewParameters(Literal{LogN: testLogN, LogQ: []int{logQ, logQ}, LogP: []int{60}, LogScale: 40}, true)
					check(t, err)
					element := func(degree int) *rlwe.Ciphertext {
						ct := hefloat.NewCiphertext(p.Parameters, degree, 1)
						for i, v := range ct.Value {
							for l, limb := range v.Coeffs {
								for j := range limb {
									limb[j] = p.Q()[l] - 1 - uint64(i+j)%3
								}
							}
						}
						return ct
					}
					var ws, xs []*rlwe.Ciphertext
					for range tiles {
						ws, xs = append(ws, element(degree)), append(xs, element(1))
					}
					sw, err := newSwitcher(p, rlwe.NewMemEvaluationKeySet(nil), nil, 1)
					check(t, err)
					w := &worker{params: p, pool: newPool(p), switcher: sw, counts: packing.Counts{}}
					got, err := w.accumulate(ws, xs, 1)
					check(t, err)
					ringQ := p.RingQ().AtLevel(1)
					want := hefloat.NewCiphertext(p.Parameters, 1+degree, 1)
					for c := range ws {
						for i, a := range ws[c].Value {
							for j, b := range xs[c].Value {
								ringQ.MulCoeffsMontgomeryThenAdd(b, a, want.Value[i+j])
							}
						}
					}
					for i := range want.Value {
						if !want.Value[i].Equal(&got.Value[i]) {
							t.Fatalf("polynomial %d differs", i)
						}
					}
				})
			}
		}
	}
}

// The same network must get the same parameters and scales: if this changes, raise Version.
func TestGoldenParameters(t *testing.T) {
	layout, err := packing.NewLayout([]int{784, 128, 128, 10}, packing.Shape{In: 16, Out: 16, Batch: 32})
	check(t, err)
	profile := least(layout)
	profile.Peaks, profile.Output = []float64{10, 20, 30}, 25
	lit, err := Derive(layout, profile, Wanted{Precision: 16})
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	scales := p.scales(layout)
	got := fmt.Sprintf("%+v %.6f", lit, logScale(scales[len(scales)-1].weight))
	const want = "{Ring:conjugate-invariant LogN:13 LogQ:[41 41 34 34 23] LogP:[41] LogScale:29 LogScales:[31 49 27 33]} 20.000000"
	if got != want {
		t.Errorf("got %s\nwant %s\nif inference was meant to change, raise inference.Version", got, want)
	}
}
