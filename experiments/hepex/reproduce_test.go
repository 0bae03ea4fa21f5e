package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The script is killed three times on the way, without a warning: the same command completes it, and no point is done twice.
func TestReproduceGoesOn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	script, err := filepath.Abs("../../scripts/reproduce.sh")
	if err != nil {
		t.Fatal(err)
	}
	buildCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := newPricedSandbox(t)
	s.write("small.yaml", expectant)
	var log bytes.Buffer
	start := func() *exec.Cmd {
		t.Helper()
		log.Reset()
		cmd := exec.CommandContext(t.Context(), script, "small.yaml")
		cmd.Dir, cmd.Env = s.dir, append(s.command().Env, "OUT=results", "GOCACHE="+strings.TrimSpace(string(buildCache)))
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	var seen files
	for _, records := range []int{1, 3, 5} {
		cmd := start()
		s.eventually("records", func() bool {
			paths, err := filepath.Glob(filepath.Join(s.dir, "results/small/points/*/1.json"))
			return err == nil && len(paths) >= records
		})
		_ = cmd.Process.Kill() // the script alone: what it started ends by itself
		_ = cmd.Wait()
		s.waitForEnd(cmd.Process.Pid)
		seen = s.checkIntact(seen)
	}
	_ = start().Wait() // its exit code is that of the report
	for _, want := range []string{"small: 7 points: ", "\nabout ", "== small\n", "== small against what is published\n", "reproduced"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	s.checkIntact(seen)
	s.checkComplete(smallPoints)
}
