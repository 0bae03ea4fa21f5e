package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/record"
)

// interleaved is three points that take so many turns.
func interleaved(turns int) string {
	return strings.NewReplacer("[p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}", "[p4e], prune.ratio: [0.5, 0.9]",
		"{warmup: 0, repeats: {min: 1, max: 1, ci: 0.5}}", fmt.Sprintf("{warmup: 1, repeats: {min: %d, max: %d, ci: 0.5}, order: interleaved}", turns, turns)).Replace(small)
}

// Workers that stay alive evaluate one after the other, round after round.
func TestPointsTakeTurns(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	const turns = 4
	s.write("small.yaml", interleaved(turns))
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.checkComplete(3)
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil {
		t.Fatal(err)
	}
	type evaluation struct {
		point      string
		began, end time.Time
	}
	var all []evaluation
	for _, r := range set {
		want := turns
		if record.Dense(r.Params) {
			want++ // it does not know before that it is the last
		}
		if r.Order != "interleaved" || r.Memory.PeakRSS <= 0 || len(r.Latency.EvaluateAt) != want {
			t.Errorf("point %s: order %s, memory %+v, %d evaluations", r.Point, r.Order, r.Memory, len(r.Latency.EvaluateAt))
		}
		for i, at := range r.Latency.EvaluateAt {
			began := r.StartedAt.Add(time.Duration(at * float64(time.Second)))
			all = append(all, evaluation{r.Point, began, began.Add(time.Duration(r.Latency.Evaluate[i] * float64(time.Second)))})
		}
	}
	slices.SortFunc(all, func(a, b evaluation) int { return cmp.Compare(a.began.UnixNano(), b.began.UnixNano()) })
	for i := range all {
		if i >= 3 && all[i].point != all[i-3].point {
			t.Errorf("evaluation %d is of point %s: want one of each point in turn, as in the first round", i, all[i].point)
		}
		if i > 0 && all[i].began.Before(all[i-1].end) {
			t.Errorf("evaluation %d began before the last one ended", i)
		}
	}
	if first := all[:3]; first[0].point == first[1].point || first[1].point == first[2].point || first[0].point == first[2].point {
		t.Errorf("the first round: %v", first)
	}
}

// Whoever kills one of the workers loses that point, and no other. The last worker lingers until one of the others is
// killed, so that all three are there.
func TestKilledWorkerFailsAlone(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	const turns = 10
	s.write("small.yaml", strings.Replace(interleaved(turns), "label: dense, prune.scheme: dense", "label: linger, prune.scheme: p4e, prune.ratio: 0.7", 1))
	cmd := s.command("run", "small.yaml")
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = append(cmd.Env, misbehaving+"=1"), &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the last worker", func() bool { return s.exists(lingering) })
	workers := workersOf(t, cmd.Process.Pid)
	if len(workers) != 3 {
		t.Fatalf("%d workers: want three that take turns", len(workers))
	}
	last, err := os.ReadFile(filepath.Join(s.dir, lingering))
	if err != nil {
		t.Fatal(err)
	}
	victim := slices.IndexFunc(workers, func(pid int) bool { return strconv.Itoa(pid) != string(last) })
	if err := syscall.Kill(workers[victim], syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	s.write(lingered, "")
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil || len(set) != 3 {
		t.Fatalf("%d records, %v", len(set), err)
	}
	failed := 0
	for _, r := range set {
		switch {
		case r.Status == record.Failed && r.Error.Kind == "process":
			failed++
		case r.Status != record.OK || len(r.Latency.Evaluate) != turns || r.Order != "interleaved":
			t.Errorf("point %s: %s, %+v, order %s", r.Point, r.Status, r.Error, r.Order)
		}
	}
	if failed != 1 {
		t.Errorf("%d points failed: want the one that was killed", failed)
	}
	if code, _, stderr := s.run("run", "small.yaml", "--failed"); code != exitDone {
		t.Errorf("after --failed: exit code %d: %s", code, stderr)
	}
}

// workersOf lists the processes that a run has started to measure by turns.
func workersOf(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var workers []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		for _, id := range strings.Fields(string(text)) {
			line, _ := os.ReadFile("/proc/" + id + "/cmdline")
			if n, err := strconv.Atoi(id); err == nil && strings.Contains(string(line), "interleave") {
				workers = append(workers, n)
			}
		}
	}
	return workers
}
