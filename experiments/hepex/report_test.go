package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/config"
	"hepex/harness/record"
)

func TestReport(t *testing.T) {
	s := newSandbox(t)
	out, _ := verified(t, claims, func(p config.Point) *record.Record {
		if p.Spec.Tile.In == 16 && p.Spec.Train.Seed == 2 {
			return nil
		}
		return claimed(p)
	})
	text, err := os.ReadFile(filepath.Join(out, "claims.yaml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(out, "claims", "config.yaml"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	dir := filepath.Join(out, "claims")
	code, stdout, stderr := s.run("report", dir)
	if path := filepath.Join(dir, "report.html"); code != exitDone || stdout != path+"\n" || stderr != "" {
		t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
	}
	one := read(filepath.Join(dir, "report.html"))
	for _, says := range []string{"15 of 15 points with a record have a result; 5 more are planned", "- {prune.ratio: 0.5, prune.scheme: p4e, tile: 8x8x64, train.seed: 1}"} {
		if !strings.Contains(one, says) {
			t.Errorf("the report does not say %q", says)
		}
	}

	// Where the results lie changes nothing, however their folder is written.
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(moved, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := s.run("report", moved+"/.", "--out", "moved.html"); code != exitDone || read(filepath.Join(s.dir, "moved.html")) != one {
		t.Errorf("exit code %d, %s, or other bytes", code, stderr)
	}

	if code, _, stderr := s.run("report", dir, moved, "--out", "both.html"); code != exitDone || !strings.Contains(read(filepath.Join(s.dir, "both.html")), `id="e2p14"`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "empty", "points"), 0o755); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"--out: missing; want a file":                 {"report", dir, moved},
		"nowhere: no points/ folder":                  {"report", "nowhere"},
		"report: no records: want results":            {"report", "empty"},
		"requires at least 1 arg(s), only received 0": {"report"},
	} {
		if code, stdout, stderr := s.run(args...); code != exitBadInput || stdout != "" || !strings.Contains(stderr, says) {
			t.Errorf("%v: exit code %d, %q, %q: want %q", args, code, stdout, stderr, says)
		}
	}
	if s.exists("empty/report.html") {
		t.Error("a report of nothing was written")
	}
}
