package tune

import (
	"fmt"
	"sync"

	"hepex/harness/config"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// autoMemory bounds what a shape chosen with its batch may need.
const autoMemory = 4 << 30

// Chosen is a config as it was read, with the tile shapes chosen that its points leave open: what a point is, and so its identity, is known
// only then. The error is of type config.Errors.
func Chosen(c *config.Config, err error) (*config.Config, error) {
	if err == nil {
		err = c.ChooseTiles(shapeFor)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// WantedOf is what a config asks of parameters that are derived.
func WantedOf(he config.HE) inference.Wanted {
	w := inference.Wanted{Precision: float64(he.Precision), Encrypted: he.Encrypted()}
	if he.Ring != config.AnyRing {
		w.Ring = inference.Ring(he.Ring)
	}
	return w
}

var shapes sync.Map // of the arguments of shapeFor, printed

// shapeFor is the tile shape for an unpruned network of the given geometry: the one of least time per image at the spec's batch,
// or, if that is 0, at any batch whose evaluation needs at most 4 GiB. It goes by nominal prices of one machine, so it is
// the same on every machine, whatever moduli are derived there.
func shapeFor(g network.Geometry, s config.Spec) (packing.Shape, error) {
	kind, batch, w := packing.Kind(s.Layout), s.Tile.Batch, WantedOf(s.HE)
	key := fmt.Sprint(g.Key(), kind, batch, w)
	if known, ok := shapes.Load(key); ok {
		return known.(packing.Shape), nil
	}
	var best packing.Shape
	var least float64
	var first error
	for slots := packing.MinSlots; slots <= packing.MaxSlots; slots *= 2 {
		for b := 1; b <= slots; b *= 2 {
			if batch != 0 && b != batch || kind == packing.Scalar && b != slots {
				continue
			}
			for in := 1; in <= slots/b; in *= 2 {
				c := packing.TilesOf(packing.Shape{In: in, Out: slots / b / in, Batch: b})
				if kind == packing.Scalar {
					c.Kind = packing.Scalar
				}
				cost, memory, err := nominal(g, c, w)
				if err != nil && first == nil {
					first = err
				}
				if err != nil || batch == 0 && memory > autoMemory {
					continue
				}
				if cost /= float64(b); least == 0 || cost < least {
					best, least = c.Shape, cost
				}
			}
		}
	}
	if least == 0 {
		if first == nil {
			return best, fmt.Errorf("%w a batch of %d", ErrNone, batch)
		}
		return best, fmt.Errorf("%w: %w", ErrNone, first)
	}
	shapes.Store(key, best)
	return best, nil
}

// nominal is what one evaluation costs and the bytes it needs, with parameters for the least that any network needs.
func nominal(g network.Geometry, c packing.Choice, w inference.Wanted) (cost float64, memory int64, err error) {
	layout, err := c.Layout(g)
	if err != nil {
		return 0, 0, err
	}
	w.Kernels = inference.Reference
	lit, err := inference.Derive(layout, packing.Profile{}, w)
	if err != nil {
		return 0, 0, err
	}
	kept := layout.Dense()
	return w.Cost(lit, layout, kept), inference.PredictMemory(lit, layout, kept, w.Encrypted, 1).Total(), nil
}
