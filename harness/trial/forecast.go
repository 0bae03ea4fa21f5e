package trial

import (
	"encoding/json"
	"errors"
	"fmt"

	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/packing"
)

// Forecast is what a point is expected to take, before it runs.
type Forecast struct {
	Evaluate float64 // seconds of one evaluation
	Measure  float64 // seconds of all evaluations, at the fewest repeats
	Train    float64 // seconds of the training that it still needs; see Forecaster.Training
	Peak     int64   // bytes that the process needs
	Dense    bool    // an upper bound: how many tiles stay is not known before the network is pruned
	Refused  error   // why the network as trained cannot be evaluated, if so; all else is zero then
}

// Forecaster predicts the points of a plan.
type Forecaster struct {
	rates   map[string]inference.Rates // by class of parameters
	price   tune.Pricer
	steps   map[string]float64 // seconds of a step of training, by network
	trained map[Key]bool       // states that the points so far leave
}

// NewForecaster takes prices from a cache folder, and keeps there those that it has to measure.
func NewForecaster(cacheDir string) *Forecaster {
	price := tune.CachedPrices(PriceDir(cacheDir), machine.Environment().CPU, false)
	return &Forecaster{map[string]inference.Rates{}, price, map[string]float64{}, map[Key]bool{}}
}

// Point predicts a point by counts and prices: from the pruned network if the cache has it, else as if no tile were pruned.
// A point that evaluates nothing takes nothing.
func (f *Forecaster) Point(j Job) (*Forecast, error) {
	if !j.Spec.Measure.Encrypted {
		return &Forecast{}, nil
	}
	ready, err := Prepared(j)
	if err != nil {
		return nil, err
	}
	var s *size
	if ready {
		s, err = sizeOfTrained(j)
	} else {
		s, err = sizeOfDense(j.Spec)
	}
	var failure *Failure
	if errors.As(err, &failure) && failure.Refuses() {
		return &Forecast{Refused: failure}, nil
	}
	if err != nil {
		return nil, err
	}
	g, err := j.Spec.EvaluatedGeometry(j.Spec.Data.Form())
	if err != nil {
		return nil, err
	}
	seconds, err := f.cost(s, j.Spec.HE.Insecure)
	if err != nil {
		return nil, err
	}
	m := j.Spec.Measure
	out := &Forecast{Evaluate: seconds / float64(m.Threads), Peak: peak(g, s.Memory), Dense: !ready}
	out.Measure = out.Evaluate * float64(m.Warmup+m.Repeats.Min)
	return out, nil
}

// cost is the seconds of all operations on one thread. Points of one class of parameters share rates: setting up parameters
// takes longer than all else here.
func (f *Forecaster) cost(s *size, insecure bool) (float64, error) {
	work := s.Work
	work.Counts = packing.Counts{}
	for _, c := range s.Counts {
		work.Counts.Add(c.Op, c.Level, c.N)
	}
	class := s.Literal.PriceClass()
	if f.rates[class] == nil {
		f.rates[class] = inference.Rates{}
	}
	if have := f.rates[class]; len(have.Missing(work).Counts) > 0 {
		p, err := inference.NewParameters(s.Literal, insecure)
		if err != nil {
			return 0, err
		}
		fresh, err := f.price(p, work)
		if err != nil {
			return 0, err
		}
		have.Add(fresh.Rates(s.Literal, work))
	}
	return work.Counts.Cost(f.rates[class].Priced(s.Literal, work).Prices(false)), nil
}

// size is what a forecast is made of, whatever the machine. It survives encoding/json both ways.
type size struct {
	Literal inference.Literal `json:"literal"`
	Work    inference.Work    `json:"work"`
	Counts  []operationCount  `json:"counts"` // those of the work
	Memory  packing.Memory    `json:"memory"` // of the server
}

type operationCount struct {
	Op    packing.Op `json:"op"`
	Level int        `json:"level"`
	N     int        `json:"n"`
}

func newSize(s config.Spec, lit inference.Literal, layout *packing.Layout, kept [][][]bool) *size {
	encrypted := s.HE.Encrypted()
	out := &size{
		Literal: lit, Work: inference.NewWork(lit, layout, kept, encrypted),
		Memory: inference.PredictMemory(lit, layout, kept, encrypted, s.Measure.Threads),
	}
	for at, n := range out.Work.Counts {
		out.Counts = append(out.Counts, operationCount{at.Op, at.Level, n})
	}
	return out
}

// sizeOfTrained packs the network that the cache has, and keeps what comes out, for packing takes tens of milliseconds.
func sizeOfTrained(j Job) (*size, error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, err
	}
	final, _, err := p.keys(pruningOptions(j.Spec))
	if err != nil {
		return nil, err
	}
	key := newKey(final.String(), "work and memory", packing.Kind(j.Spec.Layout).Version(), inference.Version, inference.Kernels(), j.Spec.Tile, j.Spec.Layout, j.Spec.HE, j.Spec.Measure.Threads)
	content, ok, err := p.cache.Get(key)
	if err != nil {
		return nil, err
	}
	out := &size{}
	if ok && json.Unmarshal(content, out) == nil {
		return out, nil
	}
	n, err := PrepareNetwork(j, nil)
	if err != nil {
		return nil, err
	}
	packed, err := pack(j.Spec, n.Folded, n.Orders, n.values)
	if err != nil {
		return nil, err
	}
	out = newSize(j.Spec, packed.lit, packed.model.Layout, packed.model.Kept)
	if content, err = json.Marshal(out); err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	return out, p.cache.Put(key, content)
}

func sizeOfDense(s config.Spec) (*size, error) {
	layout, lit, err := denseLayout(s)
	if err != nil {
		return nil, err
	}
	return newSize(s, lit, layout, layout.Dense()), nil
}

// denseLayout is the layout of an unpruned network, with parameters for the least that any network needs.
func denseLayout(s config.Spec) (layout *packing.Layout, lit inference.Literal, err error) {
	g, err := s.EvaluatedGeometry(s.Data.Form())
	if err != nil {
		return nil, lit, err
	}
	for _, c := range choices(s) {
		if layout, err = c.Layout(g); err != nil {
			continue
		}
		if lit, err = literal(s, layout, packing.Profile{}); err == nil {
			break
		}
	}
	return layout, lit, err
}
