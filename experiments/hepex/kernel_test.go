package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hepex/harness/record"
)

// memoryGroup creates a control group whose processes may take so much memory together.
func memoryGroup(t *testing.T, bytes int) (folder string) {
	t.Helper()
	name := fmt.Sprintf("hepex-test-%d", os.Getpid())
	var why error
	for root, limit := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		folder := filepath.Join(root, name)
		if why = os.Mkdir(folder, 0o755); why != nil {
			continue
		}
		t.Cleanup(func() {
			for range 100 { // its processes may not be gone yet
				if os.Remove(folder) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("%s is left", folder)
		})
		if why = os.WriteFile(filepath.Join(folder, limit), fmt.Append(nil, bytes), 0o644); why == nil {
			return folder
		}
	}
	t.Skipf("no control group with a limit of memory: %v (needs root)", why)
	return ""
}

// Where the config has no limit of memory and the machine, or a batch system's share of it, runs out, the kernel ends the
// point and not the run.
func TestKernelRunsOutOfMemory(t *testing.T) {
	s := newSandbox(t)
	group := memoryGroup(t, 400<<20)
	s.write("bad.yaml", strings.Replace(bad, ", memory: 400MiB, retries: 1", "", 1)+
		"    - {label: allocate, train.seed: 2}\n    - {label: good, train.seed: 3}\n")
	t.Setenv(misbehaving, "1")
	program := s.command("run", "bad.yaml")
	cmd := exec.Command("sh", append([]string{"-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(group, "cgroup.procs"), program.Path}, program.Args[1:]...)...)
	cmd.Dir, cmd.Env = program.Dir, program.Env
	log, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Fatalf("exit code %d: %s", code, log)
	}
	all := s.bad()
	if r := all["allocate"]; r == nil || r.Status != record.OOM || r.Error.Message != "the process ran out of memory" {
		t.Errorf("allocate: %+v\n%s", r, log)
	}
	if r := all["good"]; r == nil || r.Status != record.OK {
		t.Errorf("good: %+v\n%s", r, log)
	}
}
