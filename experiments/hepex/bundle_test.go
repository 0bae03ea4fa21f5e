package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// expectant is the small experiment with an expectation, which its points meet.
const expectant = small + `expect:
  - {id: saved, where: {prune.scheme: p2t}, metric: saved.tiles, reduce: max, paper: [0, 1]}
`

// shown is what readers of results/small print and draw.
func (s *sandbox) shown() map[string]string {
	s.t.Helper()
	shown := map[string]string{}
	for _, args := range []string{
		"table results/small --format markdown", "export results/small", "export results/small --format csv",
		"verify small.yaml", "compare results/small results/small --metric quality.plain --all", "status small.yaml", "plot results/small",
	} {
		code, stdout, stderr := s.run(strings.Fields(args)...)
		if code != exitDone || stderr != "" {
			s.t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
		shown[args] = stdout
	}
	var files []string
	for _, pattern := range []string{"figures/*", "figures/.made-of", "tables/*", "summary.csv"} {
		paths, err := filepath.Glob(filepath.Join(s.dir, "results/small", pattern))
		if err != nil || len(paths) == 0 {
			s.t.Fatal(pattern, paths, err)
		}
		files = append(files, paths...)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		shown[path] = string(text)
	}
	return shown
}

// A bundled experiment shows the same to every reader, to the byte, and running it does only what is missing.
func TestBundledResults(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("small.yaml", expectant)
	if code, _, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	before := s.shown()
	code, stdout, stderr := s.run("bundle", "results/small")
	if want := fmt.Sprintf("results/small/records.jsonl: %d records\n", smallPoints); code != exitDone || stdout != want {
		t.Fatalf("exit code %d: %q, %s: want %q", code, stdout, stderr, want)
	}
	if s.exists("results/small/points") || s.exists("results/small/maps") {
		t.Error("files are left that are bundled")
	}
	same := func() {
		t.Helper()
		for name, after := range s.shown() {
			if after != before[name] {
				t.Errorf("%s differs:\n%s\nbefore:\n%s", name, after, before[name])
			}
		}
	}
	same()
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone || !strings.HasPrefix(stdout, "nothing to do") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}

	// A damaged line costs its point alone.
	path := filepath.Join(s.dir, "results/small/records.jsonl")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Replace(text, []byte(`"status":"ok"`), []byte(`"status":"OK"`), 1), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := s.run("table", "results/small"); code != exitDone || !strings.Contains(stderr, "left out: record: results/small/records.jsonl:1: the checksum does not match") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := s.run("bundle", "results/small"); code != exitInternal || !strings.Contains(stderr, "records.jsonl:1: ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, stdout, stderr = s.run("run", "small.yaml")
	if want := fmt.Sprintf("%d points done (%d before), 0 failed", smallPoints, smallPoints-1); code != exitDone || !strings.Contains(stdout, want) || !strings.Contains(stderr, "set aside as records.jsonl.1.damaged") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	code, stdout, stderr = s.run("bundle", "results/small")
	if want := fmt.Sprintf("results/small/records.jsonl: %d records\n", smallPoints); code != exitDone || stdout != want {
		t.Errorf("exit code %d: %q, %s", code, stdout, stderr)
	}

	if code, _, stderr := s.run("bundle", "nowhere"); code != exitBadInput || !strings.Contains(stderr, "nowhere: no points/ folder and no records.jsonl") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
