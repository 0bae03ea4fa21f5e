package trial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/packing"
)

// PriceDir is where prices of primitives are kept, in a cache folder.
func PriceDir(cache string) string { return filepath.Join(cache, "prices") }

// predict notes the time and memory that the cost model expects, and refuses a point that the memory limit
// will not hold, before anything is encrypted.
func (t *trial) predict(p inference.Parameters) error {
	t.report(Step{Name: "predict"})
	m, encrypted, threads := t.packed.model, t.spec.HE.Weights == "encrypted", t.spec.Measure.Threads
	debug.FreeOSMemory()
	peak := RSS(os.Getpid()) + inference.PredictMemory(p.Literal, m.Layout, m.Kept, encrypted, threads).Total()
	if t.limit > 0 && peak > t.limit {
		return &Failure{"memory", fmt.Errorf("trial: the evaluation needs %d MiB: limits.memory allows %d", peak>>20, t.limit>>20)}
	}
	counts := packing.Total(m.Counts(m.Kept, encrypted))
	prices, err := tune.CachedPrices(PriceDir(t.cacheDir), t.rec.Environment.CPU, false)(p, counts)
	if errors.Is(err, tune.ErrFolder) {
		return unusable(err)
	}
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	t.rec.Predicted = &record.Predicted{Evaluate: counts.Cost(prices.Prices(false)) / float64(threads), PeakBytes: peak}
	return nil
}

// Forecast is what a point is expected to take, before it runs.
type Forecast struct {
	Evaluate float64 // seconds of one evaluation
	Measure  float64 // seconds of all evaluations, at the fewest repeats
	Peak     int64   // bytes that an evaluation needs, beyond the program itself
	Dense    bool    // an upper bound: how many tiles stay is not known before the network is pruned
}

// ForecastPoint predicts a point by counts and prices: from the pruned network if the cache has it, else as if no tile
// were pruned.
func ForecastPoint(j Job, source *datasets.Source) (*Forecast, error) {
	ready, err := Prepared(j)
	if err != nil {
		return nil, err
	}
	var lit inference.Literal
	var layout *packing.Layout
	var kept [][][]bool
	if ready {
		n, err := PrepareNetwork(j, nil)
		if err != nil {
			return nil, err
		}
		p, err := pack(j.Spec, n.Folded, n.Orders, n.Samples)
		if err != nil {
			return nil, err
		}
		lit, layout, kept = p.lit, p.model.Layout, p.model.Kept
	} else {
		if layout, lit, err = denseLayout(j.Spec, source); err != nil {
			return nil, err
		}
		kept = layout.Dense()
	}
	encrypted, m := j.Spec.HE.Weights == "encrypted", j.Spec.Measure
	params, err := inference.NewParameters(lit, j.Spec.HE.Insecure)
	if err != nil {
		return nil, err
	}
	counts := packing.Total(layout.Counts(kept, encrypted))
	prices, err := tune.CachedPrices(PriceDir(j.CacheDir), CurrentEnvironment().CPU, false)(params, counts)
	if err != nil {
		return nil, err
	}
	f := &Forecast{Evaluate: counts.Cost(prices.Prices(false)) / float64(m.Threads), Dense: !ready}
	f.Measure = f.Evaluate * float64(m.Warmup+m.Repeats.Min)
	f.Peak = inference.PredictMemory(lit, layout, kept, encrypted, m.Threads).Total()
	return f, nil
}

// denseLayout is the layout of an unpruned network, with parameters for the least that any network needs.
func denseLayout(s config.Spec, source *datasets.Source) (*packing.Layout, inference.Literal, error) {
	axes, encrypted := dims(s, shapeOf(source)), s.HE.Weights == "encrypted"
	var layout *packing.Layout
	var err error
	switch packing.Kind(s.Layout) {
	case packing.Scalar:
		layout, err = packing.NewScalarLayout(axes, s.Tile.Slots())
	case packing.OneImage:
		for slots := packing.MinSlots; slots <= packing.MaxSlots; slots *= 2 {
			if layout, err = packing.NewOneImageLayout(axes, slots, packing.Nominal(1), encrypted); err != nil {
				break
			}
			if lit, e := literal(s, layout, packing.Profile{}); e == nil {
				return layout, lit, nil
			}
		}
	default:
		layout, err = packing.NewLayout(axes, s.Tile)
	}
	if err != nil {
		return nil, inference.Literal{}, err
	}
	lit, err := literal(s, layout, packing.Profile{})
	return layout, lit, err
}
