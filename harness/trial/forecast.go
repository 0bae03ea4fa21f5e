package trial

import (
	"errors"

	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/tune"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// Forecast is what a point is expected to take, before it runs.
type Forecast struct {
	Evaluate float64 // seconds of one evaluation
	Measure  float64 // seconds of all evaluations, at the fewest repeats
	Most     float64 // seconds of all evaluations, at the most
	Train    float64 // seconds of the training that it still needs; see Forecaster.Training
	SetUp    float64 // seconds until evaluations can begin: keys, model and input, and the test samples without encryption
	Peak     int64   // bytes that the process needs
	Dense    bool    // an upper bound but for a bit of moduli: how many tiles stay is not known before the network is pruned
	Refused  error   // why the network as trained cannot be evaluated, if so; all else is zero then
	Doubt    string  // why the network may be refused when it is trained; empty if nothing speaks for that
}

// Forecaster predicts the points of a plan.
type Forecaster struct {
	rates   map[string]inference.Rates // by class of parameters
	price   tune.Pricer
	steps   map[string]float64 // seconds of a step of training, by network
	looks   map[string]float64 // seconds of a look at a sample, by network
	makings map[string]making  // by kind of weights and threads
	trained map[entryKey]bool  // states that the points so far leave
}

// NewForecaster takes prices from a cache folder, and keeps there those that it has to measure. It tells when they are doubtful.
func NewForecaster(cacheDir string, tell func(format string, args ...any)) *Forecaster {
	price := tune.CachedPrices(PriceDir(cacheDir), machine.Environment().CPU).Noting(tell)
	return &Forecaster{
		rates: map[string]inference.Rates{}, price: price, steps: map[string]float64{}, looks: map[string]float64{},
		makings: map[string]making{}, trained: map[entryKey]bool{},
	}
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
	s, trained, err := sizeOf(j, ready)
	var failure *Failure
	if errors.As(err, &failure) && (failure.Refuses() || failure.Kind == KindNaN) {
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
	out := &Forecast{Evaluate: seconds / float64(m.Threads), Peak: peak(g, s.Memory), Dense: !trained, Doubt: s.Doubt}
	each := 1
	if m.Warmup > 0 && out.Evaluate < shortEvaluation {
		each = 2
	}
	out.Measure = out.Evaluate * float64(m.Warmup+each*m.Repeats.Min)
	out.Most = out.Evaluate * float64(m.Warmup+each*m.Repeats.Max)
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, err
	}
	look, err := f.look(p)
	if err != nil {
		return nil, err
	}
	rates, err := f.makingOf(j.Spec.HE.Encrypted(), m.Threads)
	if err != nil {
		return nil, err
	}
	out.SetUp = startSeconds + rates.of(s.Memory) + look*float64(j.Spec.Data.Test)
	return out, nil
}

// sizeOf is that of the network as it is, if it is trained, and else of the unpruned one. One image is evaluated in less time than it takes to
// arrange it, so that moduli for the least that any network needs will do.
func sizeOf(j Job, ready bool) (s *size, trained bool, err error) {
	if ready {
		s, err = sizeOfPrepared(j)
		return s, true, err
	}
	if j.Spec.Layout != string(packing.OneImage) {
		if s, trained, err = sizeOfTrained(j); trained || err != nil {
			return s, trained, err
		}
	}
	s, err = sizeOfUntrained(j)
	return s, false, err
}

// startSeconds is what it takes to start a process that reads the data set: good enough to tell minutes from hours.
const startSeconds = 0.5

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
	Doubt   string            `json:"doubt,omitempty"`
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

// sizeOfPrepared packs the network that the cache has, and keeps what comes out, for packing takes tens of milliseconds.
func sizeOfPrepared(j Job) (*size, error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, err
	}
	final, _, err := p.keys(pruningOptions(j.Spec))
	if err != nil {
		return nil, err
	}
	return remember(p.cache, sizeKey(final, "with sums of rows", j.Spec), func() (*size, error) {
		n, err := PrepareNetwork(j, nil)
		if err != nil {
			return nil, err
		}
		packed, err := pack(j.Spec, n.Folded, n.Orders, n.values)
		if err != nil {
			return nil, err
		}
		return newSize(j.Spec, packed.lit, packed.model.Layout, packed.model.Kept), nil
	})
}

// sizeKey adds what a size depends on beyond the network and the values that it gets.
func sizeKey(network entryKey, values string, s config.Spec) entryKey {
	return newKey(network.String(), "work and memory", values, packing.Kind(s.Layout).Version(), inference.Version, inference.Kernels(), s.Tile, s.Layout, s.HE, s.Measure.Threads)
}

// sizeOfTrained packs a network that is trained, but whose values were not yet looked at for the point, with those that some samples show.
func sizeOfTrained(j Job) (s *size, trained bool, err error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, false, err
	}
	final, _, err := p.keys(pruningOptions(j.Spec))
	if err != nil {
		return nil, false, err
	}
	known, trained, err := p.load(final)
	if err != nil || !trained {
		return nil, false, err
	}
	s, err = remember(p.cache, sizeKey(final, "as some samples have them", j.Spec), func() (*size, error) {
		packed, err := p.packRoughly(final, known.state)
		if err != nil {
			return nil, err
		}
		return newSize(j.Spec, packed.lit, packed.model.Layout, packed.model.Kept), nil
	})
	return s, true, err
}

// sizeOfUntrained is that of the unpruned network with values as a sketch of it has them.
func sizeOfUntrained(j Job) (*size, error) {
	j.Spec.Train.Seed = 1 // any is as good
	p, err := newPreparer(j, nil)
	if err != nil {
		return nil, err
	}
	key := p.sketchKey()
	return remember(p.cache, sizeKey(key, "as some samples have them", j.Spec), func() (*size, error) {
		if j.Spec.Layout == string(packing.OneImage) {
			return sizeOfDense(j.Spec)
		}
		sketch, err := p.sketch()
		var packed *packed
		if err == nil {
			packed, err = p.packRoughly(key, sketch)
		}
		var failure *Failure
		switch {
		case err == nil:
			return newSize(j.Spec, packed.lit, packed.model.Layout, packed.model.Kept), nil
		case errors.As(err, &failure) && failure.Refuses():
			least, err := sizeOfDense(j.Spec)
			if err == nil {
				least.Doubt = failure.Error()
			}
			return least, err
		case errors.Is(err, network.ErrDiverged) || errors.As(err, &failure) && failure.Kind == KindNaN: // all of the training may do better
			return sizeOfDense(j.Spec)
		}
		return nil, err
	})
}

func sizeOfDense(s config.Spec) (*size, error) {
	layout, lit, err := denseLayout(s)
	if err != nil {
		return nil, err
	}
	return newSize(s, lit, layout, layout.Dense()), nil
}

// denseLayout is the layout of an unpruned network in the smallest ring that serves, with parameters for the least that any network needs. What the
// largest ring lacks is what is reported.
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
