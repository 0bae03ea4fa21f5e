package packing

import (
	"fmt"
	"slices"
)

// Rescalings says when an evaluation rescales, where it has a choice.
type Rescalings struct {
	Delays    int   `json:"delays"`               // squares whose rescaling is delayed, the last ones
	SumsFirst []int `json:"sums_first,omitempty"` // layers that add up slots first (Layer.SumFirst)
}

// Rescalings are those of the layout.
func (l *Layout) Rescalings() (r Rescalings) {
	for i := range l.Layers {
		ly := &l.Layers[i]
		if ly.Delayed {
			r.Delays++
		}
		if ly.SumFirst {
			r.SumsFirst = append(r.SumsFirst, i)
		}
	}
	return r
}

// Rescale assigns levels by rescalings that may come from anybody.
func (l *Layout) Rescale(r Rescalings) error {
	if r.Delays < 0 || r.Delays > l.Squares() {
		return fmt.Errorf("%d squares delayed: want 0 to %d", r.Delays, l.Squares())
	}
	sums := l.Sums()
	for _, i := range r.SumsFirst {
		if !slices.Contains(sums, i) {
			return fmt.Errorf("layer %d adds up slots first: want some of %v", i, sums)
		}
	}
	l.SumFirst(r.SumsFirst)
	l.DelayLast(r.Delays)
	return nil
}

// SumFirst has these layers, some of Sums, add up slots before they rescale, and the others after.
func (l *Layout) SumFirst(layers []int) {
	for i := range l.Layers {
		l.Layers[i].SumFirst = slices.Contains(layers, i)
	}
}

// Sums lists the layers that add up slots.
func (l *Layout) Sums() (layers []int) {
	for i := range l.Layers {
		if !l.Layers[i].Integer && l.Layers[i].Sum.Count() > 1 {
			layers = append(layers, i)
		}
	}
	return layers
}
