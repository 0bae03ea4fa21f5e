package report

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/plots"
)

// hostile are labels that a page must show as they are.
var hostile = []string{
	`<script>window.hacked=1</script>`, `"><img src=x onerror="window.hacked=1">`, `</style></title></script><svg onload=window.hacked=1>`,
	`' onmouseover='window.hacked=1`, `a & b &amp; c`, `under_score | 100 % \frac{1}{2}`, `{{.Title}}`, "naïve 模型 ☃ \u202edrawkcab", `javascript:window.hacked=1`,
}

const sweeping = `version: 1
name: sweep
data: {name: digits}
network: {type: mlp, hidden: [32, 16]}
prune: {scheme: dense, ratio: 0.5}
tile: 8x8x64
sweep:
  cases:
    - {label: unpruned, train.seed: [1, 2, 3]}
    - {label: pruned, prune.scheme: [p4e, joint], prune.ratio: [0.5, 0.7, 0.9], train.seed: [1, 2, 3]}
figures:
  - {id: quality, x: tiles.density, y: quality.plain, series: prune.scheme}
  - {id: rows, x: latency.evaluate, rows: label}
expect:
  - {id: C1, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: saved.tiles, reduce: max, over: [train.seed], paper: [0.33, 0.95]}
  - {id: C2, where: {prune.scheme: joint}, metric: saved.latency, reduce: max, over: [train.seed], paper: 0.99, tolerance: 0.001}
`

// experiment is an experiment with a result for each point of a config, of which change makes what a test is about.
func experiment(t testing.TB, source string, change func(i int, r *record.Record)) Experiment {
	t.Helper()
	c, err := config.Parse("sweep.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	e := Experiment{Name: c.Name, Config: c}
	for i, p := range c.Points {
		r := measured(i, p)
		if change != nil {
			change(i, r)
		}
		e.Records = append(e.Records, r)
	}
	e.Figures = plots.DefaultFigures(e.Records)
	if len(c.Figures) > 0 {
		e.Figures = nil
	}
	for _, f := range c.Figures {
		e.Figures = append(e.Figures, plots.Figure{ID: f.ID, X: f.X.Name, Y: f.Y.Name, Rows: f.Rows.Name, Series: f.Series.Name, Facet: f.Facet.Name})
	}
	return e
}

// measured is a result that follows from the point: what pruning keeps, takes and loses.
func measured(i int, p config.Point) *record.Record {
	density := 1.0
	if p.Spec.Prune.Scheme != "dense" {
		density -= p.Spec.Prune.Ratio
	}
	lost := 0.03 * (1 - density) * (1 - density)
	seconds := 0.2*density + 0.1 + 0.001*float64(p.Spec.Train.Seed)
	start := time.Date(2026, 3, 29, 23, 30, i%60, 0, time.UTC)
	return &record.Record{
		Schema: record.Schema, Experiment: "sweep", Point: fmt.Sprintf("%016x", i), Attempt: 1, Status: record.OK, Label: p.Label, Params: p.Params,
		StartedAt: start, EndedAt: start.Add(time.Minute),
		Quality: &record.Quality{Metric: "accuracy", Unpruned: 0.98, Plain: 0.98 - lost, Degradation: lost, ValidationDegradation: lost,
			Encrypted: 0.98, Agreement: 1, Samples: 64, PrecisionBits: 16.5},
		Tiles:       &record.Tiles{Total: 100, Kept: int(math.Round(100 * density)), Density: density},
		Latency:     &record.Latency{Evaluate: []float64{seconds}, EvaluateMedian: seconds, EvaluatePerImage: seconds / 64},
		Memory:      &record.Memory{PeakRSS: int64(1e9 * density)},
		HE:          &record.HE{LogN: 13, SecurityBits: 128, Weights: "encrypted"},
		Environment: record.Environment{Host: "host", Commit: "0123456789abcdef0123456789abcdef01234567", Go: "go1.25.0", CPU: "A processor", Cores: 2, RAMBytes: 8 << 30, Kernel: "Linux 6.1"},
	}
}

func failing(r *record.Record, kind, message string) {
	*r = record.Record{
		Schema: r.Schema, Experiment: r.Experiment, Point: r.Point, Attempt: 1, Status: record.Failed, Label: r.Label, Params: r.Params,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt, Environment: r.Environment, Error: &record.Error{Kind: kind, Message: message},
	}
}

func written(t testing.TB, experiments ...Experiment) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, experiments); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// large is a sweep of 2,000 points in ten figures.
func large(t testing.TB) Experiment {
	const source = `version: 1
name: large
data: {name: digits}
network: {type: mlp, hidden: [32, 16]}
prune: {scheme: p4e, ratio: 0.5}
tile: 8x8x64
sweep:
  grid:
    prune.scheme: [p2t, p3, p4, p4e, joint]
    prune.ratio: {from: 0.5, to: 0.88, step: 0.02}
    tile: [8x8x64, 16x16x16]
    train.seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
`
	e := experiment(t, source, func(i int, r *record.Record) {
		r.Quality.Plain -= 1e-4 * float64(i%17)
		if i%10 == 0 {
			r.Warnings = []string{"measured on a busy machine"}
		}
		if i%50 == 7 {
			failing(r, "nan", "an output is not a number")
		}
	})
	if len(e.Records) != 2000 {
		t.Fatalf("%d points", len(e.Records))
	}
	e.Figures = nil
	for i := range 10 {
		fig := plots.Figure{ID: fmt.Sprintf("figure-%d", i), X: "tiles.density", Y: "quality.plain", Series: "prune.scheme", Facet: "tile"}
		if i%2 == 1 {
			fig.Y, fig.Facet = "latency.evaluate", "prune.scheme"
			fig.Series = "train.seed"
		}
		e.Figures = append(e.Figures, fig)
	}
	return e
}
