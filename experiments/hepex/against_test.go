package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two programs are run by turns, and each of their runs is a value.
func TestAgainst(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("four runs")
	}
	script, err := filepath.Abs("../../scripts/against.sh")
	if err != nil {
		t.Fatal(err)
	}
	s := newPricedSandbox(t)
	s.write("small.yaml", strings.Replace(small, "from: 0.5, to: 0.9, step: 0.2", "from: 0.5, to: 0.5, step: 0.2", 1))
	self := s.command("version").Path
	run := func(args ...string) (string, string, error) {
		var out, errs bytes.Buffer
		cmd := exec.Command(script, args...)
		cmd.Dir, cmd.Env = s.dir, append(s.command().Env, "ROUNDS=2", "OUT=turns")
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		return out.String(), errs.String(), err
	}
	for range 2 { // the second time everything is there
		stdout, stderr, err := run(self, self, "small.yaml")
		if err != nil {
			t.Fatalf("%v\n%s%s", err, stdout, stderr)
		}
		for _, want := range []string{"latency.evaluate ", "latency.encrypt_input ", "latency.evaluate_per_reference ", "memory.model ", "n runs;", "dense", "p4e"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("no %q in\n%s", want, stdout)
			}
		}
		if strings.Contains(stdout, "NOT MEASURED ALIKE") {
			t.Errorf("a program differs from itself:\n%s", stdout)
		}
	}
	records, err := filepath.Glob(filepath.Join(s.dir, "turns/small/*-[12]/small/points/*/*.json"))
	if err != nil || len(records) != 4*3 {
		t.Errorf("%d records, %v: want three points in each of two runs of two programs", len(records), err)
	}
	if _, stderr, err := run(self, "nowhere"); err == nil || !strings.Contains(stderr, "nowhere: no such program") {
		t.Errorf("%v, %q", err, stderr)
	}
}
