package network

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Compact is an equivalent network without the hidden neurons that are constant or unread and without the inputs
// that nothing reads. Input p of the result is input inputs[p] of the network. At least one neuron of each axis
// stays; outputs stay as they are.
func (f *Folded) Compact() (compact *Folded, inputs []int) {
	s := f.Simplify()
	keep := make([][]int, len(s.Layers)+1)
	for a := range s.Layers {
		for n := range s.Dims()[a] {
			if !allZero(s.Layers[a].W.ColView(n)) {
				keep[a] = append(keep[a], n)
			}
		}
		if len(keep[a]) == 0 {
			keep[a] = []int{0}
		}
	}
	last := len(s.Layers)
	for n := range s.Dims()[last] {
		keep[last] = append(keep[last], n)
	}
	c := &Folded{}
	for i, l := range s.Layers {
		a := Affine{W: mat.NewDense(len(keep[i+1]), len(keep[i]), nil), Linear: l.Linear}
		for r, o := range keep[i+1] {
			a.B = append(a.B, l.B[o])
			for p, n := range keep[i] {
				a.W.Set(r, p, l.W.At(o, n))
			}
		}
		c.Layers = append(c.Layers, a)
	}
	return c, keep[0]
}

// Quantise is the network with weights rounded to multiples of 2^−bits, as integer arithmetic sees them.
func (f *Folded) Quantise(bits int) *Folded {
	unit := math.Exp2(float64(bits))
	q := &Folded{}
	for _, l := range f.Layers {
		w := mat.DenseCopyOf(l.W)
		w.Apply(func(_, _ int, v float64) float64 { return math.Round(v*unit) / unit }, w)
		q.Layers = append(q.Layers, Affine{w, slices.Clone(l.B), l.Linear})
	}
	return q
}
