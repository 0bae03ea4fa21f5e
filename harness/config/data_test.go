package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/datasets"
)

// ownTable is a table of n samples with two inputs, a class and a number.
func ownTable(n int) string {
	text := "a,b,class,y\n"
	for i := range n {
		text += fmt.Sprintf("%d,%d,%d,%g\n", i, i*i%17, i%2, float64(i)/3)
	}
	return text
}

// inFolderWith changes to a new folder with these files.
func inFolderWith(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOwnData(t *testing.T) {
	inFolderWith(t, map[string]string{"t.csv": ownTable(200)})
	c := parse(t, edited("data: {from: t.csv, label: class}\nsweep: {grid: {data.validation: [0.1, 0.2]}}\ntrain: {batch: 16}"))
	p := c.Points[1]
	want := datasets.Form{Shape: datasets.Shape{Height: 1, Width: 1, Channels: 3}, Classes: 2, Train: 160, Test: 40}
	if diff := cmp.Diff(want, p.Spec.Data.Form()); diff != "" || p.Spec.Data.Train != 160 || p.Spec.Data.Test != 40 {
		t.Errorf("%+v: %s", p.Spec.Data, diff)
	}
	for path, want := range map[string]any{
		"data.from": "t.csv", "data.label": "class", "data.scale": "auto", "data.holdout": 0.2, "data.train": 160, "data.name": nil, "data.found": nil, "data.target": nil,
	} {
		if got := p.Params[path]; got != want {
			t.Errorf("parameter %s is %v: want %v", path, got, want)
		}
	}
	if a := p.Spec.Architecture(p.Spec.Data.Form()); a.Inputs != 3 || a.Outputs != 2 {
		t.Errorf("network %+v", a)
	}
	swept := parse(t, edited("data: {from: t.csv, label: class}\ntrain: {batch: 16}\nsweep: {grid: {data: [{name: digits}, {from: t.csv, target: y}]}, cases: [{data: {from: t.csv, label: class}}]}"))
	if got := names(swept.Points, "data.name", "data.from", "data.label", "data.target", "data.train"); !slices.Equal(got,
		[]string{"digits - - - 60000", "- t.csv - [y] 160", "- t.csv class - 160"}) {
		t.Errorf("swept: %q", got)
	}
	regression := parse(t, edited("data: {from: t.csv, target: [y, class], train: 50}\ntrain: {batch: 16}")).Points[0].Spec
	if a := regression.Architecture(regression.Data.Form()); a.Inputs != 2 || a.Outputs != 2 || regression.Data.Train != 50 {
		t.Errorf("regression: network %+v, data %+v", a, regression.Data)
	}
}

// A frozen config says what the files held: it stands for the same points where the files are gone, and a changed file is another set.
func TestOwnDataArePinned(t *testing.T) {
	inFolderWith(t, map[string]string{"t.csv": ownTable(200)})
	text := edited("data: {from: t.csv, label: class}\ntrain: {batch: 16}")
	c := parse(t, text)
	sum := func(c *Config) string {
		s, err := c.Points[0].Spec.Data.Checksum()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := os.Rename("t.csv", "moved.csv"); err != nil {
		t.Fatal(err)
	}
	frozen := parse(t, string(c.Frozen))
	if diff := cmp.Diff(c.Points[0].Spec, frozen.Points[0].Spec); diff != "" || sum(c) != sum(frozen) {
		t.Errorf("the frozen config has another spec: %s", diff)
	}
	if diff := cmp.Diff(string(c.Frozen), string(frozen.Frozen)); diff != "" {
		t.Errorf("frozen again: %s", diff)
	}
	variant, err := c.Variant("other", Values{"train.seed": 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum(parse(t, string(variant))) != sum(c) {
		t.Error("a variant has other data")
	}
	if err := os.WriteFile("t.csv", []byte(ownTable(201)), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum(parse(t, text)) == sum(c) {
		t.Error("another table has the same checksum")
	}
}

func TestBadOwnData(t *testing.T) {
	inFolderWith(t, map[string]string{
		"t.csv": ownTable(200), "bad.csv": strings.Replace(ownTable(200), "\n7,", "\n,", 1), "one.csv": "a,class\n" + strings.Repeat("1,0\n", 50),
	})
	for _, c := range []struct{ name, edits, want string }{
		{"neither", "data: {train: 100}", "f:3:7: data.name: missing; want digits, shapes, mnist, fashion-mnist or cifar-10, or data.from"},
		{"both", "data: {name: digits, from: t.csv}", "f:3:28: data.from: both name and from are given"},
		{"a file as a name", "data: {name: t.csv}", "or data.from for files of one's own"},
		{"label of a published set", "data: {name: digits, label: class}", "f:3:29: data.label: given without from"},
		{"label and target", "data: {from: t.csv, label: class, target: y}", "f:3:43: data.target: both label and target"},
		{"no file", "data: {from: none.csv, label: class}", "f:3:14: data.from: datasets: none.csv: no such file"},
		{"bad cell", "data: {from: bad.csv, label: class}", `f:3:14: data.from: datasets: bad.csv:9: column "a": an empty cell`},
		{"no such column", "data: {from: t.csv, label: kind}", `data.from: datasets: t.csv:1: no column "kind"`},
		{"one class", "data: {from: one.csv, label: class}", "all training samples have class 0"},
		{"too many samples", "data: {from: t.csv, label: class, train: 161}", "f:3:42: data.train: got 161; want at most 160, the training samples of t.csv"},
		{"no classes", "data: {from: t.csv}", "f:4:17: network.type: got mlp with samples that have neither classes nor targets"},
		{"scale", "data: {from: t.csv, label: class, scale: log}", `data.scale: got "log"; want auto, standard, unit or none`},
		{"holdout", "data: {from: t.csv, label: class, holdout: 1}", "data.holdout: got 1; want 0 < holdout < 1"},
		{"found", "data: {from: t.csv, label: class, found: much}", "data.found: got \"much\"; want what was found"},
		{"array", "data: {from: t.csv, label: class, arrays: {x: a}}", `data.arrays: unknown key "x"`},
		{"augmentation", "data: {from: t.csv, label: class}\ntrain: {batch: 16, augment: {flip: true}}", "train.augment.flip: samples are rows of 3 values"},
		{"noise", "data: {from: t.csv, noise: 0.1}\nnetwork: {type: autoencoder, hidden: [2]}", "data.noise: got 0.1 with inputs that are not scaled to 0 to 1"},
		{"convolution", "data: {from: t.csv, label: class}\nnetwork: {type: cnn, layers: [conv 4 3]}", "f:4:31: network.layers: "},
		{"batch", "data: {from: t.csv, label: class, train: 40}", "train.batch: got 128; want at most 36"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f", []byte(edited(c.edits)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want one with %q", err, c.want)
			}
		})
	}
}
