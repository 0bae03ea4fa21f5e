package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// gathering is those inputs of a layer that some rows read, numbered in the order in which they are read first: a convolution's rows
// read a few lines of many.
type gathering struct {
	layer []*rlwe.Ciphertext
	place []int32 // by input of the layer: its number from 1
	x     []*rlwe.Ciphertext
}

func newGathering(layer []*rlwe.Ciphertext) *gathering {
	return &gathering{layer: layer, place: make([]int32, len(layer))}
}

// of is the inputs that terms of a row read, or packing.Outside, and how many of these there are.
func (g *gathering) of(ly *packing.Layer, row int, terms []int32) (index []int32, inside int) {
	index = make([]int32, len(terms))
	for k, term := range terms {
		in := ly.Read(row, int(term))
		if in == packing.Outside {
			index[k] = packing.Outside
			continue
		}
		if g.place[in] == 0 {
			g.x = append(g.x, g.layer[in])
			g.place[in] = int32(len(g.x))
		}
		index[k] = g.place[in] - 1
		inside++
	}
	return index, inside
}
