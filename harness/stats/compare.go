package stats

import (
	"cmp"
	"errors"
	"math"
	"slices"

	moremath "github.com/aclements/go-moremath/stats"
	"gonum.org/v1/gonum/stat/combin"
)

// Alpha is the probability below which a difference counts as more than chance.
const Alpha = 1 - Confidence

// MannWhitney is the probability that samples differ as much as a and b, or more, when both come from the same
// distribution, whichever that is: the two-sided p of the U test of Mann and Whitney (1947). It is exact for samples of at most 50
// (25 if there are ties), else that of the normal approximation with corrections for ties and continuity.
func MannWhitney(a, b []float64) (float64, error) {
	for _, v := range slices.Concat(a, b) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, errors.New("stats: a sample is not a finite number")
		}
	}
	oneWay, err := moremath.MannWhitneyUTest(a, b, moremath.LocationDiffers)
	switch {
	case errors.Is(err, moremath.ErrSamplesEqual):
		return 1, nil
	case err != nil:
		return 0, errors.New("stats: an empty sample compares with nothing")
	}
	// It doubles the tail on one side. Ties make the tails unequal: the mean of both ways is their sum.
	otherWay, err := moremath.MannWhitneyUTest(b, a, moremath.LocationDiffers)
	if err != nil {
		return 0, err
	}
	return (oneWay.P + otherWay.P) / 2, nil
}

// LeastP is the smallest p that MannWhitney gives for samples of these sizes: that of the two orders, of C(n1+n2, n1), in
// which the samples do not overlap.
func LeastP(n1, n2 int) float64 {
	return min(1, 2*math.Exp(-combin.LogGeneralizedBinomial(float64(n1+n2), float64(n1))))
}

// Holm adjusts the p of several tests so that the probability of a single false one among those below Alpha stays below
// Alpha (Holm 1979). The order is kept.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted, largest := make([]float64, len(p)), 0.0
	for rank, i := range order {
		largest = max(largest, min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = largest
	}
	return adjusted
}

// GeometricMean is that of numbers above 0.
func GeometricMean(values []float64) (float64, error) {
	if len(values) == 0 {
		return 0, errors.New("stats: an empty sample has no mean")
	}
	sum := 0.0
	for _, v := range values {
		if !(v > 0) || math.IsInf(v, 0) {
			return 0, errors.New("stats: a geometric mean is of numbers above 0")
		}
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values))), nil
}
