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

// small lists the steps of a network that is small from the start: it trains for as many epochs as all of the others', in one go.
func (o Options) small() []Step {
	train := Train{o.Train, o.Distil, o.Stop}
	train.Options.Epochs += o.Retrain.Epochs
	return []Step{o.Small, train}
}

// replaces tells whether the scheme begins with a smaller network.
func (o Options) replaces() bool {
	return o.Small.Hidden != nil && (o.Scheme == "small" || o.Scheme == "joint")
}
