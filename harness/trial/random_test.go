package trial

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"hepex/datasets"
	"hepex/harness/record"
	"hepex/network"
	"hepex/network/modelfile"
)

// withoutData is the test point with a network from a file, which takes so many moduli, and no data.
func withoutData(t *testing.T, file string, moduli int, edits ...string) Job {
	t.Helper()
	return testJob(t, t.TempDir(), "name: digits, train: 600, test: 100, validation: 0.1", append(append([]string{"test: 20"}, edits...),
		"type: mlp, hidden: [16], activation: square", "from: "+file, "train: {epochs: 2, ", "train: {",
		"p4e, ratio: 0.8, scope: global, permutation: kmeans, retrain: {epochs: 2}", "dense", "precision: 16, log_q: [50, 40, 40, 40]",
		"precision: 8, log_q: [55, 50"+strings.Repeat(", 40", moduli-2)+"]", "16x8x4", "8x8x8")...)
}

// column writes a network with one output, and gives its path.
func column(t *testing.T) string {
	t.Helper()
	net, err := network.New(network.Architecture{Inputs: 6, Hidden: []int{5}, Outputs: 1, Activation: "square"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	content, err := modelfile.Export{Net: net}.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "column.onnx")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Without data a network is packed and evaluated on random inputs as it is. That encryption agrees with it is shown, its quality is not.
func TestWithoutDataFromStartToEnd(t *testing.T) {
	classifier := "../../network/modelfile/testdata/mlp.onnx"
	integers := []string{"weights: encrypted, precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "weights: plain, precision: 10",
		"tile: 16x8x4", "tile: 16x8x32\nlayout: scalar"}
	for name, c := range map[string]struct {
		file           string
		moduli         int
		edits          []string
		classes, batch int
	}{
		"classes":         {classifier, 7, nil, 10, 8},
		"one output":      {column(t), 4, nil, 0, 8},
		"integer weights": {column(t), 4, integers, 0, 20},
		"quality alone":   {classifier, 7, []string{"measure: {", "measure: {encrypted: false, "}, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := do(t, withoutData(t, c.file, c.moduli, c.edits...))
			if err != nil {
				t.Fatal(err)
			}
			r := &result.Record
			if q := r.Quality; q.Samples != c.batch || c.batch > 0 && (q.Agreement != 1 || q.PrecisionBits < 8) || q.Original != nil || (q.Margin > 0) != (c.classes > 0) {
				t.Errorf("quality %+v", q)
			}
			if d := r.Data; d == nil || !d.Random || d.Classes != c.classes || d.Classes+d.Targets == 0 {
				t.Errorf("data %+v", d)
			}
			if r.Tiles.Density != 1 || r.Training.EpochsTotal != 0 || len(result.Examples.Each) != 0 || !slices.Equal(r.Alarming(), []string{record.RandomWarning}) {
				t.Errorf("density %g, %d epochs, %d examples, warnings %q", r.Tiles.Density, r.Training.EpochsTotal, len(result.Examples.Each), r.Warnings)
			}
			for _, metric := range []string{"quality.plain", "quality.unpruned", "quality.encrypted", "quality.degradation", "quality.validation_degradation"} {
				if v, ok := record.Value(r, metric); ok {
					t.Errorf("%s of %g: want none", metric, v)
				}
				i := slices.IndexFunc(record.Flatten(r), func(f record.Field) bool { return f.Path == metric })
				if f := record.Flatten(r)[i]; f.Value != "" {
					t.Errorf("%s of %s in a table: want none", metric, f.Value)
				}
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

// Answers are those of the network to the very inputs, whatever range is read.
func TestAnswers(t *testing.T) {
	for file, classes := range map[string]int{"../../network/modelfile/testdata/mlp.onnx": 10, column(t): 0} {
		p, err := newPreparer(withoutData(t, file, 7), nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := readModel(p.spec, p.source.Form())
		if err != nil {
			t.Fatal(err)
		}
		const from, to = 30, 2*answerRows + 33
		set, err := p.source.Read(datasets.Test, from, to)
		if err != nil {
			t.Fatal(err)
		}
		y := m.Forward(dense(network.Data{X: set.X, Dim: set.Dim}))
		if len(set.Labels)+len(set.Target) != to-from || set.Classes != classes {
			t.Fatalf("%s: %d labels, %d targets, %d classes", file, len(set.Labels), len(set.Target), set.Classes)
		}
		for b := range to - from {
			row := y.RawRowView(b)
			if classes > 0 && int(set.Labels[b]) != floats.MaxIdx(row) || classes == 0 && set.Target[b] != float32(row[0]) {
				t.Fatalf("%s: sample %d has another answer than %v", file, b, row)
			}
		}
	}
}
