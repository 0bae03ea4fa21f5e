package packing

import (
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Trim leaves out the groups of input channels that no kept tile reads, so that the client need not encrypt and send them: the first layer
// reads them in one rotation. Tiles keep their place in what is left.
func (m *Model) Trim() {
	first := &m.Layers[0]
	read := make([]bool, first.InGroups())
	for _, row := range m.Kept[0] {
		for term, k := range row {
			if k {
				read[first.Source(term)] = true
			}
		}
	}
	if !slices.Contains(read, true) {
		read[len(read)-1] = true
	}
	if !slices.Contains(read, false) {
		return
	}
	var channels, terms []int
	for term := range first.Terms() {
		if read[first.Source(term)] {
			terms = append(terms, term)
		}
	}
	for c := range first.In {
		if read[c/first.InGroup] {
			channels = append(channels, c)
		}
	}
	places := func(positions int) (p []int) {
		for position := range positions {
			for _, c := range channels {
				p = append(p, position*first.In+c)
			}
		}
		return p
	}
	m.InputOrder = through(m.InputOrder, places(m.inputPositions()))
	m.Weights[0] = columns(m.Weights[0], places(first.Taps()))
	for r, row := range m.Kept[0] {
		kept := make([]bool, len(terms))
		for i, term := range terms {
			kept[i] = row[term]
		}
		m.Kept[0][r] = kept
	}
	first.In, first.Cols = len(channels), first.comes()*number(read)
}

// inputPositions is the number of positions that places of the first axis count: all of the grid where the client prepares a convolution,
// else those that are sent.
func (l *Layout) inputPositions() int {
	if p, ok := l.place.(oneImage); ok && p.prepared != nil {
		return l.geometry.Axis(0).Positions()
	}
	return l.Layers[0].comes()
}

// through is an order of chosen positions; nil is the natural order.
func through(order, positions []int) []int {
	if order == nil {
		return positions
	}
	out := make([]int, len(positions))
	for i, p := range positions {
		out[i] = order[p]
	}
	return out
}

// columns picks columns of a matrix.
func columns(w *mat.Dense, positions []int) *mat.Dense {
	rows, _ := w.Dims()
	out := mat.NewDense(rows, len(positions), nil)
	for r := range rows {
		from, to := w.RawRowView(r), out.RawRowView(r)
		for i, p := range positions {
			to[i] = from[p]
		}
	}
	return out
}
