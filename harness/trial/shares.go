package trial

import (
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/network"
	"hepex/packing"
)

// shares says what the network takes of what the unpruned one does, in the layout of the point; nil for layouts whose parts are not
// priced one by one.
func shares(s config.Spec, unpruned []int, f *network.Folded, orders [][]int) (*record.Shares, error) {
	kind := packing.Kind(s.Layout)
	var m *packing.Model
	var whole *packing.Layout
	var err error
	switch kind {
	case packing.OneImage:
		return nil, nil
	case packing.Scalar:
		if whole, err = packing.ScalarIn(s.Tile.Slots()).Layout(unpruned); err == nil {
			m, err = packing.ScalarIn(s.Tile.Slots()).Pack(f, nil)
		}
	default:
		if whole, err = packing.TilesOf(s.Tile).Layout(unpruned); err == nil {
			m, err = packing.TilesOf(s.Tile).Pack(f, orders)
		}
	}
	if err != nil {
		return nil, err
	}
	m.Trim()
	encrypted := s.HE.Weights == "encrypted"
	costs := func(l *packing.Layout) packing.Costs {
		l.SetDelayed(true)
		a := l.Typical()
		return l.Costs(a.Nominal(), a, encrypted)
	}
	all, dense := costs(whole), whole.Dense()
	of, got := all.Of(dense), costs(m.Layout).Of(m.Kept)
	tiles := 0.0
	for i := range whole.Layers {
		tiles += float64(whole.Layers[i].Tiles()) * all.Layers[i].Tile.Seconds
	}
	return &record.Shares{
		Evaluation: got.Seconds / of.Seconds, Memory: got.Memory / of.Memory, Upload: got.Upload / of.Upload, TileTime: tiles / of.Seconds,
	}, nil
}
