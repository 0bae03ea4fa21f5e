package config

import (
	"path/filepath"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"
)

// The cases of all points of a config, put in the place of its sweep, make these points again.
func TestCase(t *testing.T) {
	for _, file := range []string{"quickstart.yaml", "cnn/autoencoder.yaml", "pruning/ablation-mlp.yaml", "pruning/evaluation-measured.yaml"} {
		file = filepath.Join("../../configs", file)
		c, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []Values
		for _, p := range c.Points {
			cases = append(cases, readCase(t, p))
		}
		text, err := c.Variant("again", nil, cases)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		again, err := Parse(filepath.Join(filepath.Dir(file), "again.yaml"), text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		has := map[string]bool{}
		for _, p := range again.Points {
			has[p.Label+fingerprint(p.Params)] = true
		}
		for i, p := range c.Points {
			if !has[p.Label+fingerprint(p.Params)] {
				t.Errorf("%s: %v makes another point", file, cases[i])
			}
		}
	}
}

func readCase(t *testing.T, p Point) Values {
	t.Helper()
	var read []Values
	if err := yaml.Unmarshal([]byte(p.Case()), &read); err != nil || len(read) != 1 {
		t.Fatalf("%s: %d cases, %v", p.Case(), len(read), err)
	}
	return read[0]
}

func TestCaseText(t *testing.T) {
	const head = "version: 1\nname: base\ndata: {name: digits}\nnetwork: {type: mlp, hidden: [32, 16]}\nprune: {scheme: dense, ratio: 0.5}\ntile: 8x8x64\n"
	tests := []struct {
		name, sweep string
		want        []string
	}{
		{"no sweep", "", []string{"- {prune.scheme: dense}"}},
		{"grid", "sweep: {grid: {prune.scheme: [dense, p3], train.seed: [1, 2]}}", []string{
			"- {prune.scheme: dense, train.seed: 1}", "- {prune.scheme: dense, train.seed: 2}",
			"- {prune.scheme: p3, train.seed: 1}", "- {prune.scheme: p3, train.seed: 2}"}},
		{"a list and a section", "sweep: {cases: [{network.hidden: [8, 8], prune: {scheme: p3, ratio: 0.5}}]}",
			[]string{"- {prune.scheme: dense}", "- {network.hidden: [8, 8], prune: {scheme: p3, ratio: 0.5}}"}},
		{"labels that are no plain YAML", `sweep: {cases: [{label: "a: <b> & 'c' # d", train.seed: 2}, {label: "- [x]", train.seed: 3}, {label: "1e3", train.seed: 4}]}`,
			[]string{"- {prune.scheme: dense}", `- {label: 'a: <b> & ''c'' # d', train.seed: 2}`, `- {label: '- [x]', train.seed: 3}`, `- {label: "1e3", train.seed: 4}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range parse(t, head+test.sweep).Points {
				got = append(got, p.Case())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
