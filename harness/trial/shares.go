package trial

import (
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/network"
	"hepex/packing"
)

// shares says what the network takes of what the unpruned one does, in the layout of the point; nil for layouts whose parts are not
// priced one by one.
func shares(s config.Spec, unpruned network.Geometry, f *network.Folded, orders [][]int) (*record.Shares, error) {
	c := s.Choice()
	if c.Kind == packing.OneImage {
		return nil, nil
	}
	whole, err := c.Layout(unpruned)
	if err != nil {
		return nil, err
	}
	m, err := c.Pack(f, orders)
	if err != nil {
		return nil, err
	}
	m.Trim()
	costs := func(l *packing.Layout) packing.Costs {
		l.SetDelayed(true)
		a := l.Typical()
		return l.Costs(a.Nominal(), a, c.Encrypted)
	}
	all, dense := costs(whole), whole.Dense()
	of, got := all.Of(dense), costs(m.Layout).Of(m.Kept)
	tiles := 0.0
	for _, c := range whole.Counts(dense, c.Encrypted) {
		tiles += c.Proportional().Cost(whole.Typical().Nominal())
	}
	return &record.Shares{
		Evaluation: got.Seconds / of.Seconds, Memory: got.Memory / of.Memory, Upload: got.Upload / of.Upload, TileTime: tiles / of.Seconds,
	}, nil
}
