package kernels

import (
	"fmt"
	"slices"
)

// Permutation is an automorphism in the domain of the transform: π(x)[i] = x[index[i]]. Aligned vectors of 8 move as one, with their
// lanes in one of 8 orders, so that the index has one entry a vector: the byte offset of the source, with the order in its
// lowest bits.
type Permutation struct {
	index  []uint32
	lanes  [8][8]uint64
	halves [8][16]uint32 // the halves of the lanes' words
}

// NewPermutation compresses an index as lattigo's ring.AutomorphismNTTIndex gives it.
func NewPermutation(index []uint64) (*Permutation, error) {
	p := &Permutation{}
	var orders [][8]uint64
	for i := 0; i+8 <= len(index); i += 8 {
		var lanes [8]uint64
		base := index[i] &^ 7
		for j := range lanes {
			if index[i+j]&^7 != base {
				return nil, fmt.Errorf("kernels: vector %d of a permutation does not move as one", i/8)
			}
			lanes[j] = index[i+j] & 7
		}
		order := slices.Index(orders, lanes)
		if order < 0 {
			order = len(orders)
			if order == len(p.lanes) {
				return nil, fmt.Errorf("kernels: a permutation has more than %d orders of lanes", len(p.lanes))
			}
			orders = append(orders, lanes)
			p.lanes[order] = lanes
			for j, lane := range lanes {
				p.halves[order][2*j], p.halves[order][2*j+1] = uint32(2*lane), uint32(2*lane+1)
			}
		}
		p.index = append(p.index, uint32(base)*8+uint32(order))
	}
	return p, nil
}
