package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/claim"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
)

// seedVariable repeats the random moments of an earlier test. What a process does at a moment varies all the same.
const seedVariable = "HEPEX_TEST_SEED"

func randomMoments(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d repeats the moments", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// stoppings is how often a sweep is stopped.
func stoppings() int {
	if testing.Short() {
		return 5
	}
	return 8
}

// A sweep killed at random moments and resumed: nothing that it left is half written, nothing that was done is lost or done
// again, and in the end every point is done once.
func TestKilledSweepResumes(t *testing.T) { stopAndResume(t, syscall.SIGKILL) }

// The same where it is asked to end: it does so by itself, tidies up, and says that it can be resumed.
func TestTerminatedSweepResumes(t *testing.T) { stopAndResume(t, syscall.SIGTERM) }

func stopAndResume(t *testing.T, signal syscall.Signal) {
	t.Parallel() // most of it is waiting
	rng := randomMoments(t)
	begin := func() (*sandbox, files) {
		s := newPricedSandbox(t)
		s.write("small.yaml", small)
		return s, files{}
	}
	s, _ := begin()
	if code, _, stderr := s.run("plan", "small.yaml"); code != exitDone { // measures prices, which takes longer than all else
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	began := time.Now()
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	whole := time.Since(began)
	s.checkComplete(smallPoints)

	sweeps := 0
	for stopped := 0; stopped < stoppings(); {
		s, seen := begin()
		for sweeps++; ; {
			// Within a third of a sweep, so that it gets on, and some stoppings fall on each of its parts.
			delay := time.Duration(rng.Float64() * float64(whole) / 3)
			if stopped >= stoppings() {
				delay = time.Hour
			}
			cmd, stderr, ended := s.stopAfter(delay, signal)
			seen = s.checkIntact(seen)
			if ended {
				if code := cmd.ProcessState.ExitCode(); code != exitDone {
					t.Fatalf("resumed after %d stoppings: exit code %d: %s", stopped, code, stderr)
				}
				break
			}
			stopped++
			if signal == syscall.SIGTERM {
				s.checkGraceful(cmd, stderr)
			}
		}
		s.checkComplete(smallPoints)
		if claims, err := run.Claims(filepath.Join(s.dir, "results/small")).List(); err != nil || len(claims) > 0 {
			t.Errorf("claims are left: %v, %v", claims, err)
		}
	}
	t.Logf("%d stoppings in %d sweeps of %s", stoppings(), sweeps, whole.Round(time.Millisecond))
}

// stopAfter starts the sweep and sends it a signal, unless it has ended before. It returns once none of its processes is left.
func (s *sandbox) stopAfter(delay time.Duration, signal syscall.Signal) (cmd *exec.Cmd, stderr string, ended bool) {
	s.t.Helper()
	cmd = s.command("run", "small.yaml")
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	select {
	case <-over:
		return cmd, log.String(), true
	case <-time.After(delay):
	}
	_ = cmd.Process.Signal(signal)
	<-over
	s.waitForEnd(cmd.Process.Pid)
	return cmd, log.String(), cmd.ProcessState.ExitCode() == exitDone
}

// checkGraceful verifies that a sweep that was asked to end did so by itself and left nothing but results.
func (s *sandbox) checkGraceful(cmd *exec.Cmd, stderr string) {
	s.t.Helper()
	mine := func(c claim.Claim) bool { return c.Owner.PID == cmd.Process.Pid }
	claims, err := run.Claims(filepath.Join(s.dir, "results/small")).List()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range claims {
		if mine(c) {
			s.t.Errorf("claim left: %+v", c)
		}
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && stderr == "" {
		return // it had not begun
	}
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(stderr, "goes on from there") {
		s.t.Errorf("exit code %d: %s", code, stderr)
	}
}

// files are the hashes of records by path.
type files map[string][sha256.Size]byte

// checkIntact verifies that everything that has its name is whole, and that the records seen before are still there, as they
// were, and gives those that there are now.
func (s *sandbox) checkIntact(seen files) files {
	s.t.Helper()
	dir := filepath.Join(s.dir, "results", "small")
	set, damaged, err := record.NewStore(dir).Load()
	if err != nil || len(damaged) > 0 {
		s.t.Fatalf("store: %v, damaged %v", err, damaged)
	}
	for _, r := range set {
		if r.Status != record.OK || r.Attempt != 1 {
			s.t.Errorf("point %s: attempt %d is %s: want the first to be ok, and no other", r.Point, r.Attempt, r.Status)
		}
	}
	now := files{}
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (d.IsDir() || d.Type()&fs.ModeSymlink != 0 || strings.HasPrefix(d.Name(), ".")) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if why := broken(path, text); why != "" {
			s.t.Errorf("%s: %s", path, why)
		}
		if filepath.Base(filepath.Dir(filepath.Dir(path))) == "points" {
			now[path] = sha256.Sum256(text)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for path, sum := range seen {
		if now[path] != sum {
			s.t.Errorf("%s is gone or changed", path)
		}
	}
	return now
}

// broken says why a file is not whole, by what its kind ends with.
func broken(path string, text []byte) string {
	switch folder := filepath.Base(filepath.Dir(path)); {
	case filepath.Base(filepath.Dir(filepath.Dir(path))) == "trained":
		n := max(0, len(text)-sha256.Size)
		if sum := sha256.Sum256(text[:n]); !bytes.Equal(text[n:], sum[:]) {
			return "not a whole cache entry"
		}
	case folder == "claims" || filepath.Ext(path) == ".json":
		if !json.Valid(text) {
			return "not JSON"
		}
	case filepath.Base(path) == "config.yaml":
		if _, err := config.Parse(path, text); err != nil {
			return err.Error()
		}
	case folder == "figures":
		end := map[string]string{".svg": "</svg>", ".pdf": "%%EOF", ".png": "IEND\xaeB`\x82"}[filepath.Ext(path)]
		if !bytes.HasSuffix(bytes.TrimSpace(text), []byte(end)) {
			return "the figure is cut off"
		}
	}
	return ""
}
