package trial

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"

	"hepex/harness/record"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// PriceDir is where prices of primitives are kept, in a cache folder.
func PriceDir(cache string) string { return filepath.Join(cache, "prices") }

// What a process that measures has in memory before keys, model and inputs: the program, and what it holds for each weight of the network (as
// trained, folded and packed). Measured over layouts and sizes, within 1.5 % of the peak.
const (
	programBytes   = 26 << 20
	bytesPerWeight = 36
)

// peak is the memory that a process is expected to take that evaluates a network of this geometry, the same before it is trained and after.
func peak(g network.Geometry, server packing.Memory) int64 {
	weights := 0
	for i := range g {
		weights += g[i].Reads() * g[i].Out
	}
	return programBytes + bytesPerWeight*int64(weights) + server.Total()
}

// predict gives the time and memory that the cost model expects, and refuses a point that the memory limit
// will not hold, before anything is encrypted.
func (m *measurement) predict(c *choice) (*record.Predicted, error) {
	p, model, encrypted, threads := c.params, c.model, m.Spec.HE.Encrypted(), m.Spec.Measure.Threads
	bytes := peak(m.plain.geometry, inference.PredictMemory(p.Literal, model.Layout, model.Kept, encrypted, threads))
	if m.Memory > 0 && bytes > m.Memory {
		return nil, &Failure{KindMemory, fmt.Errorf("trial: the evaluation needs %d MiB: limits.memory allows %d", bytes>>20, m.Memory>>20)}
	}
	work := inference.NewWork(p.Literal, model.Layout, model.Kept, encrypted)
	prices, err := tune.CachedPrices(PriceDir(m.CacheDir), m.environment.CPU)(p, work)
	if errors.Is(err, tune.ErrFolder) {
		return nil, unusable(err)
	}
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	price := func(op packing.Op, level int) float64 { return prices.Prices(false)(op, level) / float64(threads) }
	return &record.Predicted{
		Evaluate: work.Counts.Cost(price), PerPrimitive: perPrimitive(work.Counts, price), PricesBeside: &prices.Beside, PeakBytes: bytes,
	}, nil
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
