package trial

import (
	"hepex/harness/config"
	"hepex/inference"
	"hepex/packing"
)

// choice is how a network is evaluated: its program, with parameters that are checked.
type choice struct {
	*packed
	params  inference.Parameters
	values  *values  // that it rests on
	leakage []string // what it reveals beside outputs, and to whom
	warnings
}

// choose packs the network of a point for its evaluation.
func choose(s config.Spec, known *plain, v *values) (*choice, error) {
	orders := known.pruned.state.Orders
	best, err := pack(s, known.folded, orders, v)
	if err != nil {
		return nil, err
	}
	c := &choice{packed: best, values: v}
	if c.params, err = inference.NewParameters(best.lit, s.HE.Insecure); err != nil {
		return nil, &Failure{"parameters", err}
	}
	if c.params.Insecure {
		c.warnings.add("insecure parameters: below 128 bits")
	}
	c.leakage = leakage(c.model, s.HE.Encrypted(), orders != nil && c.model.Kind == packing.Tiles)
	return c, nil
}
