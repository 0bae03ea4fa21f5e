package trial

import (
	"errors"
	"fmt"
	"slices"

	"hepex/harness/config"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// packed is a network ready to be encrypted: its program, and the parameters that it runs with.
type packed struct {
	model  *packing.Model
	lit    inference.Literal
	folded *network.Folded // as evaluated: with integer weights, those

	profile packing.Profile // of what the moduli are to hold
}

// choices are the layouts that a config leaves open: of one image, those in all rings, unless it gives moduli.
func choices(s config.Spec) []packing.Choice {
	c := s.Choice()
	if c.Kind != packing.OneImage || s.HE.LogQ != nil {
		return []packing.Choice{c}
	}
	var all []packing.Choice
	for slots := packing.MinSlots; slots <= packing.MaxSlots; slots *= 2 {
		all = append(all, packing.OneImageIn(slots, c.Encrypted))
	}
	return all
}

// pack lays a network out as the config says and derives parameters from the values that it gets. Of several layouts it takes the
// one that is nominally fastest.
func pack(s config.Spec, f *network.Folded, orders [][]int, v *values) (*packed, error) {
	var best *packed
	var first error
	cheapest := 0.0
	for _, c := range choices(s) {
		m, err := c.Pack(f, orders)
		if err != nil {
			if first == nil {
				first = &Failure{"parameters", err}
			}
			continue
		}
		m.Trim()
		if best != nil && !mayBeCheaper(s, m, cheapest) {
			continue
		}
		p, err := derive(s, m, c.Evaluated(f), v)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if cost := inference.NominalCost(p.lit, m.Layout, m.Kept, c.Encrypted); best == nil || cost < cheapest {
			best, cheapest = p, cost
		}
	}
	if best == nil {
		return nil, first
	}
	return best, nil
}

// mayBeCheaper tells whether parameters for the least that any network needs cost less. Simulating samples takes far longer than
// to see that they do not.
func mayBeCheaper(s config.Spec, m *packing.Model, cost float64) bool {
	lit, err := literal(s, m.Layout, packing.Profile{})
	return err == nil && inference.NominalCost(lit, m.Layout, m.Kept, s.HE.Encrypted()) < cost
}

// derive takes over the config's parameters or derives them, and checks them against simulated values.
func derive(s config.Spec, m *packing.Model, f *network.Folded, v *values) (*packed, error) {
	profile, err := v.profile(m, f.Simplify(), s.HE.Headroom)
	if err != nil {
		return nil, err
	}
	if profile.Output == 0 {
		return nil, &Failure{"parameters", errors.New("trial: all outputs of the network are zero: no precision is relative to that; train it longer or prune less")}
	}
	lit, err := literal(s, m.Layout, profile)
	if err != nil {
		if margin := slices.Max(v.margins(s.HE.Headroom)); margin >= 1 {
			err = fmt.Errorf("%w; values are taken to be up to 2^%.0f times as large as on training and validation samples: he.headroom sets that", err, margin)
		}
		return nil, &Failure{"parameters", err}
	}
	return &packed{m, lit, f, profile}, nil
}

func literal(s config.Spec, layout *packing.Layout, profile packing.Profile) (inference.Literal, error) {
	w := tune.WantedOf(s.HE)
	if s.HE.LogQ == nil {
		return inference.Derive(layout, profile, w)
	}
	if err := matchLevels(s, layout); err != nil {
		return inference.Literal{}, err
	}
	lit := given(s.HE, layout.Slots)
	p, err := inference.NewParameters(lit, s.HE.Insecure)
	if err == nil {
		err = p.CheckRange(layout, profile)
	}
	if err == nil && profile.Peaks != nil { // a trained network may need less precision inside than any that is thought of
		err = p.CheckPrecision(layout, profile, w)
	}
	return lit, err
}

// given are the parameters that a config gives: for the standard ring, unless it names one.
func given(he config.HE, slots int) inference.Literal {
	ring := inference.Standard
	if he.Ring != config.AnyRing {
		ring = inference.Ring(he.Ring)
	}
	return inference.Literal{Ring: ring, LogN: ring.LogN(slots), LogQ: he.LogQ, LogP: he.LogP, LogScale: he.LogScale}
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
