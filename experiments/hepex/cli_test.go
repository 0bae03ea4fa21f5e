package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"hepex/harness/config"
	"hepex/harness/record"
)

// The plan predicts, and what tune and bench cannot do is refused early.
func TestPlanAndTune(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
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
	if code, _, errs := s.run("bench", "quickly"); code != 2 || !strings.Contains(errs, "quickly") {
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
		"layers as a number":  {replaced("[tiles.density]", "[latency.per_layer]"), "13:71", "has parts"},
		"saved, no dense":     {strings.Replace(replaced("[tiles.density]", "[saved.tiles]"), "  cases: [{label: dense, prune.scheme: dense}]\n", "", 1), "12:", "dense point"},
		"too precise":         {strings.NewReplacer("hidden: [16]", "hidden: [16, 16, 16, 16]", "precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "precision: 40", "16x8x4", "16x16x16").Replace(small), "8:", "precision is too high"},
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
	s.write("small.yaml", small)
	for _, args := range [][]string{
		{"run"}, {"run", "missing.yaml"}, {"fly"}, {"run", "--fly", "x"}, {"export", "nowhere"}, {"export", "nowhere", "--format", "xml"},
		{"table", "nowhere"}, {"plot", "nowhere"}, {"data", "fetch", "imagenet"}, {"data", "verify", "mnist"}, {"data", "fly"},
		{"bench", "--out", "/dev/null/bench"}, {"tune", "small.yaml", "--write", "nowhere/best.yaml"}, {"run", "small.yaml", "--points", ""},
		{"submit", "small.yaml", "--dry-run", "--out", "a\nb"},
	} {
		code, stdout, stderr := s.run(args...)
		if code != exitBadInput || stdout != "" || !strings.HasPrefix(stderr, "hepex: ") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// Kernels that nobody has are refused before anything runs, whatever the verb; those that the variable names are what records say.
func TestKernelsByName(t *testing.T) {
	s := newSandbox(t)
	t.Setenv("HEPEX_KERNELS", "avx2")
	for _, args := range [][]string{{"env"}, {"point", "measure"}} {
		if code, stdout, stderr := s.run(args...); code != exitBadInput || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, `HEPEX_KERNELS="avx2": want avx512-ifma`) {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	t.Setenv("HEPEX_KERNELS", "portable")
	if code, stdout, stderr := s.run("env"); code != exitDone || stderr != "" || !strings.Contains(stdout, `"kernels": "portable"`) {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestVersion(t *testing.T) {
	code, out, errs := hepex("--version")
	if code != exitDone || errs != "" || !regexp.MustCompile(`^hepex \S+( \(edited\))?, go1\S*, lattigo \S*, \S+ kernels, (gonum|openblas) BLAS\n$`).MatchString(out) {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if code, out, _ := hepex(); code != exitDone || !strings.Contains(out, "Usage:") {
		t.Errorf("without a verb: exit code %d, %q", code, out)
	}
	if code, _, errs := hepex("rnu"); code != exitBadInput || !strings.Contains(errs, "rnu") {
		t.Errorf("an unknown verb: exit code %d, %q", code, errs)
	}
}

// What a verb cannot print makes it fail, though it does not ask after every line.
func TestPrintingFails(t *testing.T) {
	s := newSandbox(t)
	s.write("small.yaml", small)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"check", "small.yaml"}, {"status", "small.yaml"}, {"status", "small.yaml", "--left"}, {"--version"}, {"--help"}, {"run", "--help"}, {"schema"}} {
		cmd, stderr := s.command(args...), new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = full, stderr
		_ = cmd.Run() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != exitInternal || !strings.Contains(stderr.String(), "no space left") || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "goes on") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}

// Of experiments in which all failed nothing can be shown: the exit code says so, and one line does.
func TestOnlyFailures(t *testing.T) {
	out, _ := verified(t, claims, func(config.Point) *record.Record {
		return &record.Record{Status: record.Failed, Error: &record.Error{Kind: "panic"}}
	})
	const shows = `
figures: [{id: f, x: tiles.density, y: quality.plain, series: prune.scheme}]
tables: [{id: t, rows: prune.scheme, cells: [tiles.density]}, {id: u, rows: prune.scheme, cells: [quality.plain]}]
`
	dir := filepath.Join(out, "claims")
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(claims+shows), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"table", "plot"} {
		code, _, stderr := hepex(verb, dir)
		if code != exitFailed || strings.Count(stderr, "none of ") == 0 || verb == "table" && strings.Count(stderr, "none of ") != 1 {
			t.Errorf("%s: exit code %d, %q", verb, code, stderr)
		}
	}
}

// The README lists every verb.
func TestReadmeListsVerbs(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range newRoot(streams{}).Commands() {
		name := regexp.QuoteMeta(verb.Name())
		if !verb.Hidden && !regexp.MustCompile(`(?m)^    hepex (\S*\|)?`+name+`(\||\s)`).Match(text) {
			t.Errorf("the README does not list hepex %s", verb.Name())
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

// A command that waits for something else than the end of its context ends with it all the same.
func TestInterruptible(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := interruptible(&cobra.Command{Use: "waits", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		cancel()
		select {}
	}})
	cmd.SetArgs(nil)
	var coded *codedError
	if err := cmd.ExecuteContext(ctx); !errors.As(err, &coded) || coded.code != exitInterrupted {
		t.Errorf("got %v, want one of exit code %d", err, exitInterrupted)
	}
}

// A verb that waits for what it reads ends when it is asked to.
func TestReadingIsInterrupted(t *testing.T) {
	s := newSandbox(t)
	pipe := filepath.Join(s.dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"check", "plan", "status", "verify"} {
		cmd := s.command(verb, "pipe.yaml")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until it is read
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("%s: exit code %d", verb, code)
		}
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
	}
}
