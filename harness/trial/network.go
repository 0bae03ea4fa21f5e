package trial

import (
	"hepex/harness/config"
	"hepex/network"
	"hepex/packing"
)

// Network is a point's network as it would be encrypted.
type Network struct {
	Folded      *network.Folded
	Orders      [][]int
	Samples     [][]float64 // with the largest and the smallest values, and others
	Degradation float64     // on the validation split, against the unpruned network
	Density     float64     // of tiles of the point's shape

	values      *values
	preparer    *preparer
	own, before plainQuality // of the network, and of the unpruned one
}

// PrepareNetwork trains and prunes the network of a point, unless the cache has it.
func PrepareNetwork(j Job, report func(Step)) (*Network, error) {
	if err := Prepare(j, report); err != nil {
		return nil, err
	}
	p, err := newPreparer(j, report)
	if err != nil {
		return nil, err
	}
	known, err := p.plain()
	if err != nil {
		return nil, err
	}
	v, err := p.values(known.pruned)
	if err != nil {
		return nil, err
	}
	return &Network{
		Folded: known.folded, Orders: known.pruned.state.Orders, Samples: wide(v.Samples),
		Degradation: known.quality.ValidationDegradation, Density: known.counts.Density, values: v,
		preparer: p, own: known.pruned.quality, before: known.unpruned,
	}, nil
}

// DegradationIn is Degradation were the network evaluated in another layout than the point's: integer weights of scalar ones may lose more.
func (n *Network) DegradationIn(c packing.Choice) (float64, error) {
	q, err := n.preparer.compare(n.before, n.own, n.Folded, c)
	return q.ValidationDegradation, err
}

// Untrained is the network of a point before it is trained: what it costs follows from its sizes, but for a few bits of moduli.
func Untrained(s config.Spec) (*network.Folded, error) {
	form := s.Data.Form()
	if s.Network.From != "" && !s.Prune.Replaces() {
		m, err := s.ReadModel(form)
		if err != nil {
			return nil, err
		}
		net := m.Unfitted()
		net.Straighten()
		return net.Fold()
	}
	net, err := network.New(s.Evaluated(form), uint64(s.Train.Seed))
	if err != nil {
		return nil, err
	}
	return net.Fold()
}
