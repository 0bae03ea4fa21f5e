package pruning

import (
	"fmt"
	"slices"

	"hepex/network"
)

// Small puts a fresh network with fewer neurons in the place of the one that is there: what pruning has to be better than.
type Small struct {
	Conv       []network.Conv
	Hidden     []int // neurons of each hidden layer
	Activation string
	BatchNorm  bool
	Seed       uint64
}

func (m Small) String() string {
	text := fmt.Sprintf("small hidden=%v activation=%s norm=%t seed=%d", m.Hidden, m.Activation, m.BatchNorm, m.Seed)
	if len(m.Conv) > 0 {
		text += fmt.Sprintf(" conv=%v", m.Conv)
	}
	return text
}

// reads lists the settings that describe the network.
func (m Small) reads() []string {
	return slices.Concat(only(len(m.Hidden) > 0, "hidden"), only(len(m.Conv) > 0, "layers"))
}

// Apply replaces the network. The teacher, if there is one, stays.
func (m Small) Apply(s *State, _ Data) error {
	g := s.Net.Geometry()
	in, out := g.Axis(0), g.Axis(len(g)).Size()
	a := network.Architecture{
		Inputs: in.Size(), Image: in, Conv: m.Conv, Hidden: m.Hidden, Outputs: out, Activation: m.Activation, BatchNorm: m.BatchNorm,
		Autoencoder: in.Size() == out,
	}
	net, err := network.New(a, m.Seed)
	if err != nil {
		return fmt.Errorf("pruning: a smaller network: %w", err)
	}
	s.Net, s.Orders = net, nil
	return nil
}
