package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/record"
)

// The committed results are whole: each is one file of intact records, which its frozen config has a place for, and every table can be
// made of them.
func TestCommittedResults(t *testing.T) {
	const root = "../../results"
	configs, err := filepath.Glob(root + "/*/config.yaml")
	if err != nil || len(configs) == 0 {
		t.Fatal(configs, err)
	}
	for _, path := range configs {
		dir := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(dir, "records.jsonl")); err != nil {
			continue // somebody's own run
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			set, damaged, err := record.NewStore(dir).Load()
			if err != nil || len(damaged) > 0 || len(set) == 0 {
				t.Fatalf("%d records, damaged %v, %v", len(set), damaged, err)
			}
			code, stdout, stderr := hepex("table", dir, "--format", "csv")
			if code != exitDone || stdout == "" {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if strings.Contains(stderr, "left out") {
				t.Errorf("records are not used: %s", stderr)
			}
		})
	}
}
