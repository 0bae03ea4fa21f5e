package pruning

import (
	"cmp"
	"fmt"
	"slices"

	"hepex/network"
	"hepex/packing"
)

// PruneNeurons removes the given share of all neurons of a kind, those whose weights are least important on average, with all weights
// into and out of them. Every hidden layer keeps one. The kinds, and the weights that rank them:
//
//	neurons   those of all hidden layers, filters of convolutions among them, by the weights that compute them
//	filters   those of convolutions alone, by the weights that compute them
//	channels  the same, by the weights that read what they compute
type PruneNeurons struct {
	Kind, Importance, Scope string
	Ratio                   float64
	Seed                    uint64
}

func (p PruneNeurons) String() string {
	return fmt.Sprintf("prune %s importance=%s scope=%s ratio=%g seed=%d", p.Kind, p.Importance, p.Scope, p.Ratio, p.Seed)
}

// The kinds of PruneNeurons.
const (
	neurons  = "neurons"
	filters  = "filters"
	channels = "channels"
)

// Apply masks weights.
func (p PruneNeurons) Apply(s *State, data Data) error {
	weights, err := importances(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	g := s.Net.Geometry()
	if err := p.check(g); err != nil {
		return err
	}
	axes := p.axes(g)
	scores := make([][]float64, len(axes))
	for i, axis := range axes {
		if p.Kind == channels {
			scores[i] = readerScores(s.Net, axis, weights)
		} else {
			scores[i] = neuronScores(s.Net, axis, weights)
		}
	}
	gone, floored := lowest(scores, p.Ratio, p.Scope)
	for i, axis := range axes {
		for _, n := range gone[i] {
			s.removeNeuron(axis, n)
		}
	}
	for i, l := range floored {
		floored[i] = axes[l] - 1
	}
	s.noteFloors(floored)
	return nil
}

// axes are those that neurons of the kind lie on.
func (p PruneNeurons) axes(g network.Geometry) (axes []int) {
	for axis := 1; axis < len(g); axis++ {
		if p.Kind == neurons || g[axis-1].Conv() {
			axes = append(axes, axis)
		}
	}
	return axes
}

// check refuses networks without convolutions where their filters or channels are to go.
func (p PruneNeurons) check(g network.Geometry) error {
	if p.Kind != neurons && len(p.axes(g)) == 0 {
		return fmt.Errorf("pruning: no convolution, whose %s could be pruned; want one in the network, or neurons as the target", p.Kind)
	}
	return nil
}

// PruneBlocks removes whole groups of hidden neurons that share tiles, those whose incoming weights are least important
// on average, with the weights that read them, until no more than 1 − Ratio of all tiles are left. Every hidden layer
// keeps a group, so a high ratio may not be reached.
type PruneBlocks struct {
	Importance string
	Ratio      float64
	Shape      packing.Shape
	Seed       uint64
}

func (p PruneBlocks) String() string {
	return fmt.Sprintf("prune blocks importance=%s ratio=%g tile=%s seed=%d", p.Importance, p.Ratio, groups(p.Shape), p.Seed)
}

// block is a group of neurons of a hidden axis.
type block struct {
	axis, group int
	score       float64
}

// Apply masks weights.
func (p PruneBlocks) Apply(s *State, data Data) error {
	weights, err := importances(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	parts := newPartition(s.Net.Geometry(), p.Shape)
	if s.Orders != nil {
		parts.follow(s.Orders)
	}
	left := slices.Clone(parts.groups)
	var blocks []block
	for axis := 1; axis < len(left)-1; axis++ {
		sum, size := make([]float64, left[axis]), make([]float64, left[axis])
		for n, v := range neuronScores(s.Net, axis, weights) {
			sum[parts.of[axis][n]] += v
			size[parts.of[axis][n]]++
		}
		for g := range sum {
			blocks = append(blocks, block{axis: axis, group: g, score: sum[g] / size[g]})
		}
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return cmp.Compare(a.score, b.score) })
	most := int(newBudget(parts, 1-p.Ratio, nil).limit)
	for _, b := range blocks {
		if parts.tilesBetween(left) <= most {
			break
		}
		if left[b.axis] == 1 {
			continue
		}
		left[b.axis]--
		for n, g := range parts.of[b.axis] {
			if g == b.group {
				s.removeNeuron(b.axis, n)
			}
		}
	}
	if n := parts.tilesBetween(left); n > most {
		s.note("blocks: %d tiles are left, as every hidden layer keeps a group: the ratio asks for %d", n, most)
	}
	return nil
}

// tilesBetween counts the tiles of all layers, given the number of groups that are left of each axis.
func (p *partition) tilesBetween(groups []int) int {
	n := 0
	for l, s := range p.geometry {
		n += groups[l] * groups[l+1] * s.Taps()
	}
	return n
}

// neuronScores averages the importance of the weights that compute each neuron of a hidden axis.
func neuronScores(n *network.Network, axis int, weights [][]float64) []float64 {
	d := n.Dense()[axis-1]
	scores := make([]float64, d.Out)
	for w, v := range weights[axis-1] {
		scores[w/d.In] += v / float64(d.In)
	}
	return scores
}

// readerScores averages the importance of the weights that read each neuron of a hidden axis.
func readerScores(n *network.Network, axis int, weights [][]float64) []float64 {
	scores := make([]float64, n.Dense()[axis-1].Out)
	readers := len(weights[axis]) / len(scores)
	for w, v := range weights[axis] {
		scores[w%len(scores)] += v / float64(readers)
	}
	return scores
}

// removeNeuron masks the weights into and out of a hidden neuron, or a filter and what reads its channel.
func (s *State) removeNeuron(axis, neuron int) {
	before, after := s.Net.Dense()[axis-1], s.Net.Dense()[axis]
	for i := range before.In {
		prune(before, neuron*before.In+i)
	}
	for w := neuron; w < len(after.W); w += before.Out {
		prune(after, w)
	}
}
