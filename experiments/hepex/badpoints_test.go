package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/atomicfile"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// misbehaving makes the processes of points with certain labels go wrong.
const misbehaving = "HEPEX_TEST_MISBEHAVING"

// misbehaviour is what such a process does, in a stage, by the label of its point.
var misbehaviour = map[string]func(){
	"measure hang": hang,
	"prepare spin": func() {
		for sum := 1.0; sum > 0; sum++ {
			spun = sum
		}
	},
	"measure allocate":       allocate,
	"prepare allocate-early": allocate,
	"measure panic":          func() { panic("on purpose") },
	"prepare panic-deep":     func() { deep(200) },
	"measure silent":         func() { os.Exit(0) },
	"prepare silent-early":   func() { os.Exit(0) },
	"measure code":           func() { os.Exit(7) },
	"measure killed":         func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"measure garbage":        func() { fmt.Println("\x00 no event }{"); os.Exit(0) },
	"interleave linger":      linger,
	"measure half":           func() { fmt.Print(`{"result": {"record": {"point": `); os.Exit(0) },
}

// What misbehaving leaves behind, so that compilers and collectors leave it alone.
var (
	spun float64
	held []byte
)

func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// allocate takes more memory than it may and keeps it, so that whoever is to notice has all the time that it takes.
func allocate() {
	held = bytes.Repeat([]byte{1}, 600<<20)
	hang()
}

// By these files a worker that lingers tells its number, and is told to go on.
const lingering, lingered = "lingering", "lingered"

func linger() {
	if err := atomicfile.Write(lingering, []byte(strconv.Itoa(os.Getpid()))); err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(lingered); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		panic("deep down, on purpose")
	}
	return deep(n-1) + n
}

// misbehave goes wrong if the job on standard input is of a point that shall, and else leaves it to be read again.
func misbehave() {
	if len(os.Args) != 3 || os.Args[1] != "point" {
		return
	}
	var input bytes.Buffer
	var job trial.Job
	if err := json.NewDecoder(io.TeeReader(os.Stdin, &input)).Decode(&job); err != nil {
		panic(err)
	}
	if do := misbehaviour[os.Args[2]+" "+job.Label]; do != nil {
		fmt.Fprintln(os.Stderr, "about to go wrong:", job.Label)
		do()
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	rest := os.Stdin // what tells a worker that it is its turn
	go func() {
		_, _ = io.Copy(w, io.MultiReader(&input, rest))
		_ = w.Close()
	}()
	os.Stdin = r
}

// bad has points that go wrong in all ways beside two that do not. One diverges by itself.
const bad = `version: 1
name: bad
data: {name: digits, train: 100, test: 20, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 1, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: dense}
tile: 16x8x4
measure: {encrypted: false}
limits: {timeout: 2m, memory: 400MiB, retries: 1, max_failures: 100}
figures: [{id: quality, x: train.seed, y: quality.plain}]
sweep:
  exclude: [{train.seed: 1, train.lr: 3e-3}]
  cases:
`

// Points that go wrong are recorded with what became of them, once for each try; the sweep goes on; and --failed does them
// again.
func TestBadPoints(t *testing.T) {
	want := map[string]struct {
		status     record.Status
		kind, says string // in the message or in the log
	}{
		"allocate":       {record.OOM, "memory", "more than limits.memory, 400 MiB"},
		"allocate-early": {record.OOM, "memory", "more than limits.memory, 400 MiB"},
		"panic":          {record.Failed, "panic", "panic: on purpose"},
		"panic-deep":     {record.Failed, "panic", "panic: deep down, on purpose"},
		"silent":         {record.Failed, "process", "without a result: exit status 0"},
		"silent-early":   {record.Failed, "process", "without a result: exit status 0"},
		"code":           {record.Failed, "process", "without a result: exit status 7"},
		"killed":         {record.Failed, "process", "without a result: signal: killed"},
		"garbage":        {record.Failed, "process", "without a result: exit status 0"},
		"half":           {record.Failed, "process", "without a result: exit status 0"},
		"diverges":       {record.Failed, "nan", "training diverged"},
	}
	s := newSandbox(t)
	text := bad
	seed := 1
	for label := range want {
		if label != "diverges" {
			seed++
			text += fmt.Sprintf("    - {label: %s, train.seed: %d}\n", label, seed)
		}
	}
	text += "    - {label: diverges, train.lr: 1, network.hidden: [16, 16, 16, 16, 16, 16, 16, 16]}\n    - {label: good, train.seed: 100}\n    - {label: good-too, train.seed: 101}\n"
	s.write("bad.yaml", text)
	t.Setenv(misbehaving, "1")
	code, stdout, stderr := s.run("run", "bad.yaml")
	if code != exitFailed || !strings.Contains(stderr, fmt.Sprintf("%d of %d points failed", len(want), len(want)+2)) {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for label, rec := range s.bad() {
		w, isBad := want[label]
		switch {
		case !isBad && (rec.Status != record.OK || rec.Attempt != 1):
			t.Errorf("%s: attempt %d is %s: %+v", label, rec.Attempt, rec.Status, rec.Error)
		case isBad && (rec.Status != w.status || rec.Error == nil || rec.Error.Kind != w.kind || rec.Attempt != 2 || !strings.Contains(rec.Error.Message+rec.Error.Log, w.says)):
			t.Errorf("%s: attempt %d is %s: %+v; want %+v", label, rec.Attempt, rec.Status, rec.Error, w)
		case isBad && label != "diverges" && label != "panic-deep" && !strings.Contains(rec.Error.Log, "about to go wrong: "+label):
			t.Errorf("%s: no log: %q", label, rec.Error.Log) // of what is deep down, the end is kept, and where it began to die
		}
	}
	if code, _, stderr := s.run("run", "bad.yaml"); code != exitFailed || strings.Contains(stderr, "another try") {
		t.Errorf("run again: exit code %d, %s", code, stderr)
	}

	t.Setenv(misbehaving, "")
	if code, _, stderr := s.run("run", "bad.yaml", "--failed"); code != exitFailed || !strings.Contains(stderr, "1 of ") {
		t.Errorf("--failed: exit code %d, %s", code, stderr)
	}
	for label, rec := range s.bad() {
		attempt, status := 3, record.OK
		switch label {
		case "good", "good-too":
			attempt = 1
		case "diverges":
			attempt, status = 4, record.Failed
		}
		if rec.Attempt != attempt || rec.Status != status {
			t.Errorf("%s after --failed: attempt %d is %s, %+v; want %d, %s", label, rec.Attempt, rec.Status, rec.Error, attempt, status)
		}
	}
}

// Points that never end are stopped, each for itself. The limit may be too short for anything else, which is why all points
// are such.
func TestEndlessPoints(t *testing.T) {
	s := newPricedSandbox(t)
	text := strings.Replace(bad, "timeout: 2m", "timeout: 1s", 1) + "    - {label: hang, train.seed: 2}\n    - {label: spin, train.seed: 3}\n"
	s.write("bad.yaml", text)
	t.Setenv(misbehaving, "1")
	if code, stdout, stderr := s.run("run", "bad.yaml"); code != exitFailed || !strings.Contains(stderr, "2 of 2 points failed") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for label, rec := range s.bad() {
		if rec.Status != record.Timeout || rec.Error.Kind != "timeout" || rec.Error.Message != "took longer than limits.timeout, 1s" || rec.Attempt != 2 {
			t.Errorf("%s: attempt %d is %s: %+v", label, rec.Attempt, rec.Status, rec.Error)
		}
	}
	t.Setenv(misbehaving, "")
	s.write("bad.yaml", strings.Replace(text, "timeout: 1s", "timeout: 2m", 1))
	if code, _, stderr := s.run("run", "bad.yaml", "--failed"); code != exitDone {
		t.Errorf("--failed: exit code %d, %s", code, stderr)
	}
	for label, rec := range s.bad() {
		if rec.Status != record.OK || rec.Attempt != 3 {
			t.Errorf("%s after --failed: attempt %d is %s: %+v", label, rec.Attempt, rec.Status, rec.Error)
		}
	}
}

// bad are the deciding records by label.
func (s *sandbox) bad() map[string]*record.Record {
	s.t.Helper()
	set, damaged, err := record.NewStore(filepath.Join(s.dir, "results", "bad")).Load()
	if err != nil || len(damaged) > 0 {
		s.t.Fatal(damaged, err)
	}
	all := map[string]*record.Record{}
	for _, r := range set {
		all[r.Label] = r
	}
	return all
}

// A sweep of nothing but bad points stops.
func TestHopelessSweepStops(t *testing.T) {
	s := newSandbox(t)
	text := strings.NewReplacer("retries: 1, max_failures: 100", "retries: 1, max_failures: 3").Replace(bad)
	for i, label := range []string{"panic", "silent", "code", "killed", "garbage", "half"} {
		text += fmt.Sprintf("    - {label: %s, train.seed: %d}\n", label, i)
	}
	s.write("bad.yaml", text)
	t.Setenv(misbehaving, "1")
	code, _, stderr := s.run("run", "bad.yaml")
	if code != exitFailed || !strings.Contains(stderr, "3 of 6 points failed") || !strings.Contains(stderr, "3 points were not tried") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for label, rec := range s.bad() {
		if rec.Attempt != 2 {
			t.Errorf("%s: %d attempts: want 2", label, rec.Attempt)
		}
	}
	if len(s.bad()) != 3 {
		t.Errorf("%d points have records: want 3", len(s.bad()))
	}
}
