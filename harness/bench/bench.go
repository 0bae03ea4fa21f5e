// Package bench measures the encrypted engine: networks that other systems report, in the layouts that suit them,
// against predicted time and memory, against the sum of lattigo's own primitives, and against the project's targets.
package bench

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"

	"hepex/harness/record"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/packing"
)

// Options say what to measure.
type Options struct {
	Data     string   // name of the data set that networks are trained on
	DataDirs []string // where it lies
	Epochs   int
	Quick    bool // the multilayer perceptron alone

	Executable string // the program whose verb "bench-row" is Child
	Progress   func(step string, done, steps int)
	Save       func(*Report) error // called with the report so far after each step
}

// Report is the outcome.
type Report struct {
	Environment record.Environment `json:"environment"`
	Data        string             `json:"data"`
	Rows        []*Row             `json:"rows"`
	Targets     []Target           `json:"targets"`
}

// Target is one goal of the project beside what was measured.
type Target struct {
	ID       string  `json:"id"`
	What     string  `json:"what"`
	Want     string  `json:"want"`
	Got      float64 `json:"got"`
	Unit     string  `json:"unit"`
	Met      bool    `json:"met"`
	Measured string  `json:"measured"` // on what, in words
}

// Networks of other systems' reports. The first is the perceptron that the targets are about.
var networks = [][]int{
	{784, 128, 128, 10},
	{784, 32, 784},
	{784, 64, 784},
	{784, 64, 32, 64, 784},
	{784, 256, 64, 256, 784},
	{784, 128, 32, 128, 784},
}

// runner is a benchmark on its way.
type runner struct {
	ctx    context.Context
	o      Options
	report *Report
	done   int

	mlp      *trained   // the first of the networks
	narrow   []*trained // the same with fewer hidden neurons
	sparse   []*trained // with fewer hidden neurons and weights
	small    *trained   // with one hidden layer
	trainees []*trained // all networks
}

// Run measures everything. It takes some minutes, on a machine that does nothing else.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &runner{ctx: ctx, o: o, report: &Report{Environment: trial.CurrentEnvironment(), Data: o.Data}}
	for _, step := range r.steps() {
		debug.FreeOSMemory()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.o.Progress(step.name, r.done, len(r.steps()))
		if err := step.run(); err != nil {
			return nil, err
		}
		r.done++
		if len(r.report.Rows) > 0 {
			if err := o.Save(r.judged()); err != nil {
				return nil, err
			}
		}
	}
	return r.judged(), nil
}

// judged is the report with the targets that hold for every row.
func (r *runner) judged() *Report {
	whole := *r
	report := *r.report
	report.Targets = slices.Clone(report.Targets)
	whole.report = &report
	whole.allRows()
	return &report
}

type stepOf struct {
	name string
	run  func() error
}

func (r *runner) steps() []stepOf {
	steps := []stepOf{
		{"train", r.train}, {"one image", r.oneImage}, {"throughput", r.throughput}, {"proportionality", r.proportionality},
		{"two threads", r.threads}, {"shapes", r.shapes}, {"layers", r.layers},
	}
	if r.o.Quick {
		return steps
	}
	for i, dims := range networks {
		steps = append(steps, stepOf{title(dims), func() error { return r.peers(r.trainees[i]) }})
	}
	return steps
}

// train makes all networks. The data are gone afterwards.
func (r *runner) train() error {
	d, err := readData(r.o.Data, r.o.DataDirs)
	if err != nil {
		return err
	}
	e := r.o.Epochs
	if r.mlp, err = trainNetwork(d, networks[0], e); err != nil {
		return err
	}
	if r.small, err = trainNetwork(d, []int{784, 128, 10}, e); err != nil {
		return err
	}
	for _, hidden := range [][]int{{64, 32}, {32, 32}, {32, 16}, {16, 16}} {
		n, err := r.mlp.narrow(d, hidden, e)
		if err != nil {
			return err
		}
		r.narrow = append(r.narrow, n)
	}
	half, err := r.mlp.narrow(d, []int{64, 64}, e)
	if err != nil {
		return err
	}
	for _, density := range []float64{0.2, 0.1, 0.05} {
		n, err := half.sparse(d, density, e)
		if err != nil {
			return err
		}
		r.sparse = append(r.sparse, n)
	}
	r.trainees = []*trained{r.mlp}
	for _, dims := range networks[1:] {
		if r.o.Quick {
			break
		}
		n, err := trainNetwork(d, dims, e)
		if err != nil {
			return err
		}
		r.trainees = append(r.trainees, n)
	}
	return nil
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

// bestOneImage measures the one-image layouts in all rings that reach a precision and returns the one of fewest
// rotations.
func (r *runner) bestOneImage(t *trained, precision float64) (*Row, error) {
	var best *Row
	for slots := 1 << 12; slots <= 1<<14; slots *= 2 {
		for _, ring := range inference.Rings {
			j := job{Name: t.name, Folded: t.folded, Kind: packing.OneImage, Slots: slots, Samples: t.some(calibration), Precision: precision, Ring: ring}
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
			if best == nil || row.Seconds < best.Seconds {
				best = row
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("bench: %s: no ring reaches %g bits for one image", t.name, precision)
	}
	return best, nil
}

func (r *runner) oneImage() error {
	for _, c := range []struct{ bits, most float64 }{{13, 7}, {16, 8}} {
		row, err := r.bestOneImage(r.mlp, c.bits)
		if err != nil {
			return err
		}
		r.target(Target{
			ID: "E2", What: fmt.Sprintf("%s, one image, dense, ≥ %g bits", r.mlp.name, c.bits), Got: row.Rotations(), Unit: "rotations",
			Measured: fmt.Sprintf("%.0f ms, %s log_n %d, %.1f bits", 1e3*row.Seconds, row.HE.Ring, row.HE.LogN, row.Precision),
		}.atMost(c.most))
	}
	return r.prunedOneImage()
}

// allowed is how much accuracy a pruned network may lose on the validation split.
const allowed = 0.01

// prunedOneImage measures networks with narrower hidden layers that lose little enough.
func (r *runner) prunedOneImage() error {
	var best *Row
	var words string
	for _, n := range r.narrow {
		if n.validation < r.mlp.validation-allowed {
			continue
		}
		row, err := r.bestOneImage(n, 13)
		if err != nil {
			return err
		}
		if best == nil || row.Rotations() < best.Rotations() {
			best = row
			words = fmt.Sprintf("%s: %.2f %% on test, unpruned %.2f %%; %.0f ms, %.1f bits", n.name, 100*n.test, 100*r.mlp.test, 1e3*row.Seconds, row.Precision)
		}
	}
	target := Target{ID: "E3", What: r.mlp.name + ", one image, neurons pruned, at most 1 point lost", Got: -1, Unit: "rotations",
		Want: "≤ 5.5", Measured: "no narrower network within a point"}
	if best != nil {
		target.Got, target.Measured = best.Rotations(), words
		target = target.atMost(5.5)
	}
	r.target(target)
	return nil
}

// throughput fills every slot of a ciphertext with a sample.
func (r *runner) throughput() error {
	row, err := r.scalar(r.mlp)
	if err != nil {
		return err
	}
	r.target(Target{ID: "E4", What: r.mlp.name + ", batch = slots, dense", Got: 1e3 * row.PerImage, Unit: "ms/image",
		Measured: fmt.Sprintf("batch %d, %.1f bits against integer weights, validation %.2f %% of %.2f %%", row.Batch, row.Precision, 100*r.mlp.quantised, 100*r.mlp.validation)}.atMost(0.35))
	var best *Target
	for _, n := range r.sparse {
		row, err := r.scalar(n)
		if err != nil {
			return err
		}
		if got := 1e3 * row.PerImage; n.quantised >= r.mlp.validation-allowed && (best == nil || got < best.Got) {
			best = &Target{ID: "E4", What: r.mlp.name + ", batch = slots, pruned, at most 1 point lost", Got: got, Unit: "ms/image",
				Measured: fmt.Sprintf("%s at density %.2f, validation %.2f %% of %.2f %%, %.1f bits", n.name, row.Density, 100*n.quantised, 100*r.mlp.validation, row.Precision)}
		}
	}
	if best != nil {
		r.target(best.atMost(0.08))
	}
	return nil
}

// scalar measures a network with integer weights.
func (r *runner) scalar(t *trained) (*Row, error) {
	return r.measure(job{Name: t.name, Folded: t.folded, Kind: packing.Scalar, Slots: 1 << 13, Samples: t.samples, Precision: 13})
}

// batchesOfTiles are the batches that proportionality is measured at.
var batchesOfTiles = []int{256, 512}

// proportionality measures what a quarter of the tiles costs, in the best shape for the dense network.
func (r *runner) proportionality() error {
	for _, batch := range batchesOfTiles {
		if err := r.proportional(batch); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) proportional(batch int) error {
	t := r.small
	ranked, err := tune.Rank(t.folded, t.some(4), tune.Options{
		Encrypted: true, Precision: 16, Batch: batch, Exact: true, Memory: 12 << 30,
		Kinds: []packing.Kind{packing.Tiles}, Price: inference.MeasurePrices, Measured: 4,
	})
	if err != nil {
		return err
	}
	shape := ranked[0].Shape
	rows := map[float64]*Row{}
	var literal *inference.Literal
	for _, density := range []float64{1, 0.25} {
		row, err := r.measure(job{
			Name: t.name, Folded: dropTiles(t.folded, shape, density), Kind: packing.Tiles, Shape: shape,
			Samples: t.some(batch), Encrypted: true, Precision: 16, Literal: literal,
		})
		if err != nil {
			return err
		}
		rows[density], literal = row, &row.HE
	}
	dense, pruned := rows[1], rows[0.25]
	tiles := 1 - pruned.Density/dense.Density
	on := fmt.Sprintf("%s, tile %s, encrypted weights, density %.2f", t.name, shape, pruned.Density)
	r.target(Target{ID: "E5", What: fmt.Sprintf("latency saved / tiles saved, batch %d", batch), Got: (1 - pruned.Seconds/dense.Seconds) / tiles,
		Measured: fmt.Sprintf("%s: %.0f → %.0f ms; f by prices %.2f", on, 1e3*dense.Seconds, 1e3*pruned.Seconds, dense.Proportional)}.atLeast(0.9))
	r.target(Target{ID: "E6", What: fmt.Sprintf("memory saved / tiles saved, batch %d", batch), Got: (1 - float64(pruned.PeakRSS)/float64(dense.PeakRSS)) / tiles,
		Measured: fmt.Sprintf("%s: peak %d → %d MiB", on, dense.PeakRSS>>20, pruned.PeakRSS>>20)}.atLeast(0.85))
	return nil
}

// threads measures the speed-up of a second core: by rows, and by limbs for one image.
func (r *runner) threads() error {
	t := r.mlp
	for _, c := range []struct {
		what string
		job  job
	}{
		{"tiles 4x32x64, encrypted weights", job{Kind: packing.Tiles, Shape: packing.Shape{In: 4, Out: 32, Batch: 64}, Encrypted: true}},
		{"one image", job{Kind: packing.OneImage, Slots: 1 << 13}},
	} {
		var seconds [2]float64
		for threads := 1; threads <= 2; threads++ {
			c.job.Name, c.job.Folded, c.job.Samples, c.job.Precision, c.job.Threads = t.name, t.folded, t.some(64), 13, threads
			row, err := r.measure(c.job)
			if err != nil {
				return err
			}
			seconds[threads-1] = slices.Min(row.Samples)
		}
		r.target(Target{ID: "E8", What: "speed-up on two cores, " + c.what, Got: seconds[0] / seconds[1], Unit: "×", Measured: "shortest of each"}.atLeast(1.85))
	}
	return nil
}

// shapes measures a sweep over tile shapes, dense and pruned, in both weight modes.
func (r *runner) shapes() error {
	t := r.small
	for _, shape := range []packing.Shape{{In: 64, Out: 64, Batch: 1}, {In: 16, Out: 8, Batch: 32}, {In: 4, Out: 32, Batch: 32}, {In: 4, Out: 8, Batch: 128}, {In: 1, Out: 16, Batch: 256}} {
		for _, density := range []float64{1, 0.5} {
			for _, encrypted := range []bool{false, true} {
				if _, err := r.measure(job{
					Name: t.name, Folded: dropTiles(t.folded, shape, density), Kind: packing.Tiles, Shape: shape,
					Samples: t.some(min(shape.Batch, calibration)), Encrypted: encrypted, Precision: 16,
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// layers measures the layers of the perceptron and of the first autoencoder by themselves.
func (r *runner) layers() error {
	for _, t := range r.trainees[:min(2, len(r.trainees))] {
		for l := range t.folded.Layers {
			if err := r.peers(t.layer(l)); err != nil {
				return err
			}
		}
	}
	return nil
}

// peers measures a network in its best layout for one image and for a batch.
func (r *runner) peers(t *trained) error {
	for _, encrypted := range []bool{false, true} {
		for _, batch := range []int{1, 64} {
			ranked, err := tune.Rank(t.folded, t.some(4), tune.Options{
				Encrypted: encrypted, Precision: 16, Batch: batch, Exact: true, Memory: 10 << 30, Price: inference.MeasurePrices, Measured: 2,
			})
			if err != nil {
				return fmt.Errorf("bench: %s: %w", t.name, err)
			}
			best := ranked[0]
			if _, err := r.measure(job{
				Name: t.name, Folded: t.folded, Kind: best.Kind, Shape: best.Shape, Slots: best.Slots,
				Samples: t.some(calibration), Encrypted: encrypted, Precision: 16,
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// allRows judges the targets that hold for every row.
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
	r.target(Target{ID: "E7", What: "predicted latency, median error", Got: median(seconds), Measured: n}.atMost(0.05))
	r.target(Target{ID: "E7", What: "predicted latency, worst error", Got: slices.Max(seconds), Measured: n}.atMost(0.15))
	r.target(Target{ID: "E7", What: "predicted peak memory, median error", Got: median(bytes), Measured: n}.atMost(0.05))
	r.target(Target{ID: "E7", What: "predicted peak memory, worst error", Got: slices.Max(bytes), Measured: n}.atMost(0.15))
	r.target(Target{ID: "E9", What: "least precision of a row that asks for 13 or 16 bits", Got: least, Unit: "bits", Measured: n}.atLeast(13))
	slices.SortStableFunc(r.report.Targets, func(a, b Target) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
}
