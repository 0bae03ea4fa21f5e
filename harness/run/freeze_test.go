package run

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/atomicfile/faults"
	"hepex/harness/config"
)

const frozenConfig = `version: 1
name: frozen
data: {name: digits}
network: {type: mlp, hidden: [64]}
prune: {scheme: p3, ratio: 0.5}
tile: 8x8x64
sweep: {grid: {train.seed: [1, 2, 3]}}
`

// An edit is noticed and told as what it does to the plan; the config that lies with the results is the one that runs.
func TestFreeze(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	replaced := map[string]string{} // configs by path
	for _, step := range []struct{ name, config, says string }{
		{"first run", frozenConfig, ""},
		{"again", frozenConfig, ""},
		{"a comment", "# why\n" + frozenConfig, ""},
		{"other outputs", frozenConfig + "limits: {timeout: 1m}\n", "the same points are planned"},
		{"other points", strings.Replace(frozenConfig, "[1, 2, 3]", "[3, 4]", 1), "points added: 1, no longer planned: 2"},
		{"what lay there was no config", frozenConfig, "no config for this version"},
	} {
		if strings.HasPrefix(step.name, "what lay") {
			if err := os.WriteFile(path, []byte("version: 0\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c, err := config.Parse("f.yaml", []byte(step.config))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := Plan(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err == nil && string(before) != string(c.Frozen) {
			replaced[OldConfigPath(dir, before)] = string(before)
		}
		var log strings.Builder
		r := &runner{Options: Options{Dir: dir, Log: &log}}
		if err := r.freeze(c, plan); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); step.says == "" && got != "" || !strings.Contains(got, step.says) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q, want %q", step.name, got, step.says)
		}
		kept, err := os.ReadFile(path)
		if err != nil || string(kept) != string(c.Frozen) {
			t.Errorf("%s: %v, kept\n%s", step.name, err, kept)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(kept)); r.configHash != want {
			t.Errorf("%s: hash %s, want %s", step.name, r.configHash, want)
		}
	}
	// Whatever a record named by hash is still there, and nothing twice.
	if len(replaced) != 3 {
		t.Errorf("%d configs were replaced: want 3", len(replaced))
	}
	for path, text := range replaced {
		if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
			t.Errorf("%s: %v, kept\n%s", path, err, kept)
		}
	}
	if kept, err := os.ReadDir(filepath.Join(dir, "configs")); err != nil || len(kept) != len(replaced) {
		t.Errorf("%d old configs, %v: want %d", len(kept), err, len(replaced))
	}
}

// If the old config cannot be kept, it stays where it is.
func TestFreezeLosesNoConfig(t *testing.T) {
	c, err := config.Parse("f.yaml", []byte(frozenConfig))
	if err != nil {
		t.Fatal(err)
	}
	const old = "version: 1\nname: old\n"
	for call := 0; ; call++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
			t.Fatal(err)
		}
		r := &runner{Options: Options{Dir: dir}}
		log, restore := faults.Inject(t, faults.Fault{Call: call, Way: faults.Death})
		err := r.freeze(c, nil)
		restore()
		newest, _ := os.ReadFile(path)
		kept, _ := os.ReadFile(OldConfigPath(dir, []byte(old)))
		if string(newest) != old && string(kept) != old {
			t.Errorf("%s: the old config is gone", log.Failed())
		}
		if log.Failed() == "" {
			if err != nil || string(newest) != string(c.Frozen) || call < 10 {
				t.Errorf("%d calls, %v, newest\n%s", call, err, newest)
			}
			break
		}
		if err == nil {
			t.Errorf("%s: no error", log.Failed())
		}
	}
}

// The frozen form of a config that extends others plans the same points, by identity.
func TestFrozenConfigHasTheSamePoints(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"base.yaml": frozenConfig,
		"f.yaml": `name: leaf
extends: [base.yaml]
train: {epochs: 4, lr: 2e-3}
sweep:
  grid: {prune.scheme: [p3, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.1}}
  when: [{if: {prune.scheme: p4e}, grid: {prune.tiles.max_nonzero: [0.0625, 0.125]}}]
  exclude: [{prune.ratio: 0.9, prune.scheme: p3}]
  cases: [{label: dense, prune.scheme: dense, tile: {in: 8, out: 8, batch: 64}}]
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "f.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := config.Parse(filepath.Join(t.TempDir(), "config.yaml"), c.Frozen)
	if err != nil {
		t.Fatalf("%v in\n%s", err, c.Frozen)
	}
	plan, err := Plan(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Plan(kept, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) != 15 || len(again) != len(plan) || kept.Name != c.Name {
		t.Fatalf("%s has %d points, frozen %s has %d: want 15", c.Name, len(plan), kept.Name, len(again))
	}
	for i := range plan {
		if plan[i].ID != again[i].ID {
			t.Errorf("point %d is %s, frozen %s", i, plan[i].ID, again[i].ID)
		}
	}
}
