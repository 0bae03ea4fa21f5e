package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hepex/harness/claim"
	"hepex/harness/record"
	"hepex/harness/run"
)

// Many runners that each want all points, on one store, one of them killed: every point is done once.
func TestRunnersShareAStore(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", small)
	code, text, stderr := s.run("status", "small.yaml", "--left")
	ids := strings.Fields(text)
	if code != exitDone || len(ids) != smallPoints {
		t.Fatalf("exit code %d: %q, %s", code, text, stderr)
	}
	var runners []*exec.Cmd
	var logs [4]bytes.Buffer
	for i := range logs {
		cmd := s.command("run", "small.yaml", "--points", strings.Join(append(ids[i:len(ids):len(ids)], ids[:i]...), ","))
		cmd.Stdout, cmd.Stderr = &logs[i], &logs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		runners = append(runners, cmd)
	}
	ended := make(chan error, 1)
	go func() { ended <- runners[0].Wait() }()
	s.eventually("a claim of the first runner", func() bool {
		claims, err := run.Claims(filepath.Join(s.dir, "results/small")).List()
		if err != nil {
			t.Fatal(err)
		}
		mine := func(c claim.Claim) bool { return c.Owner.PID == runners[0].Process.Pid }
		return slices.ContainsFunc(claims, mine) || len(ended) > 0 // the others may have left it nothing
	})
	_ = runners[0].Process.Kill()
	<-ended
	for _, cmd := range runners[1:] {
		_ = cmd.Wait()
	}
	// What the killed one had claimed is free at once; tables and figures come with the whole.
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone || !strings.Contains(stdout, "7 points done") {
		t.Fatalf("exit code %d\n%s%s%s", code, stdout, stderr, logs[1].String())
	}
	s.checkComplete(smallPoints)
	if left, err := filepath.Glob(filepath.Join(s.dir, "results/small/claims/*")); err != nil || len(left) > 0 {
		t.Errorf("claims are left: %v, %v", left, err)
	}
}

func TestPointsOfARun(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", small)
	if code, _, stderr := s.run("run", "small.yaml", "--points", "0123"); code != exitBadInput || !strings.Contains(stderr, "no point 0123") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	_, text, _ := s.run("status", "small.yaml", "--left")
	some := strings.Join(strings.Fields(text)[:2], ",")
	if code, stdout, stderr := s.run("run", "small.yaml", "--points", some); code != exitDone || !strings.Contains(stdout, "2 of 2 points done (0 before)") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, _ := s.run("run", "small.yaml", "--points", some); code != exitDone || !strings.Contains(stdout, "2 of 2 points done (2 before)") {
		t.Errorf("again: exit code %d: %s", code, stdout)
	}
	if _, text, _ := s.run("status", "small.yaml"); !strings.Contains(text, "7 points: 2 done, 0 running, 0 failed, 5 left") {
		t.Error(text)
	}
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil || len(set) != 2 {
		t.Errorf("%d records, %v", len(set), err)
	}
}

// The scripts are shown without Slurm and without leaving anything.
func TestSubmitDryRun(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	code, stdout, stderr := s.run("submit", "small.yaml", "--dry-run", "--max-running", "3", "--time", "90m", "--mem", "2GiB", "--", "--account=me")
	for _, want := range []string{"--array=0-6%3\n", "--exclusive\n", "--time=90\n", "--mem=2048M\n", "--dependency=afterany:", "#SBATCH --account=me\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, %s: no %q in\n%s", code, stderr, want, stdout)
		}
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, bad := range [][]string{{"--mem", "lots"}, {"--cpus", "-1"}, {"more.yaml"}, {"--exclusive", "--shared"}} {
		if code, _, stderr := s.run(append([]string{"submit", "small.yaml"}, bad...)...); code != exitBadInput {
			t.Errorf("%v: exit code %d, %s", bad, code, stderr)
		}
	}
}
