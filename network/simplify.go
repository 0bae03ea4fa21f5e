package network

import (
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Simplify is an equivalent network with as few non-zero weights as constants and dead ends allow, and of the same
// sizes. A hidden neuron without incoming weights is constant: its bias, squared as its layer says, goes into the
// biases of the next layer, and its outgoing weights and bias become zero. A hidden neuron that nothing reads loses its incoming
// weights and bias. Inputs and outputs stay.
func (f *Folded) Simplify() *Folded {
	s := &Folded{}
	for _, l := range f.Layers {
		s.Layers = append(s.Layers, Affine{mat.DenseCopyOf(l.W), slices.Clone(l.B), l.Linear})
	}
	// A constant can only make later neurons constant, and a dead end only earlier ones unread; a dead end makes no
	// new constant, as nothing reads it. So one sweep each way is enough.
	for i := range len(s.Layers) - 1 {
		s.Layers[i].foldConstants(s.Layers[i+1])
	}
	for i := len(s.Layers) - 2; i >= 0; i-- {
		s.Layers[i].dropUnread(s.Layers[i+1])
	}
	return s
}

func (l Affine) foldConstants(next Affine) {
	for j, bias := range l.B {
		if !allZero(l.W.RowView(j)) {
			continue
		}
		if !l.Linear {
			bias *= bias
		}
		for i := range next.B {
			next.B[i] += next.W.At(i, j) * bias
			next.W.Set(i, j, 0)
		}
		l.B[j] = 0
	}
}

func (l Affine) dropUnread(next Affine) {
	for j := range l.B {
		if allZero(next.W.ColView(j)) {
			clear(l.W.RawRowView(j))
			l.B[j] = 0
		}
	}
}

func allZero(v mat.Vector) bool {
	for i := range v.Len() {
		if v.AtVec(i) != 0 {
			return false
		}
	}
	return true
}
