// Package run does the points of an experiment: it finds out which are missing, starts a process for each stage
// of each point, and stores what comes out. Stopping it at any moment, even with SIGKILL, loses at most
// the points in hand: one, or as many as are measured by turns.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hepex/harness/atomicfile"
	"hepex/harness/claim"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// Options say where a run reads and writes, and what it does again.
type Options struct {
	Dir        string   // the experiment's folder
	Points     []string // ids of those to do, beside other runners, which claims keep apart, not a lock of the folder; none: all
	DataDirs   []string // where data sets are looked for
	CacheDir   string
	Executable string // the program whose verb "point" is Child
	Force      bool   // do every point again
	Failed     bool   // do failed points again
	Jobs       int    // points that are trained and pruned at the same time; measuring is one by one. 0 is 1
	Memory     int64  // that points which take turns may use together, if limits.memory does not say; 0: a share of the machine's

	Progress func(Progress) // called often, from one goroutine at a time
	Log      io.Writer      // warnings, one a line
}

// Progress tells how far a run is.
type Progress struct {
	Points  int    // to do in this stage
	Stage   string // prepare or measure
	Current int    // index of the point in hand
	Point   *config.Point
	Step    trial.Step
	Failed  int
	Left    time.Duration // in this stage, as estimated; 0 when nothing is known yet
}

// Summary is how a run ended.
type Summary struct {
	Points  int // in the plan
	Before  int // done by earlier runs
	Done    int // done now
	Failed  int // failed, now or before
	Missing int // not done: the run stopped after too many failures

	Elsewhere int // done by other runners meanwhile, or in their hands
}

// Planned is a point of the plan with its identity.
type Planned struct {
	config.Point
	ID string
}

// Plan gives each point its identity and refuses what cannot work: a missing data set, or parameters that no
// training can make fit. Each error has the position of its cause.
func Plan(c *config.Config, dirs []string) ([]Planned, error) {
	var errs config.Errors
	var plan []Planned
	known, checks := map[string]error{}, trial.Checks{}
	for _, p := range c.Points {
		path, err := available(p.Spec.Data, dirs, known)
		if err == nil {
			path, err = checks.Check(p.Spec)
		}
		if err != nil {
			errs = append(errs, p.ErrorAt(path, err))
			continue
		}
		id, err := trial.PointID(p)
		if err != nil {
			return nil, err
		}
		plan = append(plan, Planned{p, id})
	}
	if len(errs) > 0 {
		return nil, errs.Sorted()
	}
	return plan, nil
}

// available tells whether the samples of a point can be had, asking once for each data set: whether a published set is there, and whether
// files of one's own hold what they did when the config was read. Path is the key at fault.
func available(d config.Data, dirs []string, known map[string]error) (path string, err error) {
	path = "data.name"
	if d.IsOwn() {
		path = "data.from"
	}
	key := fmt.Sprintf("%s %+v", d.Name, d.Own)
	err, asked := known[key]
	if !asked {
		if d.IsOwn() {
			err = d.Own.Verify()
		} else {
			_, err = d.Open(dirs)
		}
		known[key] = err
	}
	return path, err
}

// runner is a run on its way.
type runner struct {
	Options
	limits config.Limits
	store  *record.Store
	name   string

	configHash string     // of the frozen config
	oomKills   func() int // outOfMemoryKills

	mu       sync.Mutex // of what follows, while several points are prepared
	progress Progress
	times    map[string][]time.Duration // by stage
	efforts  efforts
	failed   int            // in this run
	tries    map[string]int // beyond the first, by point
	taken    []claim.Claim
	summary  Summary
}

// Run does the points of the plan that have no result yet. Interrupted by ctx, it returns the context's error.
func Run(ctx context.Context, c *config.Config, plan []Planned, o Options) (Summary, error) {
	if err := atomicfile.MakeFolder(o.Dir); err != nil {
		return Summary{}, fmt.Errorf("run: %w; choose another folder with --out", err)
	}
	r := newRunner(c.Name, c.Limits, o)
	if len(o.Points) == 0 {
		unlock, err := lock(o.Dir)
		if err != nil {
			return Summary{}, err
		}
		defer unlock()
		for _, dir := range []string{o.Dir, o.CacheDir} {
			if err := atomicfile.Clean(dir); err != nil {
				return Summary{}, fmt.Errorf("run: %w", err)
			}
		}
	}
	part := plan
	if len(o.Points) > 0 {
		part = some(plan, o.Points)
	}
	next, err := nextAttempts(r.store, part)
	if err != nil {
		return r.summary, err
	}
	todo, err := r.missing(part)
	if err != nil {
		return r.summary, err
	}
	if err := r.freeze(c, plan); err != nil { // after missing: records that cannot be read end the run before it changes anything
		return r.summary, err
	}
	todo, release, err := r.claim(todo, next)
	if err != nil {
		return r.summary, err
	}
	err = r.do(ctx, todo)
	return r.summary, errors.Join(err, release())
}

func newRunner(experiment string, limits config.Limits, o Options) *runner {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return &runner{Options: o, limits: limits, store: record.NewStore(o.Dir), name: experiment, oomKills: outOfMemoryKills, times: map[string][]time.Duration{}, tries: map[string]int{}}
}

// missing compares the plan with the store. Damaged records are set aside and done again.
func (r *runner) missing(plan []Planned) ([]Planned, error) {
	r.summary.Points = len(plan)
	have, damaged, err := r.store.Load()
	if err != nil {
		return nil, err
	}
	for _, d := range damaged {
		aside, err := d.SetAside()
		if err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
		if aside != "" {
			r.warn("%v; set aside as %s", d.Err, filepath.Base(aside))
		}
	}
	byPoint := map[string]*record.Record{}
	for _, rec := range have {
		byPoint[rec.Point] = rec
	}
	var todo []Planned
	var otherwise []string // measured in another way than is asked for now
	for _, p := range plan {
		switch rec := byPoint[p.ID]; {
		case rec == nil || r.Force || r.Failed && rec.Status != record.OK || r.mayFit(rec):
			todo = append(todo, p)
		case rec.Status == record.OK:
			r.summary.Before++
			if want := r.job(p).Measuring(); rec.Measure != nil && want != nil && *rec.Measure != *want {
				otherwise = append(otherwise, p.ID)
			}
		default:
			r.summary.Failed++
		}
	}
	if n := len(otherwise); n > 0 {
		const most = 4
		r.warn("%d points were measured under other settings of measure than the config has now (%s): their records stay; --force measures again",
			n, strings.Join(otherwise[:min(n, most)], ", ")+strings.Repeat(", …", min(1, n/(most+1))))
	}
	return todo, nil
}

// mayFit tells whether a point that took more than it was allowed may take more now.
func (r *runner) mayFit(rec *record.Record) bool {
	raised := func(old, now float64) bool { return old > 0 && (now == 0 || now > old) }
	switch l := rec.Limits; {
	case l == nil:
		return false
	case rec.Status == record.Timeout:
		return raised(l.TimeoutSeconds, r.limits.Timeout.Seconds())
	case rec.Status == record.OOM || rec.Status == record.Refused && rec.Error != nil && rec.Error.Kind == trial.KindMemory:
		return raised(float64(l.MemoryBytes), float64(r.limits.Memory))
	}
	return false
}

func (r *runner) warn(format string, args ...any) {
	if r.Log != nil {
		fmt.Fprintf(r.Log, "warning: "+format+"\n", args...)
	}
}

// do prepares all points first, as training uses every core, then measures them one after the other, or by turns, on an
// otherwise idle machine. It stops after too many failures.
func (r *runner) do(ctx context.Context, todo []Planned) error {
	ready, err := r.prepare(ctx, todo)
	if err != nil {
		return err
	}
	for i := 0; i < len(ready) && !r.hopeless(); {
		started := func(k int) { r.at(stageMeasure, i+k, len(ready), &ready[i+k].Point) }
		n := turnTakers(ready[i:])
		if n > 1 {
			err = r.interleave(ctx, ready[i:i+n], started)
		} else {
			n = 1
			started(0)
			err = r.measure(ctx, ready[i])
		}
		if err != nil {
			return err
		}
		i += n
	}
	r.summary.Missing = len(todo) - r.summary.Done - r.failed
	return nil
}

// measure measures a point and keeps the result.
func (r *runner) measure(ctx context.Context, p prepared) error {
	result, err := r.attempt(ctx, stageMeasure, p.Planned)
	if err != nil {
		return err
	}
	return r.keep(p, result)
}

// prepared is a point whose network is in the cache.
type prepared struct {
	Planned
	trained bool // by this run
}

// prepare trains and prunes the networks of all points, several at a time, and returns those that did not fail, in the
// order of the plan.
func (r *runner) prepare(ctx context.Context, todo []Planned) ([]prepared, error) {
	group, inner := errgroup.WithContext(ctx)
	done := make([]*prepared, len(todo))
	if err := r.compareEfforts(todo); err != nil {
		return nil, err
	}
	q := newQueue(todo, func(p Planned) ([]string, error) { return trial.Trainings(r.job(p)) })
	prepareOne := func(i int) error {
		p := todo[i]
		ready, err := trial.Prepared(r.job(p))
		if err != nil || ready {
			done[i] = &prepared{p, false}
			return err
		}
		began := time.Now()
		result, err := r.attempt(inner, stagePrepare, p)
		r.trained(p, time.Since(began))
		if err == nil && result != nil {
			done[i] = &prepared{p, true}
		}
		return err
	}
	for range max(1, r.Jobs) {
		group.Go(func() error {
			for !r.hopeless() && inner.Err() == nil {
				i, begun, end, err := q.next()
				if err != nil || i < 0 {
					return err
				}
				r.at(stagePrepare, begun, len(todo), &todo[i].Point)
				err = prepareOne(i)
				end()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var ready []prepared
	for _, p := range done {
		if p != nil {
			ready = append(ready, *p)
		}
	}
	return ready, err
}

// hopeless tells whether so many points failed that the run ends.
func (r *runner) hopeless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed >= r.limits.MaxFailures
}

// at notes where the run is and estimates the time left in the stage from its points done so far.
func (r *runner) at(stage string, i, n int, p *config.Point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = Progress{Points: n, Stage: stage, Current: i, Point: p, Failed: r.failed}
	if stage == stagePrepare {
		r.progress.Left = r.efforts.left() / time.Duration(max(1, r.Jobs))
	} else {
		r.progress.Left = mean(r.times[stage]) * time.Duration(n-i)
	}
	r.Progress(r.progress)
}

// efforts tell how much of the training is done: points differ in it, and many have none left (trial.Efforts).
type efforts struct {
	of         map[string]float64 // by point
	done, rest float64            // of the points that were trained here, and of those that are still to be
	took       time.Duration      // what is done, one after the other
}

func (r *runner) compareEfforts(todo []Planned) error {
	var jobs []trial.Job
	for _, p := range todo {
		jobs = append(jobs, r.job(p))
	}
	each, err := trial.Efforts(jobs)
	r.efforts = efforts{of: map[string]float64{}}
	for i, effort := range each {
		r.efforts.of[todo[i].ID] = effort
		r.efforts.rest += effort
	}
	return err
}

// trained notes that a point is prepared, or failed.
func (r *runner) trained(p Planned, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &r.efforts
	e.done += e.of[p.ID]
	e.rest -= e.of[p.ID]
	e.took += took
}

// left is the time that the rest takes, one after the other; 0 if nothing is known yet.
func (e efforts) left() time.Duration {
	if e.done == 0 {
		return 0
	}
	return time.Duration(float64(e.took) * e.rest / e.done)
}

func (r *runner) onStep(s trial.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Step = s
	r.Progress(r.progress)
}

func mean(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range ds {
		sum += d
	}
	return sum / time.Duration(len(ds))
}
