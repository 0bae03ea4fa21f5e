package network

import (
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Simplify is an equivalent network with as few non-zero weights as constants and dead ends allow, and of the same
// sizes. A hidden neuron without incoming weights is constant: its bias, squared as its layer says, goes into the
// biases of the next layer, and its outgoing weights and bias become zero. A hidden neuron that nothing reads loses its incoming
// weights and bias. A tap that lies in the padding at every position loses its weights. Inputs and outputs stay.
func (f *Folded) Simplify() *Folded {
	s := &Folded{}
	for _, l := range f.Layers {
		l.W, l.B = mat.DenseCopyOf(l.W), slices.Clone(l.B)
		l.clearPadding()
		s.Layers = append(s.Layers, l)
	}
	// A constant can only make later neurons constant, and a dead end only earlier ones unread; a dead end makes no
	// new constant, as nothing reads it. So one sweep each way is enough.
	for i := range len(s.Layers) - 1 {
		s.Layers[i].foldConstants(&s.Layers[i+1])
	}
	for i := len(s.Layers) - 2; i >= 0; i-- {
		s.Layers[i].dropUnread(&s.Layers[i+1])
	}
	return s
}

// clearPadding clears the weights of taps that lie in the padding at every position.
func (l *Affine) clearPadding() {
	w, c := l.window(), l.window().In.Channels
	if !w.Pads() {
		return
	}
	reads := make([]bool, w.Taps())
	for p := range w.Positions() {
		for t := range reads {
			reads[t] = reads[t] || w.Input(p, t) >= 0
		}
	}
	for t, any := range reads {
		for o := range l.channels() {
			if !any {
				clear(l.W.RawRowView(o)[t*c : (t+1)*c])
			}
		}
	}
}

func (l *Affine) foldConstants(next *Affine) {
	constants := make([]float64, len(l.B)) // of all outputs; zero for those that are not constant
	any := false
	for j := range l.channels() {
		if !allZero(l.W.RowView(j)) {
			continue
		}
		any = true
		for i := j; i < len(l.B); i += l.channels() {
			constants[i], l.B[i] = l.B[i], 0
			if !l.Linear {
				constants[i] *= constants[i]
			}
		}
	}
	if !any {
		return
	}
	w := next.window()
	if next.Pool != nil {
		sums := make([]float64, w.In.Size())
		poolSums(next.Pool.Inputs(), next.Pool.In.Channels, sums, constants)
		constants = sums
	}
	next.addConstants(constants)
	for j := range l.channels() {
		if allZero(l.W.RowView(j)) {
			next.clearInput(j)
		}
	}
}

// clearInput clears the weights that read a channel.
func (l *Affine) clearInput(channel int) {
	w := l.window()
	for o := range l.channels() {
		row := l.W.RawRowView(o)
		for i := channel; i < len(row); i += w.In.Channels {
			row[i] = 0
		}
	}
}

// unread tells whether no weight reads a channel.
func (l *Affine) unread(channel int) bool {
	for i, w := channel, l.window(); i < w.Reads(); i += w.In.Channels {
		if !allZero(l.W.ColView(i)) {
			return false
		}
	}
	return true
}

func (l *Affine) dropUnread(next *Affine) {
	for j := range l.channels() {
		if next.unread(j) {
			clear(l.W.RawRowView(j))
			for i := j; i < len(l.B); i += l.channels() {
				l.B[i] = 0
			}
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
