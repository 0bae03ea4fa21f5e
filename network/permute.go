package network

import (
	"fmt"
	"slices"
)

// Permute is the network with its channels in another order, as [Folded.Permute] has it: masks, batch norm and all.
func (n *Network) Permute(orders [][]int) *Network {
	channels := fullOrders(n.Dims(), orders)
	p := n.Clone()
	axis := 0
	for _, l := range p.Layers {
		switch l := l.(type) {
		case *Dense:
			l.pick(channels[axis], channels[axis+1])
			axis++
		case *BatchNorm:
			for _, s := range []*[]float32{&l.Gamma, &l.Beta, &l.Mean, &l.Var} {
				*s = picked(*s, channels[axis])
			}
		}
	}
	return p
}

// pick puts output and input channels in an order.
func (d *Dense) pick(in, out []int) {
	rows, cols := make([]int, 0, len(d.W)), make([]int, 0, d.In)
	for t := range d.In / len(in) {
		for _, c := range in {
			cols = append(cols, t*len(in)+c)
		}
	}
	for _, o := range out {
		for _, c := range cols {
			rows = append(rows, o*d.In+c)
		}
	}
	d.W, d.B = picked(d.W, rows), picked(d.B, out)
	if d.Mask != nil {
		d.Mask = picked(d.Mask, rows)
	}
}

// picked are the values at some places.
func picked[E any](values []E, at []int) []E {
	out := make([]E, len(at))
	for i, from := range at {
		out[i] = values[from]
	}
	return out
}

// fullOrders gives axes without an order their own. Orders that are not permutations of their axes are a mistake of the caller: it panics.
func fullOrders(channels []int, orders [][]int) [][]int {
	if len(orders) != len(channels) {
		panic(fmt.Sprintf("network: permute: %d orders: want one for each of %d axes", len(orders), len(channels)))
	}
	full := make([][]int, len(orders))
	for axis, order := range orders {
		full[axis] = identity(channels[axis])
		if order == nil {
			continue
		}
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, full[axis]) {
			panic(fmt.Sprintf("network: permute: axis %d: want a permutation of %d neurons", axis, channels[axis]))
		}
		full[axis] = order
	}
	return full
}

func identity(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
