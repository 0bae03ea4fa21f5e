package packing

import "fmt"

// Input packs up to Shape.Batch samples: one slice of slots per column of the first layer. Missing samples
// are zero.
func (l *Layout) Input(samples [][]float64) ([][]float64, error) {
	if err := l.checkSamples(samples); err != nil {
		return nil, err
	}
	first := &l.Layers[0]
	cols := make([][]float64, first.Cols)
	for c := range cols {
		cols[c] = make([]float64, l.Shape.Slots())
	}
	for p := range first.In {
		n := p
		if l.InputOrder != nil {
			n = l.InputOrder[p]
		}
		col := cols[p/first.InGroup]
		for j := range l.Shape.Out {
			for b, x := range samples {
				col[l.slot(p%first.InGroup, j, b, first.Offset)] = x[n]
			}
		}
	}
	return cols, nil
}

func (l *Layout) checkSamples(samples [][]float64) error {
	if len(samples) == 0 || len(samples) > l.Shape.Batch {
		return fmt.Errorf("packing: %d samples: want 1 to %d, the batch of tile %s", len(samples), l.Shape.Batch, l.Shape)
	}
	for b, x := range samples {
		if len(x) != l.Layers[0].In {
			return fmt.Errorf("packing: sample %d has %d values: want %d", b, len(x), l.Layers[0].In)
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
	if len(rows) != last.Rows || n < 1 || n > l.Shape.Batch {
		return nil, fmt.Errorf("packing: %d output rows for %d samples: want %d rows, 1 to %d samples", len(rows), n, last.Rows, l.Shape.Batch)
	}
	out := make([][]float64, n)
	for b := range out {
		out[b] = make([]float64, last.Out)
		for p := range last.Out {
			outer, middle := p%last.OutGroup, 0
			if last.Outer {
				outer, middle = 0, p%last.OutGroup
			}
			o := p
			if l.OutputOrder != nil {
				o = l.OutputOrder[p]
			}
			out[b][o] = rows[p/last.OutGroup][l.slot(outer, middle, b, last.Offset)]
		}
	}
	return out, nil
}
