package search

import (
	"math"
	"slices"
)

// step is the ratio of neighbouring shares that a branch tries.
const step = 1.05

// branch is networks pruned to a share of an unpruned one, all in one way. Shares are powers of 1/step, by their exponents.
type branch struct {
	Choice         // with the ratio left open
	known  []known // what shares score, the largest share first
	good   int     // the smallest share that is taken to be good enough
	bad    int     // the largest that is known not to be
}

type known struct{ share, score float64 }

// NewBranch is a family of pruned networks: c with any ratio. Whole is the score of the unpruned network, least the smallest
// share to try.
func NewBranch(c Choice, whole, least float64) Family {
	bad := 1 + int(math.Log(1/least)/math.Log(step))
	return &branch{c, []known{{1, whole}}, 0, bad}
}

// Next halves the range in which the smallest good share is, or goes as low as the target demands.
func (b *branch) Next(target float64) (c Choice, promise float64, ok bool) {
	middle := (b.good + b.bad) / 2
	if middle == b.good {
		return c, 0, false
	}
	next := middle
	for next < b.bad && b.score(share(next)) > target {
		next++
	}
	if next == b.bad {
		return c, 0, false
	}
	c = b.Choice
	c.Ratio = ratio(next)
	return c, b.score(share(middle)), true
}

// Learn narrows the range, and the line by which scores are promised.
func (b *branch) Learn(c Choice, o Outcome, good bool) {
	at := b.good + 1
	for at < b.bad && ratio(at) != c.Ratio {
		at++
	}
	if good {
		b.good = at
	} else {
		b.bad = at
	}
	if o.Err == nil {
		b.known = append(b.known, known{1 - c.Ratio, o.Score})
		slices.SortFunc(b.known, func(a, b known) int { return int(math.Copysign(1, b.share-a.share)) })
	}
}

// score is what a share promises: on the line between two that are known. Below them it is halfway between that line, which
// takes what does not depend on the share for all that there is, and proportion, which forgets it.
func (b *branch) score(share float64) float64 {
	for i, k := range b.known {
		if share >= k.share {
			return line(b.known[max(0, i-1)], k, share)
		}
	}
	n := len(b.known)
	last := b.known[n-1]
	proportional := line(known{}, last, share)
	if n == 1 {
		return proportional
	}
	return (proportional + max(proportional, line(b.known[n-2], last, share))) / 2
}

// line goes through two known scores.
func line(a, b known, share float64) float64 {
	if a.share == b.share {
		return b.score
	}
	return b.score + (a.score-b.score)*(share-b.share)/(a.share-b.share)
}

func share(exponent int) float64 { return math.Pow(step, -float64(exponent)) }

// ratio is what a share removes, as configs say it.
func ratio(exponent int) float64 { return math.Round((1-share(exponent))*1e4) / 1e4 }
