package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"hepex/harness/machine"
	"hepex/harness/trial"
)

// worker is the process of one stage of a point.
type worker struct {
	job    trial.Job
	began  time.Time
	kills  int           // by the kernel, for memory, before it began
	left   time.Duration // of limits.timeout, which runs while the worker does, not while it waits
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan event // closed when the process ends
	log    *tail
	killed context.Context
	kill   context.CancelCauseFunc

	asks  *ask // what it waits for
	end   event
	ended bool
	exit  error
}

// start starts a process for a stage. It ends with ctx.
func (r *runner) start(ctx context.Context, stage string, job trial.Job) (*worker, error) {
	input, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	w := &worker{job: job, began: time.Now(), kills: r.oomKills(), left: r.limits.Timeout, events: make(chan event), log: &tail{max: lastBytes}}
	w.killed, w.kill = context.WithCancelCause(ctx)
	w.cmd = exec.CommandContext(w.killed, r.Executable, "point", stage)
	w.cmd.Env = append(os.Environ(), machine.ForChildren()...)
	if stage == stagePrepare && r.Jobs > 1 {
		w.cmd.Env = append(w.cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/r.Jobs)))
	}
	w.cmd.SysProcAttr = dieWithParent()
	w.cmd.Stderr = w.log
	pipe, err := w.cmd.StdoutPipe()
	if err == nil {
		w.stdin, err = w.cmd.StdinPipe()
	}
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		w.kill(nil)
		return nil, fmt.Errorf("run: %w", err)
	}
	// Should the machine run out of memory, this process is to end and not its runner, nor anything else.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", w.cmd.Process.Pid), []byte("500"), 0)
	go w.read(pipe)
	go r.watchMemory(w.killed, w.cmd.Process.Pid, w.kill)
	_, _ = w.stdin.Write(append(input, '\n')) // a process that is gone already shows in its events
	if stage != stageInterleave {
		_ = w.stdin.Close()
	}
	return w, nil
}

// read passes on what the process prints.
func (w *worker) read(pipe io.Reader) {
	defer close(w.events)
	for dec := json.NewDecoder(pipe); ; {
		var e event
		if dec.Decode(&e) != nil {
			_, _ = io.Copy(io.Discard, pipe)
			return
		}
		w.events <- e
	}
}

// await lets the worker go on until it asks for something, or ends.
func (r *runner) await(w *worker) {
	w.asks = nil
	began, timeout := time.Now(), time.NewTimer(w.left)
	defer func() {
		timeout.Stop()
		w.left -= time.Since(began)
	}()
	for {
		select {
		case <-timeout.C:
			w.kill(context.DeadlineExceeded)
		case e, more := <-w.events:
			switch {
			case !more:
				w.ended, w.exit = true, w.cmd.Wait()
				w.awaitRunner()
				return
			case e.Step != nil:
				r.onStep(*e.Step)
			case e.Asks != nil:
				w.asks = e.Asks
				return
			default:
				w.end = e
			}
		}
	}
}

// together is how much later than a process its runner may hear of a signal that ends both.
const together = 2 * time.Second

// awaitRunner waits for the runner to be told to stop where the process was: what ends a job signals all of its processes, in any
// order, and a point that was interrupted has not failed.
func (w *worker) awaitRunner() {
	if !signalled(w.exit, syscall.SIGTERM) && !signalled(w.exit, syscall.SIGINT) {
		return
	}
	select {
	case <-w.killed.Done():
	case <-time.After(together):
	}
}

// resume gives the worker what it waits for.
func (r *runner) resume(w *worker, answer string) {
	_, _ = io.WriteString(w.stdin, answer) // a worker that died while it waited shows in its events
	r.await(w)
}

// outcome is how the worker ended. It frees what the worker held.
func (r *runner) outcome(w *worker) outcome {
	cause := context.Cause(w.killed)
	w.kill(nil)
	return r.judge(w.end, w.exit, cause, killed(w.exit) && r.oomKills() > w.kills, w.log.String())
}

// errStopped is why a worker is killed that nobody waits for any more.
var errStopped = errors.New("stopped")

// stop ends a worker, whatever it does.
func (w *worker) stop() {
	w.kill(errStopped)
	for range w.events { // until it is gone
	}
	if !w.ended {
		_ = w.cmd.Wait()
	}
}
