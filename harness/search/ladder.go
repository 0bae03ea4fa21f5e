package search

import (
	"cmp"
	"math"
	"slices"
)

// unlimited is a target that everything meets.
var unlimited = math.Inf(1)

// Rung is a small network, whose score is known before it is trained.
type Rung struct {
	Choice
	Score float64
}

// ladder is a family of small networks. One that is larger than another in no dimension is taken to lose more.
type ladder struct{ rungs []Rung }

// newLadder is the family of small networks.
func newLadder(rungs []Rung) Family {
	l := &ladder{slices.Clone(rungs)}
	slices.SortStableFunc(l.rungs, func(a, b Rung) int { return cmp.Compare(a.Score, b.Score) })
	return l
}

// Next is the middle, by score, of the rungs that are left.
func (l *ladder) Next(target float64) (c Choice, promise float64, ok bool) {
	n := 0
	for n < len(l.rungs) && l.rungs[n].Score <= target {
		n++
	}
	if n == 0 {
		return c, 0, false
	}
	r := l.rungs[n/2]
	return r.Choice, r.Score, true
}

// Learn drops the rung, and with one that loses too much all that are smaller. One that failed says nothing of them.
func (l *ladder) Learn(c Choice, o Outcome, good bool) {
	l.rungs = slices.DeleteFunc(l.rungs, func(r Rung) bool {
		return slices.Equal(r.Layers, c.Layers) || !good && o.Err == nil && within(r.Layers, c.Layers)
	})
}
