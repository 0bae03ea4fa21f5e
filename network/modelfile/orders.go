package modelfile

import (
	"encoding/json"
	"fmt"
	"slices"

	"hepex/network"
	"hepex/network/onnx"
)

// ends are the orders of inputs and outputs that a file was written in; nil = those of the network.
type ends struct{ input, output []int }

// endsOf reads the orders in the metadata.
func endsOf(file *onnx.Model) (e ends, err error) {
	for key, order := range map[string]*[]int{inputOrder: &e.input, outputOrder: &e.output} {
		text, ok := file.Property(key)
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(text), order); err != nil {
			return e, fmt.Errorf("metadata %s: %w", key, err)
		}
	}
	return e, nil
}

// takeEnds takes the orders from the tensors of a file.
func takeEnds(tensors map[string]tensor) (e ends) {
	for key, order := range map[string]*[]int{inputOrder: &e.input, outputOrder: &e.output} {
		if t, ok := tensors[key]; ok {
			for _, v := range t.values() {
				*order = append(*order, int(v))
			}
			delete(tensors, key)
		}
	}
	return e
}

// given tells whether the file says any.
func (e ends) given() bool { return e.input != nil || e.output != nil }

// undo is the network with its inputs and outputs in their own order.
func (e ends) undo(net *network.Network) (*network.Network, error) {
	if !e.given() {
		return net, nil
	}
	dims := net.Dims()
	orders := make([][]int, len(dims))
	for axis, order := range map[int][]int{0: e.input, len(dims) - 1: e.output} {
		if order == nil {
			continue
		}
		if orders[axis] = inverse(order, dims[axis]); orders[axis] == nil {
			return nil, fmt.Errorf("the order of axis %d: want each of 0 to %d once", axis, dims[axis]-1)
		}
	}
	return net.Permute(orders), nil
}

// inverse is that of a permutation of n channels, nil if the order is none.
func inverse(order []int, n int) []int {
	if len(order) != n {
		return nil
	}
	places := slices.Repeat([]int{-1}, n)
	for p, c := range order {
		if c < 0 || c >= n || places[c] >= 0 {
			return nil
		}
		places[c] = p
	}
	return places
}
