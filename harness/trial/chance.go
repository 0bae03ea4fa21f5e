package trial

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/network"
)

// chance is what a guess that ignores its input reaches on the validation samples: always the most frequent class of the training
// samples, as an accuracy, or always their mean, as a mean squared error.
func chance(train, validation network.Data) float64 {
	if train.Labels != nil {
		counts := make([]int, math.MaxUint8+1)
		for _, label := range train.Labels {
			counts[label]++
		}
		class := slices.Index(counts, slices.Max(counts))
		n := 0
		for _, label := range validation.Labels {
			if int(label) == class {
				n++
			}
		}
		return float64(n) / float64(validation.Len())
	}
	width := len(targets(train)) / train.Len()
	mean := make([]float64, width)
	for i, v := range targets(train) {
		mean[i%width] += float64(v) / float64(train.Len())
	}
	sum := 0.0
	for i, v := range targets(validation) {
		e := float64(v) - mean[i%width]
		sum += e * e
	}
	return sum / float64(len(targets(validation)))
}

func targets(d network.Data) []float32 {
	if d.Target == nil {
		return d.X
	}
	return d.Target
}

// significance is the probability at which a guesser passes for a network that learnt something.
const significance = 0.01

// guesses tells whether the network is no better than chance on the validation samples: a classifier if a guesser with the share
// that chance has gives as many right answers with a probability of more than 1 % (one-sided binomial test), an autoencoder or a regression if its
// error is not below that of the mean.
func (q plainQuality) guesses() bool {
	if q.Metric != "accuracy" {
		return !(q.Validation < q.Chance)
	}
	right := math.Round(q.Validation * float64(q.Validated))
	guesser := distuv.Binomial{N: float64(q.Validated), P: q.Chance}
	return right <= q.Chance*float64(q.Validated) || 1-guesser.CDF(right-1) > significance
}

// leastMargin is the margin under which outputs barely separate classes: the softmax then holds one of them at most 1.1 times as likely as
// the next.
const leastMargin = 0.1

// warnOfChance notes a network that learnt nothing, or whose outputs say little of what it learnt, or that no data tell what it learnt.
func (w *warnings) warnOfChance(data config.Data, q plainQuality) {
	if data.IsRandom() {
		w.add(record.RandomWarning)
		return
	}
	if !q.guesses() {
		if q.Metric == "accuracy" && q.Margin < leastMargin {
			w.add(record.ChanceWarning+"the network barely separates classes: the two largest outputs of half of the test samples differ by less than %g; agreement and margin say more than accuracy here",
				leastMargin) // not the margin, which the record has: tables gather warnings that are alike
		}
		return
	}
	guess := "always the most frequent class"
	if q.Metric != "accuracy" {
		guess = "always the mean"
	}
	w.add(record.ChanceWarning+"the network is no better than chance: %s %.3g on %d validation samples, %s gives %.3g", q.Metric, q.Validation, q.Validated, guess, q.Chance)
}
