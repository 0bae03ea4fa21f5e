package packing

import "gonum.org/v1/gonum/mat"

// Trim leaves out the input ciphertexts that no kept tile reads, so that the client need not encrypt and send them: the first layer
// reads them in one rotation. Tiles keep their place in what is left.
func (m *Model) Trim() {
	first := &m.Layers[0]
	var cols, positions []int
	for col, read := range first.reads(0, m.Kept[0]) {
		if !read && !(col == first.Cols-1 && len(cols) == 0) {
			continue
		}
		cols = append(cols, col)
		for p := col * first.InGroup; p < min((col+1)*first.InGroup, first.In); p++ {
			positions = append(positions, p)
		}
	}
	if len(cols) == first.Cols {
		return
	}
	m.InputOrder = through(m.InputOrder, positions)
	m.Weights[0] = columns(m.Weights[0], positions)
	for r, row := range m.Kept[0] {
		kept := make([]bool, len(cols))
		for i, col := range cols {
			kept[i] = row[col]
		}
		m.Kept[0][r] = kept
	}
	first.In, first.Cols = len(positions), len(cols)
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
