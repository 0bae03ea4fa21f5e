package stats

import (
	"errors"
	"math"
	"slices"
)

// tailLeast is how many of the largest values show the tail of a sample, at least.
const tailLeast = 10

// Tail is a value that a further draw from where a sample comes from exceeds with at most about the given probability. Where the
// sample is large enough to show it, it is one of its order statistics. Beyond, the tail is taken to fall exponentially, with the mean excess
// of the k largest values over the next one (Hill's estimator, where the values are logarithms), k = √n:
//
//	x = x₍ₙ₋ₖ₎ + e·ln(k / (n·probability)), e = (1 + 1/√k) · mean excess
//
// The factor is one standard error of the mean excess. Logarithms of what has a normal tail, or is bounded, fall faster than that,
// so the value is on the safe side for them; powers of such values have tails that are longer in proportion to the exponent, and so
// is the excess.
func Tail(sample []float64, probability float64) (float64, error) {
	if len(sample) == 0 || !(probability > 0) {
		return 0, errors.New("stats: a tail needs a sample, and a probability above 0")
	}
	x := slices.Sorted(slices.Values(sample))
	n := len(x)
	if math.IsNaN(x[0]) || math.IsInf(x[0], 0) || math.IsInf(x[n-1], 0) {
		return 0, errors.New("stats: a sample is not a finite number")
	}
	k := min(max(int(math.Sqrt(float64(n))), tailLeast), n-1)
	if above := int(probability * float64(n)); above > 0 || k == 0 {
		return x[max(n-1-above, 0)], nil
	}
	excess := 0.0
	for _, v := range x[n-k:] {
		excess += v - x[n-1-k]
	}
	excess *= (1 + 1/math.Sqrt(float64(k))) / float64(k)
	return math.Max(x[n-1], x[n-1-k]+excess*math.Log(float64(k)/(float64(n)*probability))), nil
}
