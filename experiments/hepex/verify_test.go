package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

// claims is two schemes at two ratios for two tiles and two seeds, and the dense network: 20 points.
const claims = `version: 1
name: claims
data: {name: digits}
network: {type: mlp, hidden: [64]}
prune: {scheme: dense}
tile: 8x8x64
sweep:
  grid: {prune.scheme: [p4e, joint], prune.ratio: [0.5, 0.8], tile: [8x8x64, 16x16x16], train.seed: [1, 2]}
  cases: [{label: dense, prune.scheme: dense, tile: [8x8x64, 16x16x16], train.seed: [1, 2]}]
expect:
  - {id: C1, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: saved.tiles, reduce: max, over: [train.seed], paper: [0.33, 0.65], note: "abstract, v2 | first sentence"}
  - {id: C4, where: {prune.scheme: joint, quality.validation_degradation: "<= 0.025", tile: 8x8x64}, metric: tiles.kept, reduce: min, against: {prune.scheme: p4e}, over: [train.seed], paper: 0.58, tolerance: 0.01}
`

// verified writes the records that make would have as results of the config's points, and gives the folder for --out
// and the config.
func verified(t *testing.T, text string, result func(p config.Point) *record.Record) (out, path string) {
	t.Helper()
	out = t.TempDir()
	path = filepath.Join(out, "claims.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	store := record.NewStore(filepath.Join(out, c.Name))
	for _, p := range c.Points {
		r := result(p)
		if r == nil {
			continue
		}
		if r.Point, err = trial.PointID(p); err != nil {
			t.Fatal(err)
		}
		r.Experiment, r.Params = c.Name, p.Params
		if err := store.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return out, path
}

// claimed keeps of 100 tiles: dense 100, p4e 50 + seed, for the other tile 60 + seed, joint 20 + seed. At ratio 0.8 all
// lose too much and keep one.
func claimed(p config.Point) *record.Record {
	seed := p.Spec.Train.Seed
	kept, lost := 100, 0.0
	switch {
	case p.Spec.Prune.Scheme == "dense":
	case p.Spec.Prune.Ratio == 0.8:
		kept, lost = 1, 0.5
	case p.Spec.Prune.Scheme == "joint":
		kept = 20 + seed
	case p.Spec.Tile.In == 8:
		kept = 50 + seed
	default:
		kept = 60 + seed
	}
	return &record.Record{
		Status: record.OK, HE: &record.HE{SecurityBits: 128},
		Quality: &record.Quality{Metric: "accuracy", ValidationDegradation: lost},
		Tiles:   &record.Tiles{Total: 100, Kept: kept, Density: float64(kept) / 100},
	}
}

// Saved: 49, 48 % and 39, 38 %: mean 43.5; of a tile ± 12.7062·0.5. Against the
// rival: 1 − 21/51 = 0.58824, 1 − 22/52 = 0.57692: mean 0.58258, ± 12.7062·0.00566.
func TestVerify(t *testing.T) {
	out, path := verified(t, claims, claimed)
	foreign := &record.Record{Point: "feedfeedfeedfeed", Status: record.OK, Params: map[string]any{"prune.scheme": "p4e"}, Tiles: &record.Tiles{Kept: 1, Total: 100}}
	if err := record.NewStore(filepath.Join(out, "claims")).Write(foreign); err != nil {
		t.Fatal(err)
	}
	const reading = "ours: the mean of all values; there is one for each seed (or what else over names) of each group, such as a tile shape, and this mean alone decides. " +
		"±: the 95 % interval over the seeds of a group (Student's t). Several groups have a line each, with the verdict on its own mean; " +
		"the least and the greatest of their means are in brackets. Against a rival, a value is 1 − ours/theirs.\n"
	for format, want := range map[string]string{
		"text": `
id  metric       what                                                                  ours                         values  paper or goal         verdict     note
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
C1  saved.tiles  p4e, validation_degradation ≤ 0.025: max                              43.50 % (38.50 % … 48.50 %)  4       33.00 % … 65.00 %     reproduced  abstract, v2 | first sentence
                 · tile 16x16x16                                                       38.50 ± 6.35 %               2                             reproduced
                 · tile 8x8x64                                                         48.50 ± 6.35 %               2                             reproduced
C4  tiles.kept   joint, validation_degradation ≤ 0.025, tile 8x8x64: min, against p4e  58.26 ± 7.19 %               2       58.00 % (within 1 %)  reproduced

` + reading,
		"markdown": `
| id | metric      | what                                                                  | ours                        | values | paper or goal        | verdict    | note                           |
|:---|:------------|:----------------------------------------------------------------------|:----------------------------|:-------|:---------------------|:-----------|:-------------------------------|
| C1 | saved.tiles | p4e, validation\_degradation ≤ 0.025: max                             | 43.50 % (38.50 % … 48.50 %) | 4      | 33.00 % … 65.00 %    | reproduced | abstract, v2 \| first sentence |
|    |             | · tile 16x16x16                                                       | 38.50 ± 6.35 %              | 2      |                      | reproduced |                                |
|    |             | · tile 8x8x64                                                         | 48.50 ± 6.35 %              | 2      |                      | reproduced |                                |
| C4 | tiles.kept  | joint, validation\_degradation ≤ 0.025, tile 8x8x64: min, against p4e | 58.26 ± 7.19 %              | 2      | 58.00 % (within 1 %) | reproduced |                                |

` + reading,
	} {
		code, stdout, stderr := hepex("verify", path, "--out", out, "--format", format)
		if code != exitDone || !strings.HasPrefix(stderr, "hepex: warning: left out: 1 records in ") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), stdout); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// Results are judged by the config that is frozen beside them.
func TestVerifyResults(t *testing.T) {
	out, path := verified(t, claims, claimed)
	dir := filepath.Join(out, "claims")
	_, want, _ := hepex("verify", path, "--out", out)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := hepex("verify", dir); code != exitBadInput {
		t.Errorf("without a config: exit code %d: %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := hepex("verify", dir); code != exitDone || stdout != want {
		t.Errorf("exit code %d: %s\n%s", code, stderr, cmp.Diff(want, stdout))
	}
}

// makeOlder makes records those of an earlier version, which computed points in another way and did not know the layout.
func makeOlder(t *testing.T, dir string) {
	t.Helper()
	store := record.NewStore(dir)
	set, damaged, err := store.Load()
	if err != nil || len(damaged) > 0 {
		t.Fatal(damaged, err)
	}
	for _, r := range set {
		if err := os.RemoveAll(filepath.Join(dir, "points", r.Point)); err != nil {
			t.Fatal(err)
		}
		r.Point = strings.Map(func(c rune) rune { return '0' + (c+1)%10 }, r.Point)
		delete(r.Params, "layout")
		if err := store.Write(r); err != nil {
			t.Fatal(err)
		}
	}
}

// Records of an earlier version are judged in the place of those that are missing, and it is said that they are.
func TestVerifyOlderRecords(t *testing.T) {
	out, path := verified(t, claims, claimed)
	_, before, _ := hepex("verify", path, "--out", out)
	makeOlder(t, filepath.Join(out, "claims"))
	code, stdout, stderr := hepex("verify", path, "--out", out)
	if code != exitDone || stdout != before || !strings.Contains(stderr, "are by another version of hepex") || strings.Contains(stderr, "not measured") {
		t.Errorf("exit code %d, %s\n%s", code, stderr, cmp.Diff(before, stdout))
	}
}

// Records are in the order of the config, which is that of rows in figures, whatever version made them.
func TestOlderRecordsKeepTheirPlace(t *testing.T) {
	_, path := verified(t, claims, claimed)
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var all record.Set
	var want []string
	for i, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			id = "older" + id
		}
		want, all = append(want, id), append(all, &record.Record{Point: id, Params: p.Params, Status: record.OK})
	}
	var stderr bytes.Buffer
	records, err := (&app{streams: streams{err: &stderr}}).ofConfig(c, all, "results")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Point)
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(stderr.String(), "10 records in results are by another version") {
		t.Errorf("%s(-want +got):\n%s", stderr.String(), diff)
	}
}

// hepex runs the command in this process.
func hepex(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = execute(context.Background(), streams{strings.NewReader(""), &out, &err}, args)
	return code, out.String(), err.String()
}

func TestVerifyMisses(t *testing.T) {
	demanding := strings.NewReplacer("[0.33, 0.65]", "0.95", "paper: 0.58", "paper: 0.3").Replace(claims)
	for _, c := range []struct {
		name, config string
		result       func(p config.Point) *record.Record
		code         int
		stdout       []string
		stderr       string
	}{
		{"one of two", demanding, claimed, exitMissed, []string{"missed", "better"}, "hepex: 1 of 2 expectations missed: C1\n"},
		{"all failed", claims, func(config.Point) *record.Record {
			return &record.Record{Status: record.Failed, Error: &record.Error{Kind: "panic"}}
		}, exitFailed,
			[]string{"nothing to judge", "C1 nothing to judge: no point with a result has prune.scheme p4e", "C4 nothing to judge: no point with a result has prune.scheme joint and tile 8x8x64"},
			"hepex: warning: of 20 points, 0 are not measured and 20 failed; the verdicts are of the others\nhepex: 2 of 2 expectations have no results to judge them by: C1, C4\n"},
		{"some failed, some missing", claims, func(p config.Point) *record.Record {
			switch r := claimed(p); {
			case p.Spec.Prune.Scheme == "joint" && p.Spec.Train.Seed == 2:
				return &record.Record{Status: record.Failed, Error: &record.Error{Kind: "panic"}}
			case p.Spec.Prune.Ratio == 0.8:
				return nil
			default:
				return r
			}
		}, exitMissed, []string{"58.82 %", "1 of 2", "C4 missed: no point with a result has prune.scheme joint and tile 8x8x64 in 1 of 2 cases (train.seed 2)."},
			"hepex: warning: of 20 points, 6 are not measured and 4 failed; the verdicts are of the others\nhepex: 1 of 2 expectations missed: C4\n"},
		{"a seed not measured", claims, func(p config.Point) *record.Record {
			if p.Spec.Train.Seed == 2 {
				return nil
			}
			return claimed(p)
		}, exitDone, []string{"49.00 %", "58.82 %"}, "hepex: warning: of 20 points, 10 are not measured and 0 failed; the verdicts are of the others\n"},
		{"a seed without a point that is good enough", claims, func(p config.Point) *record.Record {
			r := claimed(p)
			if p.Spec.Train.Seed == 2 && p.Spec.Prune.Scheme == "p4e" {
				r.Quality.ValidationDegradation = 0.5
			}
			return r
		}, exitMissed, []string{
			"C1 missed: no point has prune.scheme p4e and quality.validation_degradation <= 0.025 in 2 of 4 cases (tile 16x16x16, train.seed 2; tile 8x8x64, train.seed 2).",
			"cases (train.seed 2), while ours meets its own conditions."},
			"hepex: 2 of 2 expectations missed: C1, C4\n"},
		{"insecure", claims, func(p config.Point) *record.Record {
			r := claimed(p)
			r.HE = &record.HE{Insecure: true}
			return r
		}, exitDone, []string{"INSECURE PARAMETERS"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, path := verified(t, c.config, c.result)
			code, stdout, stderr := hepex("verify", path, "--out", out)
			if code != c.code || stderr != c.stderr {
				t.Errorf("exit code %d, want %d: %q, want %q", code, c.code, stderr, c.stderr)
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
		})
	}
}

// A folder without records is no missed expectation.
func TestVerifyNothing(t *testing.T) {
	out, path := verified(t, claims, func(config.Point) *record.Record { return nil })
	code, stdout, stderr := hepex("verify", path, "--out", out)
	if code != exitFailed || stdout != "" || !strings.HasPrefix(stderr, "hepex: nothing to judge: ") || !strings.Contains(stderr, "hepex run "+path) {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestVerifyRefuses(t *testing.T) {
	head, _, _ := strings.Cut(claims, "expect:")
	for name, c := range map[string]struct {
		config string
		args   []string
		says   string
	}{
		"no expectations":      {head, nil, "no expect section"},
		"unknown metric":       {strings.Replace(claims, "metric: tiles.kept", "metric: tiles.keep", 1), nil, "claims.yaml:12:"},
		"unknown in where":     {strings.Replace(claims, "quality.validation_degradation", "quality.lost", 1), nil, "claims.yaml:11:41: record: no metric"},
		"savings, no dense":    {strings.Replace(claims, "  cases: [{label: dense, prune.scheme: dense, tile: [8x8x64, 16x16x16], train.seed: [1, 2]}]\n", "", 1), nil, "dense point"},
		"bad comparison":       {strings.Replace(claims, "<= 0.025", "0.025", 1), nil, "claims.yaml:11:73: expect: where: quality.validation_degradation"},
		"about no point":       {strings.Replace(claims, "tile: 8x8x64}, metric", "tile: 4x8x128}, metric", 1), nil, "claims.yaml:12:87: expect: where: no point of the sweep has tile 4x8x128"},
		"no such format":       {claims, []string{"--format", "xml"}, "want text, markdown, latex or csv"},
		"unknown key of entry": {strings.Replace(claims, "tolerance:", "tolerence:", 1), nil, "did you mean tolerance?"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "claims.yaml")
			if err := os.WriteFile(path, []byte(c.config), 0o644); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := hepex(append([]string{"verify", path, "--out", t.TempDir()}, c.args...)...)
			if code != exitBadInput || stdout != "" || !strings.Contains(stderr, c.says) {
				t.Errorf("exit code %d, %q, %q: want %q", code, stdout, stderr, c.says)
			}
		})
	}
}
