package stats

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is the mean of a sample and what holds the true mean with 95 % confidence, if the values are normally
// distributed. A single value says nothing about its spread: Low and High are then the value itself.
type Interval struct {
	Mean, Low, High float64
}

// HalfWidth is half the interval.
func (i Interval) HalfWidth() float64 { return (i.High - i.Low) / 2 }

// Mean summarises a sample by Student's t with n − 1 degrees of freedom. The order of the values does not matter, to the
// last bit.
func Mean(sample []float64) (Interval, error) {
	if len(sample) == 0 {
		return Interval{}, errors.New("stats: an empty sample has no mean")
	}
	x := slices.Sorted(slices.Values(sample))
	n := float64(len(x))
	mean, deviation := stat.MeanStdDev(x, nil)
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		return Interval{}, errors.New("stats: a sample is not a finite number")
	}
	if len(x) == 1 {
		return Interval{mean, mean, mean}, nil
	}
	half := deviation / math.Sqrt(n) * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1+Confidence)/2)
	return Interval{mean, mean - half, mean + half}, nil
}
