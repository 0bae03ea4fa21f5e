package submit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/trial"
)

// What a Slurm wrote into the logs of tasks that it ended.
const (
	killedLog = "slurmstepd-vm: error: StepId=4.batch exceeded memory limit (213471232 > 52428800), being killed\n" +
		"slurmstepd-vm: error: *** JOB 4 ON vm CANCELLED AT 2026-11-24T22:30:19 ***\nslurmstepd-vm: error: Exceeded job memory limit\n"
	cgroupLog    = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=4.batch. Some of your processes may have been killed by the cgroup out-of-memory handler.\n"
	timeLog      = "slurmstepd: error: *** JOB 5 ON vm CANCELLED AT 2026-11-24T22:31:21 DUE TO TIME LIMIT ***\n"
	cancelledLog = "slurmstepd-vm: error: *** JOB 3 ON vm CANCELLED AT 2026-11-24T22:30:21 ***\n"
)

func TestReason(t *testing.T) {
	for name, c := range map[string]struct {
		state, log string
		status     record.Status
		kind       string
	}{
		"memory, by the log":         {"FAILED", killedLog, record.OOM, "memory"},
		"memory, forgotten":          {"", cgroupLog, record.OOM, "memory"},
		"memory, by the state":       {"OUT_OF_MEMORY", "", record.OOM, "memory"},
		"time, by the log":           {"", timeLog, record.Timeout, "timeout"},
		"time, by the state":         {"TIMEOUT", timeLog, record.Timeout, "timeout"},
		"cancelled":                  {"CANCELLED", cancelledLog, record.Failed, "cancelled"},
		"cancelled, forgotten":       {"", cancelledLog, record.Failed, "cancelled"},
		"node":                       {"NODE_FAIL", "", record.Failed, "node"},
		"preempted":                  {"PREEMPTED", cancelledLog, record.Failed, "preempted"},
		"ended by itself":            {"COMPLETED", "hepex: disk full", record.Failed, "process"},
		"nothing known, empty log":   {"", "", record.Failed, "process"},
		"panic of the task's runner": {"FAILED", "panic: oh", record.Failed, "process"},
	} {
		status, failure := reason(c.state, c.log)
		if status != c.status || failure.Kind != c.kind {
			t.Errorf("%s: %s, %s: want %s, %s", name, status, failure.Kind, c.status, c.kind)
		}
	}
}

// experiment is a config of two points with its plan.
func experiment(t *testing.T, edits ...string) (*config.Config, []run.Planned) {
	t.Helper()
	c, err := config.Parse("x.yaml", []byte(strings.NewReplacer(edits...).Replace(`version: 1
name: x
data: {name: digits, train: 600, test: 100, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: p2t, scope: global, permutation: kmeans, tiles: {max_nonzero: 0.125}, retrain: {epochs: 2}}
tile: 16x8x4
he: {weights: encrypted, precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true}
measure: {threads: 2}
limits: {timeout: 10m, memory: 1GiB}
sweep: {grid: {prune.ratio: [0.5, 0.6, 0.7]}}
`)))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := run.Plan(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, plan
}

// written is a submission of all points that was sent to Slurm, but for Slurm.
func written(t *testing.T, c *config.Config, plan []run.Planned, o run.Options) *Prepared {
	t.Helper()
	o.Executable = os.Args[0]
	p, err := Prepare(c, plan, Options{Run: o}, time.Unix(0, 0))
	if err == nil {
		err = p.write()
	}
	if err == nil {
		err = writeState(p.Folder, state{Array: "1"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestScripts(t *testing.T) {
	c, plan := experiment(t)
	for name, k := range map[string]struct {
		edit       func(*Options)
		has, lacks []string
	}{
		"by the limits": {func(*Options) {}, []string{"--array=0-2\n", "--mem=1280M", "--time=25\n", "--cpus-per-task=2\n", "--exclusive"}, nil},
		"by flags": {func(o *Options) {
			o.Memory, o.Time, o.CPUs, o.Shared, o.MaxRunning = 4<<30, time.Hour, 4, true, 2
		}, []string{"--array=0-2%2\n", "--mem=4096M", "--time=60\n", "--cpus-per-task=4\n"}, []string{"--exclusive"}},
		"asked for":    {func(o *Options) { o.Exclusive = true }, []string{"--exclusive"}, nil},
		"one by turns": {func(*Options) {}, []string{"--array=0-0\n", "--time=25\n"}, nil},
	} {
		c, plan := c, plan
		if name == "one by turns" {
			c, plan = experiment(t, "threads: 2", "threads: 2, order: interleaved")
		}
		o := Options{Run: run.Options{Dir: t.TempDir()}}
		k.edit(&o)
		p, err := Prepare(c, plan, o, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		text := p.Tasks.String()
		for _, want := range k.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		for _, bad := range k.lacks {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q in\n%s", name, bad, text)
			}
		}
		if left, err := os.ReadDir(o.Run.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: preparing wrote %v, %v", name, left, err)
		}
	}
	p, err := Prepare(c, nil, Options{Run: run.Options{Dir: t.TempDir()}}, time.Unix(0, 0))
	if err != nil || len(p.Groups) > 0 {
		t.Errorf("no points: %v, %v", p.Groups, err)
	}
}

// Of three tasks one left its record, one was killed and one never began.
func TestCollect(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Slurm
	c, plan := experiment(t)
	dir := t.TempDir()
	p := written(t, c, plan, run.Options{Dir: dir})
	store := record.NewStore(dir)
	if err := store.Write(&record.Record{Point: plan[0].ID, Status: record.OK}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(logPath(p.Folder, 1), []byte(strings.Repeat("line\n", 2000)+killedLog), 0o644); err != nil {
		t.Fatal(err)
	}
	owner, err := json.Marshal(map[string]any{"host": hostname(t), "pid": 1 << 30, "began": "5", "since": time.Unix(1000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	claims := filepath.Join(dir, "claims")
	if err := os.Mkdir(claims, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(claims, plan[1].ID+".1.0"), owner, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // collecting twice changes nothing
		got, err := Collect(p.Folder)
		if err != nil {
			t.Fatal(err)
		}
		got.Recorded, got.Failed = got.Recorded+got.Failed, 0
		if want := (Collected{Dir: dir, Points: 3, Recorded: 2, Missing: 1}); got != want {
			t.Errorf("%+v: want %+v", got, want)
		}
	}
	set, damaged, err := store.Load()
	if err != nil || len(damaged) > 0 || len(set) != 2 {
		t.Fatalf("%d records, %v, %v", len(set), damaged, err)
	}
	for _, r := range set {
		if r.Point == plan[1].ID && (r.Status != record.OOM || r.Attempt != 1 || !r.StartedAt.Equal(time.Unix(1000, 0)) ||
			len(r.Error.Log) != tailSize || r.Params["prune.ratio"] != 0.6 || r.Experiment != "x") {
			t.Errorf("%+v, %+v", r, r.Error)
		}
	}
	if left, err := os.ReadDir(claims); err != nil || len(left) > 0 {
		t.Errorf("claims left: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(p.Folder, programName)); !os.IsNotExist(err) {
		t.Errorf("the copy of the program is left: %v", err)
	}
}

// A task that stopped by itself leaves points untried, which have not failed; one that was killed has failed once, whatever points it had.
func TestEndOfAFamily(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Slurm
	c, plan := experiment(t, "threads: 2", "threads: 2, order: interleaved")
	dir := t.TempDir()
	p := written(t, c, plan, run.Options{Dir: dir})
	if err := record.NewStore(dir).Write(&record.Record{Point: plan[0].ID, Attempt: 1, Status: record.Failed, Error: &record.Error{Kind: "precision"}}); err != nil {
		t.Fatal(err)
	}
	for states, want := range map[string]int{"": 1, "TIMEOUT": 2} {
		if n, err := failures(p.Folder, map[int]string{0: states}); err != nil || n != want {
			t.Errorf("state %q: %d failures, %v; want %d", states, n, err, want)
		}
	}
	if err := os.WriteFile(logPath(p.Folder, 0), []byte("1 failed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(endedPath(p.Folder, 0), run.Summary{Failed: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := Collect(p.Folder)
	if want := (Collected{Dir: dir, Points: 3, Recorded: 1, Missing: 2}); err != nil || got != want {
		t.Errorf("%+v, %v: want %+v", got, err, want)
	}
	if missing, err := run.Missing(c, plan, run.Options{Dir: dir}); err != nil || len(missing) != 2 {
		t.Errorf("%d points are missing, %v: want 2", len(missing), err)
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// A task's file holds everything about its point.
func TestTaskRoundTrip(t *testing.T) {
	c, plan := experiment(t)
	p := written(t, c, plan, run.Options{Dir: t.TempDir(), DataDirs: []string{"data"}})
	all, err := tasks(p.Folder)
	if err != nil || len(all) != 3 {
		t.Fatal(len(all), err)
	}
	j := all[2].Points[0].Job
	id, err := trial.PointID(config.Point{Spec: j.Spec, Params: j.Params})
	if err != nil || id != plan[2].ID || all[2].Points[0].Attempt != 1 || all[2].Limits != c.Limits || !filepath.IsAbs(j.DataDirs[0]) {
		t.Errorf("id %s, want %s: %v, %+v", id, plan[2].ID, err, all[2])
	}

	c, plan = experiment(t, "threads: 2", "threads: 2, order: interleaved")
	p = written(t, c, plan, run.Options{Dir: t.TempDir()})
	all, err = tasks(p.Folder)
	if err != nil || len(all) != 1 || len(all[0].Points) != 3 || all[0].Points[1].Job.Point != plan[1].ID {
		t.Errorf("a family that takes turns: tasks %+v, %v", all, err)
	}
}
