package trial

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"hepex/harness/config"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// packed is a network ready to be encrypted: its program, and the parameters that it runs with.
type packed struct {
	model  *packing.Model
	lit    inference.Literal
	folded *network.Folded // as evaluated: with integer weights, those
}

// pack lays a network out as the config says and derives parameters from validation samples. A one-image layout
// takes the ring that is nominally fastest.
func pack(s config.Spec, f *network.Folded, orders [][]int, calibration [][]float64) (*packed, error) {
	switch packing.Kind(s.Layout) {
	case packing.Scalar:
		q := f.Quantise(inference.WeightBits)
		m, err := packing.PackScalar(q, s.Tile.Slots())
		if err != nil {
			return nil, err
		}
		m.Trim()
		return derive(s, m, q, calibration)
	case packing.OneImage:
		return packOneImage(s, f, calibration)
	}
	m, err := packing.Pack(f, s.Tile, orders)
	if err != nil {
		return nil, err
	}
	m.Trim()
	return derive(s, m, f, calibration)
}

func packOneImage(s config.Spec, f *network.Folded, calibration [][]float64) (*packed, error) {
	sizes := []int{s.Tile.Slots()}
	if s.HE.LogQ == nil {
		sizes = nil
		for n := packing.MinSlots; n <= packing.MaxSlots; n *= 2 {
			sizes = append(sizes, n)
		}
	}
	encrypted := s.HE.Weights == "encrypted"
	var best *packed
	var first error
	cheapest := 0.0
	for _, slots := range sizes {
		m, err := packing.PackOneImage(f, slots, packing.Nominal(1), encrypted)
		if err != nil {
			return nil, err
		}
		p, err := derive(s, m, f, calibration)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if cost := inference.NominalCost(p.lit, m.Layout, m.Kept, encrypted); best == nil || cost < cheapest {
			best, cheapest = p, cost
		}
	}
	if best == nil {
		return nil, first
	}
	return best, nil
}

// derive takes over the config's parameters or derives them, and checks them against simulated values.
func derive(s config.Spec, m *packing.Model, f *network.Folded, calibration [][]float64) (*packed, error) {
	profile, err := simulate(m, calibration)
	if err != nil {
		return nil, err
	}
	lit, err := literal(s, m.Layout, profile)
	if err != nil {
		return nil, &Failure{"parameters", err}
	}
	return &packed{m, lit, f}, nil
}

// simulate merges the profiles of all batches of samples.
func simulate(m *packing.Model, x [][]float64) (packing.Profile, error) {
	var profile packing.Profile
	for len(x) > 0 {
		n := min(len(x), m.Batch)
		_, p, err := m.Simulate(x[:n])
		if err != nil {
			return packing.Profile{}, err
		}
		profile = profile.Merge(p)
		x = x[n:]
	}
	return profile, nil
}

func literal(s config.Spec, layout *packing.Layout, profile packing.Profile) (inference.Literal, error) {
	if s.HE.LogQ == nil {
		w := inference.Wanted{Precision: float64(s.HE.Precision), Encrypted: s.HE.Weights == "encrypted"}
		if s.HE.Ring != config.AnyRing {
			w.Ring = inference.Ring(s.HE.Ring)
		}
		return inference.Derive(layout, profile, w)
	}
	if err := matchLevels(s, layout); err != nil {
		return inference.Literal{}, err
	}
	lit := inference.Literal{
		Ring: s.HE.OverrideRing(), LogN: s.HE.OverrideRing().LogN(layout.Slots),
		LogQ: s.HE.LogQ, LogP: s.HE.LogP, LogScale: s.HE.LogScale,
	}
	p, err := inference.NewParameters(lit, s.HE.Insecure)
	if err == nil {
		err = p.CheckRange(layout, profile)
	}
	return lit, err
}

// matchLevels delays the rescaling of squares if the config's moduli are as many as that needs.
func matchLevels(s config.Spec, layout *packing.Layout) error {
	var want []int
	for delayed := range layout.Squares() + 1 {
		layout.DelayLast(delayed)
		if len(s.HE.LogQ) == layout.Levels+1 {
			return nil
		}
		if n := layout.Levels + 1; len(want) == 0 || want[len(want)-1] != n {
			want = append(want, n)
		}
	}
	if len(want) == 1 {
		return fmt.Errorf("log_q has %d moduli: want %d, one more than the levels of the network", len(s.HE.LogQ), want[0])
	}
	return fmt.Errorf("log_q has %d moduli: want %d, one more than the levels of the network, or down to %d with the rescaling of squares delayed", len(s.HE.LogQ), want[0], want[len(want)-1])
}

// outputs evaluates the network in plain.
func (p *packed) outputs(x *mat.Dense) *mat.Dense { return p.folded.Forward(x) }
