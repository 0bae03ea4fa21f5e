package packing

import "fmt"

// Input packs up to Batch samples: one slice of slots per column of the first layer. Missing samples
// are zero.
func (l *Layout) Input(samples [][]float64) ([][]float64, error) {
	if err := l.checkSamples(samples); err != nil {
		return nil, err
	}
	cols := make([][]float64, l.Layers[0].Cols)
	for c := range cols {
		cols[c] = make([]float64, l.Slots)
		l.fill(cols[c], c, samples)
	}
	return cols, nil
}

// fill puts samples into the slots of an input ciphertext.
func (l *Layout) fill(slots []float64, col int, samples [][]float64) {
	l.place.input(l, col, len(samples), func(slot, position, sample int) {
		slots[slot] = samples[sample][l.input(position)]
	})
}

// input is the number of the input at a position.
func (l *Layout) input(position int) int {
	if l.InputOrder != nil {
		return l.InputOrder[position]
	}
	return position
}

// LeavesOut is how many inputs the client need not send, as no weight reads them.
func (l *Layout) LeavesOut() int {
	sent := map[int]bool{}
	for col := range l.Layers[0].Cols {
		l.place.input(l, col, 1, func(_, place, _ int) { sent[place] = true })
	}
	return l.inputs - len(sent)
}

func (l *Layout) checkSamples(samples [][]float64) error {
	if len(samples) == 0 || len(samples) > l.Batch {
		return fmt.Errorf("packing: %d samples: want 1 to %d, the batch of the layout", len(samples), l.Batch)
	}
	for b, x := range samples {
		if len(x) != l.inputs {
			return fmt.Errorf("packing: sample %d has %d values: want %d", b, len(x), l.inputs)
		}
		if !finite(x) {
			return fmt.Errorf("packing: sample %d holds a value that is not a finite number", b)
		}
	}
	return nil
}

// Output reads the outputs of n samples from the slots of the rows of the last layer.
func (l *Layout) Output(rows [][]float64, n int) ([][]float64, error) {
	last := &l.Layers[len(l.Layers)-1]
	if len(rows) != last.Rows || n < 1 || n > l.Batch {
		return nil, fmt.Errorf("packing: %d output rows for %d samples: want %d rows, 1 to %d samples", len(rows), n, last.Rows, l.Batch)
	}
	out := make([][]float64, n)
	for b := range out {
		out[b] = make([]float64, last.Positions()*last.Out)
		for p := range out[b] {
			o := p
			if l.OutputOrder != nil {
				o = l.OutputOrder[p]
			}
			row, slot := l.place.output(l, p, b)
			out[b][o] = rows[row][slot]
		}
	}
	return out, nil
}
