package trial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"hepex/harness/record"
	"hepex/harness/tune"
	"hepex/inference"
)

// PriceDir is where prices of primitives are kept, in a cache folder.
func PriceDir(cache string) string { return filepath.Join(cache, "prices") }

// predict notes the time and memory that the cost model expects, and refuses a point that the memory limit
// will not hold, before anything is encrypted.
func (t *trial) predict(p inference.Parameters) error {
	t.report(Step{Name: "predict"})
	m, encrypted, threads := t.packed.model, t.spec.HE.Encrypted(), t.spec.Measure.Threads
	debug.FreeOSMemory()
	peak := RSS(os.Getpid()) + inference.PredictMemory(p.Literal, m.Layout, m.Kept, encrypted, threads).Total()
	if t.limit > 0 && peak > t.limit {
		return &Failure{KindMemory, fmt.Errorf("trial: the evaluation needs %d MiB: limits.memory allows %d", peak>>20, t.limit>>20)}
	}
	work := inference.NewWork(p.Literal, m.Layout, m.Kept, encrypted)
	prices, err := tune.CachedPrices(PriceDir(t.cacheDir), t.rec.Environment.CPU, false)(p, work)
	if errors.Is(err, tune.ErrFolder) {
		return unusable(err)
	}
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	t.rec.Predicted = &record.Predicted{Evaluate: work.Counts.Cost(prices.Prices(false)) / float64(threads), PeakBytes: peak}
	return nil
}
