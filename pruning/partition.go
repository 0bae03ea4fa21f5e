package pruning

import (
	"cmp"
	"slices"

	"hepex/packing"
)

// partition assigns the neurons of every axis to the groups that share tiles. Groups hold as many neurons as the tile
// is wide; the last one of an axis holds what is left.
type partition struct {
	dims   []int
	size   []int   // of a full group, by axis
	groups []int   // number, by axis
	of     [][]int // group of each neuron, by axis
}

func newPartition(dims []int, shape packing.Shape) *partition {
	p := &partition{dims: dims}
	for a, n := range dims {
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

// orders lists the neurons of each axis group by group.
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
	n := make([]int, len(p.dims)-1)
	for l := range n {
		n[l] = p.groups[l] * p.groups[l+1]
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
	number := make([][]float64, len(p.dims))
	for a, n := range p.dims {
		number[a] = make([]float64, p.groups[a])
		for g := range number[a] {
			number[a][g] = float64(min(p.size[a], n-g*p.size[a]))
		}
	}
	out := make([][]float64, len(p.dims)-1)
	for l := range out {
		for _, rows := range number[l+1] {
			for _, cols := range number[l] {
				out[l] = append(out[l], rows*cols)
			}
		}
	}
	return out
}

// sums adds up the scores of the weights in each tile of each layer.
func (p *partition) sums(scores [][]float64) [][]float64 {
	out := make([][]float64, len(scores))
	for l, s := range scores {
		in, cols := p.dims[l], p.groups[l]
		out[l] = make([]float64, cols*p.groups[l+1])
		for o, g := range p.of[l+1] {
			row := out[l][g*cols : (g+1)*cols]
			for i, v := range s[o*in : (o+1)*in] {
				row[p.of[l][i]] += v
			}
		}
	}
	return out
}

// sort groups neurons by the sum of their weights' scores, the highest first.
func (p *partition) sort(scores [][]float64) {
	for a, n := range p.dims {
		sum := make([]float64, n)
		if a > 0 {
			in := p.dims[a-1]
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
