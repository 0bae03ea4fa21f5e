package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"hepex/harness/tune"
	"hepex/inference"
	"hepex/packing"
)

// Target is one goal of the project beside what was measured. Without Want it is a figure alone: it is held against that of
// an older program, measured by turns (scripts/against.sh).
type Target struct {
	ID       string  `json:"id"`
	What     string  `json:"what"`
	Want     string  `json:"want,omitempty"`
	Got      float64 `json:"got"`
	Unit     string  `json:"unit"`
	Met      bool    `json:"met"`
	Measured string  `json:"measured"` // on what, in words
}

func (r *runner) target(t Target) { r.report.Targets = append(r.report.Targets, t) }

// atLeast and atMost tell whether a figure keeps to a bound.
func (t Target) atLeast(v float64) Target {
	t.Want, t.Met = fmt.Sprintf("≥ %g", v), t.Got >= v
	return t
}
func (t Target) atMost(v float64) Target {
	t.Want, t.Met = fmt.Sprintf("≤ %g", v), t.Got <= v
	return t
}

// oneImage is K2: the latency of one image.
func (r *runner) oneImage() error {
	for _, c := range []struct{ bits, most float64 }{{13, 2}, {16, 3.2}} {
		row, err := r.bestOneImage(r.mlp, c.bits)
		if err != nil {
			return err
		}
		r.target(Target{
			ID: "K2", What: fmt.Sprintf("%s, one image, plain weights, ≥ %g bits", r.mlp.name, c.bits), Got: row.R(), Unit: "R",
			Measured: fmt.Sprintf("%.1f ms, R %.2f ms, %s log_n %d, %.1f bits", 1e3*row.Seconds, 1e3*row.Reference, row.HE.Ring, row.HE.LogN, row.Precision),
		}.atMost(c.most))
		if c.bits == 13 {
			r.setUp(row)
		}
	}
	return nil
}

// bestOneImage measures the one-image layouts in all rings and returns the fastest that reaches a precision, be it that parameters
// promise up to two bits less: what they promise holds for samples that were never seen, also those of small outputs.
func (r *runner) bestOneImage(t *trained, precision float64) (*Row, error) {
	var best *Row
	for slots := 1 << 12; slots <= 1<<14; slots *= 2 {
		for _, ring := range inference.Rings {
			for _, promised := range []float64{precision, precision - 1, precision - 2} {
				j := job{Name: t.name, Folded: t.folded, Choice: packing.OneImageIn(slots, false), Samples: t.some(calibration), Precision: promised, Ring: ring}
				if err := j.pack(); err != nil {
					return nil, err
				}
				if _, err := j.parameters(); err != nil {
					continue
				}
				row, err := r.measure(j)
				if err != nil {
					return nil, err
				}
				if row.Precision >= precision && (best == nil || row.Seconds < best.Seconds) {
					best = row
				}
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("bench: %s: no ring reaches %g bits for one image", t.name, precision)
	}
	return best, nil
}

// setUp is K5 and K6: what is made before the first evaluation, in time and memory.
func (r *runner) setUp(row *Row) {
	on := fmt.Sprintf("%s, %s, %s weights", row.Network, row.where(), row.Weights)
	r.target(Target{ID: "K5", What: "keys, model, input: made in, " + on, Got: row.Keygen + row.EncodeModel + row.EncryptModel + row.EncryptInput, Unit: "s",
		Measured: fmt.Sprintf("keys %.3g, encode %.3g, encrypt model %.3g, input %.3g s", row.Keygen, row.EncodeModel, row.EncryptModel, row.EncryptInput)})
	r.target(Target{ID: "K6", What: "model and keys in memory, " + on, Got: float64(row.ModelBytes+row.KeyBytes) / (1 << 20), Unit: "MiB",
		Measured: fmt.Sprintf("model %.1f, keys %.1f MiB", float64(row.ModelBytes)/(1<<20), float64(row.KeyBytes)/(1<<20))})
}

// transforms is K1: the kernel that most of a key switch consists of.
func (r *runner) transforms() error {
	all, err := inference.MeasureTransforms()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	for _, t := range all {
		ratios, least := t.Ratios(), 8.0
		if t.Bits > 47 {
			least = 6.5
		}
		for i, what := range []string{"transform", "inverse transform"} {
			seconds := [][2]float64{t.Forward, t.Inverse}[i]
			r.target(Target{ID: "K1", What: fmt.Sprintf("%s, %s, log_n %d, modulus below 2^%d, lattigo's time to ours", what, t.Ring, t.LogN, t.Bits), Got: ratios[i], Unit: "×",
				Measured: fmt.Sprintf("%.1f → %.2f µs", 1e6*seconds[1], 1e6*seconds[0])}.atLeast(least))
		}
	}
	return nil
}

// tileShapes are those of K3: of small, middle and large batches.
var tileShapes = []packing.Shape{{In: 16, Out: 8, Batch: 32}, {In: 4, Out: 32, Batch: 32}, {In: 2, Out: 16, Batch: 256}}

// tiles is K3: what kept tiles decide, in fixed shapes.
func (r *runner) tiles() error {
	for _, shape := range tileShapes {
		for _, encrypted := range []bool{true, false} {
			s, err := r.quarter(r.small, shape, encrypted)
			if err != nil {
				return err
			}
			r.target(Target{ID: "K3", What: "f, latency saved / tiles saved, " + s.where(), Got: s.latency(), Measured: s.times()})
			r.target(Target{ID: "K3", What: "memory saved / tiles saved, " + s.where(), Got: s.memory(), Measured: s.peaks()})
			if encrypted && shape == tileShapes[1] {
				r.setUp(s.dense)
			}
		}
	}
	return nil
}

// batchesOfTiles are the batches that proportionality is measured at.
var batchesOfTiles = []int{256, 512}

// proportionality is E5 and E6: what a quarter of the tiles costs, in the best shape for the dense network.
func (r *runner) proportionality() error {
	t := r.small
	for _, batch := range batchesOfTiles {
		ranked, err := tune.Rank(t.folded, t.some(4), tune.Options{
			Encrypted: true, Precision: 16, Batch: batch, Exact: true, Memory: 12 << 30,
			Kinds: []packing.Kind{packing.Tiles}, Price: inference.MeasurePrices, Measured: 4,
		})
		if err != nil {
			return err
		}
		s, err := r.quarter(t, ranked[0].Shape, true)
		if err != nil {
			return err
		}
		on := fmt.Sprintf("%s, %s, density %.2f: ", t.name, s.where(), s.pruned.Density)
		r.target(Target{ID: "E5", What: fmt.Sprintf("latency saved / tiles saved, batch %d", batch), Got: s.latency(), Measured: on + s.times()}.atLeast(0.9))
		r.target(Target{ID: "E6", What: fmt.Sprintf("memory saved / tiles saved, batch %d", batch), Got: s.memory(), Measured: on + s.peaks()}.atLeast(0.85))
	}
	return nil
}

// saving is a network with all of its tiles and with some, under the same parameters.
type saving struct{ dense, pruned *Row }

// quarter measures a network with all and with a quarter of its tiles.
func (r *runner) quarter(t *trained, shape packing.Shape, encrypted bool) (saving, error) {
	j := job{
		Name: t.name, Choice: packing.Choice{Kind: packing.Tiles, Shape: shape, Encrypted: encrypted},
		Samples: t.some(max(shape.Batch, calibration)), Precision: 16,
	}
	var rows [2]*Row
	for i, density := range []float64{1, 0.25} {
		j.Folded = dropTiles(t.folded, shape, density)
		row, err := r.measure(j)
		if err != nil {
			return saving{}, err
		}
		rows[i], j.Literal = row, &row.HE
	}
	return saving{rows[0], rows[1]}, nil
}

func (s saving) where() string {
	return fmt.Sprintf("%s, %s weights", s.dense.where(), s.dense.Weights)
}
func (s saving) tiles() float64   { return 1 - s.pruned.Density/s.dense.Density }
func (s saving) latency() float64 { return (1 - s.pruned.Seconds/s.dense.Seconds) / s.tiles() }
func (s saving) memory() float64 {
	return (1 - float64(s.pruned.PeakRSS)/float64(s.dense.PeakRSS)) / s.tiles()
}
func (s saving) times() string {
	return fmt.Sprintf("%.4g → %.4g ms; f by prices %.2f", 1e3*s.dense.Seconds, 1e3*s.pruned.Seconds, s.dense.Proportional)
}
func (s saving) peaks() string {
	return fmt.Sprintf("peak %d → %d MiB, %.0f KiB per tile", s.dense.PeakRSS>>20, s.pruned.PeakRSS>>20,
		float64(s.dense.PeakRSS-s.pruned.PeakRSS)/float64(s.dense.Tiles-s.pruned.Tiles)/(1<<10))
}

// allowed is how much accuracy a pruned network may lose on the validation split.
const allowed = 0.01

// throughput is K4: every slot of a ciphertext has a sample, weights are integers.
func (r *runner) throughput() error {
	for _, c := range []struct {
		t    *trained
		what string
		most float64
	}{{r.mlp, "dense", 0.35}, {r.sparse, "a fifth of the weights, at most 1 point lost", 0.08}} {
		row, err := r.measure(job{Name: c.t.name, Folded: c.t.folded, Choice: packing.ScalarIn(1 << 13), Samples: c.t.samples, Precision: 13})
		if err != nil {
			return err
		}
		t := Target{ID: "K4", What: fmt.Sprintf("%s, batch = slots, %s", c.t.name, c.what), Got: 1e3 * row.PerImage, Unit: "ms/image",
			Measured: fmt.Sprintf("batch %d, density %.2f, %.1f bits against integer weights, validation %.2f %% of %.2f %%",
				row.Batch, row.Density, row.Precision, 100*c.t.quantised, 100*r.mlp.validation)}.atMost(c.most)
		t.Met = t.Met && c.t.quantised >= r.mlp.validation-allowed
		r.target(t)
	}
	return nil
}

// threads is K7, the speed-up of a second core: by rows of tiles, and within one image.
func (r *runner) threads() error {
	t := r.mlp
	for _, c := range []struct {
		what   string
		choice packing.Choice
		least  float64
	}{
		{"tiles 4x32x64, encrypted weights", packing.Choice{Kind: packing.Tiles, Shape: packing.Shape{In: 4, Out: 32, Batch: 64}, Encrypted: true}, 1.85},
		{"one image", packing.OneImageIn(1<<13, false), 1.6},
	} {
		var seconds [2]float64
		for threads := 1; threads <= 2; threads++ {
			row, err := r.measure(job{Name: t.name, Folded: t.folded, Choice: c.choice, Samples: t.some(64), Precision: 13, Threads: threads})
			if err != nil {
				return err
			}
			seconds[threads-1] = slices.Min(row.Samples)
		}
		r.target(Target{ID: "K7", What: "speed-up on two cores, " + c.what, Got: seconds[0] / seconds[1], Unit: "×",
			Measured: fmt.Sprintf("shortest of each, %.4g → %.4g ms", 1e3*seconds[0], 1e3*seconds[1])}.atLeast(c.least))
	}
	return nil
}

// allRows judges the targets that hold for every row: E1, E9, and K8, predicted against measured.
func (r *runner) allRows() {
	var floor, seconds, bytes []float64
	least := math.Inf(1)
	for _, row := range r.report.Rows {
		if row.Threads > 1 {
			continue
		}
		floor = append(floor, row.FloorRatio())
		seconds = append(seconds, math.Abs(row.Predicted/row.Seconds-1))
		bytes = append(bytes, math.Abs(float64(row.PredictedBytes)/float64(row.PeakRSS)-1))
		least = math.Min(least, row.Precision)
	}
	n := fmt.Sprintf("%d rows", len(floor))
	r.target(Target{ID: "E1", What: "time / Σ count × lattigo primitive, median", Got: median(floor), Measured: n}.atMost(1.10))
	r.target(Target{ID: "E1", What: "the same, worst", Got: slices.Max(floor), Measured: n}.atMost(1.10))
	r.target(Target{ID: "K8", What: "predicted latency, median error", Got: median(seconds), Measured: n}.atMost(0.05))
	r.target(Target{ID: "K8", What: "predicted latency, worst error", Got: slices.Max(seconds), Measured: n}.atMost(0.2))
	r.target(Target{ID: "K8", What: "predicted peak memory, median error", Got: median(bytes), Measured: n}.atMost(0.05))
	r.target(Target{ID: "K8", What: "predicted peak memory, worst error", Got: slices.Max(bytes), Measured: n}.atMost(0.2))
	r.target(Target{ID: "E9", What: "least precision of a row that asks for 13 or 16 bits", Got: least, Unit: "bits", Measured: n}.atLeast(13))
	slices.SortStableFunc(r.report.Targets, func(a, b Target) int { return cmp.Compare(a.ID, b.ID) })
}
