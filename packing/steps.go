package packing

// Step is rows of a layer that are summed, and then brought to their ends, together. Inputs are numbered after pooling, without their
// rotations.
type Step struct {
	First, Last int     // rows, Last not among them
	New         []int32 // inputs that no row before reads
	Done        []int32 // inputs that these rows read, and none after them
}

// RowsAtOnce is how many rows of a fully connected layer of tiles are summed together, so that each input is read from memory once for
// all of them.
const RowsAtOnce = 8

// A convolution's rows are summed together for whole positions that follow each other, as they share tiles, or weights, and most of
// their inputs.
const (
	rowsAtOnceConv    = 32
	rowsAtOnceInteger = 256
)

// RowsTogether is how many rows are summed together, at most: each input that they read is brought from memory once for all of them.
func (ly *Layer) RowsTogether() int {
	least := rowsAtOnceConv
	switch {
	case ly.Positions() == 1 && ly.Integer:
		return ly.Rows
	case ly.Positions() == 1:
		return RowsAtOnce
	case ly.Integer:
		least = rowsAtOnceInteger
	}
	return ceilDiv(least, ly.Groups()) * ly.Groups()
}

// rowsPerThread is how many rows a step has for each thread at least: they are brought to their ends one by one.
const rowsPerThread = 4

// rowsInFlight is how many rows a step has, at most: groups of rows that are summed together, and enough of them for all threads.
func (ly *Layer) rowsInFlight(threads int) int {
	together := ly.RowsTogether()
	return ceilDiv(rowsPerThread*threads, together) * together
}

// Steps takes a layer apart. Inputs are free after the last step that reads them, so that few lines of a grid are there at a time; where
// they are rotated they are needed to the end.
func (ly *Layer) Steps(kept [][]bool, threads int) []Step {
	var steps []Step
	last := make([]int32, ly.Ciphertexts()) // step that reads an input, counted from 1
	r, rows := newReading(ly, kept), ly.rowsInFlight(threads)
	for first := 0; first < ly.Rows; first += rows {
		s := Step{First: first, Last: min(first+rows, ly.Rows)}
		r.each(s.First, s.Last, func(input int) {
			col, _ := ly.Input(input)
			if last[col] == 0 {
				s.New = append(s.New, int32(col))
			}
			last[col] = int32(len(steps) + 1)
		})
		steps = append(steps, s)
	}
	for col, step := range last {
		if step > 0 {
			if len(ly.Rotations) > 1 {
				step = int32(len(steps))
			}
			steps[step-1].Done = append(steps[step-1].Done, int32(col))
		}
	}
	return steps
}

// reading tells which inputs rows read.
type reading struct {
	*Layer
	kept  [][]bool
	terms []int32 // that any row of tiles has
}

func newReading(ly *Layer, kept [][]bool) reading {
	r := reading{Layer: ly, kept: kept}
	any := make([]bool, ly.Terms())
	for _, row := range kept {
		for term, k := range row {
			any[term] = any[term] || k
		}
	}
	for term, k := range any {
		if k {
			r.terms = append(r.terms, int32(term))
		}
	}
	return r
}

// each calls f for the inputs that some rows have a tile for, for some repeatedly. Missing rows of tiles have none.
func (r *reading) each(first, last int, f func(input int)) {
	groups, terms := r.Groups(), r.Terms()/r.sums() // of each giant
	width := terms / r.Taps()
	for row := first; row < last; row++ {
		position := r.Position(row)
		if row%groups == 0 && row+groups <= last {
			tap, base := -1, Outside
			for _, term := range r.terms {
				term := int(term) % terms
				if t := term / width; t != tap {
					tap, base = t, r.from(position, t)
				}
				if base != Outside {
					f(base*width + term%width)
				}
			}
			row += groups - 1
			continue
		}
		if r.Group(row) >= len(r.kept) {
			continue
		}
		for term, k := range r.kept[r.Group(row)] {
			if !k {
				continue
			}
			if base := r.from(position, term%terms/width); base != Outside {
				f(base*width + term%width)
			}
		}
	}
}

// count is how many inputs some rows have a tile for. Seen notes for each input the last time that it was counted, of times counted
// from 1.
func (r *reading) count(first, last int, seen []int32, time int32) (n int) {
	r.each(first, last, func(input int) {
		if seen[input] != time {
			seen[input] = time
			n++
		}
	})
	return n
}
