package network

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Compact is an equivalent network without the hidden channels that are constant or unread and without the inputs
// that nothing reads, but for those of a grid. Input p of the result is input inputs[p] of the network. At least one channel of each
// axis stays; outputs stay as they are.
func (f *Folded) Compact() (compact *Folded, inputs []int) {
	s := f.Simplify()
	g := s.Geometry()
	keep := make([][]int, len(s.Layers)+1)
	for a, channels := range g.Channels() {
		for n := range channels {
			if a == len(s.Layers) || a == 0 && g.Axis(0).Positions() > 1 || !s.Layers[a].unread(n) {
				keep[a] = append(keep[a], n)
			}
		}
		if len(keep[a]) == 0 {
			keep[a] = []int{0}
		}
	}
	if in := g.Axis(0); in.Positions() > 1 {
		return s.pick(keep), identity(in.Size())
	}
	return s.pick(keep), keep[0]
}

// Quantise is the network with weights rounded to multiples of 2^−bits, as integer arithmetic sees them.
func (f *Folded) Quantise(bits int) *Folded {
	unit := math.Exp2(float64(bits))
	q := &Folded{}
	for _, l := range f.Layers {
		w := mat.DenseCopyOf(l.W)
		w.Apply(func(_, _ int, v float64) float64 { return math.Round(v*unit) / unit }, w)
		l.W, l.B = w, slices.Clone(l.B)
		q.Layers = append(q.Layers, l)
	}
	return q
}
