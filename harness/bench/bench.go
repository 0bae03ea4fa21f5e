// Package bench prices what encrypted evaluations consist of: transforms and primitives by this project's kernels, beside the same work by
// lattigo's own calls. Whole networks are measured by experiments, as everything is (configs/engine, configs/peers).
package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/stats"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// Report is the outcome. Times are seconds on one thread.
type Report struct {
	Environment record.Environment         `json:"environment"`
	Reference   float64                    `json:"reference_s"` // R: the median of lattigo's rotation at fixed parameters
	Transforms  []inference.TransformTimes `json:"transforms"`
	Works       []Work                     `json:"works"`
}

// Work is the primitives of one evaluation of a network, with what one of them takes.
type Work struct {
	Layout     string            `json:"layout"`
	Weights    string            `json:"weights"`
	HE         inference.Literal `json:"he"`
	Primitives []Primitive       `json:"primitives"`
	Ours       float64           `json:"seconds"`       // of all together, each as often as the evaluation does it
	Floor      float64           `json:"floor_seconds"` // the same by lattigo's calls
}

// Primitive is one operation of homomorphic evaluation at a level.
type Primitive struct {
	Op    packing.Op `json:"op"`
	Level int        `json:"level"`
	Count int        `json:"count"`
	Ours  float64    `json:"seconds"`       // by this project's kernel
	Floor float64    `json:"floor_seconds"` // by lattigo's calls
}

// dims are the perceptron whose evaluations say which primitives matter, at which levels.
var dims = []int{784, 128, 128, 10}

// choices are its layouts: for one image, a batch, and a full ring.
var choices = []packing.Choice{
	packing.OneImageIn(1<<12, false),
	packing.OneImageIn(1<<13, false),
	{Kind: packing.Tiles, Shape: packing.Shape{In: 16, Out: 8, Batch: 32}, Encrypted: true},
	{Kind: packing.Tiles, Shape: packing.Shape{In: 4, Out: 32, Batch: 64}},
	{Kind: packing.Tiles, Shape: packing.Shape{In: 4, Out: 32, Batch: 64}, Encrypted: true},
	{Kind: packing.Tiles, Shape: packing.Shape{In: 2, Out: 16, Batch: 512}, Encrypted: true},
	packing.ScalarIn(1 << 13),
}

// Run measures everything, in about a minute on a machine that does nothing else.
func Run(ctx context.Context, progress func(step string, done, steps int)) (*Report, error) {
	r := &Report{Environment: machine.Environment()}
	steps := len(choices) + 2
	progress("reference rotation", 0, steps)
	var err error
	if r.Reference, err = reference(); err != nil {
		return nil, err
	}
	progress("transforms", 1, steps)
	if r.Transforms, err = inference.MeasureTransforms(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for i, c := range choices {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		progress("primitives of "+c.String(), i+2, steps)
		work, err := price(c, network.FullyConnected(dims...))
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", c, err)
		}
		r.Works = append(r.Works, *work)
	}
	return r, nil
}

// rotations is how often the reference is timed.
const rotations = 21

func reference() (float64, error) {
	timer, err := inference.NewReferenceTimer()
	if err != nil {
		return 0, err
	}
	var seconds []float64
	for range rotations {
		seconds = append(seconds, timer.Seconds())
	}
	s, err := stats.Median(seconds)
	return s.Median, err
}

// precision is what parameters are derived for.
const precision = 13

// price measures the primitives of an unpruned network in a layout, at the parameters that the least of networks needs there.
func price(c packing.Choice, g network.Geometry) (*Work, error) {
	layout, err := c.Layout(g)
	if err != nil {
		return nil, err
	}
	lit, err := inference.Derive(layout, packing.Profile{}, inference.Wanted{Precision: precision, Encrypted: c.Encrypted})
	if err != nil {
		return nil, err
	}
	p, err := inference.NewParameters(lit, false)
	if err != nil {
		return nil, err
	}
	work := inference.NewWork(lit, layout, layout.Dense(), c.Encrypted)
	prices, err := inference.MeasurePrices(p, work)
	if err != nil {
		return nil, err
	}
	out := &Work{
		Layout: c.String(), Weights: "plain", HE: lit,
		Ours: work.Counts.Cost(prices.Prices(false)), Floor: work.Counts.Cost(prices.Prices(true)),
	}
	if c.Encrypted {
		out.Weights = "encrypted"
	}
	for at, n := range work.Counts {
		out.Primitives = append(out.Primitives, Primitive{at.Op, at.Level, n, prices.Ours[at], prices.Floor[at]})
	}
	slices.SortFunc(out.Primitives, func(a, b Primitive) int { return cmp.Or(b.Level-a.Level, int(a.Op)-int(b.Op)) })
	return out, nil
}
