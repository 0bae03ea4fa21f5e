package plots

import "math"

// side is one side of a map: its neurons in the order in which they are drawn, cut into tiles, and into parts that stand apart.
type side struct {
	dots     float64 // of a neuron
	group    int     // neurons of a full tile
	tile     []int   // of each neuron
	from, to []int   // neurons that each tile begins with, and ends before
	dropped  []bool  // neurons without any weight

	parts  []int     // neurons that each part begins with, and the number of all
	starts []float64 // dots at which each part begins
	gap    float64   // dots between parts
}

// newSide is a side of parts, each of tiles of the given widths.
func newSide(parts [][]int, group int) side {
	s := side{group: group, parts: []int{0}}
	for _, widths := range parts {
		for _, w := range widths {
			n := len(s.tile)
			s.from, s.to = append(s.from, n), append(s.to, n+w)
			for range w {
				s.tile = append(s.tile, len(s.from)-1)
			}
		}
		s.parts = append(s.parts, len(s.tile))
	}
	if len(parts) == 1 { // an outline reaches as far as the tile would
		s.to[len(s.to)-1] = s.from[len(s.from)-1] + group
	}
	s.dropped = make([]bool, len(s.tile))
	return s
}

// Parts that are drawn smaller than this stand side by side, and gaps are at most that wide, in dots.
const leastPart, widestGap = 8, 10

// scale draws neurons so many dots wide.
func (s *side) scale(dots float64) {
	s.dots, s.gap, s.starts = dots, widestGap, []float64{0}
	for part := range len(s.parts) - 1 {
		width := float64(s.parts[part+1]-s.parts[part]) * dots
		s.gap = min(s.gap, math.Ceil(width/leastPart))
		if width < leastPart {
			s.gap = 0
		}
	}
	for part := range len(s.parts) - 2 {
		width := float64(s.parts[part+1]-s.parts[part]) * dots
		if s.gap > 0 {
			width = math.Ceil(width)
		}
		s.starts = append(s.starts, s.starts[part]+width+s.gap)
	}
}

// at is the dot at which a neuron begins, or end the one before it, both of a part.
func (s *side) at(neuron, part int) float64 {
	return s.starts[part] + float64(neuron-s.parts[part])*s.dots
}

// length is that of the side in dots.
func (s *side) length() int {
	last := len(s.starts) - 1
	return int(math.Ceil(s.at(s.parts[last+1], last)))
}

// end is the dot at which a part ends.
func (s *side) end(part int) float64 {
	if part+1 == len(s.starts) {
		return float64(s.length())
	}
	return s.starts[part+1] - s.gap
}

// tiles are those of a part.
func (s *side) tiles(part int) (numbers []int) {
	for i, from := range s.from {
		if s.parts[part] <= from && from < s.parts[part+1] {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// neurons are those that a dot stands for, none in a gap.
func (s *side) neurons(dot int) (first, end int) {
	part := 0
	for part+1 < len(s.starts) && s.starts[part+1] <= float64(dot) {
		part++
	}
	end = s.parts[part+1]
	first = s.parts[part] + int((float64(dot)-s.starts[part])/s.dots)
	if first >= end && s.gap > 0 && part+1 < len(s.starts) {
		return end, end
	}
	first = min(first, end-1)
	return first, min(first+per(s.dots), end)
}

// per is how many weights a dot stands for along one side.
func per(dots float64) int { return max(1, int(math.Round(1/dots))) }

// widths are those of the tiles of n neurons; the last may be narrower than a group.
func widths(n, group int) (w []int) {
	for ; n > 0; n -= group {
		w = append(w, min(n, group))
	}
	return w
}

// arranged is the weights and tiles of a layer in the places in which they are drawn.
type arranged struct {
	out, in side
	columns []int // the weight of an output that is drawn in each column of each row of taps
	tiles   []int // the tile of a row that is drawn so
	rows    int   // of taps
}

// arrange puts the taps of a kernel in its rows and columns. The positions that a fully connected layer reads are side by side, by groups of
// inputs, so that all that reads a group is together.
func (l TileMapLayer) arrange() arranged {
	outs, ins, taps := widths(len(l.Before), l.GroupOut), widths(l.inputs(), l.GroupIn), l.taps()
	var a arranged
	if !l.Flattened {
		rows, cols := max(1, l.Kernel.Rows), max(1, l.Kernel.Cols)
		a.out, a.in, a.rows = newSide(repeated(outs, rows), l.GroupOut), newSide(repeated(ins, cols), l.GroupIn), rows
		a.columns, a.tiles = upTo(taps*l.inputs()), upTo(taps*len(ins))
		return a
	}
	var groups [][]int
	for g, width := range ins {
		groups = append(groups, nil)
		for tap := range taps {
			groups[g] = append(groups[g], width)
			a.tiles = append(a.tiles, tap*len(ins)+g)
			for i := range width {
				a.columns = append(a.columns, tap*l.inputs()+g*l.GroupIn+i)
			}
		}
	}
	a.out, a.in, a.rows = newSide([][]int{outs}, l.GroupOut), newSide(groups, ins[0]), 1
	return a
}

func repeated[T any](v T, n int) (all []T) {
	for range n {
		all = append(all, v)
	}
	return all
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// placed takes rows apart into the rows of taps and puts their entries into the given order.
func placed[T any](rows [][]T, order []int, taps int) (all [][]T) {
	part := len(order) / taps
	for tap := range taps {
		for _, row := range rows {
			var r []T
			for _, from := range order[tap*part : (tap+1)*part] {
				r = append(r, row[from])
			}
			all = append(all, r)
		}
	}
	return all
}

// heatMap is the map of weights and tiles. added may be nil.
func (l TileMapLayer) heatMap(weights [][]float32, added, kept [][]bool) heatMap {
	a := l.arrange()
	m := heatMap{weights: placed(weights, a.columns, a.rows), kept: placed(kept, a.tiles, a.rows), out: a.out, in: a.in}
	if added != nil {
		m.added = placed(added, a.columns, a.rows)
	}
	outs, ins := len(m.weights), len(m.weights[0])
	square := whole(min(mapWidth/float64(ins), mapHeight/float64(outs), mostDots))
	most := float64(mostDots)
	if l.taps() > 1 {
		most *= 3 // a tap may have but a single input
		l.markDropped(&m, a, weights)
	}
	m.in.scale(stretched(square, ins, most))
	m.out.scale(stretched(square, outs, most))
	return m
}

// markDropped marks the outputs and inputs without a weight in any tap.
func (l TileMapLayer) markDropped(m *heatMap, a arranged, weights [][]float32) {
	outs, ins := l.droppedOf(weights)
	for place := range m.out.dropped {
		m.out.dropped[place] = outs[place%len(outs)]
	}
	for place := range m.in.dropped {
		m.in.dropped[place] = ins[a.columns[place]%len(ins)]
	}
}

func (l TileMapLayer) droppedOf(weights [][]float32) (outs, ins []bool) {
	outs, ins = repeated(true, len(weights)), repeated(true, l.inputs())
	for o, row := range weights {
		for i, w := range row {
			if w != 0 {
				outs[o], ins[i%len(ins)] = false, false
			}
		}
	}
	return outs, ins
}

// taps is the number of taps of a layer.
func (l TileMapLayer) taps() int { return max(1, l.Kernel.Rows) * max(1, l.Kernel.Cols) }

// inputs is the number of inputs at each tap.
func (l TileMapLayer) inputs() int { return len(l.Before[0]) / l.taps() }

// occupied marks the tiles that hold a weight before the permutation.
func (l TileMapLayer) occupied() [][]bool {
	size, groups := l.inputs(), ceilDiv(l.inputs(), l.GroupIn)
	tiles := make([][]bool, len(l.Kept))
	for r := range tiles {
		tiles[r] = make([]bool, len(l.Kept[r]))
	}
	for o, row := range l.Before {
		for i, w := range row {
			if w != 0 {
				tiles[o/l.GroupOut][i/size*groups+i%size/l.GroupIn] = true
			}
		}
	}
	return tiles
}
