package trial

import (
	"math"
	"slices"

	"hepex/harness/serve"
	"hepex/packing"
)

// Serve trains and prunes the network of a point, unless the cache has it, and packs it as the point would evaluate it: for
// clients and servers of their own.
func Serve(j Job, report func(Step)) (*serve.Network, error) {
	n, err := PrepareNetwork(j, report)
	if err != nil {
		return nil, err
	}
	best, err := pack(j.Spec, n.Folded, n.Orders, n.values)
	if err != nil {
		return nil, err
	}
	p, err := newPreparer(j, report)
	if err != nil {
		return nil, err
	}
	out := &serve.Network{Folded: n.Folded, Plan: serve.Plan{
		Choice:     packing.Choice{Kind: best.model.Kind, Shape: best.model.Shape, Encrypted: j.Spec.HE.Encrypted()},
		Rescalings: best.model.Rescalings(),
		Literal:    best.lit,
		Usage:      serve.Usage{Low: math.Inf(1), High: math.Inf(-1)},
	}}
	if best.model.Kind == packing.Tiles { // others go without
		out.Orders = n.Orders
	}
	for _, part := range []part{p.samples.train, p.samples.validation} {
		d, err := part.all()
		if err != nil {
			return nil, err
		}
		out.Low, out.High = min(out.Low, float64(slices.Min(d.X))), max(out.High, float64(slices.Max(d.X)))
		out.Classes = d.Labels != nil
	}
	return out, nil
}
