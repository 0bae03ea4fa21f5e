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
	m, encrypted, threads := t.packed.model, t.spec.HE.Encrypted(), t.spec.Measure.Threads
	debug.FreeOSMemory()
	peak := RSS(os.Getpid()) + inference.PredictMemory(p.Literal, m.Layout, m.Kept, encrypted, threads).Total()
	if t.limit > 0 && peak > t.limit {
		return &Failure{"memory", fmt.Errorf("trial: the evaluation needs %d MiB: limits.memory allows %d", peak>>20, t.limit>>20)}
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
	price := func(op packing.Op, level int) float64 { return prices.Prices(false)(op, level) / float64(threads) }
	t.rec.Predicted = &record.Predicted{Evaluate: work.Counts.Cost(price), PerPrimitive: perPrimitive(work.Counts, price), PeakBytes: peak}
	return nil
}

// kinds are the primitives that records tell apart.
var kinds = []struct {
	name string
	ops  []packing.Op
}{
	{"products", []packing.Op{packing.MulPlain, packing.MulCipher, packing.MulScalar, packing.MulDiagonal, packing.ReadInput, packing.ArrangeInput, packing.FinishRow}},
	{"masks", []packing.Op{packing.MulMask}},
	{"squares", []packing.Op{packing.Square}},
	{"relinearize_rescale", []packing.Op{packing.Relinearize, packing.Rescale, packing.RelinearizeRescale}},
	{"rotations", []packing.Op{packing.Decompose, packing.RotateDiagonal, packing.RotateInput, packing.RotateSum, packing.RotateRefill, packing.ModDown}},
	{"additions", []packing.Op{packing.AddInput, packing.AddBias}},
}

// perPrimitive is the seconds of each kind that there is any of.
func perPrimitive(counts packing.Counts, price packing.Prices) (times []record.LayerTime) {
	for _, kind := range kinds {
		seconds := counts.Cost(func(op packing.Op, level int) float64 {
			if !slices.Contains(kind.ops, op) {
				return 0
			}
			return price(op, level)
		})
		if seconds > 0 {
			times = append(times, record.LayerTime{Name: kind.name, Seconds: seconds})
		}
	}
	return times
}
