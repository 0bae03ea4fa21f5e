package packing

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// Model is a network cut into tiles: the numbers that a Layout places.
type Model struct {
	*Layout
	Weights []*mat.Dense // by layer, outputs × inputs, neurons in tile order
	Bias    [][]float64  // by layer, outputs in tile order
	Kept    [][][]bool   // [layer][row][col]: tiles with a weight that is not zero
}

// Pack cuts a network into tiles after putting the neurons of each axis in the given order (orders[a][p]
// is the neuron at position p of axis a; a nil order, or nil orders, leave the axis as it is). Neurons
// that became constant or unread are folded away first, so that no tile is kept for them.
func Pack(f *network.Folded, shape Shape, orders [][]int) (*Model, error) {
	layout, err := NewLayout(f.Dims(), shape)
	if err != nil {
		return nil, err
	}
	if orders == nil {
		orders = make([][]int, len(f.Layers)+1)
	}
	if err := checkOrders(f.Dims(), orders); err != nil {
		return nil, err
	}
	for i, a := range f.Layers {
		if !finite(a.W.RawMatrix().Data) || !finite(a.B) {
			return nil, fmt.Errorf("packing: layer %s: a weight or bias is not a finite number", layout.Layers[i].Name)
		}
	}
	f = f.Simplify().Permute(orders)
	layout.InputOrder, layout.OutputOrder = orders[0], orders[len(orders)-1]
	m := &Model{Layout: layout}
	for i, a := range f.Layers {
		m.Weights = append(m.Weights, a.W)
		m.Bias = append(m.Bias, a.B)
		m.Kept = append(m.Kept, layout.Layers[i].nonZeroTiles(a.W))
	}
	return m, nil
}

func checkOrders(dims []int, orders [][]int) error {
	if len(orders) != len(dims) {
		return fmt.Errorf("packing: %d orders for %d neuron axes", len(orders), len(dims))
	}
	for a, order := range orders {
		if order == nil {
			continue
		}
		seen := make([]bool, dims[a])
		for _, n := range order {
			if n < 0 || n >= len(seen) || seen[n] || len(order) != len(seen) {
				return fmt.Errorf("packing: order of axis %d is not a permutation of its %d neurons", a, dims[a])
			}
			seen[n] = true
		}
	}
	return nil
}

func finite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// nonZeroTiles marks the tiles that hold a weight other than zero.
func (ly *Layer) nonZeroTiles(w *mat.Dense) [][]bool {
	kept := make([][]bool, ly.Rows)
	for r := range kept {
		kept[r] = make([]bool, ly.Cols)
	}
	for o := range ly.Out {
		for i, v := range w.RawRowView(o) {
			if v != 0 {
				kept[o/ly.OutGroup][i/ly.InGroup] = true
			}
		}
	}
	return kept
}

// KeptTiles is the number of tiles of layer i that exist.
func (m *Model) KeptTiles(i int) int {
	n := 0
	for _, row := range m.Kept[i] {
		for _, k := range row {
			if k {
				n++
			}
		}
	}
	return n
}

// HasRow tells whether row r of layer i has a kept tile. A hidden row without one is never read: its
// outputs were constant and are folded into the next bias.
func (m *Model) HasRow(i, r int) bool {
	for _, k := range m.Kept[i][r] {
		if k {
			return true
		}
	}
	return false
}

// Tile gives the slots of one weight tile: every weight is repeated for each sample.
func (m *Model) Tile(layer, row, col int) []float64 {
	ly := &m.Layers[layer]
	slots := make([]float64, m.Shape.Slots())
	for o := row * ly.OutGroup; o < min((row+1)*ly.OutGroup, ly.Out); o++ {
		w := m.Weights[layer].RawRowView(o)
		for i := col * ly.InGroup; i < min((col+1)*ly.InGroup, ly.In); i++ {
			m.fill(slots, ly, o-row*ly.OutGroup, i-col*ly.InGroup, w[i])
		}
	}
	return slots
}

// fill writes v to the slots of output o and input i of a tile, for each sample.
func (l *Layout) fill(slots []float64, ly *Layer, o, i int, v float64) {
	outer, middle := o, i
	if ly.Outer {
		outer, middle = i, o
	}
	for b := range l.Shape.Batch {
		slots[l.slot(outer, middle, b, ly.Offset)] = v
	}
}

// BiasRow gives the slots of the bias of a row of outputs: wherever the row's sum leaves an output.
func (m *Model) BiasRow(layer, row int) []float64 {
	ly := &m.Layers[layer]
	slots := make([]float64, m.Shape.Slots())
	copies := 1
	if ly.Outer {
		copies = ly.InGroup
	}
	for o := row * ly.OutGroup; o < min((row+1)*ly.OutGroup, ly.Out); o++ {
		for c := range copies {
			m.fill(slots, ly, o-row*ly.OutGroup, c, m.Bias[layer][o])
		}
	}
	return slots
}

// Mask gives the slots of the mask of an inner layer that is refilled: 1 where a sum is complete.
func (l *Layout) Mask(layer int) []float64 {
	ly := &l.Layers[layer]
	slots := make([]float64, l.Shape.Slots())
	for o := range ly.OutGroup {
		l.fill(slots, ly, o, 0, 1)
	}
	return slots
}
