package trial

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"hepex/harness/machine"
	"hepex/harness/record"
)

// Result is what measuring gives: a record without its place in the store, and, if it was encrypted, the picture of its tiles and some
// samples.
type Result struct {
	Record   record.Record `json:"record"`
	Tiles    TileMap       `json:"tiles"`
	Examples Examples      `json:"examples"`
}

// Kinds of failure that are no point's fault: the run cannot go on.
const (
	KindCache = "cache"
	KindData  = "data"
)

// KindMemory is the kind of failure of a point that limits.memory does not hold.
const KindMemory = "memory"

// KindNaN is the kind of failure of a point that gave something infinite or not a number.
const KindNaN = "nan"

// Failure is an error with the kind that its record shall carry.
type Failure struct {
	Kind string
	Err  error
}

// Refuses tells whether the point cannot be measured as it is, however often it is tried.
func (f *Failure) Refuses() bool {
	return f.Kind == "parameters" || f.Kind == "unsupported" || f.Kind == KindMemory
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Measure evaluates the prepared network of a point under encryption, unless the point is about its quality alone, and waits for its turn
// before each evaluation; turns may be nil. A result that does not prove itself (its precision, or operations other than predicted) is returned
// with a *Failure.
func Measure(j Job, report func(Step), turns Turns) (*Result, error) {
	clock := newClock(turns, j.Timeout)
	debug.SetGCPercent(machine.GCPercent)
	if ready, err := Prepared(j); err != nil {
		return nil, err
	} else if !ready {
		return nil, &Failure{KindCache, errors.New("trial: the prepared network is not in the cache: prepare the point again")}
	}
	p, err := newPreparer(j, report)
	if err != nil {
		return nil, err
	}
	m := &measurement{Job: j, started: time.Now().UTC(), environment: machine.Environment(), report: p.report, turns: clock}
	if m.data, err = aboutData(j.Spec.Data); err != nil {
		return nil, err
	}
	if m.plain, err = p.plain(); err != nil {
		return nil, err
	}
	if j.Spec.Measure.Encrypted {
		err = m.encrypted(p)
	}
	result := &Result{Record: m.record()}
	if err != nil || !j.Spec.Measure.Encrypted { // comparisons of many points would fill the disk with weights
		return result, err
	}
	before, err := p.beforeExpansion(pruningOptions(j.Spec))
	if err != nil {
		return nil, err
	}
	result.Tiles, result.Examples = newTileMap(m.plain.pruned.state, before, m.plain.tiles, j.Spec.Tile), m.proof.examples
	return result, nil
}

// measurement is a point that is measured: what it starts from, and what each stage gave. A stage that was not reached gave nil, one that
// failed what it knew by then, if anything.
type measurement struct {
	Job
	started     time.Time
	environment record.Environment
	data        *record.Data
	report      func(Step)
	turns       *clock

	plain     *plain
	choice    *choice
	predicted *record.Predicted
	setup     *setup
	timing    *timing
	proof     *proof
}

// encrypted takes the stages one after another.
func (m *measurement) encrypted(p *preparer) error {
	v, err := p.values(m.plain.pruned)
	if err != nil {
		return err
	}
	m.report(Step{Name: "calibrate"})
	if m.choice, err = choose(m.Spec, m.plain, v); err != nil {
		return err
	}
	m.report(Step{Name: "predict"})
	if m.predicted, err = m.predict(m.choice); err != nil {
		return err
	}
	if err := m.turns.Admit(m.predicted.PeakBytes); err != nil {
		return err
	}
	batch, err := p.samples.test.first(m.choice.model.Batch)
	if err != nil {
		return err
	}
	m.report(Step{Name: "encrypt"})
	s, err := load(m.Spec, m.choice, rows(batch))
	if m.setup = s.setup; err != nil {
		return err
	}
	if m.timing, err = m.time(m.choice, s); err != nil {
		return err
	}
	m.proof, err = m.prove(s.client, batch, p.samples.test)
	return err
}

// warnings are what who reads a record must know.
type warnings []string

func (w *warnings) add(format string, args ...any) { *w = append(*w, fmt.Sprintf(format, args...)) }
