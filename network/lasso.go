package network

import (
	"errors"
	"fmt"
	"math"
)

// Lasso is a group lasso (Yuan and Lin, 2006) on the weights of the dense layers: it drives the least useful groups
// towards zero as a whole. After each step, with rate η, the weights w of a group of n shrink by the proximal factor
// max(0, 1 − η·λ·√n/‖w‖).
type Lasso struct {
	Lambda float64
	Groups [][]int32 // of each weight, by dense layer, Out×In as the weights are; numbered from 0, −1 for a weight of no group
}

func (l *Lasso) check(n *Network) error {
	layers := n.Dense()
	if !(l.Lambda >= 0) || math.IsInf(l.Lambda, 0) {
		return fmt.Errorf("lasso: λ is %g: want at least 0", l.Lambda)
	}
	if len(l.Groups) != len(layers) {
		return fmt.Errorf("lasso: groups of %d layers: want %d", len(l.Groups), len(layers))
	}
	for i, g := range l.Groups {
		if len(g) != len(layers[i].W) {
			return fmt.Errorf("lasso: layer %d: groups of %d weights: want %d", i, len(g), len(layers[i].W))
		}
		for _, v := range g {
			if v < -1 || int(v) >= len(g) {
				return errors.New("lasso: a group's number is below −1 or no less than the number of weights")
			}
		}
	}
	return nil
}

// shrinker applies a lasso to one dense layer.
type shrinker[T float] struct {
	value  []T
	group  []int32 // of each value
	lambda float64
	square []float64 // sum over each group, later its factor
	root   []float64 // √ of each group's size
}

func newShrinker[T float](p *denseParams[T], groups []int32, lambda float64) *shrinker[T] {
	s := &shrinker[T]{value: p.w.value, group: transposed(groups, p.out, p.in), lambda: lambda}
	for _, g := range s.group {
		if g < 0 {
			continue
		}
		for int(g) >= len(s.root) {
			s.root = append(s.root, 0)
		}
		s.root[g]++
	}
	for g, n := range s.root {
		s.root[g] = math.Sqrt(n)
	}
	s.square = make([]float64, len(s.root))
	return s
}

// shrink is the step that follows one of the optimiser with the given rate.
func (s *shrinker[T]) shrink(rate float64) {
	clear(s.square)
	for i, v := range s.value {
		if g := s.group[i]; g >= 0 {
			s.square[g] += float64(float64(v) * float64(v))
		}
	}
	for g, v := range s.square {
		if v > 0 {
			s.square[g] = math.Max(0, 1-rate*s.lambda*s.root[g]/math.Sqrt(v))
		}
	}
	for i := range s.value {
		if g := s.group[i]; g >= 0 {
			s.value[i] *= T(s.square[g])
		}
	}
}

// penalise begins or, with nil or λ = 0, ends a lasso.
func (t *trainer[T]) penalise(l *Lasso) {
	t.lasso = nil
	if l == nil || l.Lambda == 0 {
		return
	}
	for i, p := range t.dense {
		t.lasso = append(t.lasso, newShrinker(p, l.Groups[i], l.Lambda))
	}
}
