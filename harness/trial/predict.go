package trial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

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
	counts := timed(m.Layout, m.Kept, encrypted)
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

// timed counts what takes time in an evaluation. Rows of outputs without a kept tile are copies of their biases, which is no
// operation, but all that a constant network does: a copy takes about as long as an addition.
func timed(layout *packing.Layout, kept [][][]bool, encrypted bool) packing.Counts {
	counts := packing.Total(layout.Counts(kept, encrypted))
	for _, row := range kept[len(kept)-1] {
		if !slices.Contains(row, true) {
			counts.Add(packing.AddBias, 0, 1)
		}
	}
	return counts
}
