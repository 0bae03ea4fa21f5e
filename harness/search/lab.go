package search

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/packing"
)

// Options say what to search for, and where.
type Options struct {
	Config    *config.Config // its first point is the base: data, network, training
	Dir       string         // of the records
	Objective tune.Objective
	Batch     int     // samples to evaluate; 0 is as many as fit an evaluation
	Memory    int64   // limit of the server, in bytes
	Loss      float64 // most that a network may lose
	Trainings int

	DataDirs   []string
	CacheDir   string
	Executable string
	Progress   func(run.Progress)
	Log        io.Writer
}

// Lab trains networks by the run path, one record each, and prices them.
type Lab struct {
	Options
	base   run.Planned // the unpruned network
	store  *record.Store
	weight float64 // seconds of a training, as estimated; 0: not known

	samples  [][]float64
	unpruned *Outcome        // what came of the unpruned network; nil: it cannot be evaluated
	learnt   float64         // scores of trained networks, in those before training
	kinds    []packing.Kind  // layouts and tile shapes worth pricing; nil before the unpruned network is priced
	shapes   []packing.Shape // whatever their batch
	spent    time.Duration   // on trainings in this process …
	fresh    int             // … so many
}

// NewLab checks that the config can be searched around.
func NewLab(o Options) (*Lab, error) {
	l := &Lab{Options: o, store: record.NewStore(o.Dir)}
	if n := o.Config.Points[0].Spec.Network; n.From != "" || len(LayersOf(n)) == 0 {
		return nil, errors.New("search: want a network with network.hidden or network.layers, as smaller ones are tried; hepex tune CONFIG ranks ways to evaluate others")
	}
	if spec := o.Config.Points[0].Spec; spec.HE.LogQ != nil || spec.HE.Insecure {
		return nil, errors.New("search: the config gives he.log_q or he.insecure: want neither, as parameters are chosen for each candidate")
	}
	var err error
	if l.base, err = l.point(Choice{Scheme: "dense"}); err != nil {
		return nil, err
	}
	_, err = l.point(Choice{Scheme: "joint", Budget: "tiles", Ratio: 0.5, Shape: l.shape(Choice{}), Kind: packing.Tiles})
	return l, err
}

// ErrUnpruned means that the network of the config itself cannot be trained.
var ErrUnpruned = errors.New("search: the unpruned network failed")

// budget is what pruning for the objective counts.
func (l *Lab) budget() string {
	switch l.Objective {
	case tune.Memory, tune.Upload:
		return string(l.Objective)
	}
	return "evaluation"
}

// Lasso of joint where the config gives none, by what the ratio is a share of (measured on MNIST and Fashion-MNIST).
const (
	lassoTiles = 0.02
	lassoWhole = 0.05
)

// values are the keys of a choice in a config.
func (l *Lab) values(c Choice) config.Values {
	v := config.Values{"prune.scheme": c.Scheme, keyNeurons: nil, keyLayers: nil, "tile": l.shape(c).String(), "layout": string(packing.Tiles)}
	if c.Layers != nil {
		v[l.layersKey()] = c.Layers.value(l.layersKey())
	}
	if c.Scheme != "joint" {
		return v
	}
	v["prune.ratio"], v["prune.budget"] = c.Ratio, c.Budget
	lasso := lassoTiles
	if c.Budget != "tiles" {
		lasso, v["layout"] = lassoWhole, string(c.Kind)
	}
	if !l.Config.Points[0].Gives("prune.lasso") {
		v["prune.lasso"] = lasso
	}
	return v
}

// layersKey is the key of the layers of another network than the unpruned one.
func (l *Lab) layersKey() string {
	if len(l.Config.Points[0].Spec.Network.Layers) > 0 {
		return keyLayers
	}
	return keyNeurons
}

// shape of the tiles that records count, where a choice has none of its own.
func (l *Lab) shape(c Choice) packing.Shape {
	if c.Shape.In > 0 {
		return c.Shape
	}
	return l.Config.Points[0].Spec.Tile
}

// point is a choice as one of an experiment that trains without encryption.
func (l *Lab) point(c Choice) (run.Planned, error) {
	v := l.values(c)
	v["measure.encrypted"] = false
	_, _, plan, err := l.variant(filepath.Base(l.Dir), v)
	if err != nil {
		return run.Planned{}, err
	}
	return plan[0], nil
}

// variant is the config with other values, checked like any other.
func (l *Lab) variant(name string, v config.Values) (text []byte, c *config.Config, plan []run.Planned, err error) {
	if text, err = l.Config.Variant(name, v, nil); err != nil {
		return nil, nil, nil, err
	}
	if c, err = tune.Chosen(config.Parse(name+".yaml", text)); err != nil {
		return nil, nil, nil, err
	}
	plan, err = run.Plan(c, l.DataDirs)
	return text, c, plan, err
}

// Train trains the n-th choice, unless it has a record, and finds the best way to evaluate it.
func (l *Lab) Train(ctx context.Context, n int, c Choice) (Outcome, error) {
	p, err := l.point(c)
	var refused config.Errors
	if errors.As(err, &refused) { // such as a budget that no network meets
		return Outcome{Err: err, Free: true}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	rec, err := l.record(ctx, n, p)
	if err != nil {
		return Outcome{}, err
	}
	if rec.Status != record.OK {
		if c.Scheme == "dense" {
			return Outcome{}, fmt.Errorf("%w: %s", ErrUnpruned, rec.Reason())
		}
		return Outcome{Err: errors.New(rec.Reason())}, nil
	}
	trained, err := trial.PrepareNetwork(l.job(p), nil)
	if err != nil {
		return Outcome{}, err
	}
	if c.Scheme == "dense" {
		l.weight, l.samples = rec.Training.Seconds, trained.Samples[:min(4, len(trained.Samples))]
	}
	ways, err := l.ways(c, trained)
	if errors.Is(err, tune.ErrNone) {
		return Outcome{Err: err}, nil
	}
	if err != nil {
		return Outcome{}, err
	}
	out, err := l.best(ways, trained.DegradationIn)
	if c.Scheme == "dense" && err == nil {
		l.unpruned = &out
	}
	return out, err
}

// best is the first way in which the network loses little enough or, if there is none, the first: the weights of some layouts are integers.
func (l *Lab) best(ways []tune.Candidate, lossIn func(packing.Choice) (float64, error)) (Outcome, error) {
	known := map[packing.Kind]float64{}
	for _, w := range ways {
		if _, ok := known[w.Kind]; !ok {
			loss, err := lossIn(w.Choice)
			if err != nil {
				return Outcome{}, err
			}
			known[w.Kind] = loss
		}
		if known[w.Kind] <= l.Loss+Rounding {
			return Outcome{Loss: known[w.Kind], Score: w.Score(l.Objective), Way: w}, nil
		}
	}
	return Outcome{Loss: known[ways[0].Kind], Score: ways[0].Score(l.Objective), Way: ways[0]}, nil
}

func (l *Lab) job(p run.Planned) trial.Job {
	return trial.Job{Point: p.ID, Spec: p.Spec, Params: p.Params, DataDirs: l.DataDirs, CacheDir: l.CacheDir}
}

// record gives the deciding record of a point. If there is none, an attempt is made.
func (l *Lab) record(ctx context.Context, n int, p run.Planned) (*record.Record, error) {
	have, err := l.recordOf(p.ID)
	if have != nil || err != nil {
		return have, err
	}
	next, err := l.store.NextAttempt(p.ID)
	if err != nil {
		return nil, err
	}
	o := run.Options{Dir: l.Dir, DataDirs: l.DataDirs, CacheDir: l.CacheDir, Executable: l.Executable, Log: l.Log, Progress: l.progress(n, p)}
	start := time.Now()
	if _, err := run.Make(ctx, filepath.Base(l.Dir), "", l.Config.Limits, []run.Attempt{{Planned: p, Number: next}}, o); err != nil {
		return nil, err
	}
	l.spent, l.fresh = l.spent+time.Since(start), l.fresh+1
	have, err = l.recordOf(p.ID)
	if have == nil && err == nil {
		err = fmt.Errorf("search: %s: another process has point %s in hand: wait for it to end", l.Dir, p.ID)
	}
	return have, err
}

func (l *Lab) recordOf(point string) (*record.Record, error) {
	have, _, err := l.store.Load()
	if i := slices.IndexFunc(have, func(r *record.Record) bool { return r.Point == point }); i >= 0 {
		return have[i], err
	}
	return nil, err
}

// TrainingSeconds is about what one training takes.
func (l *Lab) TrainingSeconds() float64 {
	if l.fresh > 0 {
		return l.spent.Seconds() / float64(l.fresh)
	}
	return l.weight
}

// pricing shows how far pricing of networks that may be trained is.
func (l *Lab) pricing(done float64) {
	if l.Progress != nil {
		l.Progress(run.Progress{Stage: "search", Current: min(1, l.Trainings-1), Points: l.Trainings, Point: &l.base.Point, Step: trial.Step{Name: "price smaller networks", Done: done}})
	}
}

// progress shows a training as one of all that there may be.
func (l *Lab) progress(n int, p run.Planned) func(run.Progress) {
	if l.Progress == nil {
		return nil
	}
	left := time.Duration(l.TrainingSeconds() * float64(l.Trainings-n) * float64(time.Second))
	return func(of run.Progress) {
		l.Progress(run.Progress{Stage: "search", Current: n, Points: l.Trainings, Point: &p.Point, Step: of.Step, Failed: of.Failed, Left: left})
	}
}
