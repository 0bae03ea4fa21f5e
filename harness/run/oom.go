package run

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// killed tells whether a process was ended by SIGKILL.
func killed(exit error) bool { return signalled(exit, syscall.SIGKILL) }

// signalled tells whether a signal ended a process.
func signalled(exit error, by syscall.Signal) bool {
	var e *exec.ExitError
	if !errors.As(exit, &e) {
		return false
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == by
}

// outOfMemoryKills is how many processes of this one's control group the kernel has killed for memory, as batch systems have
// it do: it picks the largest, which is the child, and this process goes on.
func outOfMemoryKills() int { return countKills("/proc/self/cgroup", "/sys/fs/cgroup") }

func countKills(groups, root string) int {
	text, err := os.ReadFile(groups)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var events string
		switch {
		case parts[1] == "memory": // version 1
			events = filepath.Join(root, "memory", parts[2], "memory.oom_control")
		case parts[0] == "0" && parts[1] == "":
			events = filepath.Join(root, parts[2], "memory.events")
		}
		counts, err := os.ReadFile(events)
		if err != nil {
			continue
		}
		for field := range strings.Lines(string(counts)) {
			name, value, _ := strings.Cut(strings.TrimSpace(field), " ")
			if n, err := strconv.Atoi(value); err == nil && name == "oom_kill" {
				return n
			}
		}
	}
	return 0
}
