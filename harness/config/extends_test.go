package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// checkFrozen verifies that what is kept of a config is one file that means the same.
func checkFrozen(t *testing.T, c *Config) *Config {
	t.Helper()
	frozen, err := load("config.yaml", tree{"config.yaml": string(c.Frozen)}.content)
	if err != nil {
		t.Fatalf("%v in\n%s", err, c.Frozen)
	}
	unplaced := cmp.Options{cmpopts.IgnoreUnexported(Point{}, Config{}), cmpopts.IgnoreFields(Config{}, "Frozen"), cmpopts.IgnoreFields(Ref{}, "File", "Line", "Column")}
	if diff := cmp.Diff(c, frozen, unplaced); diff != "" {
		t.Errorf("the frozen config means something else:\n%s\n%s", diff, c.Frozen)
	}
	_, body, _ := bytes.Cut(c.Frozen, []byte("\nversion:"))
	if _, again, _ := bytes.Cut(frozen.Frozen, []byte("\nversion:")); !bytes.Equal(again, body) {
		t.Errorf("frozen twice:\n%s\nnot\n%s", again, body)
	}
	return frozen
}

func TestExtends(t *testing.T) {
	for _, c := range []struct {
		name, files string
		paths       string // of the parameters in want
		want        []string
	}{
		{"keys of sections, the config last", `train: {seed: 5}
prune: {tiles: {score: max}, ratio: 0.5}
extends: [a]
-- a --
version: 1
name: other
train: {epochs: 7, seed: 3}
prune: {scheme: p4, ratio: 0.1, tiles: {ratio: 0.25}}
`, "train.epochs train.seed prune.scheme prune.ratio prune.tiles.ratio prune.tiles.score", []string{"7 5 p4 0.5 0.25 max"}},
		{"later wins, lists and tiles are values", `prune: {scheme: p4, ratio: 0.5}
network: {type: mlp, hidden: [16]}
tile: {batch: 64}
extends: [a, b]
-- a --
network: {hidden: [64, 64]}
train: {epochs: 7, seed: 3}
tile: {in: 8, out: 8, batch: 64}
-- b --
train: {seed: 4, batch: 64}
`, "network.hidden train.epochs train.seed train.batch tile", []string{"[16] 7 4 64 0x0x64"}},
		{"nested, relative to each file", `extends: [dir/a]
-- dir/a --
extends: [sub/b, ../c]
train: {seed: 4}
-- dir/sub/b --
train: {seed: 5, epochs: 5, batch: 50}
-- c --
train: {seed: 6, epochs: 6}
`, "train.seed train.epochs train.batch", []string{"4 6 50"}},
		{"a base twice", `extends: [b, c]
-- a --
train: {seed: 2, epochs: 2}
-- b --
extends: [a]
train: {seed: 3}
-- c --
extends: [a]
`, "train.seed train.epochs", []string{"2 2"}},
		{"sweeps are replaced", `sweep: {grid: {train.seed: [1, 2]}}
extends: [a]
-- a --
sweep: {grid: {prune.ratio: [0.5, 0.6]}, cases: [{label: dense, prune.scheme: dense}]}
`, "train.seed prune.ratio", []string{"1 0.8", "2 0.8"}},
		{"sweeps are inherited", `extends: [a]
-- a --
sweep: {grid: {prune.ratio: {from: 0.5, to: 0.6, step: 0.1}}, cases: [{label: dense, prune.scheme: dense}]}
`, "prune.ratio", []string{"0.5", "0.6", "- (dense)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := load("f", files(c.files, false).content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, names(config.Points, strings.Fields(c.paths)...)); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
			checkFrozen(t, config)
		})
	}
}

func TestExtendsOtherSections(t *testing.T) {
	c, err := load("dir/f", tree{
		"dir/f": `name: test
extends: [../a]
limits: {memory: 1GiB}
tables: [{id: mine, rows: tile, cols: tile, cells: [tiles.kept]}]
`,
		"a": base + `limits: {memory: 2GiB, max_failures: 1}
figures: [{id: theirs, x: tile, y: tiles.kept}]
tables: [{id: a, rows: tile, cols: tile, cells: [tiles.kept]}, {id: b, rows: tile, cols: tile, cells: [tiles.kept]}]
`}.content)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "test" || c.Limits.Memory != 1<<30 || c.Limits.MaxFailures != 1 || len(c.Tables) != 1 || len(c.Figures) != 1 {
		t.Errorf("%+v", c)
	}
	if want := (Ref{"tiles.kept", "a", 8, 36}); c.Figures[0].Y != want {
		t.Errorf("%+v, want %+v", c.Figures[0].Y, want)
	}
	if e := c.Points[0].ErrorAt("data.train", os.ErrInvalid); e.File != "a" || e.Line != 3 {
		t.Errorf("an error about what the base says is at %v", e)
	}
	wantHead := "# Frozen with the results, from ../a, f. To change the experiment, edit there.\nversion: 1\nname: test\ndata: {name: digits}\n"
	if !strings.HasPrefix(string(c.Frozen), wantHead) || strings.Contains(string(c.Frozen), "extends:") {
		t.Errorf("frozen:\n%s\nwant it to start\n%s", c.Frozen, wantHead)
	}
}

// Texts that YAML could take for something else stay what they are, in flow and block style.
func TestFrozenTexts(t *testing.T) {
	for _, text := range []string{
		`yes`, `"null"`, `'~'`, `"5"`, `1e3`, `0x10`, `2020-01-01`, `"- a"`, `"a: b"`, `"a # b"`, `"#"`, `'it''s'`, `"\""`, `"\\"`, `"{"`, `"a, b]"`, `"&a"`, `"*a"`, `"!b"`,
		`"|"`, `">"`, `"%"`, `"@"`, `"` + "`" + `"`, `"?"`, `"? a"`, `":"`, `"a:"`, `"---"`, `"..."`, `" a"`, `"a "`, `"é → ñ"`, `"\u00e9"`, `"\U0001F600"`, `"="`, `"<<"`, `.inf`, `.`,
	} {
		for _, sweep := range []string{
			"sweep: {cases: [{\"label\": " + text + ", 'train.seed': 3}]}\n",
			"sweep:\n  cases:\n    - label: " + text + "\n      train.seed: 3\n    - label: >-\n        folded\n        text\n      train.seed: 4\n",
		} {
			c, err := Parse("f", []byte(base+sweep))
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			checkFrozen(t, c)
		}
	}
}

// Links in folders give files any number of names; reading ends all the same.
func TestExtendsWithoutEnd(t *testing.T) {
	read := 0
	_, err := load("f", func(string) ([]byte, error) {
		read++
		return []byte("extends: [x/f, y/f]\n"), nil
	})
	for _, want := range []string{"more than 16 files, each extended", "more than 64 files in all"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
	if read != maxFiles {
		t.Errorf("%d files read, want %d", read, maxFiles)
	}
}

// On disk, files are found beside the one that names them, wherever the program runs.
func TestLoadExtends(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a/f.yaml": "name: x\nextends: [../b/g.yaml]\n", "b/g.yaml": "extends: [h.yaml]\n", "b/h.yaml": base} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "a", "f.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "a"))
	here, err := Load("f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(c.Frozen), string(here.Frozen)); diff != "" {
		t.Errorf("frozen depends on the folder that the program runs in:\n%s", diff)
	}
}
