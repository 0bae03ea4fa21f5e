package trial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/modelfile"
)

// importedJob is the test point with a network that PyTorch wrote, pruned to a fifth of its tiles.
func importedJob(t *testing.T, cache, data, network string, moduli int) Job {
	t.Helper()
	logQ := strings.Repeat(", 40", moduli-2)
	return testJob(t, cache, "type: mlp, hidden: [16], activation: square", "from: ../../network/modelfile/testdata/"+network,
		"name: digits, train: 600, test: 100", "name: "+data+", train: 200, test: 20", "train: {epochs: 2, ", "train: {",
		"p4e, ratio: 0.8, scope: global, permutation: kmeans", "p2t, ratio: 0.8, scope: global",
		"precision: 16, log_q: [50, 40, 40, 40]", "precision: 8, log_q: [55, 50"+logQ+"]", "16x8x4", "8x8x8")
}

// Networks that PyTorch wrote are pruned, packed and evaluated like our own.
func TestImportedFromStartToEnd(t *testing.T) {
	for _, c := range []struct {
		name, data, network string
		moduli, epochs      int
	}{
		{"mlp", "digits", "mlp.onnx", 7, 2},
		{"batch norm, pooling", "digits", "lenet.onnx", 9, 2},
		{"replaced activations", "digits", "relu.onnx, activation: replace", 9, 12},
		{"colour, no bias", "shapes", "plain.onnx", 7, 2},
		{"weights of a stated architecture", "digits", "mlp.safetensors, type: mlp, hidden: [48, 16]", 7, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of it runs on one thread
			if testing.Short() && c.moduli > 7 {
				t.Skip("deep")
			}
			result, err := do(t, importedJob(t, t.TempDir(), c.data, c.network, c.moduli))
			if err != nil {
				t.Fatal(err)
			}
			r := result.Record
			if r.Quality.Original == nil || r.Quality.PrecisionBits < 8 {
				t.Errorf("quality %+v", r.Quality)
			}
			if r.Training.EpochsTotal != c.epochs {
				t.Errorf("%d epochs: want %d", r.Training.EpochsTotal, c.epochs)
			}
			if r.Tiles.Density > 0.21 {
				t.Errorf("density %g: want a fifth", r.Tiles.Density)
			}
			cost := strings.Contains(strings.Join(r.Warnings, "\n"), "the network's own activations")
			if cost != strings.Contains(c.network, "replace") {
				t.Errorf("warnings %q", r.Warnings)
			}
		})
	}
}

// What is exported is the network of the record: read back, it answers the same.
func TestExportedNetworkIsThatOfThePoint(t *testing.T) {
	cache := t.TempDir()
	j := importedJob(t, cache, "digits", "mlp.onnx", 7)
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	e, err := Export(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := e.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pruned.onnx")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	back, err := modelfile.Read(path, modelfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.samples.test.all()
	if err != nil {
		t.Fatal(err)
	}
	want, got := e.Net.Forward(dense(d)), back.Forward(dense(d))
	if !mat.EqualApprox(want, got, 1e-5) {
		t.Error("outputs differ from those of the point's network")
	}
	own, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	if q, err := network.EvaluateAs(back.Forward, 10, d); err != nil || q.Value != own.quality.Test {
		t.Errorf("quality %v, %v: want %g", q, err, own.quality.Test)
	}
}
