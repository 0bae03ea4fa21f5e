package pruning

import (
	"cmp"
	"slices"

	"hepex/network"
	"hepex/packing"
)

// partition assigns the channels of every axis to the groups that share tiles: neurons, where an axis has no grid. Groups hold as many
// as the tile is wide; the last one of an axis holds what is left.
type partition struct {
	geometry network.Geometry
	dims     []int   // channels, by axis
	size     []int   // of a full group, by axis
	groups   []int   // number, by axis
	of       [][]int // group of each channel, by axis
}

func newPartition(g network.Geometry, shape packing.Shape) *partition {
	p := &partition{geometry: g, dims: g.Channels()}
	for a, n := range p.dims {
		size := shape.Group(a)
		p.size, p.groups = append(p.size, size), append(p.groups, (n+size-1)/size)
		of := make([]int, n)
		for i := range of {
			of[i] = i / size
		}
		p.of = append(p.of, of)
	}
	return p
}

// grid is how the weights of a layer lie in tiles.
func (p *partition) grid(layer int) packing.Grid {
	return packing.Grid{
		Taps: p.geometry[layer].Taps(), Out: p.of[layer+1], In: p.of[layer], Rows: p.groups[layer+1], InGroups: p.groups[layer],
	}
}

// grids are those of all layers.
func (p *partition) grids() []packing.Grid {
	grids := make([]packing.Grid, len(p.geometry))
	for l := range grids {
		grids[l] = p.grid(l)
	}
	return grids
}

// follow groups neurons as orders of the axes do.
func (p *partition) follow(orders [][]int) {
	for a, order := range orders {
		for position, neuron := range order {
			p.of[a][neuron] = position / p.size[a]
		}
	}
}

// copy is a partition into the same groups that can change by itself.
func (p *partition) copy() *partition {
	c := *p
	c.of = make([][]int, len(p.of))
	for a, of := range p.of {
		c.of[a] = slices.Clone(of)
	}
	return &c
}

// orders lists the channels of each axis group by group.
func (p *partition) orders() [][]int {
	orders := make([][]int, len(p.dims))
	for a, of := range p.of {
		o := make([]int, len(of))
		for i := range o {
			o[i] = i
		}
		slices.SortStableFunc(o, func(i, j int) int { return of[i] - of[j] })
		orders[a] = o
	}
	return orders
}

// tiles is the number of tiles of each layer.
func (p *partition) tiles() []int {
	var n []int
	for _, g := range p.grids() {
		n = append(n, g.Tiles())
	}
	return n
}

// total is the number of all tiles.
func (p *partition) total() float64 {
	total := 0
	for _, n := range p.tiles() {
		total += n
	}
	return float64(total)
}

// sizes is the number of weights in each tile; tiles at the edge hold fewer.
func (p *partition) sizes() [][]float64 {
	ones := make([][]float64, len(p.geometry))
	for l, s := range p.geometry {
		ones[l] = slices.Repeat([]float64{1}, s.Out*s.Reads())
	}
	return p.sums(ones)
}

// sums adds up the scores of the weights in each tile of each layer.
func (p *partition) sums(scores [][]float64) [][]float64 {
	out := make([][]float64, len(scores))
	for l, g := range p.grids() {
		out[l] = g.Sums(scores[l])
	}
	return out
}

// sort groups neurons by the sum of their weights' scores, the highest first.
func (p *partition) sort(scores [][]float64) {
	for a, n := range p.dims {
		sum := make([]float64, n)
		if a > 0 {
			in := p.geometry[a-1].Reads()
			for w, v := range scores[a-1] {
				sum[w/in] += v
			}
		}
		if a < len(scores) {
			for w, v := range scores[a] {
				sum[w%n] += v
			}
		}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(sum[j], sum[i]) })
		for rank, i := range order {
			p.of[a][i] = rank / p.size[a]
		}
	}
}
