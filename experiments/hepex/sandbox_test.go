package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/record"
	"hepex/harness/trial"
)

// asProgram makes the test binary the program itself, so that tests run, kill and resume real processes.
const asProgram = "HEPEX_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if os.Getenv(misbehaving) != "" {
			misbehave()
		}
		main()
	}
	os.Exit(runTests(m))
}

// prices is a folder for what sandboxes find that this machine takes: measuring it anew in each took a third of all tests' time.
var prices string

// atOnce is how many tests run at a time for each processor: most of what they do is to wait for processes, which on a busy machine
// get their share each.
const atOnce = 3

func runTests(m *testing.M) int {
	err := flag.Set("test.parallel", strconv.Itoa(atOnce*runtime.GOMAXPROCS(0)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	flag.Parse() // has the last word
	if prices, err = os.MkdirTemp("", "prices"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(prices)
	return m.Run()
}

// sandbox is an empty working folder with caches of its own.
type sandbox struct {
	t   *testing.T
	dir string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	return &sandbox{t, t.TempDir()}
}

// newPricedSandbox has the prices of others: a link to them, which walks through the sandbox leave out.
func newPricedSandbox(t *testing.T) *sandbox {
	t.Helper()
	s := newSandbox(t)
	if err := os.MkdirAll(filepath.Join(s.dir, "cache/hepex"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(prices, trial.PriceDir(filepath.Join(s.dir, "cache/hepex"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sandbox) command(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), self, args...) // so that a test that failed leaves nothing running
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"), "HEPEX_DATA=")
	return cmd
}

// run gives the exit code and what was printed.
func (s *sandbox) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := s.command(args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		s.t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func (s *sandbox) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits for what another process has to bring about. The limit only ends a test that waits in vain.
func (s *sandbox) eventually(what string, happened func() bool) {
	s.t.Helper()
	for end := time.Now().Add(4 * time.Minute); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s: not within time", what)
		}
	}
}

// exists tells whether there is such a file.
func (s *sandbox) exists(name string) bool {
	_, err := os.Stat(filepath.Join(s.dir, name))
	return err == nil
}

// waitForRun returns once a run holds the folder of the small experiment.
func (s *sandbox) waitForRun() {
	s.t.Helper()
	s.eventually("the run begins", func() bool { return s.exists("results/small/config.yaml") })
}

// waitForEnd returns once no process of a group is left.
func (s *sandbox) waitForEnd(group int) {
	s.t.Helper()
	s.eventually("the processes end", func() bool { return errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) })
}

// small is an experiment of seven points; its ring is insecure, for tests only.
const small = `version: 1
name: small
data: {name: digits, train: 600, test: 100, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: dense, scope: global, permutation: kmeans, tiles: {max_nonzero: 0.125}, retrain: {epochs: 2}}
tile: 16x8x4
he: {weights: encrypted, precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true}
measure: {warmup: 0, repeats: {min: 1, max: 1, ci: 0.5}}
sweep:
  grid: {prune.scheme: [p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}}
  cases: [{label: dense, prune.scheme: dense}]
tables: [{id: density, rows: prune.scheme, cols: prune.ratio, cells: [tiles.density]}]
`

const smallPoints = 7

// checkComplete verifies that every point has exactly one record, which is ok and intact, and that nothing
// half written is left.
func (s *sandbox) checkComplete(points int) {
	s.t.Helper()
	dir := filepath.Join(s.dir, "results", "small")
	set, damaged, err := record.NewStore(dir).Load()
	if err != nil || len(damaged) > 0 {
		s.t.Fatalf("store: %v, damaged %v", err, damaged)
	}
	if len(set) != points {
		s.t.Errorf("%d points have a record: want %d", len(set), points)
	}
	for _, r := range set {
		if r.Status != record.OK || r.Attempt != 1 {
			s.t.Errorf("point %s: attempt %d is %s: want the first to be ok", r.Point, r.Attempt, r.Status)
		}
		if r.Quality.PrecisionBits < 16 || r.Quality.Agreement != 1 {
			s.t.Errorf("point %s: quality %+v", r.Point, r.Quality)
		}
	}
	s.checkNoLitter()
}

// checkNoLitter verifies that no temporary or damaged file is left.
func (s *sandbox) checkNoLitter() {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(d.Name(), "tmp") || strings.HasSuffix(d.Name(), ".damaged") {
			s.t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
