// Package tune ranks the ways to evaluate a network under encryption: layouts, tile shapes, rings and moduli, by
// predicted time and memory on this machine, before anything is encrypted.
package tune

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// Objective is what the first candidate is best at.
type Objective string

// The objectives.
const (
	Latency    Objective = "latency"    // of one evaluation
	Throughput Objective = "throughput" // time per image, with full batches
	Memory     Objective = "memory"     // of the server
	Upload     Objective = "upload"     // bytes that the server is sent: inputs, and weights if they are encrypted
)

// Objectives lists the objectives.
var Objectives = []Objective{Latency, Throughput, Memory, Upload}

// Options say what to rank, and by what.
type Options struct {
	Encrypted bool // weights
	Precision float64
	Batch     int   // samples to evaluate; 0 is as many as fit an evaluation
	Exact     bool  // batches of just that many samples
	Memory    int64 // limit, in bytes; 0 is none
	Objective Objective
	Threads   int
	Kinds     []packing.Kind  // nil is all
	Shapes    []packing.Shape // tile shapes, whatever their batch, such as the one that a pruned network was made for; nil is all
	Orders    [][]int         // of its neurons
	Price     Pricer
	Measured  int // how many of the nominally best are priced by measurement
}

// Pricer gives the prices of a parameter set on this machine, for the primitives of some work.
type Pricer func(inference.Parameters, inference.Work) (*inference.Priced, error)

// Candidate is a way to evaluate the network.
type Candidate struct {
	packing.Choice
	Batch   int // samples per evaluation
	Literal inference.Literal
	Levels  int

	Seconds    float64 // predicted, of one evaluation
	Total      float64 // for all samples asked for, by images; of Options.Batch, or of a full batch
	PerImage   float64
	KeySeconds float64 // to draw the keys, once, at nominal prices
	BytesUp    int64
	BytesDown  int64
	Upload     int64 // all that the server is sent for the samples asked for, but keys
	Memory     packing.Memory
	LogQP      float64
	Measured   bool // priced by measurement; otherwise at nominal prices

	nominal float64
	layout  *packing.Layout
	kept    [][][]bool
}

// ErrNone means that nothing fits the limits.
var ErrNone = errors.New("tune: no layout fits")

// Rank lists the candidates, the best first. The network gives weights, and with them the tiles that are
// kept; samples show the size of values.
func Rank(f *network.Folded, samples [][]float64, o Options) ([]Candidate, error) {
	if o.Threads == 0 {
		o.Threads = 1
	}
	reference, err := newReference(f, samples, o)
	if err != nil {
		return nil, err
	}
	var all []Candidate
	var first error
	var least *Candidate // of memory, among those that need too much
	for _, choice := range o.choices() {
		c, err := reference.candidate(f, choice, o)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if o.Memory > 0 && c.Memory.Total() > o.Memory {
			if least == nil || c.Memory.Total() < least.Memory.Total() {
				least = &c
			}
			continue
		}
		all = append(all, c)
	}
	if len(all) == 0 && least != nil {
		return nil, fmt.Errorf("%w: the least, %s, needs %d MiB", ErrNone, least.Choice, least.Memory.Total()>>20)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrNone, first)
	}
	o.sort(all)
	if err := o.measure(all); err != nil {
		return nil, err
	}
	o.sort(all)
	return all, nil
}

// sort puts the best first; measured ones before the rest.
func (o Options) sort(all []Candidate) {
	slices.SortStableFunc(all, func(a, b Candidate) int {
		if a.Measured != b.Measured {
			if a.Measured {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Score(o.Objective), b.Score(o.Objective))
	})
}

// Score is what an objective wants to be small.
func (c *Candidate) Score(o Objective) float64 {
	switch o {
	case Throughput:
		return c.PerImage
	case Memory:
		return float64(c.Memory.Total())
	case Upload:
		return float64(c.Upload)
	}
	return c.Total
}

// choices lists all layouts of a network.
func (o Options) choices() []packing.Choice {
	var all []packing.Choice
	wants := func(k packing.Kind) bool { return o.Kinds == nil || slices.Contains(o.Kinds, k) }
	for slots := packing.MinSlots; slots <= packing.MaxSlots; slots *= 2 {
		if wants(packing.OneImage) && !(o.Exact && o.Batch > 1) {
			all = append(all, packing.OneImageIn(slots, o.Encrypted))
		}
		if wants(packing.Scalar) && !o.Encrypted && !(o.Exact && o.Batch != slots) {
			all = append(all, packing.ScalarIn(slots))
		}
		if !wants(packing.Tiles) {
			continue
		}
		for batch := 1; batch <= slots; batch *= 2 {
			if o.Exact && batch != o.Batch || o.Batch > 0 && batch >= 2*o.Batch {
				continue
			}
			for in := 1; in <= slots/batch; in *= 2 {
				shape := packing.Shape{In: in, Out: slots / batch / in, Batch: batch}
				if o.Shapes == nil || slices.ContainsFunc(o.Shapes, func(s packing.Shape) bool { return s.In == shape.In && s.Out == shape.Out }) {
					all = append(all, packing.Choice{Kind: packing.Tiles, Shape: shape, Encrypted: o.Encrypted})
				}
			}
		}
	}
	return all
}

// reference is a profile that stands in for those of all layouts of a network: values and the errors of each source
// hardly depend on where numbers lie. What is chosen is simulated again before it runs.
type reference struct{ profile packing.Profile }

func newReference(f *network.Folded, samples [][]float64, o Options) (*reference, error) {
	m, err := packing.OneImageIn(1<<13, o.Encrypted).Pack(f, nil)
	if err != nil {
		return nil, err
	}
	var r reference
	for _, x := range samples {
		_, p, err := m.Simulate([][]float64{x})
		if err != nil {
			return nil, err
		}
		r.profile = r.profile.Merge(p)
	}
	return &r, nil
}

func (r *reference) candidate(f *network.Folded, choice packing.Choice, o Options) (Candidate, error) {
	m, err := choice.Pack(f, o.Orders)
	if err != nil {
		return Candidate{}, err
	}
	m.Trim()
	l := m.Layout
	profile := r.profile
	if l.Kind != packing.OneImage {
		profile.Means = nil // of slots that depend on the kind
	}
	lit, err := inference.Derive(l, profile, inference.Wanted{Precision: o.Precision, Encrypted: o.Encrypted})
	if err != nil {
		return Candidate{}, err
	}
	c := Candidate{
		Choice: choice, Batch: l.Batch, Literal: lit, Levels: l.Levels, LogQP: float64(lit.Bits()),
		Memory: inference.PredictMemory(lit, l, m.Kept, o.Encrypted, o.Threads), layout: l, kept: m.Kept,
		nominal: inference.NominalCost(lit, l, m.Kept, o.Encrypted),
	}
	c.KeySeconds = inference.KeySeconds(lit, l, o.Encrypted)
	sent := inference.PredictSent(lit, l, m.Kept, o.Encrypted)
	c.BytesUp, c.BytesDown = sent.Up, sent.Down
	c.Upload = sent.Up*int64(o.runs(l.Batch)) + sent.Weights
	c.Price(c.nominal, o)
	return c, nil
}

// Price sets the times that follow from the seconds of one evaluation.
func (c *Candidate) Price(seconds float64, o Options) {
	c.Seconds = seconds
	c.Total = seconds * float64(o.runs(c.Batch))
	c.PerImage = seconds / float64(c.Batch)
	if o.Batch > 0 {
		c.PerImage = c.Total / float64(o.Batch)
	}
}

// runs is how many evaluations of a batch all samples need.
func (o Options) runs(batch int) int {
	if o.Batch == 0 {
		return 1
	}
	return (o.Batch + batch - 1) / batch
}

// measure prices the first candidates on this machine.
func (o Options) measure(all []Candidate) error {
	if o.Price == nil {
		return nil
	}
	for i := range all[:min(o.Measured, len(all))] {
		c := &all[i]
		p, err := inference.NewParameters(c.Literal, false)
		if err != nil {
			return err
		}
		work := inference.NewWork(c.Literal, c.layout, c.kept, o.Encrypted)
		prices, err := o.Price(p, work)
		if err != nil {
			return err
		}
		c.Price(work.Counts.Cost(prices.Prices(false)), o)
		c.LogQP, c.Measured = p.LogQP(), true
	}
	return nil
}

// TileTime is the share of an evaluation that tile products take, at nominal prices.
func (c *Candidate) TileTime() float64 {
	prices := packing.Nominal(len(c.Literal.LogP))
	tiles, all := 0.0, 0.0
	for _, counts := range c.layout.Counts(c.kept, c.Encrypted) {
		tiles += counts.Proportional().Cost(prices)
		all += counts.Cost(prices)
	}
	return tiles / all
}
