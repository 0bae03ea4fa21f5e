package tune

import (
	"fmt"
	"sync"

	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// autoMemory bounds what a shape chosen with its batch may need.
const autoMemory = 4 << 30

var shapes sync.Map // of the arguments of ShapeFor, printed

// ShapeFor is the tile shape for an unpruned network of the given geometry: the one of least time per image at that batch,
// or, if batch is 0, at any batch whose evaluation needs at most 4 GiB. It goes by nominal prices of one machine, so it is
// the same on every machine, whatever moduli are derived there.
func ShapeFor(g network.Geometry, kind packing.Kind, batch int, w inference.Wanted) (packing.Shape, error) {
	key := fmt.Sprint(g.Key(), kind, batch, w)
	if s, ok := shapes.Load(key); ok {
		return s.(packing.Shape), nil
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
