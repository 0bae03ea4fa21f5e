package config

import (
	"hepex/network"
	"hepex/packing"
)

// ChooseTiles gives the points whose tile shape is open the one that choose finds for the geometry of their unpruned network and their
// spec, whose Tile has the batch that it is to be for, or 0. Points that are one then are merged. The error is of type Errors.
func (c *Config) ChooseTiles(choose func(network.Geometry, Spec) (packing.Shape, error)) error {
	var errs Errors
	for i := range c.Points {
		p := &c.Points[i]
		if p.Spec.Tile.In > 0 {
			continue
		}
		g, err := p.Spec.Geometry(p.Spec.Data.Form())
		if err != nil {
			errs = append(errs, p.ErrorAt("network", err))
			continue
		}
		shape, err := choose(g, p.Spec)
		if err != nil {
			errs = append(errs, p.ErrorAt("tile", err))
			continue
		}
		p.Spec.Tile, p.given.Tile, p.Params["tile"] = shape, shape, canonical(shape)
	}
	if len(errs) > 0 {
		return errs.Sorted()
	}
	var merged []Merged
	c.Points, merged = merge(c.Points)
	for _, m := range merged {
		c.Merged = m.addTo(c.Merged)
	}
	return nil
}
