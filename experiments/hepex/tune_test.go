package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/harness/run"
	"hepex/harness/trial"
)

// tuned is two schemes with two seeds and two tile shapes.
const tuned = `version: 1
name: tuned
data: {name: digits, train: 600, test: 100, validation: 0.2}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3}
prune: {scheme: dense, ratio: 0.9, retrain: {epochs: 2}}
tile: 16x8x32
he: {weights: plain, precision: 12}
sweep: {grid: {prune.scheme: [dense, p4e], train.seed: [1, 2], tile: [16x8x32, 8x16x32]}}
`

// plan reads the points of a config text.
func planOf(t *testing.T, text string) []run.Planned {
	t.Helper()
	c, err := config.Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var plan []run.Planned
	for _, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			t.Fatal(err)
		}
		plan = append(plan, run.Planned{Point: p, ID: id})
	}
	return plan
}

// Points that differ in their seed only belong together, and unpruned networks are one, whatever tile they were meant for.
func TestSeedGroups(t *testing.T) {
	var got []string
	for _, group := range seedGroups(planOf(t, tuned)) {
		var seeds []int
		for _, p := range group {
			seeds = append(seeds, p.Spec.Train.Seed)
		}
		if !slices.Equal(seeds, []int{1, 2}) {
			t.Errorf("seeds %v of %s", seeds, group[0].Spec.Prune.Scheme)
		}
		got = append(got, strings.Join(described(group[0], planOf(t, tuned)), " "))
	}
	if diff := cmp.Diff([]string{"dense tile 16x8x32", "p4e tile 16x8x32", "p4e tile 8x16x32"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoss(t *testing.T) {
	for text, want := range map[string]float64{"0.01": 0.01, "1pt": 0.01, "0.5 pt": 0.005, "0": 0, "2": 2} {
		var l loss
		if err := l.Set(text); err != nil || math.Abs(float64(l)-want) > 1e-15 {
			t.Errorf("%s: %g, %v; want %g", text, l, err, want)
		}
	}
	for _, text := range []string{"", "pt", "1%", "-1pt", "NaN", "Inf", "1e999"} {
		var l loss
		if err := l.Set(text); err == nil {
			t.Errorf("%q is taken for %g", text, l)
		}
	}
}

// The lines of tune name their points and what tells these apart, each once; the first can be written as a config, and a loss that nothing keeps to ends
// with the least that there is.
func TestTune(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("tuned.yaml", tuned)
	for _, path := range []string{"./tuned.yaml", ".", "tuned.yaml/best.yaml"} {
		if code, out, errs := s.run("tune", "tuned.yaml", "--write", path); code != exitBadInput || out != "" || !strings.Contains(errs, "--write") {
			t.Errorf("--write %s: exit code %d, %q, %q", path, code, out, errs)
		}
	}
	code, out, errs := s.run("tune", "tuned.yaml", "--batch", "1", "--degradation", "100pt", "--write", "best.yaml")
	if code != exitDone || !strings.Contains(errs, "--degradation 1 allows a loss of 100 %") || !strings.Contains(out, "best.yaml") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	plan := planOf(t, tuned)
	lines := map[string]bool{}
	for line := range strings.Lines(out) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.Contains(line, "point") || strings.Contains(line, ":-") {
			continue
		}
		id := strings.TrimSpace(cells[1])
		if !slices.ContainsFunc(plan, func(p run.Planned) bool { return p.ID == id }) || strings.TrimSpace(cells[2]) != "1 2" {
			t.Errorf("no point and seeds in %s", line)
		}
		if lines[line] {
			t.Errorf("twice: %s", line)
		}
		lines[line] = true
	}
	if len(lines) < 3 {
		t.Errorf("%d lines:\n%s", len(lines), out)
	}
	if code, out, errs := s.run("tune", "tuned.yaml", "--batch", "1", "--degradation", "100pt", "--memory", "1MiB"); code != exitFailed || out != "" || !strings.Contains(errs, "no layout fits: the least, ") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	best, err := config.Load(filepath.Join(s.dir, "best.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(best.Points) != 2 || best.Name != "tuned-best" || best.Points[0].Spec.Train.Seed+best.Points[1].Spec.Train.Seed != 3 || len(best.Points[0].Params) == 0 {
		text, _ := os.ReadFile(filepath.Join(s.dir, "best.yaml"))
		t.Errorf("%s", text)
	}
	lossy := strings.NewReplacer("[dense, p4e]", "[p4e]", "ratio: 0.9", "ratio: 0.99").Replace(tuned)
	s.write("lossy.yaml", lossy)
	code, out, errs = s.run("tune", "lossy.yaml", "--batch", "1", "--degradation", "0")
	named := slices.ContainsFunc(planOf(t, lossy), func(p run.Planned) bool { return strings.Contains(errs, "of point "+p.ID+" (p4e, tile ") })
	if code != exitFailed || out != "" || !strings.Contains(errs, "the least is 0.") || !named {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
