package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/record"
)

// asProgram makes the test binary the program itself, so that tests run, kill and resume real processes.
const asProgram = "HEPEX_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if os.Getenv(misbehaving) != "" {
			misbehave()
		}
		main()
	}
	os.Exit(m.Run())
}

// sandbox is an empty working folder with caches of its own.
type sandbox struct {
	t   *testing.T
	dir string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	return &sandbox{t, t.TempDir()}
}

func (s *sandbox) command(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"), "HEPEX_DATA=")
	return cmd
}

// run gives the exit code and what was printed.
func (s *sandbox) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := s.command(args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		s.t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func (s *sandbox) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// small is an experiment of seven points; its ring is insecure, for tests only.
const small = `version: 1
name: small
data: {name: digits, train: 600, test: 100, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: dense, scope: global, permutation: kmeans, tiles: {max_nonzero: 0.125}, retrain: {epochs: 2}}
tile: 16x8x4
he: {weights: encrypted, precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true}
measure: {warmup: 0, repeats: {min: 1, max: 1, ci: 0.5}}
sweep:
  grid: {prune.scheme: [p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}}
  cases: [{label: dense, prune.scheme: dense}]
tables: [{id: density, rows: prune.scheme, cols: prune.ratio, cells: [tiles.density]}]
`

const smallPoints = 7

// checkComplete verifies that every point has exactly one record, which is ok and intact, and that nothing
// half written is left.
func (s *sandbox) checkComplete(points int) {
	s.t.Helper()
	dir := filepath.Join(s.dir, "results", "small")
	set, damaged, err := record.NewStore(dir).Load()
	if err != nil || len(damaged) > 0 {
		s.t.Fatalf("store: %v, damaged %v", err, damaged)
	}
	if len(set) != points {
		s.t.Errorf("%d points have a record: want %d", len(set), points)
	}
	for _, r := range set {
		if r.Status != record.OK || r.Attempt != 1 {
			s.t.Errorf("point %s: attempt %d is %s: want the first to be ok", r.Point, r.Attempt, r.Status)
		}
		if r.Quality.PrecisionBits < 16 || r.Quality.Agreement != 1 {
			s.t.Errorf("point %s: quality %+v", r.Point, r.Quality)
		}
	}
	s.checkNoLitter()
}

// checkNoLitter verifies that no temporary or damaged file is left.
func (s *sandbox) checkNoLitter() {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(d.Name(), "tmp") || strings.HasSuffix(d.Name(), ".damaged") {
			s.t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	code, stdout, stderr := s.run("run", "small.yaml")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.checkComplete(smallPoints)
	for _, name := range []string{"summary.csv", "config.yaml", "tables/density.md", "tables/summary.md", "figures/quality.pdf", "figures/quality.svg", "figures/latency.png", "figures/tile-map.png"} {
		if info, err := os.Stat(filepath.Join(s.dir, "results/small", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	start := time.Now()
	code, stdout, _ = s.run("run", "small.yaml")
	if code != exitDone || !strings.Contains(stdout, "nothing to do") || time.Since(start) > 5*time.Second {
		t.Errorf("second run, after %s: exit code %d, %q", time.Since(start), code, stdout)
	}
	t.Run("export", func(t *testing.T) {
		_, jsonl, _ := s.run("export", "results/small")
		if n := strings.Count(jsonl, "\n"); n != smallPoints {
			t.Errorf("%d lines: want %d", n, smallPoints)
		}
		for line := range strings.Lines(jsonl) {
			var r record.Record
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.Tiles == nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		_, text, _ := s.run("export", "results/small", "--format", "csv")
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != smallPoints+1 {
			t.Errorf("CSV of %d rows, %v: want %d", len(rows), err, smallPoints+1)
		}
	})
	t.Run("table", func(t *testing.T) {
		code, text, _ := s.run("table", "results/small", "--format", "markdown")
		if code != exitDone || !strings.Contains(text, "| dense") || !strings.Contains(text, "| p4e") {
			t.Errorf("exit code %d\n%s", code, text)
		}
	})
	t.Run("plot", func(t *testing.T) {
		folder := filepath.Join(s.dir, "results/small/figures")
		before, err := os.ReadFile(filepath.Join(folder, "quality.svg"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		code, text, stderr := s.run("plot", "results/small")
		after, err := os.ReadFile(filepath.Join(folder, "quality.svg"))
		if code != exitDone || err != nil || !bytes.Equal(before, after) {
			t.Errorf("exit code %d, %s%s: the figure is not drawn again as it was: %v", code, text, stderr, err)
		}
	})
	t.Run("other figures", func(t *testing.T) {
		s.write("small.yaml", small+`figures:
  - {id: memory, x: tiles.density, y: memory.peak_rss, series: prune.scheme}
  - {id: rows, x: tiles.density, rows: prune.scheme, facet: tile, scale: {x: log}, range: {x: [0.01, 2]}}
`)
		code, stdout, _ := s.run("run", "small.yaml")
		for _, name := range []string{"memory.svg", "rows.svg"} {
			if _, err := os.Stat(filepath.Join(s.dir, "results/small/figures", name)); code != exitDone || err != nil {
				t.Errorf("exit code %d, %s: the new figure is missing: %v", code, stdout, err)
			}
		}
		s.write("small.yaml", small)
		s.run("run", "small.yaml")
	})
	t.Run("fewer points", func(t *testing.T) {
		s.write("small.yaml", strings.Replace(small, "[p2t, p4e]", "[p4e]", 1))
		code, _, stderr := s.run("run", "small.yaml")
		text, err := os.ReadFile(filepath.Join(s.dir, "results/small/summary.csv"))
		if code != exitDone || err != nil || strings.Contains(string(text), "p2t") || !strings.Contains(stderr, "left out: 3 records") {
			t.Errorf("exit code %d, %v, %s: the summary shows points that the config no longer has:\n%s", code, err, stderr, text)
		}
		s.write("small.yaml", small)
		s.run("run", "small.yaml")
	})
	t.Run("status", func(t *testing.T) {
		if _, text, _ := s.run("status", "small.yaml"); !strings.Contains(text, "7 points: 7 done, 0 running, 0 failed, 0 left") {
			t.Error(text)
		}
	})
	t.Run("damaged record", func(t *testing.T) {
		paths, err := filepath.Glob(filepath.Join(s.dir, "results/small/points/*/1.json"))
		if err != nil || len(paths) != smallPoints {
			t.Fatal(paths, err)
		}
		text, err := os.ReadFile(paths[3])
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 4
		if err := os.WriteFile(paths[3], text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, stderr := s.run("export", "results/small"); !strings.Contains(stderr, "left out: record: "+paths[3][len(s.dir)+1:]) {
			t.Errorf("export says nothing of the damaged record: %s", stderr)
		}
		code, stdout, stderr := s.run("run", "small.yaml")
		if code != exitDone || !strings.Contains(stdout, "7 points done (6 before)") || !strings.Contains(stderr, "set aside") {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
	})
}

func TestInterruptedRunResumes(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	cmd := s.command("run", "small.yaml")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitForRun()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(stderr.String(), "goes on from there") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.checkComplete(smallPoints)
}

// waitForRun returns once a run holds the folder of the small experiment.
func (s *sandbox) waitForRun() {
	s.t.Helper()
	for range 500 {
		if _, err := os.Stat(filepath.Join(s.dir, "results/small/config.yaml")); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("the run did not begin")
}

// An edit while a run goes on does not reach it. The next run says what the edit does to the plan.
func TestEditDuringARun(t *testing.T) {
	s := newSandbox(t)
	s.write("base.yaml", strings.Replace(small, "sweep:", "limits: {max_failures: 1}\nsweep:", 1))
	s.write("small.yaml", "name: small\nextends: [base.yaml]\n")
	cmd := s.command("run", "small.yaml")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitForRun()
	s.write("base.yaml", "no config at all")
	s.write("small.yaml", strings.Replace(small, "to: 0.9", "to: 0.6", 1))
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	s.checkComplete(smallPoints)
	kept, err := os.ReadFile(filepath.Join(s.dir, "results/small/config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set {
		if want := fmt.Sprintf("%x", sha256.Sum256(kept)); r.ConfigSHA256 != want {
			t.Errorf("point %s is of config %s, want %s", r.Point, r.ConfigSHA256, want)
		}
	}
	code, _, stderr := s.run("run", "small.yaml")
	if code != exitDone || !strings.Contains(stderr, "points added: 0, no longer planned: 4") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestOneRunAtATime(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	first := s.command("run", "small.yaml")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = first.Process.Kill()
		_ = first.Wait()
	}()
	s.waitForRun()
	if code, _, stderr := s.run("run", "small.yaml"); code == exitDone || !strings.Contains(stderr, "in use by another run") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestFailuresAreRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		edit   []string
		status record.Status
		kind   string
	}{
		"precision": {[]string{"precision: 16", "precision: 38"}, record.Failed, "precision"},
		"timeout":   {[]string{"tables:", "limits: {timeout: 20ms}\ntables:"}, record.Timeout, "timeout"},
		"memory":    {[]string{"tables:", "limits: {memory: 1MiB}\ntables:"}, record.OOM, "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			edit := append([]string{"[p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}", "[p4e], prune.ratio: [0.9]"}, c.edit...)
			s.write("small.yaml", strings.NewReplacer(edit...).Replace(small))
			if name == "memory" || name == "timeout" {
				s.write("small.yaml", strings.NewReplacer(append(edit, "epochs: 2, batch", "epochs: 200, batch")...).Replace(small))
			}
			code, _, stderr := s.run("run", "small.yaml")
			if code != exitFailed || !strings.Contains(stderr, "--failed") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			for attempt := 1; attempt <= 2; attempt++ {
				set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
				if err != nil || len(set) != 2 {
					t.Fatalf("%d records, %v", len(set), err)
				}
				for _, r := range set {
					if r.Status != c.status || r.Error == nil || r.Error.Kind != c.kind || r.Attempt != attempt || r.ConfigSHA256 == "" {
						t.Errorf("attempt %d: status %s, error %+v", r.Attempt, r.Status, r.Error)
					}
				}
				if code, _, _ := s.run("run", "small.yaml"); code != exitFailed {
					t.Errorf("run again: exit code %d", code)
				}
				if code, _, stderr := s.run("run", "small.yaml", "--failed"); code != exitFailed {
					t.Errorf("run --failed: exit code %d: %s", code, stderr)
				}
			}
		})
	}
}

// What no point is to blame for ends the run and leaves no failed points behind.
func TestUnusableCacheEndsTheRun(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	if err := os.MkdirAll(filepath.Join(s.dir, "cache/hepex"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("cache/hepex/trained", "a file where a folder should be")
	code, _, stderr := s.run("run", "small.yaml")
	if code != exitInternal || !strings.Contains(stderr, "XDG_CACHE_HOME") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil || len(set) != 0 {
		t.Errorf("%d records, %v: want none", len(set), err)
	}
}

func TestHopelessRunStops(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", strings.NewReplacer("precision: 16", "precision: 38", "tables:", "limits: {max_failures: 2}\ntables:").Replace(small))
	code, _, stderr := s.run("run", "small.yaml")
	if code != exitFailed || !strings.Contains(stderr, "2 of 7 points failed") || !strings.Contains(stderr, "5 points were not tried") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
	if err != nil || len(set) != 2 {
		t.Errorf("%d records, %v: want 2", len(set), err)
	}
}

// The plan predicts, and what tune and bench cannot do is refused early.
func TestPlanAndTune(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	code, out, errs := s.run("plan", "small.yaml")
	if code != 0 || !strings.Contains(out, "evaluate") || !strings.Contains(out, "MiB") || !strings.Contains(out, "about") {
		t.Errorf("plan: exit code %d\n%s%s", code, out, errs)
	}
	for _, bad := range [][]string{{"--objective", "speed"}, {"--memory", "lots"}, {"--batch", "-1"}, {"--top", "0"}} {
		if code, _, errs := s.run(append([]string{"tune", "small.yaml"}, bad...)...); code != 2 || !strings.Contains(errs, bad[0]) {
			t.Errorf("tune %v: exit code %d, %q", bad, code, errs)
		}
	}
	if code, _, errs := s.run("bench", "--set", "nothing"); code != 2 || !strings.Contains(errs, "--set") {
		t.Errorf("bench: exit code %d, %q", code, errs)
	}
}

func TestBadInput(t *testing.T) {
	replaced := func(old, new string) string {
		if !strings.Contains(small, old) {
			t.Fatalf("the small config has no %q", old)
		}
		return strings.Replace(small, old, new, 1)
	}
	secure := strings.NewReplacer("16x8x4", "16x16x16", ", insecure: true", "").Replace(small)
	for name, c := range map[string]struct{ config, position, says string }{
		"unknown key":         {replaced("name: digits", "name: digits, sise: 3"), "3:22", "sise"},
		"duplicate key":       {replaced("tile: 16x8x4", "tile: 16x8x4\ntile: 16x8x4"), "8:1", "tile"},
		"ratio 1.2":           {replaced("{from: 0.5, to: 0.9, step: 0.2}", "[0.5, 1.2]"), "11:55", "1.2"},
		"tile 3x5x7":          {replaced("16x8x4", "3x5x7"), "7:7", "power of two"},
		"unknown scheme":      {replaced("[p2t, p4e]", "[p2t, p5]"), "11:30", "p5"},
		"log_q too long":      {strings.Replace(secure, "[50, 40, 40, 40]", "[50, 45, 45, 45]", 1), "8:48", "128"},
		"too few moduli":      {replaced("[50, 40, 40, 40]", "[50, 40]"), "8:48", "4"},
		"no room for weights": {replaced("[50, 40, 40, 40]", "[50, 40, 40]"), "8:48", "weights"},
		"a value wraps":       {replaced("[50, 40, 40, 40]", "[40, 40, 40, 40]"), "8:48", "wrap"},
		"missing data set":    {replaced("digits", "mnist"), "3:14", "hepex data fetch mnist"},
		"unknown metric":      {replaced("[tiles.density]", "[tiles.size]"), "13:", "tiles.size"},
		"metric as series":    {replaced("rows: prune.scheme", "rows: tiles.kept"), "13:30", "not a parameter"},
		"text as number":      {replaced("[tiles.density]", "[prune.scheme]"), "13:71", "not a number"},
		"saved, no dense":     {strings.Replace(replaced("[tiles.density]", "[saved.tiles]"), "  cases: [{label: dense, prune.scheme: dense}]\n", "", 1), "12:", "dense point"},
		"too precise":         {strings.NewReplacer("precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "precision: 40", "16x8x4", "16x16x16").Replace(small), "8:", "precision is too high"},
		"empty file":          {"", "1:1", "empty"},
		"binary garbage":      {"\x7fELF\x02\x01\x01\x00\xff\xfe\x00\x80", "1:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.write("bad.yaml", c.config)
			for _, verb := range []string{"check", "run"} {
				code, stdout, stderr := s.run(verb, "bad.yaml")
				if code != exitBadInput || stdout != "" {
					t.Errorf("%s: exit code %d, %q", verb, code, stdout)
				}
				if !strings.Contains(stderr, "bad.yaml:"+c.position) || !strings.Contains(stderr, c.says) {
					t.Errorf("%s: %s\nwant position %s and %q", verb, stderr, c.position, c.says)
				}
			}
			if left, err := os.ReadDir(s.dir); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	s := newSandbox(t)
	for _, args := range [][]string{
		{"run"}, {"run", "missing.yaml"}, {"fly"}, {"run", "--fly", "x"}, {"export", "nowhere"}, {"export", "nowhere", "--format", "xml"},
		{"table", "nowhere"}, {"plot", "nowhere"}, {"data", "fetch", "imagenet"}, {"data", "verify", "mnist"}, {"data", "fly"},
	} {
		code, stdout, stderr := s.run(args...)
		if code != exitBadInput || stdout != "" || !strings.HasPrefix(stderr, "hepex: ") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestHelpHasExamples(t *testing.T) {
	var help bytes.Buffer
	s := streams{strings.NewReader(""), &help, &help}
	if code := execute(context.Background(), s, []string{"--help"}); code != exitDone {
		t.Fatal(code)
	}
	verbs := regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(help.String(), -1)
	if len(verbs) < 9 {
		t.Fatalf("%d verbs in\n%s", len(verbs), help.String())
	}
	for _, v := range verbs {
		if v[1] == "help" || v[1] == "completion" {
			continue
		}
		help.Reset()
		if code := execute(context.Background(), s, []string{v[1], "--help"}); code != exitDone || !strings.Contains(help.String(), "Examples:\n  hepex "+v[1]) {
			t.Errorf("hepex %s --help: exit code %d\n%s", v[1], code, help.String())
		}
	}
}

func TestSchema(t *testing.T) {
	var out, stderr bytes.Buffer
	code := execute(context.Background(), streams{strings.NewReader(""), &out, &stderr}, []string{"schema"})
	kept, err := os.ReadFile("../../configs/schema.json")
	if code != exitDone || err != nil || !bytes.Equal(out.Bytes(), kept) {
		t.Errorf("exit code %d, %s, %v: want configs/schema.json", code, stderr.String(), err)
	}
}

// The configs that come with the project are good, and the quickstart stays small.
func TestShippedConfigs(t *testing.T) {
	paths, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		var out, stderr bytes.Buffer
		code := execute(context.Background(), streams{strings.NewReader(""), &out, &stderr}, []string{"check", path})
		missing := strings.Contains(stderr.String(), "data fetch")
		if code != exitDone && !missing {
			t.Errorf("%s: exit code %d, %s", path, code, stderr.String())
		}
		if filepath.Base(path) == "quickstart.yaml" {
			var points int
			if _, err := fmt.Sscanf(strings.TrimPrefix(out.String(), path+": good, "), "%d points", &points); err != nil || points > 40 {
				t.Errorf("quickstart: %q: want at most 40 points", out.String())
			}
		}
	}
}
