package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"hepex/harness/machine"
	"hepex/harness/record"
)

func TestRun(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", small)
	code, stdout, stderr := s.run("run", "small.yaml")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.checkComplete(smallPoints)
	for _, name := range []string{"summary.csv", "config.yaml", "tables/density.md", "tables/summary.md", "figures/quality.pdf", "figures/quality.svg", "figures/latency.png", "figures/tile-map.png", "figures/examples.svg"} {
		if info, err := os.Stat(filepath.Join(s.dir, "results/small", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := s.checkIntact(nil)
	code, stdout, _ = s.run("run", "small.yaml")
	if code != exitDone || !strings.Contains(stdout, "nothing to do") {
		t.Errorf("second run: exit code %d, %q", code, stdout)
	}
	if after := s.checkIntact(before); len(after) != len(before) {
		t.Errorf("second run: %d records, before it %d", len(after), len(before))
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
  - {id: layers, x: latency.per_layer, rows: "prune.scheme,prune.ratio"}
  - {id: layer, x: tiles.density, y: latency.per_layer.fc1}
`)
		code, stdout, _ := s.run("run", "small.yaml")
		for _, name := range []string{"memory.svg", "rows.svg", "layers.svg", "layer.svg"} {
			if _, err := os.Stat(filepath.Join(s.dir, "results/small/figures", name)); code != exitDone || err != nil {
				t.Errorf("exit code %d, %s: the new figure is missing: %v", code, stdout, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(s.dir, "results/small/figures/quality.*")); len(left) > 0 {
			t.Errorf("figures that the config no longer has: %v", left)
		}
		s.write("small.yaml", small)
		s.run("run", "small.yaml")
		left, _ := filepath.Glob(filepath.Join(s.dir, "results/small/figures/quality.*"))
		gone, _ := filepath.Glob(filepath.Join(s.dir, "results/small/figures/memory.*"))
		if len(left) != 5 || len(gone) > 0 {
			t.Errorf("%v, %v: want the first figures again, with points and caption", left, gone)
		}
	})
	t.Run("figures of a config", func(t *testing.T) {
		s.write("new.yaml", strings.Replace(small, "cells:", "title: \"50 % & more\", cells:", 1)+`figures:
  - {id: front, x: latency.evaluate, y: tiles.density, series: prune.scheme, pareto: true, lines: false, title: Front, width: 8.5,
     where: {tiles.density: "<= 1"}, labels: {p4e: ours}}
  - {id: primitives, x: predicted.per_primitive, rows: prune.scheme}
`)
		code, text, stderr := s.run("plot", "new.yaml")
		if code != exitDone || !strings.Contains(text, "front.csv") || !strings.Contains(text, "primitives.pdf") || strings.Contains(text, "quality") {
			t.Errorf("exit code %d, %s%s", code, text, stderr)
		}
		if code, text, _ := s.run("table", "new.yaml", "--format", "latex"); code != exitDone || !strings.Contains(text, `\caption{50 \% \& more.`) {
			t.Errorf("exit code %d, %s", code, text)
		}
		s.write("new.yaml", strings.Replace(small, "[tiles.density]", "[tiles.size]", 1))
		if code, _, stderr := s.run("plot", "new.yaml"); code != exitBadInput || !strings.Contains(stderr, "new.yaml:13:") {
			t.Errorf("an unknown metric: exit code %d, %s", code, stderr)
		}
		// Nothing but what was drawn is ever removed.
		made := filepath.Join(s.dir, "results/small/figures/.made-of")
		if err := os.WriteFile(made, []byte("0\nsummary.csv\n../small/config.yaml\npoints/x\nfigures/../config.yaml\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		s.run("run", "small.yaml")
		for _, name := range []string{"config.yaml", "summary.csv"} {
			if _, err := os.Stat(filepath.Join(s.dir, "results/small", name)); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("map that is none", func(t *testing.T) {
		for id := range s.results() {
			path := filepath.Join(s.dir, "results/small/maps", id+".json")
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			order := regexp.MustCompile(`"out_order":\[[0-9]+`)
			if !order.Match(whole) { // not permuted
				continue
			}
			if code, text, stderr := s.run("plot", "results/small", "--map", id); code != exitDone || !strings.Contains(text, ".svg") {
				t.Errorf("exit code %d, %s%s", code, text, stderr)
			}
			s.write("results/small/maps/"+id+".json", string(order.ReplaceAll(whole, []byte(`"out_order":[77777`))))
			code, _, stderr := s.run("plot", "results/small", "--map", id)
			if code != exitInternal || !strings.Contains(stderr, id+".json: tile map: layer 1 (fc1): out_order: want each of 0 to") {
				t.Errorf("exit code %d, %s", code, stderr)
			}
			s.write("results/small/maps/"+id+".json", string(whole))
			return
		}
		t.Error("no map of a permuted network")
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
	t.Run("other version", func(t *testing.T) {
		makeOlder(t, filepath.Join(s.dir, "results/small"))
		code, text, stderr := s.run("table", "results/small", "--format", "csv")
		if code != exitDone || !strings.Contains(text, "0.7") || !strings.Contains(stderr, "7 records in results/small are by another version") {
			t.Errorf("exit code %d, %s%s", code, text, stderr)
		}
		if code, stdout, stderr := s.run("run", "small.yaml"); code != exitDone || !strings.Contains(stdout, "7 points done (0 before)") {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
		if code, _, stderr := s.run("table", "results/small"); code != exitDone || !strings.Contains(stderr, "left out: 7 records") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("damaged record", func(t *testing.T) {
		s := newPricedSandbox(t)
		s.write("small.yaml", small)
		s.run("run", "small.yaml")
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

// hanging is the small experiment with a point that never ends where processes misbehave, so that neither does the run.
var hanging = strings.Replace(small, "label: dense", "label: hang", 1)

func TestInterruptedRunResumes(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", hanging)
	cmd := s.command("run", "small.yaml")
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = append(cmd.Env, misbehaving+"=1"), &stderr
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

// What is built while a run goes on does not reach it: all of its points are done by the program that was started.
func TestBuildDuringARun(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("small.yaml", small)
	program, err := os.ReadFile(machine.Program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "hepex")
	replace := func(content []byte) {
		if err := errors.Join(os.WriteFile(path+".new", content, 0o755), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	}
	replace(program)
	cmd := s.command("run", "small.yaml")
	cmd.Path = path
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitForRun()
	replace([]byte("#!/bin/sh\nexit 1\n"))
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	s.checkComplete(smallPoints)
	for _, r := range s.results() {
		if want := fmt.Sprintf("%x", sha256.Sum256(program)); r.Environment.Binary != want {
			t.Errorf("point %s is by the program %s, want %s", r.Point, r.Environment.Binary, want)
		}
	}
}

// An edit while a run goes on does not reach it. The next run says what the edit does to the plan.
func TestEditDuringARun(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
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
	t.Parallel()
	s := newSandbox(t)
	s.write("small.yaml", hanging)
	first := s.command("run", "small.yaml")
	first.Env, first.SysProcAttr = append(first.Env, misbehaving+"=1"), &syscall.SysProcAttr{Setpgid: true}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = first.Process.Kill()
		_ = first.Wait()
		s.waitForEnd(first.Process.Pid)
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
		"refused": {[]string{"precision: 16", "precision: 38"}, record.Refused, "parameters"},
		"timeout": {[]string{"tables:", "limits: {timeout: 20ms}\ntables:", "epochs: 2, batch", "epochs: 10000, batch"}, record.Timeout, "timeout"},
		"memory":  {[]string{"tables:", "limits: {memory: 1MiB}\ntables:", "epochs: 2, batch", "epochs: 10000, batch"}, record.OOM, "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			edit := append([]string{"[p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}", "[p4e], prune.ratio: [0.9]"}, c.edit...)
			s.write("small.yaml", strings.NewReplacer(edit...).Replace(small))
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
	s := newPricedSandbox(t)
	s.write("small.yaml", small)
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
	t.Parallel()
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
