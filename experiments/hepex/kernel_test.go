package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hepex/harness/record"
)

// memoryRoot is where control groups that can limit memory are mounted, of either version, and the file of a group that does
// so. Folders alone tell nothing: that of version 2 is an ordinary one where version 1 has a file system for each controller.
func memoryRoot(mountinfo string) (root, limit string) {
	for line := range strings.Lines(mountinfo) {
		before, after, _ := strings.Cut(line, " - ")
		mount, system := strings.Fields(before), strings.Fields(after) // proc_pid_mountinfo(5)
		if len(mount) < 5 || len(system) < 3 {
			continue
		}
		root := mount[4]
		switch system[0] {
		case "cgroup":
			if slices.Contains(strings.Split(system[2], ","), "memory") {
				return root, "memory.limit_in_bytes"
			}
		case "cgroup2":
			controllers, _ := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
			if slices.Contains(strings.Fields(string(controllers)), "memory") {
				return root, "memory.max"
			}
		}
	}
	return "", ""
}

func TestMemoryRoot(t *testing.T) {
	both, none := t.TempDir(), t.TempDir()
	for folder, controllers := range map[string]string{both: "cpu memory\n", none: "hugetlb\n"} {
		if err := os.WriteFile(filepath.Join(folder, "cgroup.controllers"), []byte(controllers), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const (
		plain    = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		cpu      = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
		version1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:1 - cgroup cgroup rw,memory\n"
	)
	version2 := func(root string) string {
		return "41 31 0:38 / " + root + " rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
	}
	for _, c := range []struct{ name, mountinfo, root, limit string }{
		{"version 1", plain + cpu + version1, "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"version 2", version2(both), both, "memory.max"},
		{"memory by version 1, others by 2", plain + version2(none) + version1, "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"no memory", plain + cpu + version2(none), "", ""},
		{"none", plain, "", ""},
		{"nothing", "\n - \n", "", ""},
	} {
		if root, limit := memoryRoot(c.mountinfo); root != c.root || limit != c.limit {
			t.Errorf("%s: %s, %s; want %s, %s", c.name, root, limit, c.root, c.limit)
		}
	}
}

// memoryGroup creates a control group whose processes may take so much memory together. It lasts as long as the test.
func memoryGroup(t *testing.T, bytes int) (folder string) {
	t.Helper()
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	root, limit := memoryRoot(string(mountinfo))
	if root == "" {
		t.Skip("no control groups that can limit memory are mounted")
	}
	if folder, err = os.MkdirTemp(root, "hepex-test-"); err != nil {
		t.Skipf("no control group: %v (needs root)", err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // its processes may not be gone yet
			err := os.Remove(folder)
			if err == nil {
				return
			}
			if time.Now().After(end) {
				t.Errorf("a control group is left: %v", err)
				return
			}
		}
	})
	f, err := os.OpenFile(filepath.Join(folder, limit), os.O_WRONLY, 0) // never created: the kernel has to provide it
	if err != nil {
		t.Skipf("no limit of memory: %v", err)
	}
	defer f.Close()
	if _, err := fmt.Fprint(f, bytes); err != nil {
		t.Fatal(err)
	}
	// Where the kernel counts swap it shall not give that instead; where there is none, neither is the file.
	for name, most := range map[string]int{"memory.memsw.limit_in_bytes": bytes, "memory.swap.max": 0} {
		if f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY, 0); err == nil {
			if _, err := fmt.Fprint(f, most); err != nil {
				t.Error(err)
			}
			_ = f.Close()
		}
	}
	return folder
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
