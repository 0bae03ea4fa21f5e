package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"hepex/network"
	"hepex/packing"
	"hepex/pruning"
)

// TileMap is a picture of a pruned network: the magnitude of its weights, the order of its neurons and the kept
// tiles.
type TileMap struct {
	Layers []TileMapLayer `json:"layers"`
}

// TileMapLayer shows one layer. Weights holds |w| as a share of the layer's largest, in 255 steps, by output
// and input in their original order; position p of an axis holds neuron Order[p].
//
// Where outputs read several taps, Inputs counts those of all taps, and weights and tiles of an output lie tap by tap, row by row of the
// kernel. Orders are of channels, which all taps share.
type TileMapLayer struct {
	Name     string   `json:"name"`
	Outputs  int      `json:"outputs"`
	Inputs   int      `json:"inputs"`
	Weights  []byte   `json:"weights"`
	OutOrder []int    `json:"out_order,omitempty"`
	InOrder  []int    `json:"in_order,omitempty"`
	OutGroup int      `json:"out_group"`
	InGroup  int      `json:"in_group"`
	Kept     [][]bool `json:"kept"`
	Added    []byte   `json:"added,omitempty"` // bit i%8 of byte i/8: expansion gave weight i back. Nil without expansion

	Kernel    []int `json:"kernel,omitempty"`    // rows and columns of taps, if there are several
	Flattened bool  `json:"flattened,omitempty"` // a fully connected layer, whose taps are the positions of its inputs
}

// newTileMap draws the final state of a network; before is what expansion found, if there was one.
func newTileMap(s *pruning.State, before *network.Network, m *packing.Model, shape packing.Shape) TileMap {
	var tm TileMap
	g := s.Net.Geometry()
	for l, d := range s.Net.Dense() {
		layer := TileMapLayer{
			Name: m.Layers[l].Name, Outputs: d.Out, Inputs: d.In, Weights: make([]byte, len(d.W)),
			OutGroup: shape.Group(l + 1), InGroup: shape.Group(l), Kept: m.Kept[l],
		}
		if k := g[l].Kernel; k != network.Square(1) {
			layer.Kernel, layer.Flattened = []int{k.H, k.W}, !g[l].Conv()
		}
		if s.Orders != nil {
			layer.OutOrder, layer.InOrder = s.Orders[l+1], s.Orders[l]
		}
		largest := 0.0
		for _, w := range d.W {
			largest = math.Max(largest, math.Abs(float64(w)))
		}
		for i, w := range d.W {
			if w != 0 {
				layer.Weights[i] = byte(math.Ceil(255 * math.Abs(float64(w)) / largest))
			}
		}
		if before != nil {
			layer.Added = make([]byte, (len(d.W)+7)/8)
			for i, w := range before.Dense()[l].W {
				if w == 0 && d.W[i] != 0 {
					layer.Added[i/8] |= 1 << (i % 8)
				}
			}
		}
		tm.Layers = append(tm.Layers, layer)
	}
	return tm
}

// ParseTileMap reads a map from its JSON. One whose sizes do not meet, or whose orders are not permutations, is an error.
func ParseTileMap(text []byte) (m TileMap, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return TileMap{}, fmt.Errorf("tile map: %w", err)
	}
	if len(m.Layers) == 0 {
		return TileMap{}, errors.New("tile map: no layers: want at least one")
	}
	for i := range m.Layers {
		if err := m.Layers[i].check(); err != nil {
			return TileMap{}, fmt.Errorf("tile map: layer %d (%s): %w", i+1, m.Layers[i].Name, err)
		}
	}
	return m, nil
}

// Taps is the number of taps that an output reads.
func (l *TileMapLayer) Taps() int {
	if l.Kernel == nil {
		return 1
	}
	return l.Kernel[0] * l.Kernel[1]
}

// Rows gives the weights of each output, with the channels in their original order or, permuted, in that of the places.
func (l *TileMapLayer) Rows(permuted bool) [][]float32 {
	return rowsOf(l, permuted, func(w int) float32 { return float32(l.Weights[w]) })
}

// AddedRows tells likewise which weights expansion gave back. It is nil where none was.
func (l *TileMapLayer) AddedRows(permuted bool) [][]bool {
	if l.Added == nil {
		return nil
	}
	return rowsOf(l, permuted, func(w int) bool { return l.Added[w/8]>>(w%8)&1 == 1 })
}

func rowsOf[T any](l *TileMapLayer, permuted bool, weight func(w int) T) [][]T {
	channels := l.Inputs / l.Taps()
	rows := make([][]T, l.Outputs)
	for o := range rows {
		from := o
		if permuted && l.OutOrder != nil {
			from = l.OutOrder[o]
		}
		rows[o] = make([]T, l.Inputs)
		for i := range rows[o] {
			in := i
			if permuted && l.InOrder != nil {
				in = i/channels*channels + l.InOrder[i%channels]
			}
			rows[o][i] = weight(from*l.Inputs + in)
		}
	}
	return rows
}

func (l *TileMapLayer) check() error {
	n := len(l.Weights)
	switch {
	case n == 0 || l.Outputs < 1 || l.Inputs < 1 || l.Outputs > n || l.Inputs > n || l.Outputs*l.Inputs != n:
		return fmt.Errorf("%d weights for %d outputs of %d inputs: want one for each pair", n, l.Outputs, l.Inputs)
	case l.OutGroup < 1 || l.InGroup < 1 || l.OutGroup > packing.MaxSlots || l.InGroup > packing.MaxSlots:
		return fmt.Errorf("tiles of %d inputs and %d outputs: want 1 to %d each", l.InGroup, l.OutGroup, packing.MaxSlots)
	}
	if l.Added != nil && len(l.Added) != (n+7)/8 {
		return fmt.Errorf("added: %d bytes for %d weights: want a bit for each", len(l.Added), n)
	}
	if k := l.Kernel; k != nil && (len(k) != 2 || k[0] < 1 || k[1] < 1 || k[0] > l.Inputs || k[1] > l.Inputs || l.Inputs%(k[0]*k[1]) != 0) {
		return fmt.Errorf("kernel %v for %d inputs: want rows and columns of taps that have equally many", k, l.Inputs)
	}
	channels := l.Inputs / l.Taps()
	if l.InOrder != nil && !packing.IsPermutation(l.InOrder, channels) {
		return fmt.Errorf("in_order: want each of 0 to %d once", channels-1)
	}
	if l.OutOrder != nil && !packing.IsPermutation(l.OutOrder, l.Outputs) {
		return fmt.Errorf("out_order: want each of 0 to %d once", l.Outputs-1)
	}
	rows, cols := (l.Outputs+l.OutGroup-1)/l.OutGroup, l.Taps()*((channels+l.InGroup-1)/l.InGroup)
	if len(l.Kept) != rows {
		return fmt.Errorf("%d rows of kept tiles: want %d", len(l.Kept), rows)
	}
	for r, row := range l.Kept {
		if len(row) != cols {
			return fmt.Errorf("%d kept tiles in row %d: want %d", len(row), r, cols)
		}
	}
	return nil
}
