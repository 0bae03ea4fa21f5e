package pruning

import (
	"fmt"

	"hepex/network"
)

// Small puts a fresh network with fewer neurons in the place of the one that is there: what pruning has to be better than.
type Small struct {
	Hidden     []int // neurons of each hidden layer
	Activation string
	BatchNorm  bool
	Seed       uint64
}

func (m Small) String() string {
	return fmt.Sprintf("small hidden=%v activation=%s norm=%t seed=%d", m.Hidden, m.Activation, m.BatchNorm, m.Seed)
}

// Apply replaces the network. The teacher, if there is one, stays.
func (m Small) Apply(s *State, _ Data) error {
	dims := s.Net.Dims()
	a := network.Architecture{
		Inputs: dims[0], Hidden: m.Hidden, Outputs: dims[len(dims)-1], Activation: m.Activation, BatchNorm: m.BatchNorm,
		Autoencoder: dims[0] == dims[len(dims)-1],
	}
	net, err := network.New(a, m.Seed)
	if err != nil {
		return fmt.Errorf("pruning: a smaller network: %w", err)
	}
	s.Net, s.Orders = net, nil
	return nil
}
