package main

import (
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/record"
)

// timed writes a store with two points, dense and p4e, each of which takes 40 ms, with six repeats a tenth of a per cent apart.
func timed(t *testing.T, cpu string, edits ...func(*record.Record)) string {
	t.Helper()
	dir := t.TempDir()
	for _, scheme := range []string{"dense", "p4e"} {
		r := &record.Record{
			Point: scheme, Status: record.OK, HE: &record.HE{SecurityBits: 128}, Threads: 1,
			Params:      map[string]any{"prune.scheme": scheme, "tile": "8x8x64", "train.seed": 1},
			Latency:     &record.Latency{},
			Quality:     &record.Quality{Metric: "accuracy", Plain: 0.97},
			Environment: record.Environment{CPU: cpu, Cores: 2, Commit: "c0ffee"},
		}
		for i := range 6 {
			r.Latency.Evaluate = append(r.Latency.Evaluate, 0.04*(1+float64(i)/1000))
		}
		for _, edit := range edits {
			edit(r)
		}
		if err := record.NewStore(dir).Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// faster halves the time of p4e and costs half a point of accuracy.
func faster(r *record.Record) {
	if r.Params["prune.scheme"] == "p4e" {
		r.Quality.Plain = 0.965
		for i := range r.Latency.Evaluate {
			r.Latency.Evaluate[i] /= 2
		}
	}
}

func TestCompare(t *testing.T) {
	old, new := timed(t, "Xeon"), timed(t, "EPYC", faster)
	const notes = `
Medians ± half the 95 % interval (the range below 6 values) of n repeats; p: Mann–Whitney U, corrected for 2 tests (Holm); ~: no significant difference (p > 0.05).

Repeats of one process are tested as if independent; how processes differ from each other is not sampled, so that even a program against itself may differ significantly.

Without p: one value on each side, no test.

Commits: c0ffee → c0ffee.
`
	const flag = `NOT MEASURED ALIKE: cpu Xeon → EPYC. Times and memory may differ for that reason too.
`
	for format, want := range map[string]string{
		"text": flag + `
metric            point           old              new              delta         p      n
────────────────────────────────────────────────────────────────────────────────────────────
latency.evaluate  dense           40.10 ± 0.10 ms  40.10 ± 0.10 ms  ~             1.000  6
latency.evaluate  p4e             40.10 ± 0.10 ms  20.05 ± 0.05 ms  -50.00 %      0.004  6
latency.evaluate  geometric mean  40.1 ms          28.4 ms          -29.29 %
quality.plain     dense           97.00 %          97.00 %          0             -      1
quality.plain     p4e             97.00 %          96.50 %          -0.50 points  -      1
` + notes,
		"markdown": flag + `
| metric           | point          | old             | new             | delta        | p     | n |
|:-----------------|:---------------|:----------------|:----------------|:-------------|:------|:--|
| latency.evaluate | dense          | 40.10 ± 0.10 ms | 40.10 ± 0.10 ms | ~            | 1.000 | 6 |
| latency.evaluate | p4e            | 40.10 ± 0.10 ms | 20.05 ± 0.05 ms | -50.00 %     | 0.004 | 6 |
| latency.evaluate | geometric mean | 40.1 ms         | 28.4 ms         | -29.29 %     |       |   |
| quality.plain    | dense          | 97.00 %         | 97.00 %         | 0            | -     | 1 |
| quality.plain    | p4e            | 97.00 %         | 96.50 %         | -0.50 points | -     | 1 |
` + notes,
	} {
		code, stdout, stderr := hepex("compare", old, new, "--metric", "latency.evaluate,quality.plain", "--format", format)
		if code != exitDone || stderr != "" {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if diff := cmp.Diff(want, stdout); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	code, stdout, stderr := hepex("compare", old, new, "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if code != exitDone || err != nil || len(rows) != 3 || rows[2][1] != "p4e" || rows[2][11] != "0.5" || rows[2][15] != "cpu" || !strings.Contains(stderr, "NOT MEASURED ALIKE") {
		t.Errorf("exit code %d, %v, %v, %q", code, err, rows, stderr)
	}
	if _, stdout, _ = hepex("compare", old, old); strings.Contains(stdout, "NOT MEASURED ALIKE") || strings.Count(stdout, "~ ") != 2 {
		t.Errorf("a result and itself:\n%s", stdout)
	}
}

// Several results of one side are its runs.
func TestCompareRuns(t *testing.T) {
	old, new := timed(t, "Xeon"), timed(t, "Xeon", faster)
	code, stdout, stderr := hepex("compare", old+","+old, new+","+new+","+new, "--metric", "quality.plain")
	if code != exitDone || stderr != "" || !strings.Contains(stdout, "(-0.50 points)") || !strings.Contains(stdout, "2+3") || !strings.Contains(stdout, "of n runs;") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	if code, _, stderr := hepex("compare", old+",nowhere", new); code != exitBadInput || !strings.Contains(stderr, "nowhere: no points/ folder") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestCompareLists(t *testing.T) {
	old := timed(t, "Xeon")
	new := timed(t, "Xeon", func(r *record.Record) {
		if r.Params["prune.scheme"] == "p4e" {
			r.Point, r.Params["prune.scheme"] = "p3", "p3"
		}
	})
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"1 point only in old (--all lists them).", "1 point only in new"}},
		{[]string{"--all"}, []string{"Only in old: p4e.", "Only in new: p3."}},
		{[]string{"--over", "prune.scheme"}, []string{"n points that differ in prune.scheme"}},
	} {
		code, stdout, stderr := hepex(append([]string{"compare", old, new}, c.args...)...)
		for _, want := range c.want {
			if code != exitDone || !strings.Contains(stdout, want) {
				t.Errorf("%v: exit code %d, no %q in\n%s%s", c.args, code, want, stdout, stderr)
			}
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	dir, other := timed(t, "Xeon"), timed(t, "Xeon", func(r *record.Record) { r.Params["tile"] = "16x8x32" })
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no folder":           {[]string{dir, "nowhere"}, "nowhere: no points/ folder"},
		"one side":            {[]string{dir}, "usage: hepex compare OLD NEW [flags]; see hepex compare --help"},
		"unknown metric":      {[]string{dir, dir, "--metric", "latency.evaluated"}, "did you mean latency.evaluate"},
		"unknown parameter":   {[]string{dir, dir, "--over", "seed"}, "--over seed: want a parameter"},
		"unknown format":      {[]string{dir, dir, "--format", "xml"}, "want text, markdown or csv"},
		"nothing in common":   {[]string{dir, other}, "nothing to compare"},
		"metric not measured": {[]string{dir, dir, "--metric", "tiles.density"}, "No point has tiles.density on both sides."},
	} {
		code, stdout, stderr := hepex(append([]string{"compare"}, c.args...)...)
		if code != exitBadInput || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit code %d, %q, %q: want %q", name, code, stdout, stderr, c.says)
		}
	}
}

// compare takes the records that table shows: not those that are of none of the config's points.
func TestCompareTakesWhatTableShows(t *testing.T) {
	var dirs []string
	for range 2 {
		out, path := verified(t, claims, claimed)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(out, "claims")
		if err := os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		stale := &record.Record{Point: "feedfeedfeedfeed", Status: record.OK, Params: map[string]any{"prune.scheme": "p4e", "prune.ratio": 0.77}, Tiles: &record.Tiles{Kept: 1, Total: 100}}
		if err := record.NewStore(dir).Write(stale); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	code, stdout, stderr := hepex("compare", dirs[0], dirs[1], "--metric", "tiles.kept")
	if code != exitDone || strings.Contains(stdout, "0.77") || strings.Count(stdout, "tiles.kept") != 21 || strings.Count(stderr, "left out: 1 records") != 2 {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
}

// Results that share nothing are told in a few lines, however many points there are.
func TestNothingToCompareIsShort(t *testing.T) {
	var dirs []string
	for _, tile := range []string{"8x8x64", "16x16x16"} {
		dir := t.TempDir()
		for i := range 50 {
			r := &record.Record{Point: fmt.Sprint(i), Status: record.OK, Params: map[string]any{"tile": tile, "prune.ratio": float64(i) / 50}, Tiles: &record.Tiles{Total: 9, Kept: i}}
			if err := record.NewStore(dir).Write(r); err != nil {
				t.Fatal(err)
			}
		}
		dirs = append(dirs, dir)
	}
	code, stdout, stderr := hepex("compare", dirs[0], dirs[1], "--metric", "tiles.kept")
	if code != exitBadInput || stdout != "" || len(stderr) > 500 || !strings.Contains(stderr, "50 points only in old (--all lists them).") {
		t.Errorf("exit code %d, %d bytes: %s", code, len(stderr), stderr)
	}
}

// Records of a later version are not for this one to read, drop or do again.
func TestNewerSchemaIsBadInput(t *testing.T) {
	dir := timed(t, "Xeon")
	path := filepath.Join(dir, "points", "p4e", "1.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(strings.Replace(string(text), `"schema": 1`, `"schema": 99`, 1), ",\n  \"checksum\"")
	text = fmt.Appendf(nil, "%s,\n  \"checksum\": \"%x\"\n}\n", body, sha256.Sum256([]byte(body)))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"export", dir}, {"compare", dir, dir}} {
		code, stdout, stderr := hepex(args...)
		if code != exitBadInput || stdout != "" || !strings.Contains(stderr, "1.json has schema 99: this program reads up to 1;") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != string(text) {
		t.Errorf("the record was touched: %v", err)
	}
}
