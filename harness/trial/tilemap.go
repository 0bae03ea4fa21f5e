package trial

import (
	"math"

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
}

func newTileMap(s *pruning.State, m *packing.Model, shape packing.Shape) TileMap {
	var tm TileMap
	for l, d := range s.Net.Dense() {
		layer := TileMapLayer{
			Name: m.Layers[l].Name, Outputs: d.Out, Inputs: d.In, Weights: make([]byte, len(d.W)),
			OutGroup: shape.Group(l + 1), InGroup: shape.Group(l), Kept: m.Kept[l],
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
		tm.Layers = append(tm.Layers, layer)
	}
	return tm
}
