package inference

import (
	"fmt"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// TransformTimes are what a number-theoretic transform and its inverse take, in seconds, on this process's kernels and in lattigo.
type TransformTimes struct {
	Ring    Ring       `json:"ring"`
	LogN    int        `json:"log_n"`
	Bits    int        `json:"bits"`      // of the modulus
	Forward [2]float64 `json:"forward_s"` // ours, lattigo's
	Inverse [2]float64 `json:"inverse_s"`
}

// Ratios are how many times as long lattigo takes, forward and backward.
func (t TransformTimes) Ratios() [2]float64 {
	return [2]float64{t.Forward[1] / t.Forward[0], t.Inverse[1] / t.Inverse[0]}
}

// MeasureTransforms times transforms of log_n 12 to 15 in both rings, for the largest modulus of each family of kernels, by turns with
// lattigo's.
func MeasureTransforms() ([]TransformTimes, error) {
	var all []TransformTimes
	for _, kind := range Rings {
		for logN := 12; logN <= 15; logN++ {
			for _, bits := range []int{kernels.LazyBits, kernels.MaxBits} {
				p, err := NewParameters(Literal{Ring: kind, LogN: logN, LogQ: []int{bits}, LogP: []int{bits}, LogScale: 30}, true)
				if err != nil {
					return nil, fmt.Errorf("transforms: %w", err)
				}
				t := TransformTimes{Ring: kind, LogN: logN, Bits: bits}
				ours, theirs := p.rings.q[0], p.RingQ().SubRings[0]
				x, y := transformInput(p.N(), theirs), kernels.Aligned(p.N())
				t.Forward = byTurns(func() { ours.NTT(y, x, nil) }, func() { theirs.NTT(x, y) })
				t.Inverse = byTurns(func() { ours.INTT(y, x) }, func() { theirs.INTT(x, y) })
				all = append(all, t)
			}
		}
	}
	return all, nil
}

func transformInput(n int, r *ring.SubRing) []uint64 {
	x := kernels.Aligned(n)
	kernels.NewPortable(r).Uniform(x, kernels.NewSource())
	return x
}

// turns is how often each of two things is timed, turnTime for how long at a time.
const (
	turns    = 15
	turnTime = 200 * time.Microsecond
)

// byTurns gives the median seconds of two things that are timed by turns.
func byTurns(f ...func()) (medians [2]float64) {
	var times [2][]float64
	for range turns {
		for i, run := range f {
			n := 0
			start := time.Now()
			for ; time.Since(start) < turnTime || n < 2; n++ {
				run()
			}
			times[i] = append(times[i], time.Since(start).Seconds()/float64(n))
		}
	}
	for i, t := range times {
		slices.Sort(t)
		medians[i] = t[len(t)/2]
	}
	return medians
}
