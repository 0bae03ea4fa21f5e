// Package bench measures the encrypted engine: networks that other systems report, in the layouts that suit them,
// against predicted time and memory, against the sum of lattigo's own primitives, and against the project's targets.
package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"hepex/datasets"
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

// Reference is the median of R over the rows, in seconds.
func (r *Report) Reference() float64 {
	var seconds []float64
	for _, row := range r.Rows {
		seconds = append(seconds, row.Reference)
	}
	return median(seconds)
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

// Sets are the data sets whose samples the networks take.
func Sets() []string {
	return slices.DeleteFunc(datasets.Names(), func(name string) bool {
		form, err := datasets.FormOf(name)
		return err != nil || form.Shape.Size() != networks[0][0]
	})
}

// runner is a benchmark on its way.
type runner struct {
	ctx    context.Context
	o      Options
	report *Report
	done   int

	mlp      *trained   // the first of the networks
	sparse   *trained   // with fewer hidden neurons and weights
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
		{"transforms", r.transforms}, {"train", r.train}, {"one image", r.oneImage}, {"tiles", r.tiles}, {"throughput", r.throughput}, {"proportionality", r.proportionality},
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
	half, err := r.mlp.narrow(d, []int{64, 64}, e)
	if err != nil {
		return err
	}
	if r.sparse, err = half.sparse(d, 0.2, e); err != nil {
		return err
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

// shapes measures tile shapes beyond those of tiles, dense and pruned, in both weight modes.
func (r *runner) shapes() error {
	t := r.small
	for _, shape := range []packing.Shape{{In: 64, Out: 64, Batch: 1}, {In: 4, Out: 8, Batch: 128}, {In: 1, Out: 16, Batch: 256}} {
		for _, density := range []float64{1, 0.5} {
			for _, encrypted := range []bool{false, true} {
				if _, err := r.measure(job{
					Name: t.name, Folded: dropTiles(t.folded, shape, density), Choice: packing.Choice{Kind: packing.Tiles, Shape: shape, Encrypted: encrypted},
					Samples: t.some(min(shape.Batch, calibration)), Precision: 16,
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
			j := job{Name: t.name, Folded: t.folded, Choice: ranked[0].Choice, Samples: t.some(calibration), Precision: 16}
			if _, err := r.measure(j); err != nil {
				return err
			}
		}
	}
	return nil
}
