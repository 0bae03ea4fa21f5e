package network

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Compact is an equivalent network without the hidden channels that are constant or unread and without the input channels
// that nothing reads, of which it gives those that stay. At least one channel of each axis stays; outputs stay as they are, and so do
// inputs if they are to stay whole.
func (f *Folded) Compact(whole bool) (compact *Folded, inputs []int) {
	s := f.Simplify()
	keep := make([][]int, len(s.Layers)+1)
	for a, channels := range s.Dims() {
		for n := range channels {
			if a == len(s.Layers) || a == 0 && whole || !s.Layers[a].unread(n) {
				keep[a] = append(keep[a], n)
			}
		}
		if len(keep[a]) == 0 {
			keep[a] = []int{0}
		}
	}
	return s.pick(keep), keep[0]
}

// MaxUnrolled bounds the weights of an unrolled layer: 256 MiB.
const MaxUnrolled = 1 << 25

// Unroll is an equivalent network without grids: every position of every channel is a neuron, and weights are repeated wherever they
// are used. A layer of too many weights is an error.
func (f *Folded) Unroll() (*Folded, error) {
	u := &Folded{}
	for i := range f.Layers {
		l := &f.Layers[i]
		if l.Window == nil && l.Pool == nil {
			u.Layers = append(u.Layers, *l)
			continue
		}
		w := l.window()
		in, out := w.In, w.Out(l.channels())
		if l.Pool != nil {
			in = l.Pool.In
		}
		if in.Size()*out.Size() > MaxUnrolled {
			return nil, fmt.Errorf("layer %d: %d×%d weights when unrolled: want at most %d", i+1, out.Size(), in.Size(), MaxUnrolled)
		}
		u.Layers = append(u.Layers, Affine{W: l.unrolled(in, out), B: l.B, Linear: l.Linear})
	}
	return u, nil
}

// unrolled is the weights between the values of what comes and those of the outputs.
func (l *Affine) unrolled(in, out Axis) *mat.Dense {
	w, c := l.window(), in.Channels
	weights := mat.NewDense(out.Size(), in.Size(), nil)
	for p := range w.Positions() {
		for t := range w.Taps() {
			position := w.Input(p, t)
			if position < 0 {
				continue
			}
			from := []int{position}
			if l.Pool != nil {
				from = from[:0]
				for d := range l.Pool.Taps() {
					from = append(from, l.Pool.Input(position, d))
				}
			}
			for o := range out.Channels {
				row := weights.RawRowView(p*out.Channels + o)
				for _, f := range from {
					floats.Add(row[f*c:(f+1)*c], l.W.RawRowView(o)[t*c:(t+1)*c])
				}
			}
		}
	}
	return weights
}

// Quantise is the network with the weights of each layer rounded to multiples of 2^−bits, as integer arithmetic sees them.
func (f *Folded) Quantise(bits []int) *Folded {
	q := &Folded{}
	for i, l := range f.Layers {
		unit := math.Exp2(float64(bits[i]))
		w := mat.DenseCopyOf(l.W)
		w.Apply(func(_, _ int, v float64) float64 { return math.Round(v*unit) / unit }, w)
		l.W, l.B = w, slices.Clone(l.B)
		q.Layers = append(q.Layers, l)
	}
	return q
}
