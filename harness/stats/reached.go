package stats

import (
	"errors"
	"math"
	"slices"
)

// Reached is a value that at least one of some further draws reaches, but with the given probability. It is the k-th largest of the
// sample of n for the least k that serves: the draws and the sample are alike, so the k largest of all are in the sample with
// probability
//
//	n/(n+draws) · (n−1)/(n+draws−1) · … (k factors)
//
// Where even the smallest is not certain enough, its lower tail goes on as Tail has it.
func Reached(sample []float64, draws int, misses float64) (float64, error) {
	if draws < 1 {
		return 0, errors.New("stats: want at least one draw")
	}
	if len(sample) == 0 || !(misses > 0) {
		return 0, errors.New("stats: want a sample, and a probability above 0")
	}
	x := slices.Sorted(slices.Values(sample))
	n, p := len(x), 1.0
	for k := range n {
		if p *= float64(n-k) / float64(n+draws-k); p <= misses {
			return x[n-1-k], nil
		}
	}
	for i := range x {
		x[i] = -x[i]
	}
	bound, err := Tail(x, math.Pow(misses, 1/float64(draws)))
	return -bound, err
}
