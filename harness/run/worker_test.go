package run

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Where a signal to the whole job ended a process before its runner heard of it, the runner is waited for.
func TestSignalsToAJobReachTheRunnerToo(t *testing.T) {
	end := func(signal syscall.Signal) *worker {
		w := &worker{cmd: exec.Command("sleep", "60")}
		w.killed, w.kill = context.WithCancelCause(context.Background())
		if err := w.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := w.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		w.exit = w.cmd.Wait()
		return w
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		w := end(signal)
		time.AfterFunc(20*time.Millisecond, func() { w.kill(context.Canceled) })
		w.awaitRunner()
		if w.killed.Err() == nil {
			t.Errorf("%s: the runner was not waited for", signal)
		}
	}
}
