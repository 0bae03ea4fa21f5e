package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/atomicfile/faults"
	"hepex/harness/record"
)

// Bits flip in everything that a finished sweep keeps: what is wrong is found and made again, or said.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	rng := randomMoments(t)
	s := newPricedSandbox(t)
	s.write("small.yaml", frugal)
	if code, _, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	dir := filepath.Join(s.dir, "results/small")
	flip := func(path string) (before []byte, where string) {
		t.Helper()
		before, err := os.ReadFile(path)
		if err != nil || len(before) == 0 {
			t.Fatal(len(before), err)
		}
		i, bit := rng.IntN(len(before)), rng.IntN(8)
		flipped := bytes.Clone(before)
		flipped[i] ^= 1 << bit
		if err := os.WriteFile(path, flipped, 0o644); err != nil {
			t.Fatal(err)
		}
		return before, fmt.Sprintf("%s, byte %d, bit %d", path, i, bit)
	}
	glob := func(pattern string) []string {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		return paths
	}

	// Every record at once, and the networks that they came from.
	records := glob("results/small/points/*/1.json")
	for _, path := range append(records, glob("cache/hepex/trained/*/*")...) {
		flip(path)
	}
	code, stdout, stderr := s.run("run", "small.yaml")
	if code != exitDone || !strings.Contains(stdout, fmt.Sprintf("%d points done (0 before), 0 failed", frugalPoints)) || strings.Count(stderr, "set aside as 1.json.1.damaged") != frugalPoints {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	set, damaged, err := record.NewStore(dir).Load()
	if err != nil || len(set) != frugalPoints || len(damaged) > 0 {
		t.Errorf("%d records, damaged %v, %v", len(set), damaged, err)
	}

	// The frozen config: whatever reads it either says where it is wrong or works, and the next run puts it right. A flip in a
	// number can make it a good config of other points, to which no record belongs: that is said, too.
	frozen := filepath.Join(dir, "config.yaml")
	foreign := fmt.Sprintf("left out: %d records in results/small, of points that its config does not have\n", frugalPoints)
	for range 12 {
		before, where := flip(frozen)
		for _, args := range [][]string{{"table", "results/small"}, {"export", "results/small"}} {
			code, _, stderr := s.run(args...)
			wrong := code == exitBadInput && strings.Contains(stderr, "config.yaml")
			empty := code == exitBadInput && strings.Contains(stderr, foreign) && strings.HasSuffix(stderr, "no records\n")
			if code != exitDone && !wrong && !empty {
				t.Errorf("%s: %v: exit code %d, %s", where, args, code, stderr)
			}
		}
		code, _, stderr := s.run("run", "small.yaml")
		after, err := os.ReadFile(frozen)
		if code != exitDone || !strings.Contains(stderr, "config.yaml differs from that of the last run") || err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: exit code %d, %s, %v", where, code, stderr, err)
		}
	}
	for _, name := range []string{"figures/.made-of", "summary.csv", "maps/" + filepath.Base(glob("results/small/maps/*.json")[0])} {
		_, where := flip(filepath.Join(dir, name))
		if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone {
			t.Errorf("%s: exit code %d\n%s%s", where, code, stdout, stderr)
		}
	}

	// A claim that cannot be read keeps its point from being done, and that is said.
	point := filepath.Base(filepath.Dir(records[0]))
	if err := os.RemoveAll(filepath.Dir(records[0])); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "claims", point+".1.0")
	if err := os.WriteFile(garbage, []byte("{\"host\": \x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := s.run("run", "small.yaml"); code != exitDone || !strings.Contains(stderr, "an unknown process has 1 of the points in hand") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if err := os.Remove(garbage); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone || !strings.Contains(stdout, fmt.Sprintf("%d points done", frugalPoints)) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// Runs of the whole and of named points at the same time, on one store: every point is done once, and of two runs of the whole
// the second is turned away.
func TestRunBesidePoints(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", frugal)
	_, text, _ := s.run("status", "small.yaml", "--left")
	ids := strings.Join(strings.Fields(text), ",")
	runners := []*exec.Cmd{
		s.command("run", "small.yaml"), s.command("run", "small.yaml", "--points", ids),
		s.command("run", "small.yaml"), s.command("run", "small.yaml", "--points", ids),
	}
	logs := make([]bytes.Buffer, len(runners))
	for i, cmd := range runners {
		cmd.Stdout, cmd.Stderr = &logs[i], &logs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for i, cmd := range runners {
		_ = cmd.Wait()
		switch code := cmd.ProcessState.ExitCode(); {
		case code == exitInternal && strings.Contains(logs[i].String(), "in use by another run"):
			refused++
		case code != exitDone:
			t.Errorf("%v: exit code %d, %s", cmd.Args[1:], code, logs[i].String())
		}
	}
	if refused > 1 {
		t.Errorf("%d of two runs were turned away", refused)
	}
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if seen := s.checkIntact(nil); len(seen) != frugalPoints {
		t.Errorf("%d records: want %d", len(seen), frugalPoints)
	}
	s.checkNoLitter()
}

// Whichever call by which figures and tables are written fails, the run says so, and the next one draws them.
func TestDrawingSurvivesFaults(t *testing.T) {
	s := newPricedSandbox(t)
	s.write("small.yaml", frugal)
	if code, _, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	t.Chdir(s.dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(s.dir, "cache"))
	drawn, err := os.ReadFile("results/small/figures/quality.svg")
	if err != nil {
		t.Fatal(err)
	}
	for call := 0; ; call += 5 {
		for _, folder := range []string{"figures", "tables"} {
			if err := os.RemoveAll(filepath.Join("results/small", folder)); err != nil {
				t.Fatal(err)
			}
		}
		log, restore := faults.Inject(t, faults.Fault{Call: call, Way: faults.Before})
		code, _, stderr := hepex("run", "small.yaml")
		restore()
		if log.Failed() == "" {
			if code != exitDone || call < 30 {
				t.Errorf("%d calls, exit code %d, %s", call, code, stderr)
			}
			break
		}
		if code != exitInternal || !strings.Contains(stderr, faults.Err.Error()) {
			t.Errorf("%s: exit code %d, %s", log.Failed(), code, stderr)
		}
		code, _, stderr = hepex("run", "small.yaml")
		again, err := os.ReadFile("results/small/figures/quality.svg")
		if code != exitDone || err != nil || !bytes.Equal(again, drawn) {
			t.Errorf("%s: next run: exit code %d, %s, %v", log.Failed(), code, stderr, err)
		}
		s.checkNoLitter()
	}
}
