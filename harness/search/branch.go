package search

import (
	"cmp"
	"math"
	"slices"
)

// step is the ratio of neighbouring shares that a branch tries.
const step = 1.05

// branch is networks pruned to a share of an unpruned one, all in one way. Shares are powers of 1/step, by their exponents.
type branch struct {
	Choice           // with the ratio left open
	scores []point   // by share, the largest first
	losses []float64 // by exponent, as far as known; 0: not
	limit  float64   // of losses
	good   int       // the smallest share that is taken to be good enough
	bad    int       // the largest that is known not to be
}

type point struct{ share, score float64 }

// newBranch is a family of pruned networks: c with any ratio. Whole is the score of the unpruned network, floor what is left of it as the
// share goes to nothing, least the smallest share to try, limit the most that a network may lose.
func newBranch(c Choice, whole, floor, least, limit float64) Family {
	bad := 1 + int(math.Log(1/least)/math.Log(step))
	return &branch{c, []point{{1, whole}, {0, floor}}, make([]float64, bad+1), limit, 0, bad}
}

// Next is where the smallest good share is guessed to be, or as low as the target demands.
func (b *branch) Next(target float64) (c Choice, promise float64, ok bool) {
	if b.bad-b.good < 2 {
		return c, 0, false
	}
	guess := b.guess()
	next := guess
	for next < b.bad && b.score(share(next)) > target {
		next++
	}
	if next == b.bad {
		return c, 0, false
	}
	c = b.Choice
	c.Ratio = ratio(next)
	return c, b.score(share(guess)), true
}

// power is how the loss falls with the share, about (measured on MNIST and Fashion-MNIST).
const power = 2

// guess is an exponent in the middle half of what is left: where the loss reaches the limit if its logarithm is a line.
func (b *branch) guess() int {
	width := float64(b.bad - b.good)
	low, high := float64(b.good)+width/4, float64(b.bad)-width/4
	at := (low + high) / 2
	above := func(exponent int) float64 { return math.Log(b.losses[exponent]/b.limit) / math.Log(step) }
	switch good, bad := b.losses[b.good] > 0, b.losses[b.bad] > 0; {
	case good && bad:
		g := above(b.good)
		at = float64(b.good) + width*g/(g-above(b.bad))
	case bad:
		at = float64(b.bad) - above(b.bad)/power
	case good:
		at = float64(b.good) - above(b.good)/power
	}
	return max(b.good+1, min(b.bad-1, int(math.Round(max(low, min(high, at))))))
}

// Learn narrows the range, and the lines by which scores are promised.
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
	if o.Err != nil {
		return
	}
	const least = 0.1 // of the limit: what loses less, or gains, says no more
	b.losses[at] = max(o.Loss, least*b.limit)
	b.scores = append(b.scores, point{1 - c.Ratio, o.Score})
	slices.SortFunc(b.scores, func(a, b point) int { return cmp.Compare(b.share, a.share) })
}

// score is what a share promises, on the line between those that are known.
func (b *branch) score(share float64) float64 {
	i := 1
	for b.scores[i].share > share {
		i++
	}
	above, below := b.scores[i-1], b.scores[i]
	return below.score + (above.score-below.score)*(share-below.share)/(above.share-below.share)
}

func share(exponent int) float64 { return math.Pow(step, -float64(exponent)) }

// ratio is what a share removes, as configs say it.
func ratio(exponent int) float64 { return math.Round((1-share(exponent))*1e4) / 1e4 }
