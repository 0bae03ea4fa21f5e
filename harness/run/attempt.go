package run

import (
	"context"
	"fmt"
	"time"

	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// attempt runs a stage of a point, again after a failure where limits.retries allows it. Failures are stored; if the last
// attempt is one, the result is nil.
func (r *runner) attempt(ctx context.Context, stage string, p Planned) (*trial.Result, error) {
	for {
		job, start := r.job(p), time.Now()
		out, err := r.stage(ctx, stage, job)
		if err != nil {
			return nil, err
		}
		result, again, err := r.settle(stage, job, out, start, time.Since(start))
		if !again || err != nil {
			return result, err
		}
	}
}

// settle notes how long a stage of a point took and stores a failure; the result is then nil, and the point may be due
// again.
func (r *runner) settle(stage string, job trial.Job, out outcome, start time.Time, took time.Duration) (result *trial.Result, again bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[stage] = append(r.times[stage], took)
	switch {
	case out.failure == nil:
		return out.result, false, nil
	case out.failure.Kind == trial.KindCache || out.failure.Kind == trial.KindData:
		return nil, false, fmt.Errorf("run: %s", out.failure.Message) // not the point's fault: no other would fare better
	}
	if err := r.storeFailure(job, out, start); err != nil {
		return nil, false, err
	}
	if again, err = r.again(job.Point, out.status); err != nil {
		return nil, false, err
	}
	if again {
		r.warn("point %s failed: %s; another try, %d of %d", job.Point, out.failure.Message, r.tries[job.Point], r.limits.Retries)
		return nil, true, nil
	}
	r.failed++
	r.summary.Failed++
	what := "failed"
	if out.status == record.Refused {
		what = "refused"
	}
	r.warn("point %s %s: %s", job.Point, what, out.failure.Message)
	return nil, false, nil
}

// again claims the next attempt at a point that failed, unless it had all that it may have. What was refused would be
// refused again under the same limits.
func (r *runner) again(point string, status record.Status) (bool, error) {
	if status == record.Refused || r.tries[point] >= r.limits.Retries || r.failed >= r.limits.MaxFailures {
		return false, nil
	}
	next, err := r.store.NextAttempt(point)
	if err != nil {
		return false, err
	}
	mine, _, err := r.take(point, next)
	if mine {
		r.tries[point]++
	}
	return mine, err
}

func (r *runner) job(p Planned) trial.Job {
	return trial.Job{Experiment: r.name, Point: p.ID, Label: p.Label, Spec: p.Spec, Params: p.Params, DataDirs: r.DataDirs, CacheDir: r.CacheDir, Memory: r.limits.Memory, Timeout: r.limits.Timeout}
}

// keep stores the result of a point, if it has one.
func (r *runner) keep(p prepared, result *trial.Result) error {
	if result == nil {
		return nil
	}
	result.Record.Training.Cached = !p.trained
	if err := r.storeResult(result); err != nil {
		return err
	}
	for _, w := range result.Record.Alarming() {
		r.warn("point %s: %s", p.ID, w)
	}
	r.summary.Done++
	return nil
}

func (r *runner) storeResult(result *trial.Result) error {
	point := result.Record.Point
	if len(result.Tiles.Layers) > 0 {
		if err := r.store.Attach(record.TileMap, point, result.Tiles); err != nil {
			return err
		}
	}
	if len(result.Examples.Each) > 0 {
		if err := r.store.Attach(record.Examples, point, result.Examples); err != nil {
			return err
		}
	}
	result.Record.Status, result.Record.ConfigSHA256 = record.OK, r.configHash
	return r.store.Write(&result.Record)
}

// storeFailure keeps what is known of a failed attempt.
func (r *runner) storeFailure(job trial.Job, out outcome, start time.Time) error {
	rec := Failure(job, start)
	if out.result != nil {
		rec = out.result.Record
	}
	rec.Status, rec.Error, rec.ConfigSHA256 = out.status, out.failure, r.configHash
	return r.store.Write(&rec)
}

// Failure is the record of a job that gave no result until now, without its reason.
func Failure(job trial.Job, start time.Time) record.Record {
	return record.Record{
		Experiment: job.Experiment, Point: job.Point, Label: job.Label, Params: job.Params,
		Seeds:     map[string]uint64{"train": uint64(job.Spec.Train.Seed)},
		Limits:    job.Limits(),
		Measure:   job.Measuring(),
		StartedAt: start.UTC(), EndedAt: time.Now().UTC(), Environment: machine.Environment(),
	}
}
