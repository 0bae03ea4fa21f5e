// Package machine tells what records say of where they come from: the hardware, the build, the program, its memory, and what else runs.
package machine

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hepex/harness/record"
	"hepex/inference"
	"hepex/network"
)

// GCPercent is what measuring processes run with, so that memory and time compare between points.
const GCPercent = 100

// Environment describes the machine, the build and the load, as far as they can be found out.
func Environment() record.Environment {
	e := record.Environment{
		Go: runtime.Version(), Modules: map[string]string{}, Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		GOGC: strconv.Itoa(GCPercent), CPU: procField("/proc/cpuinfo", "model name"), Kernels: inference.Kernels(), BLAS: network.BLAS,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			e.Modules[m.Path] = m.Version
		}
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
	}
	e.Commit, e.Dirty = commit()
	e.Binary = binary()
	if kb, ok := procKB("/proc/meminfo", "MemTotal"); ok {
		e.RAMBytes = kb << 10
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		e.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	e.Load1 = load1("/")
	return e
}

// CommitVariable names the environment variable by which a runner tells its children the commit and whether the
// tree is dirty, so that git is asked once a run.
const CommitVariable = "HEPEX_COMMIT"

// commit asks the build, then git: `go run` stamps no commit into the program.
var commit = sync.OnceValues(func() (string, bool) {
	if v, ok := os.LookupEnv(CommitVariable); ok {
		id, clean := strings.CutSuffix(v, "-clean")
		return id, !clean
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if id := settings["vcs.revision"]; id != "" {
			return id, settings["vcs.modified"] == "true"
		}
	}
	_, source, _, _ := runtime.Caller(0)
	git := func(args ...string) ([]byte, error) {
		return exec.Command("git", append([]string{"-C", filepath.Dir(source)}, args...)...).Output()
	}
	id, err := git("rev-parse", "HEAD")
	if err != nil {
		return "unknown", false
	}
	changes, err := git("status", "--porcelain", "--untracked-files=no")
	return strings.TrimSpace(string(id)), err != nil || len(changes) > 0
})

// commitForChildren is the value of CommitVariable.
func commitForChildren() string {
	id, dirty := commit()
	if dirty {
		return id
	}
	return id + "-clean"
}

// procField reads the value of "name : value" in a file of /proc.
func procField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// procKB reads a "name: n kB" field.
func procKB(path, name string) (int64, bool) {
	number, _, _ := strings.Cut(procField(path, name), " ")
	kb, err := strconv.ParseInt(number, 10, 64)
	return kb, err == nil
}

// PeakRSS is VmHWM of this process in bytes, 0 where /proc does not tell.
func PeakRSS() int64 {
	kb, _ := procKB("/proc/self/status", "VmHWM")
	return kb << 10
}

// ResetPeak makes VmHWM start again from what is resident now.
func ResetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// RSS is the resident memory of a process in bytes.
func RSS(pid int) int64 {
	kb, _ := procKB("/proc/"+strconv.Itoa(pid)+"/status", "VmRSS")
	return kb << 10
}
