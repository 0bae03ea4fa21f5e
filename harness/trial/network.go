package trial

import (
	"hepex/network"
)

// Network is a point's network as it would be encrypted.
type Network struct {
	Folded      *network.Folded
	Orders      [][]int
	Samples     [][]float64 // of the validation split
	Degradation float64     // on the validation split, against the unpruned network
	Density     float64     // of tiles of the point's shape
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
	t := &trial{spec: j.Spec, report: p.report}
	if err := t.load(p); err != nil {
		return nil, err
	}
	calibration, err := p.samples.validation.first(calibrationSamples)
	if err != nil {
		return nil, err
	}
	return &Network{t.folded, t.pruned.state.Orders, rows(calibration), t.rec.Quality.ValidationDegradation, t.rec.Tiles.Density}, nil
}
