// Package bench measures the encrypted engine: networks that other systems report, in the layouts that suit them,
// against predicted time and memory, against the sum of lattigo's own primitives, and against the project's targets.
package bench

import (
	"context"
	"fmt"
	"math"
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
	Progress func(step string, done, steps int)
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
	data   *data
	report *Report
	done   int
}

// Run measures everything. It takes some minutes, on a machine that does nothing else.
func Run(ctx context.Context, o Options) (*Report, error) {
	d, err := readData(o.Data, o.DataDirs)
	if err != nil {
		return nil, err
	}
	r := &runner{ctx: ctx, o: o, data: d, report: &Report{Environment: trial.CurrentEnvironment(), Data: o.Data}}
	for _, step := range r.steps() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.o.Progress(step.name, r.done, len(r.steps()))
		if err := step.run(); err != nil {
			return nil, err
		}
		r.done++
	}
	r.allRows()
	return r.report, nil
}

type stepOf struct {
	name string
	run  func() error
}

func (r *runner) steps() []stepOf {
	steps := []stepOf{
		{"one image", r.oneImage}, {"throughput", r.throughput}, {"proportionality", r.proportionality},
		{"two threads", r.threads}, {"shapes", r.shapes},
	}
	if r.o.Quick {
		return steps
	}
	for _, dims := range networks {
		steps = append(steps, stepOf{title(dims), func() error { return r.peers(dims) }})
	}
	return steps
}

func (r *runner) measure(j job) (*Row, error) {
	row, err := measure(j)
	if err != nil {
		return nil, err
	}
	r.report.Rows = append(r.report.Rows, row)
	r.o.Progress(fmt.Sprintf("%s %s %s %s: %.4g ms, %.1f rotations, %.2f of floor, predicted %.4g ms, %.1f bits, peak %d of %d MiB",
		row.Network, row.Layout, row.Shape, row.Weights, 1e3*row.Seconds, row.Rotations(), row.FloorRatio(), 1e3*row.Predicted, row.Precision,
		row.PeakRSS>>20, row.PredictedBytes>>20), r.done, len(r.steps()))
	return row, nil
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

// mlp trains the perceptron, or a part of it.
func (r *runner) mlp() (*trained, error) { return trainNetwork(r.data, networks[0], r.o.Epochs) }

// bestOneImage measures the one-image layouts in all rings that reach a precision and returns the one of fewest
// rotations.
func (r *runner) bestOneImage(t *trained, precision float64) (*Row, error) {
	var best *Row
	for slots := 1 << 12; slots <= 1<<14; slots *= 2 {
		for _, ring := range inference.Rings {
			m, err := packing.PackOneImage(t.folded, slots, packing.Nominal(1), false)
			if err != nil {
				return nil, err
			}
			j := job{name: t.name, model: m, plain: t.folded, samples: t.some(calibration), precision: precision, ring: ring}
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
	t, err := r.mlp()
	if err != nil {
		return err
	}
	for _, c := range []struct{ bits, most float64 }{{13, 7}, {16, 8}} {
		row, err := r.bestOneImage(t, c.bits)
		if err != nil {
			return err
		}
		r.target(Target{
			ID: "E2", What: fmt.Sprintf("%s, one image, dense, ≥ %g bits", t.name, c.bits), Got: row.Rotations(), Unit: "rotations",
			Measured: fmt.Sprintf("%.0f ms, %s log_n %d, %.1f bits", 1e3*row.Seconds, row.HE.Ring, row.HE.LogN, row.Precision),
		}.atMost(c.most))
	}
	return r.prunedOneImage(t)
}

// prunedOneImage narrows the hidden layers as far as validation samples allow.
func (r *runner) prunedOneImage(t *trained) error {
	reference, err := t.accuracy(t.validation)
	if err != nil {
		return err
	}
	unpruned, err := t.accuracy(t.test)
	if err != nil {
		return err
	}
	var best *Row
	var words string
	for _, hidden := range [][]int{{64, 32}, {32, 32}, {32, 16}, {16, 16}} {
		n, err := t.narrow(r.data, hidden, r.o.Epochs)
		if err != nil {
			return err
		}
		got, err := n.accuracy(n.validation)
		if err != nil {
			return err
		}
		if got < reference-0.01 {
			continue
		}
		row, err := r.bestOneImage(n, 13)
		if err != nil {
			return err
		}
		test, err := n.accuracy(n.test)
		if err != nil {
			return err
		}
		if best == nil || row.Rotations() < best.Rotations() {
			best = row
			words = fmt.Sprintf("%s: %.2f %% on test, unpruned %.2f %%; %.0f ms, %.1f bits", n.name, 100*test, 100*unpruned, 1e3*row.Seconds, row.Precision)
		}
	}
	target := Target{ID: "E3", What: t.name + ", one image, neurons pruned, at most 1 point lost", Got: math.Inf(1), Unit: "rotations", Measured: words}
	if best != nil {
		target.Got = best.Rotations()
	} else {
		target.Got, target.Measured = -1, "no narrower network within a point"
		target.Want = "≤ 5.5"
		r.target(target)
		return nil
	}
	r.target(target.atMost(5.5))
	return nil
}

// throughput fills every slot of a ciphertext with a sample.
func (r *runner) throughput() error {
	t, err := r.mlp()
	if err != nil {
		return err
	}
	reference, err := t.accuracy(t.validation)
	if err != nil {
		return err
	}
	row, _, err := r.scalar(t)
	if err != nil {
		return err
	}
	r.target(Target{ID: "E4", What: t.name + ", batch = slots, dense", Got: 1e3 * row.PerImage, Unit: "ms/image",
		Measured: fmt.Sprintf("batch %d, %.1f bits against integer weights", row.Batch, row.Precision)}.atMost(0.35))
	narrow, err := t.narrow(r.data, []int{64, 64}, r.o.Epochs)
	if err != nil {
		return err
	}
	var best Target
	for _, density := range []float64{0.2, 0.1, 0.05} {
		n, err := narrow.sparse(r.data, density, r.o.Epochs)
		if err != nil {
			return err
		}
		row, accuracy, err := r.scalar(n)
		if err != nil {
			return err
		}
		if accuracy < reference-0.01 {
			continue
		}
		best = Target{ID: "E4", What: t.name + ", batch = slots, pruned, at most 1 point lost", Got: 1e3 * row.PerImage, Unit: "ms/image",
			Measured: fmt.Sprintf("%s at density %g, validation %.2f %% of %.2f %%, %.1f bits", n.name, density, 100*accuracy, 100*reference, row.Precision)}
	}
	if best.ID != "" {
		r.target(best.atMost(0.08))
	}
	return nil
}

// scalar measures a network with integer weights and returns the accuracy of those on the validation samples.
func (r *runner) scalar(t *trained) (*Row, float64, error) {
	q := t.folded.Quantise(inference.WeightBits)
	m, err := packing.PackScalar(t.folded.Quantise(inference.WeightBits), 1<<13)
	if err != nil {
		return nil, 0, err
	}
	row, err := r.measure(job{name: t.name, model: m, plain: q, samples: t.samples, precision: 13})
	if err != nil {
		return nil, 0, err
	}
	right := 0
	v := t.validation
	x := make([][]float64, v.Len())
	for b := range x {
		x[b] = make([]float64, v.Dim)
		for i := range x[b] {
			x[b][i] = float64(v.X[b*v.Dim+i])
		}
	}
	for b, y := range forward(q, x) {
		if argMax(y) == int(v.Labels[b]) {
			right++
		}
	}
	return row, float64(right) / float64(len(x)), nil
}

// batchOfTiles is the batch that tile layouts are measured at.
const batchOfTiles = 256

// proportionality measures what a quarter of the tiles costs, in the best shape for the dense network.
func (r *runner) proportionality() error {
	t, err := trainNetwork(r.data, []int{784, 128, 10}, r.o.Epochs)
	if err != nil {
		return err
	}
	ranked, err := tune.Rank(t.folded, t.some(4), tune.Options{
		Encrypted: true, Precision: 16, Batch: batchOfTiles, Exact: true, Memory: 12 << 30,
		Kinds: []packing.Kind{packing.Tiles}, Price: inference.MeasurePrices, Measured: 4,
	})
	if err != nil {
		return err
	}
	shape := ranked[0].Shape
	rows := map[float64]*Row{}
	var literal *inference.Literal
	for _, density := range []float64{1, 0.25} {
		f := dropTiles(t.folded, shape, density)
		m, err := packing.Pack(f, shape, nil)
		if err != nil {
			return err
		}
		row, err := r.measure(job{name: t.name, model: m, plain: f, samples: t.some(batchOfTiles), encrypted: true, precision: 16, literal: literal})
		if err != nil {
			return err
		}
		rows[density], literal = row, &row.HE
	}
	dense, pruned := rows[1], rows[0.25]
	tiles := 1 - pruned.Density/dense.Density
	words := fmt.Sprintf("%s, tile %s, %.0f → %.0f ms; f by prices %.2f", t.name, shape, 1e3*dense.Seconds, 1e3*pruned.Seconds, dense.Proportional)
	r.target(Target{ID: "E5", What: "latency saved / tiles saved at density 0.25, encrypted weights", Got: (1 - pruned.Seconds/dense.Seconds) / tiles, Measured: words}.atLeast(0.9))
	r.target(Target{ID: "E6", What: "memory saved / tiles saved, same run", Got: (1 - float64(pruned.PeakRSS)/float64(dense.PeakRSS)) / tiles,
		Measured: fmt.Sprintf("peak %d → %d MiB", dense.PeakRSS>>20, pruned.PeakRSS>>20)}.atLeast(0.85))
	return nil
}

// threads measures the speed-up of a second core: by rows, and by limbs for one image.
func (r *runner) threads() error {
	t, err := r.mlp()
	if err != nil {
		return err
	}
	tiles, err := packing.Pack(t.folded, packing.Shape{In: 4, Out: 32, Batch: 64}, nil)
	if err != nil {
		return err
	}
	one, err := packing.PackOneImage(t.folded, 1<<13, packing.Nominal(1), false)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		what      string
		model     *packing.Model
		encrypted bool
	}{{"tiles 4x32x64, encrypted weights", tiles, true}, {"one image", one, false}} {
		var seconds [2]float64
		for threads := 1; threads <= 2; threads++ {
			row, err := r.measure(job{name: t.name, model: c.model, plain: t.folded, samples: t.some(64), encrypted: c.encrypted, precision: 13, threads: threads})
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
	t, err := trainNetwork(r.data, []int{784, 128, 10}, r.o.Epochs)
	if err != nil {
		return err
	}
	for _, shape := range []packing.Shape{{In: 64, Out: 64, Batch: 1}, {In: 16, Out: 8, Batch: 32}, {In: 4, Out: 32, Batch: 32}, {In: 4, Out: 8, Batch: 128}, {In: 1, Out: 16, Batch: 256}} {
		for _, density := range []float64{1, 0.5} {
			for _, encrypted := range []bool{false, true} {
				f := dropTiles(t.folded, shape, density)
				m, err := packing.Pack(f, shape, nil)
				if err != nil {
					return err
				}
				if _, err := r.measure(job{name: t.name, model: m, plain: f, samples: t.some(min(shape.Batch, calibration)), encrypted: encrypted, precision: 16}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// peers measures a network that others report, for one image and for a batch.
func (r *runner) peers(dims []int) error {
	t, err := trainNetwork(r.data, dims, r.o.Epochs)
	if err != nil {
		return err
	}
	for _, encrypted := range []bool{false, true} {
		for _, batch := range []int{1, 64} {
			ranked, err := tune.Rank(t.folded, t.some(4), tune.Options{
				Encrypted: encrypted, Precision: 16, Batch: batch, Exact: true, Memory: 10 << 30, Price: inference.MeasurePrices, Measured: 2,
			})
			if err != nil {
				return fmt.Errorf("bench: %s: %w", t.name, err)
			}
			m, err := ranked[0].Pack(t.folded, encrypted)
			if err != nil {
				return err
			}
			if _, err := r.measure(job{name: t.name, model: m, plain: t.folded, samples: t.some(calibration), encrypted: encrypted, precision: 16}); err != nil {
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
