package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// needSlurm skips a test where there is no Slurm whose only node is this machine: others do not see the test's folder.
func needSlurm(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for a scheduler")
	}
	if _, err := exec.LookPath("sbatch"); err != nil {
		t.Skip("Slurm is not installed: scripts/slurm.sh install")
	}
	nodes, err := exec.Command("timeout", "10", "sinfo", "--noheader", "--format=%n").Output()
	if err != nil {
		// That the variable is read here keeps `go test` from reusing what it found without it.
		t.Skipf("no Slurm answers with SLURM_CONF=%q: scripts/slurm.sh start DIR, then SLURM_CONF=DIR/slurm.conf", os.Getenv("SLURM_CONF"))
	}
	host, _ := os.Hostname()
	if short, _, _ := strings.Cut(host, "."); strings.TrimSpace(string(nodes)) != short {
		t.Skipf("Slurm has the nodes %q: the test wants this machine alone, as scripts/slurm.sh sets it up", nodes)
	}
}

// submitted submits the small experiment and gives the number of the array.
func (s *sandbox) submitted(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(append([]string{"submit", "small.yaml", "--shared"}, args...)...)
	job := regexp.MustCompile(`^job (\d+): `).FindStringSubmatch(stdout)
	if code != exitDone || job == nil {
		s.t.Fatalf("submit: exit code %d, %q, %q", code, stdout, stderr)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			queue, _ := exec.Command("squeue").CombinedOutput()
			s.t.Logf("%s%s", queue, s.logs())
		}
		_ = exec.Command("scancel", job[1]).Run()
		s.eventually("Slurm has no jobs here", func() bool { // the last is still drawing when its results are there
			folders, err := exec.Command("squeue", "--noheader", "--format=%Z").Output()
			return err == nil && !strings.Contains(string(folders), s.dir)
		})
	})
	return job[1]
}

func (s *sandbox) logs() string {
	out, _ := exec.Command("sh", "-c", "tail -n 20 "+filepath.Join(s.dir, "results/small/slurm/*/logs/*")).CombinedOutput()
	return string(out)
}

// waitForCollect waits until so many submissions have been collected.
func (s *sandbox) waitForCollect(submissions int) {
	s.t.Helper()
	s.eventually("collecting", func() bool {
		paths, _ := filepath.Glob(filepath.Join(s.dir, "results/small/slurm/*/submission.json"))
		collected := 0
		for _, path := range paths {
			var state struct{ Collected bool }
			text, err := os.ReadFile(path)
			if err == nil && json.Unmarshal(text, &state) == nil && state.Collected {
				collected++
			}
		}
		_, err := os.Stat(filepath.Join(s.dir, "results/small/summary.csv")) // comes after it
		return collected == submissions && err == nil
	})
}

// results gives the small experiment's records by point.
func (s *sandbox) results() map[string]*record.Record {
	s.t.Helper()
	set, damaged, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil || len(damaged) > 0 {
		s.t.Fatal(err, damaged)
	}
	byPoint := map[string]*record.Record{}
	for _, r := range set {
		byPoint[r.Point] = r
	}
	return byPoint
}

// lastPoint is the id of the last point of the small experiment.
func (s *sandbox) lastPoint() string {
	s.t.Helper()
	c, err := config.Load(filepath.Join(s.dir, "small.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := trial.PointID(c.Points[len(c.Points)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// withSlow is the small experiment and a last, eighth point that trains for some seconds.
var withSlow = strings.Replace(small, "{label: dense, prune.scheme: dense}", "{label: dense, prune.scheme: dense}, {label: slow, prune.scheme: p2t, prune.ratio: 0.5, train.epochs: 2000}", 1)

// A sweep through a real Slurm, of which one task is cancelled and done again, gives what a local run gives.
func TestSlurm(t *testing.T) {
	needSlurm(t)
	s := newSandbox(t)
	s.write("small.yaml", withSlow)
	slow := s.lastPoint()
	array := s.submitted("--mem", "1GiB", "--max-running", "2", "--", "--comment=a test")
	s.eventually("the slow point", func() bool {
		claims, _ := filepath.Glob(filepath.Join(s.dir, "results/small/claims", slow+".*"))
		return len(claims) > 0
	})
	if _, text, _ := s.run("status", "small.yaml"); !strings.Contains(text, "8 points") || strings.Contains(text, " 0 running") {
		t.Errorf("status while a task runs: %s", text)
	}
	if _, text, _ := s.run("submit", "small.yaml"); !strings.Contains(text, "nothing to submit") {
		t.Errorf("submitted twice: %s", text)
	}
	if out, err := exec.Command("scancel", array+"_7").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	s.waitForCollect(1)
	got := s.results()
	if r := got[slow]; len(got) != 8 || r == nil || r.Status != record.Failed || r.Error.Kind != "cancelled" || !strings.Contains(r.Error.Log, "CANCELLED") {
		t.Fatalf("%d records, that of the cancelled task is %+v\n%s", len(got), r, s.logs())
	}
	if _, text, _ := s.run("submit", "small.yaml"); !strings.Contains(text, "nothing to submit") {
		t.Errorf("submitted although nothing is missing: %s", text)
	}
	s.submitted("--mem", "1GiB", "--failed")
	s.waitForCollect(2)

	local := newSandbox(t)
	local.write("small.yaml", withSlow)
	if code, stdout, stderr := local.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("local run: exit code %d\n%s%s", code, stdout, stderr)
	}
	noise := cmpopts.IgnoreFields(record.Quality{}, "OutputErrorMax", "PrecisionBits", "SamplePrecisionMin", "SamplePrecisionP05") // of the encryption, which is random
	got, want := s.results(), local.results()
	if len(got) != len(want) {
		t.Errorf("%d points: want %d", len(got), len(want))
	}
	host, _ := os.Hostname()
	for id, w := range want {
		g := got[id]
		if g == nil || g.Status != record.OK {
			t.Errorf("point %s: %+v\n%s", id, g, s.logs())
			continue
		}
		if d := cmp.Diff(w.Quality, g.Quality, noise) + cmp.Diff(w.Tiles, g.Tiles) + cmp.Diff(w.Params, g.Params) + cmp.Diff(w.ConfigSHA256, g.ConfigSHA256); d != "" {
			t.Errorf("point %s (-local +Slurm):\n%s", id, d)
		}
		if g.Order != "sequential" || g.Environment.Host != host || g.Environment.GOMAXPROCS != g.Threads {
			t.Errorf("point %s: order %q, host %q, %d processors for %d threads", id, g.Order, g.Environment.Host, g.Environment.GOMAXPROCS, g.Threads)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(s.dir, "results/small/claims")); len(left) > 0 {
		t.Errorf("claims are left: %v", left)
	}
}

// Points that take turns have one task, and take them there.
func TestSlurmTakesTurns(t *testing.T) {
	needSlurm(t)
	s := newPricedSandbox(t)
	s.write("small.yaml", interleaved(4))
	s.submitted("--mem", "2GiB")
	s.waitForCollect(1)
	if logs, _ := filepath.Glob(filepath.Join(s.dir, "results/small/slurm/*/logs/[0-9]*")); len(logs) != 1 {
		t.Errorf("logs %v: want that of one task", logs)
	}
	got := s.results()
	for _, r := range got {
		if r.Status != record.OK || r.Order != record.Interleaved {
			t.Errorf("point %s: %s, order %q, %+v", r.Point, r.Status, r.Order, r.Error)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d points: want 3\n%s", len(got), s.logs())
	}
}

// A task that Slurm kills for memory cannot say so itself.
func TestSlurmKillsForMemory(t *testing.T) {
	needSlurm(t)
	s := newSandbox(t)
	s.write("small.yaml", strings.NewReplacer("[p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}", "[p4e], prune.ratio: [0.9]",
		"  cases: [{label: dense, prune.scheme: dense}]\n", "", "epochs: 2, batch", "epochs: 10000, batch").Replace(small))
	s.submitted("--mem", "20MiB")
	s.waitForCollect(1)
	if r := s.results()[s.lastPoint()]; r == nil || r.Status != record.OOM || r.Error.Kind != "memory" {
		t.Errorf("%+v\n%s", r, s.logs())
	}
}

// A submission whose points fail one after the other cancels the tasks that wait, be it that the tasks say so or that Slurm
// kills them. What the others were to do has not failed.
func TestHopelessSubmissionStops(t *testing.T) {
	needSlurm(t)
	for name, c := range map[string]struct {
		edit, memory, kind string
		most               int // records: a task may begin before Slurm knows that the one before was killed
	}{
		"precision":       {"precision: 38", "1GiB", "parameters", 2},
		"killed by Slurm": {"precision: 16", "20MiB", "memory", 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.write("small.yaml", strings.NewReplacer("precision: 16", c.edit, "tables:", "limits: {max_failures: 2}\ntables:", "epochs: 2, batch", "epochs: 400, batch").Replace(small))
			s.submitted("--mem", c.memory, "--max-running", "1")
			s.waitForCollect(1)
			got := s.results()
			for _, r := range got {
				if r.Status == record.OK || r.Error.Kind != c.kind {
					t.Errorf("status %s, %+v", r.Status, r.Error)
				}
			}
			if len(got) < 2 || len(got) > c.most {
				t.Errorf("%d points have records: want 2 to %d\n%s", len(got), c.most, s.logs())
			}
		})
	}
}
