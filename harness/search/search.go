// Package search finds the network, and the way to evaluate it under encryption, of least score (time, memory, bytes) among those
// that lose little enough, with few trainings.
//
// What a network loses is known only once it is trained; what it costs is known before, from its sizes and kept tiles. So the
// search goes by promises. Families propose what to train next: small networks by size, and branches, which are pruned networks by
// how much of the unpruned one they keep, each in one tile shape. Both rest on one assumption: what keeps less loses more.
// Whoever promises nothing better than the best network found is not trained.
//
// Decisions follow from losses and prices alone, both kept on disk, never from the clock. A search that was stopped and is
// started again takes the same way and ends alike.
package search

import (
	"context"
	"fmt"

	"hepex/harness/tune"
	"hepex/packing"
)

// Choice is a network to train.
type Choice struct {
	Scheme string // dense, small or joint
	Layers Layers // hidden ones that it is trained with; nil: those of the unpruned network
	Budget string // joint: what Ratio is a share of
	Ratio  float64
	Shape  packing.Shape
	Kind   packing.Kind
}

// Outcome is what came of a choice.
type Outcome struct {
	Loss  float64        // against the unpruned network, on the validation split
	Score float64        // that is to be small
	Way   tune.Candidate // to evaluate it
	Err   error          // why there is none of these
	Free  bool           // it was refused before it was trained
}

// Family is networks that are alike but for how small they are.
type Family interface {
	// Next proposes a network whose score may be at most the target. What it promises says which of the families goes
	// first: the score of what it thinks may still be good enough.
	Next(target float64) (c Choice, promise float64, ok bool)
	// Learn is told what came of a choice: whether it loses little enough.
	Learn(c Choice, o Outcome, good bool)
}

// Tried is a choice that was made.
type Tried struct {
	Choice
	Outcome
	Good bool
}

// Search is a search on its way.
type Search struct {
	Loss  float64 // that is little enough
	Gain  float64 // share of the best score that another must promise to save to be trained
	Train func(ctx context.Context, n int, c Choice) (Outcome, error)

	Tried   []Tried
	best    *Tried
	trained int
}

// Best is the network of least score among those that are good enough, or nil.
func (s *Search) Best() *Tried { return s.best }

// Space is all that a search may try. Both are asked for when the unpruned network is trained.
type Space interface {
	Rungs() ([]Rung, error)                 // small networks
	Branches(best *Tried) ([]Family, error) // pruned networks, given the best unpruned one
}

// ladderShare is the part of the trainings that small networks may take before others have a turn. They go first, as they are
// what pruning has to beat and what it may start from.
const ladderShare = 1.0 / 3

// Trained is the number of trainings, also those that the store and the cache had.
func (s *Search) Trained() int { return s.trained }

// Explore trains the unpruned network, small ones, and then whatever promises to be better: so many in all.
func (s *Search) Explore(ctx context.Context, space Space, trainings int) error {
	if _, err := s.try(ctx, Choice{Scheme: "dense"}); err != nil {
		return err
	}
	rungs, err := space.Rungs()
	if err != nil {
		return err
	}
	ladder := newLadder(rungs)
	if err := s.run(ctx, []Family{ladder}, 1+int(ladderShare*float64(trainings))); err != nil {
		return err
	}
	branches, err := space.Branches(s.best)
	if err != nil {
		return err
	}
	return s.run(ctx, append(branches, ladder), trainings)
}

// run trains what families propose until nothing promises to be better, or there have been so many trainings in all.
func (s *Search) run(ctx context.Context, families []Family, trainings int) error {
	for s.trained < trainings {
		f, c, ok := s.next(families)
		if !ok {
			return nil
		}
		t, err := s.try(ctx, c)
		if err != nil {
			return err
		}
		f.Learn(c, t.Outcome, t.Good)
	}
	return nil
}

// Rounding is what the difference of two accuracies may exceed what it is: one that loses just the limit is good.
const Rounding = 1e-9

// try trains a choice, unless that was done for another family.
func (s *Search) try(ctx context.Context, c Choice) (*Tried, error) {
	for i := range s.Tried {
		if fmt.Sprint(s.Tried[i].Choice) == fmt.Sprint(c) {
			return &s.Tried[i], nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := s.Train(ctx, s.trained, c)
	if err != nil {
		return nil, err
	}
	if !o.Free {
		s.trained++
	}
	t := &Tried{c, o, o.Err == nil && o.Loss <= s.Loss+Rounding}
	s.Tried = append(s.Tried, *t)
	if t.Good && (s.best == nil || t.Score < s.best.Score) {
		s.best = t
	}
	return t, nil
}

// next asks all families and takes the best promise.
func (s *Search) next(families []Family) (from Family, c Choice, found bool) {
	least := 0.0
	for _, f := range families {
		proposed, promise, ok := f.Next(s.target())
		if ok && (!found || promise < least) {
			from, c, least, found = f, proposed, promise, true
		}
	}
	return from, c, found
}

// target is the score that another network has to promise.
func (s *Search) target() float64 {
	if s.best == nil {
		return unlimited
	}
	return s.best.Score * (1 - s.Gain)
}
