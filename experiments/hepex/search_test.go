package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hepex/harness/record"
)

// sought is a config to search around: no more than what is to be learnt, by what network.
const sought = `version: 1
name: sought
data: {name: digits, train: 600, test: 100, validation: 0.4}
network: {type: mlp, hidden: [32], activation: square}
train: {epochs: 2, batch: 64, lr: 5e-3}
prune: {scheme: dense, retrain: {epochs: 2}}
tile: auto
he: {weights: plain, precision: 14}
measure: {warmup: 0, repeats: {min: 1, max: 1, ci: 0.5}}
`

func (s *sandbox) search() []string {
	return []string{"tune", "sought.yaml", "--search", "--batch", "8", "--degradation", "0.1", "--trainings", "5"}
}

// points are the ids below an experiment's folder.
func (s *sandbox) points(experiment string) (ids []string) {
	s.t.Helper()
	folders, _ := filepath.Glob(filepath.Join(s.dir, "results", experiment, "points", "*"))
	for _, f := range folders {
		ids = append(ids, filepath.Base(f))
	}
	return ids
}

// A search ends with a config that ran encrypted, its records can be shown like any others, and one that is killed on the way
// and started again ends alike.
func TestTuneSearch(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("sought.yaml", sought)
	code, stdout, stderr := s.run(s.search()...)
	if code != exitDone || !strings.Contains(stdout, "measured") || !strings.Contains(stdout, "on the test set") || !strings.Contains(stderr, "at most 5 trainings") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	best, err := os.ReadFile(filepath.Join(s.dir, "results/sought-search/sought-best.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if code, out, _ := s.run("run", "results/sought-search/sought-best.yaml"); code != exitDone || !strings.Contains(out, "nothing to do") {
		t.Errorf("the best is not what ran: exit code %d, %s", code, out)
	}
	set, damaged, err := record.NewStore(filepath.Join(s.dir, "results/sought-search")).Load()
	if err != nil || len(damaged) > 0 || len(set) < 2 || len(set) > 5 {
		t.Errorf("%d records, damaged %v, %v: want 2 to 5", len(set), damaged, err)
	}
	if code, out, errs := s.run("table", "results/sought-search"); code != exitDone || !strings.Contains(out, "dense") || strings.Contains(errs, "left out") {
		t.Errorf("table: exit code %d\n%s%s", code, out, errs)
	}

	again := newPricedSandbox(t)
	again.write("sought.yaml", sought)
	cmd := again.command(again.search()...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	again.eventually("two networks are trained", func() bool { return len(again.points("sought-search")) > 1 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if code, stdout, stderr := again.run(again.search()...); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if text, err := os.ReadFile(filepath.Join(again.dir, "results/sought-search/sought-best.yaml")); err != nil || string(text) != string(best) {
		t.Errorf("%v, the best after a kill:\n%s\nat once:\n%s", err, text, best)
	}
	if got, want := again.points("sought-search"), s.points("sought-search"); !slices.Equal(got, want) {
		t.Errorf("after a kill the points %v: at once %v", got, want)
	}
}

// Convolutional networks become smaller in their filters, their neurons and in what they look at.
func TestTuneSearchConvolutions(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	text := strings.Replace(sought, "{type: mlp, hidden: [32], activation: square}", "{type: cnn, layers: [conv 4 7 stride 3], activation: square}", 1)
	s.write("sought.yaml", strings.Replace(text, "{scheme: dense, ", "{scheme: dense, hidden: [8], ", 1)) // which the unpruned network does not read
	code, stdout, stderr := s.run("tune", "sought.yaml", "--search", "--objective", "throughput", "--degradation", "0.1", "--trainings", "3")
	if code != exitDone || !strings.Contains(stdout, "measured") || !strings.Contains(stderr, " padding -") {
		t.Fatalf("exit code %d: want a search that crops\n%s%s", code, stdout, stderr)
	}
	if best, err := os.ReadFile(filepath.Join(s.dir, "results/sought-search/sought-best.yaml")); err != nil || strings.Contains(string(best), "hidden") {
		t.Errorf("%v, the best:\n%s\nwant convolutions", err, best)
	}
	set, damaged, err := record.NewStore(filepath.Join(s.dir, "results/sought-search")).Load()
	if err != nil || len(damaged) > 0 || len(set) < 2 {
		t.Errorf("%d records, damaged %v, %v: want 2 at least", len(set), damaged, err)
	}
	if code, out, errs := s.run("table", "results/sought-search"); code != exitDone || !strings.Contains(out, "dense") || strings.Contains(errs, "left out") {
		t.Errorf("table: exit code %d\n%s%s", code, out, errs)
	}
}

func TestTuneSearchRefuses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.write("sought.yaml", sought)
	s.write("small.yaml", small)
	s.write("long.yaml", strings.Replace(sought, "name: sought", "name: "+strings.Repeat("x", 60), 1))
	s.write("short.yaml", strings.Replace(sought, "retrain: {epochs: 2}", "retrain: {epochs: 0}", 1))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"sought.yaml", "--trainings", "0"}, "--trainings"},
		{[]string{"sought.yaml", "--objective", "beauty"}, "upload"},
		{[]string{"sought.yaml", "--degradation", "-1"}, "--degradation"},
		{[]string{"sought.yaml", "--memory", "much"}, "--memory"},
		{[]string{"small.yaml"}, "he.log_q"},
		{[]string{"long.yaml"}, "name"},
		{[]string{"short.yaml"}, "epochs"},
		{[]string{"none.yaml"}, "none.yaml"},
	} {
		code, stdout, stderr := s.run(append([]string{"tune", "--search"}, c.args...)...)
		if code != exitBadInput || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: exit code %d, %q, %q: want 2 and %q", c.args, code, stdout, stderr, c.says)
		}
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 4 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
