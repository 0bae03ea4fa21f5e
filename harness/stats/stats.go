// Package stats summarises repeated measurements: times by their median, without assuming how they are distributed,
// and what depends on a seed by its mean, as if it were normal, since seeds are too few for anything else. Of values that differ from
// sample to sample it says how large others may be ([Tail]), and how large some will be ([Reached]).
package stats

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence of the intervals.
const Confidence = 0.95

// Summary is the median of a sample and an interval that holds the true median with at least 95 %
// confidence, as far as the sample is large enough (six or more); else the interval is the range.
type Summary struct {
	Median, Low, High float64
}

// HalfWidth is half the interval as a fraction of the median.
func (s Summary) HalfWidth() float64 { return (s.High - s.Low) / 2 / s.Median }

// Median summarises a sample by order statistics: the interval from the k-th smallest to the k-th largest
// value misses the median with probability 2·P(Binomial(n, ½) < k).
func Median(sample []float64) (Summary, error) {
	if len(sample) == 0 {
		return Summary{}, errors.New("stats: an empty sample has no median")
	}
	x := slices.Sorted(slices.Values(sample))
	n := len(x)
	s := Summary{Median: (x[(n-1)/2] + x[n/2]) / 2}
	if math.IsNaN(s.Median) || math.IsInf(s.Median, 0) {
		return Summary{}, errors.New("stats: a sample is not a finite number")
	}
	misses := distuv.Binomial{N: float64(n), P: 0.5}
	k := 0
	for 2*(k+1) <= n && 2*misses.CDF(float64(k)) <= 1-Confidence {
		k++
	}
	k = max(k, 1)
	s.Low, s.High = x[k-1], x[n-k]
	return s, nil
}
