package pruning

import (
	"cmp"
	"fmt"
	"slices"

	"hepex/network"
	"hepex/packing"
)

// PruneNeurons removes the given share of all hidden neurons, those whose incoming weights are least important on
// average, with the weights that read them. Every hidden layer keeps a neuron.
type PruneNeurons struct {
	Importance, Scope string
	Ratio             float64
	Seed              uint64
}

func (p PruneNeurons) String() string {
	return fmt.Sprintf("prune neurons importance=%s scope=%s ratio=%g seed=%d", p.Importance, p.Scope, p.Ratio, p.Seed)
}

// Apply masks weights.
func (p PruneNeurons) Apply(s *State, data Data) error {
	scores, err := neuronScores(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	gone, floored := lowest(scores, p.Ratio, p.Scope)
	for l, neurons := range gone {
		for _, n := range neurons {
			s.removeNeuron(l+1, n)
		}
	}
	s.noteFloors(floored)
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
	scores, err := neuronScores(p.Importance, s.Net, p.Seed, data)
	if err != nil {
		return err
	}
	parts := newPartition(s.Net.Geometry(), p.Shape)
	if s.Orders != nil {
		parts.follow(s.Orders)
	}
	left := slices.Clone(parts.groups)
	var blocks []block
	for l, neurons := range scores {
		sum, size := make([]float64, left[l+1]), make([]float64, left[l+1])
		for n, v := range neurons {
			sum[parts.of[l+1][n]] += v
			size[parts.of[l+1][n]]++
		}
		for g := range sum {
			blocks = append(blocks, block{axis: l + 1, group: g, score: sum[g] / size[g]})
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

// neuronScores averages the importance of each hidden neuron's incoming weights, layer by layer.
func neuronScores(kind string, n *network.Network, seed uint64, data Data) ([][]float64, error) {
	weights, err := importances(kind, n, seed, data)
	if err != nil {
		return nil, err
	}
	layers := n.Dense()
	scores := make([][]float64, len(layers)-1)
	for l := range scores {
		d := layers[l]
		scores[l] = make([]float64, d.Out)
		for w, v := range weights[l] {
			scores[l][w/d.In] += v / float64(d.In)
		}
	}
	return scores, nil
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
