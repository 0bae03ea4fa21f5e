package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// The stages of a point, each a process of its own.
const (
	stagePrepare = "prepare"
	stageMeasure = "measure"

	stageInterleave = "interleave" // measure, by turns
)

// event is one line that a child prints: what it does, what it waits for, what came out, or why nothing did. The last one has
// a result, a failure or both.
type event struct {
	Asks    *ask          `json:"asks,omitempty"`
	Step    *trial.Step   `json:"step,omitempty"`
	Result  *trial.Result `json:"result,omitempty"`
	Failure *record.Error `json:"failure,omitempty"`
}

// Child is what a point's process runs: the stage named first, on the job that it reads, with events written
// to out.
func Child(stage string, in io.Reader, out io.Writer) error {
	var job trial.Job
	dec := json.NewDecoder(in)
	if err := dec.Decode(&job); err != nil {
		return fmt.Errorf("run: job: %w", err)
	}
	enc := json.NewEncoder(out)
	report := throttle(func(s trial.Step) { _ = enc.Encode(event{Step: &s}) })
	var end event
	var err error
	switch stage {
	case stagePrepare:
		if err = trial.Prepare(job, report); err == nil {
			end.Result = &trial.Result{} // the cache has the network
		}
	case stageMeasure:
		end.Result, err = trial.Measure(job, report, nil)
	case stageInterleave:
		end.Result, err = trial.Measure(job, report, turns{dec, enc})
	default:
		return fmt.Errorf("run: stage %q: want %s, %s or %s", stage, stagePrepare, stageMeasure, stageInterleave)
	}
	if err != nil {
		end.Failure = &record.Error{Kind: "error", Message: err.Error()}
		var f *trial.Failure
		if errors.As(err, &f) {
			end.Failure.Kind = f.Kind
		}
	}
	return sendLast(enc, end)
}

// sendLast sends what came out. JSON has no numbers that are not finite: a result with one is a failure.
func sendLast(enc *json.Encoder, end event) error {
	err := enc.Encode(end)
	var bad *json.UnsupportedValueError
	if errors.As(err, &bad) {
		return enc.Encode(event{Failure: &record.Error{Kind: trial.KindNaN, Message: "a result is not a finite number: " + bad.Str}})
	}
	return err
}

// throttle lets through steps with a new name and otherwise ten a second.
func throttle(report func(trial.Step)) func(trial.Step) {
	var last trial.Step
	var at time.Time
	return func(s trial.Step) {
		if s.Name != last.Name || time.Since(at) > 100*time.Millisecond {
			last, at = s, time.Now()
			report(s)
		}
	}
}

// outcome is how a child ended: with a result or with a failure, or, if the run was interrupted, with neither.
type outcome struct {
	result  *trial.Result
	failure *record.Error
	status  record.Status
}

// errMemory is why a child over its memory limit is killed.
var errMemory = errors.New("over the memory limit")

// stage runs one stage of a point in a process of its own and waits for it.
func (r *runner) stage(ctx context.Context, stage string, job trial.Job) (outcome, error) {
	w, err := r.start(ctx, stage, job)
	if err != nil {
		return outcome{}, err
	}
	r.await(w)
	out := r.outcome(w)
	return out, ctx.Err()
}

// judge turns the end of a child into an outcome. Starved tells whether the kernel killed one for memory, perhaps this.
func (r *runner) judge(end event, exit, cause error, starved bool, log string) outcome {
	fail := func(status record.Status, kind, format string, args ...any) outcome {
		return outcome{status: status, failure: &record.Error{Kind: kind, Message: fmt.Sprintf(format, args...), Log: log}}
	}
	switch {
	case errors.Is(cause, errMemory):
		return fail(record.OOM, "memory", "used more than limits.memory, %d MiB", r.limits.Memory>>20)
	case errors.Is(cause, context.DeadlineExceeded):
		return fail(record.Timeout, "timeout", "took longer than limits.timeout, %s", r.limits.Timeout)
	case end.Failure != nil:
		end.Failure.Log = log
		return outcome{result: end.Result, failure: end.Failure, status: statusOf(end.Failure.Kind)}
	case exit == nil && end.Result != nil:
		return outcome{result: end.Result, status: record.OK}
	case strings.Contains(log, "out of memory"), starved:
		return fail(record.OOM, "memory", "the process ran out of memory")
	case strings.Contains(log, "panic: "):
		return fail(record.Failed, "panic", "the process panicked; its log is in the record")
	default:
		if exit == nil {
			exit = errors.New("exit status 0")
		}
		return fail(record.Failed, "process", "the process ended without a result: %v", exit)
	}
}

func statusOf(kind string) record.Status {
	if (&trial.Failure{Kind: kind}).Refuses() {
		return record.Refused
	}
	return record.Failed
}

// watchMemory kills a child whose resident memory exceeds the limit.
func (r *runner) watchMemory(ctx context.Context, pid int, kill context.CancelCauseFunc) {
	if r.limits.Memory == 0 {
		return
	}
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if machine.RSS(pid) > r.limits.Memory {
				kill(errMemory)
			}
		}
	}
}

// dieWithParent has the kernel kill a child when the runner dies, so that an interrupted run leaves nothing
// that goes on writing.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
