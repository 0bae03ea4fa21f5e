package packing

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
)

// Model is a network cut into tiles: the numbers that a Layout places.
type Model struct {
	*Layout
	Weights []*mat.Dense // by layer, outputs × inputs, channels in the order of their places
	Bias    [][]float64  // by layer, output positions × channels in the order of their places
	Kept    [][][]bool   // [layer][row of tiles][term]: tiles with a weight that is not zero
}

// order puts the channels of inputs and of outputs in an order; nil leaves them as they are.
func (l *Layout) order(inputs, outputs []int) {
	first, last := &l.Layers[0], &l.Layers[len(l.Layers)-1]
	if inputs != nil {
		l.InputOrder = through(l.InputOrder, numbers(sequence(first.comes()), inputs))
	}
	if outputs != nil {
		l.OutputOrder = numbers(sequence(last.Positions()), outputs)
	}
}

func newModel(f *network.Folded, layout *Layout) *Model {
	m := &Model{Layout: layout}
	layout.setSquares(f)
	for i, a := range f.Layers {
		m.Weights = append(m.Weights, a.W)
		m.Bias = append(m.Bias, a.B)
		m.Kept = append(m.Kept, m.nonZero(i))
	}
	return m
}

// setSquares leaves out the squares, and their levels, of linear layers.
func (l *Layout) setSquares(f *network.Folded) {
	delayed := l.Rescalings().Delays > 0
	for i, a := range f.Layers {
		l.Layers[i].Square = i < len(f.Layers)-1 && !a.Linear
	}
	l.SetDelayed(delayed)
}

func checkFinite(f *network.Folded) error {
	g := f.Geometry()
	for i, a := range f.Layers {
		if !finite(a.W.RawMatrix().Data) || !finite(a.B) {
			return fmt.Errorf("packing: layer %s: a weight or bias is not a finite number", LayerName(&g[i], i+1))
		}
	}
	return nil
}

// CheckOrders returns an error unless there is an order for each axis, nil or a permutation of its channels.
func CheckOrders(channels []int, orders [][]int) error {
	if len(orders) != len(channels) {
		return fmt.Errorf("packing: %d orders for %d neuron axes", len(orders), len(channels))
	}
	for a, order := range orders {
		if order != nil && !IsPermutation(order, channels[a]) {
			return fmt.Errorf("packing: order of axis %d is not a permutation of its %d neurons", a, channels[a])
		}
	}
	return nil
}

// IsPermutation tells whether an order has each of 0 to n−1 once.
func IsPermutation(order []int, n int) bool {
	if len(order) != n {
		return false
	}
	seen := make([]bool, n)
	for _, i := range order {
		if i < 0 || i >= n || seen[i] {
			return false
		}
		seen[i] = true
	}
	return true
}

func finite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// liveBiases leaves out the biases of positions that nothing reads.
func liveBiases(f *network.Folded) {
	_, live := placesOf(f.Geometry())
	for i := range f.Layers {
		channels, _ := f.Layers[i].W.Dims()
		var b []float64
		for _, position := range live[i+1] {
			b = append(b, f.Layers[i].B[position*channels:(position+1)*channels]...)
		}
		f.Layers[i].B = b
	}
}

// nonZero marks the tiles of a layer that hold a weight other than zero.
func (m *Model) nonZero(layer int) [][]bool {
	ly := &m.Layers[layer]
	w := m.Weights[layer].RawMatrix()
	var found bool
	find := func(_, out, in int) bool {
		found = w.Data[out*w.Stride+in] != 0
		return !found
	}
	layout := m.Layout
	if m.Kind == Tiles {
		layout = m.withBatch(1).Layout // weights are the same for all samples
	}
	kept := make([][]bool, ly.Groups())
	for row := range kept {
		kept[row] = make([]bool, ly.Terms())
		for term := range kept[row] {
			found = false
			m.place.weights(layout, layer, row, term, find)
			kept[row][term] = found
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

// Products is the number of products that an evaluation takes of the tiles of layer i: a tile is multiplied at every output position at
// which its tap reads an input.
func (m *Model) Products(i int) int {
	ly, n := &m.Layers[i], 0
	uses := ly.uses()
	for _, row := range m.Kept[i] {
		for term, k := range row {
			if k {
				n += uses[term*ly.Taps()/len(row)]
			}
		}
	}
	return n
}

// KeptRows is the number of rows of layer i that are computed: all output positions of each row of tiles that has one.
func (m *Model) KeptRows(i int) int {
	n := 0
	for _, row := range m.Kept[i] {
		if slices.Contains(row, true) {
			n += m.Layers[i].Positions()
		}
	}
	return n
}

// HasRow tells whether the row of tiles of row r of layer i has a kept tile. A hidden row without one is never read: its
// outputs were constant and are folded into the next bias.
func (m *Model) HasRow(i, r int) bool {
	return slices.Contains(m.Kept[i][m.Layers[i].Group(r)], true)
}

// Tile gives the slots of one weight tile, of a row of tiles: every weight is repeated for each sample.
func (m *Model) Tile(layer, row, term int) []float64 {
	slots := make([]float64, m.Slots)
	w := m.Weights[layer].RawMatrix()
	m.place.weights(m.Layout, layer, row, term, func(slot, out, in int) bool {
		slots[slot] = w.Data[out*w.Stride+in]
		return true
	})
	return slots
}

// BiasOf tells, for a row of tiles, which output positions have the same bias: it numbers biases, and gives the number at each position.
func (m *Model) BiasOf(layer, group int) []int {
	ly := &m.Layers[layer]
	of, seen := make([]int, ly.Positions()), map[string]int{}
	first := group % ceilDiv(ly.Out, ly.OutGroup) * ly.OutGroup // several groups may have the same channels
	last := min(first+ly.OutGroup, ly.Out)
	var key []byte
	for position := range of {
		key = key[:0]
		for _, v := range m.Bias[layer][position*ly.Out+first : position*ly.Out+last] {
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(v))
		}
		n, ok := seen[string(key)]
		if !ok {
			n = len(seen)
			seen[string(key)] = n
		}
		of[position] = n
	}
	return of
}

// BiasRow gives the slots of the bias of a row of outputs: wherever the row's sum leaves an output.
func (m *Model) BiasRow(layer, row int) []float64 {
	slots := make([]float64, m.Slots)
	m.place.bias(m.Layout, layer, row, func(slot, out int) { slots[slot] = m.Bias[layer][out] })
	return slots
}

// MaskRow gives the slots of the mask of a layer: 1 where a sum is complete.
func (l *Layout) MaskRow(layer int) []float64 {
	slots := make([]float64, l.Slots)
	l.place.mask(l, layer, func(slot int) { slots[slot] = 1 })
	return slots
}

// LeaksSums tells whether outputs carry partial sums in slots that hold no output: after an inner layer. To the one who
// decrypts they tell of weights.
func (l *Layout) LeaksSums() bool {
	last := &l.Layers[len(l.Layers)-1]
	return !last.outer && last.Sum.Count() > 1
}
