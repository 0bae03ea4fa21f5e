package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/record"
)

// patients writes the table of the README into the sandbox.
func (s *sandbox) patients() {
	s.t.Helper()
	for _, program := range []string{"sh", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			s.t.Skip(err)
		}
	}
	table, err := exec.CommandContext(s.t.Context(), "sh", "../../scripts/patients.sh").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("patients.csv", string(table))
}

// mustRun gives what a command printed that must do its work.
func (s *sandbox) mustRun(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(args...)
	if code != exitDone {
		s.t.Fatalf("%v: exit code %d, %s", args, code, stderr)
	}
	return stdout
}

// The lines of the README go from a table to an encrypted, pruned classifier, in an empty folder; then results can be shown without it.
func TestFromTableToEncryptedClassifier(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.patients()
	shown := s.mustRun("data", "show", "patients.csv", "--label", "ill")
	for _, want := range []string{"800 to train, 200 to test", "inputs   30, scaled: standard", "classes  2", "m30"} {
		if !strings.Contains(shown, want) {
			t.Errorf("data show: %s\nwant %q", shown, want)
		}
	}
	text, err := os.ReadFile("../../configs/own-data.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.write("own.yaml", string(text))
	if fromConfig := s.mustRun("data", "show", "own.yaml"); fromConfig != shown {
		t.Errorf("data show of the config: %s\nwant %s", fromConfig, shown)
	}
	s.mustRun("run", "own.yaml")
	results := filepath.Join("results", "own-data")
	set, damaged, err := record.NewStore(filepath.Join(s.dir, results)).Load()
	if err != nil || len(damaged) > 0 || len(set) != 5 {
		t.Fatalf("%d records, %v, damaged %v: want 5", len(set), err, damaged)
	}
	for _, rec := range set {
		q := rec.Quality
		if q.Encrypted < 0.7 || q.PrecisionBits < 16 || rec.HE.SecurityBits != 128 || rec.Data.Classes != 2 {
			t.Errorf("%s: quality %+v, parameters %+v, data %+v", rec.Point, q, rec.HE, rec.Data)
		}
	}
	if err := os.Remove(filepath.Join(s.dir, "patients.csv")); err != nil {
		t.Fatal(err)
	}
	if table := s.mustRun("table", results); !strings.Contains(table, "joint") {
		t.Errorf("without the file: %s", table)
	}
	if code, _, stderr := s.run("run", "own.yaml"); code != exitBadInput || !strings.Contains(stderr, "patients.csv: no such file or folder") {
		t.Errorf("without the file: exit code %d, %s", code, stderr)
	}
}

// Bad data are refused like bad configs: with their place, before anything runs.
func TestBadData(t *testing.T) {
	const text = "version: 1\nname: bad\ndata: {from: data.csv, label: class}\nnetwork: {type: mlp, hidden: [4]}\nprune: {scheme: dense}\ntile: 4x4x256\n"
	for name, c := range map[string]struct{ content, want string }{
		"ragged":          {"a,class\n1,0\n1\n", "data.csv:3: 1 cells"},
		"several":         {"a,class\nx,0\n,1\n", "data.csv:3: column \"a\": an empty cell"},
		"labels from one": {"a,class\n" + strings.Repeat("1,1\n2,2\n", 20), "labels run from 1 to 2"},
		"no text":         {"\x93NUMPY\x01\x00", "data.csv:1: not text"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.write("bad.yaml", text)
			s.write("data.csv", c.content)
			for _, args := range [][]string{{"run", "bad.yaml"}, {"check", "bad.yaml"}, {"data", "show", "bad.yaml"}, {"data", "show", "data.csv", "--label", "class"}} {
				if code, stdout, stderr := s.run(args...); code != exitBadInput || stdout != "" || !strings.Contains(stderr, c.want) {
					t.Errorf("%v: exit code %d, %q, %q: want %q", args, code, stdout, stderr, c.want)
				}
			}
			if left, err := os.ReadDir(s.dir); err != nil || len(left) != 2 {
				t.Errorf("left in the folder: %v, %v", left, err)
			}
		})
	}
}
