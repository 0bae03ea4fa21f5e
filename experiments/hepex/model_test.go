package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// imported is a small experiment with a network that PyTorch wrote.
const imported = `
version: 1
name: imported
data: {name: digits, train: 200, test: 20}
network: {from: mlp.onnx}
prune: {scheme: p4e, ratio: 0.8, retrain: {epochs: 2}}
tile: 8x8x1
measure: {encrypted: false}
sweep: {cases: [{label: pruned}]}
`

func (s *sandbox) fixture(name string) {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join("../../network/modelfile/testdata", name))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(content))
}

// A network from a file is inspected, run and exported; what was exported is inspected and runs again.
func TestImportedNetwork(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	s.fixture("mlp.onnx")
	s.write("imported.yaml", imported)
	if code, out, errs := s.run("inspect", "mlp.onnx"); code != 0 || !strings.Contains(out, "square") || !strings.Contains(out, "would run") {
		t.Errorf("inspect: exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs := s.run("run", "imported.yaml"); code != 0 {
		t.Fatalf("run: exit code %d\n%s", code, errs)
	}
	points, err := os.ReadDir(filepath.Join(s.dir, "results/imported/points"))
	if err != nil || len(points) != 1 {
		t.Fatalf("points %v, %v", points, err)
	}
	for file, point := range map[string]string{"pruned.onnx": points[0].Name(), "pruned.npz": "pruned"} {
		if code, _, errs := s.run("export-model", "results/imported", point, file); code != 0 {
			t.Errorf("export-model: exit code %d\n%s", code, errs)
		}
		if code, out, errs := s.run("inspect", file); code != 0 {
			t.Errorf("inspect: exit code %d\n%s%s", code, out, errs)
		}
	}
	if code, _, errs := s.run("export-model", "results/imported", "other", "other.onnx"); code != exitBadInput || !strings.Contains(errs, points[0].Name()+" pruned") {
		t.Errorf("export-model of a point that is not there: exit code %d, %s", code, errs)
	}
	s.write("again.yaml", strings.NewReplacer("mlp.onnx", "pruned.onnx", "imported", "again").Replace(imported))
	if code, _, errs := s.run("run", "again.yaml"); code != 0 {
		t.Errorf("run: exit code %d\n%s", code, errs)
	}
}

// A network runs without data on random inputs, and all that shows its results says so, not how good it is.
func TestNetworkWithoutData(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.fixture("mlp.onnx")
	s.write("alone.yaml", "version: 1\nname: alone\nnetwork: {from: mlp.onnx}\ndata: {test: 20}\nprune: {scheme: dense}\ntile: 16x16x32\nmeasure: {repeats: {min: 2, max: 2}}\n")
	if plan := s.mustRun("plan", "alone.yaml"); !strings.Contains(plan, "random inputs") {
		t.Errorf("plan: %s", plan)
	}
	s.mustRun("check", "alone.yaml")
	if code, out, errs := s.run("run", "alone.yaml"); code != exitDone || !strings.Contains(errs, "no data") || !strings.Contains(out, "no data") {
		t.Fatalf("run: exit code %d\n%s%s", code, out, errs)
	}
	const results = "results/alone"
	for verb, want := range map[string]string{"table": "inputs are random", "plot": "latency.svg", "report": "report.html", "export": `"random":true`} {
		if out := s.mustRun(verb, results); !strings.Contains(out, want) {
			t.Errorf("%s: %s\nwant %q", verb, out, want)
		}
	}
	page, err := os.ReadFile(filepath.Join(s.dir, results, "report.html"))
	if err != nil || !strings.Contains(string(page), "data random inputs") || strings.Contains(string(page), "is not drawn") {
		t.Errorf("report: %v", err)
	}
	s.mustRun("check", results+"/config.yaml")
	s.mustRun("tune", "alone.yaml")
	s.mustRun("pack", "alone.yaml", "--out", "model")
	s.write("alone.yaml", strings.Replace(imported, "data: {name: digits, train: 200, test: 20}\n", "", 1))
	if code, _, errs := s.run("run", "alone.yaml"); code != exitBadInput || !strings.Contains(errs, "alone.yaml:5:17: prune.scheme: got p4e without data") {
		t.Errorf("pruned: exit code %d, %s", code, errs)
	}
}

// A network from a file runs on data of one's own, encrypted, and refuses those of another form.
func TestImportedNetworkOnOwnData(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.fixture("mlp.onnx")
	var table strings.Builder
	for i := range 784 {
		fmt.Fprintf(&table, "pixel%d,", i)
	}
	table.WriteString("class\n")
	for sample := range 60 {
		for i := range 784 {
			fmt.Fprintf(&table, "%g,", float64((i*(sample+1))%17)/16)
		}
		fmt.Fprintln(&table, sample%10)
	}
	s.write("pixels.csv", table.String())
	text := strings.NewReplacer("{name: digits, train: 200, test: 20}", "{from: pixels.csv, label: class, scale: none}\ntrain: {batch: 8}", "tile: 8x8x1", "tile: 16x16x32",
		"{encrypted: false}", "{repeats: {min: 2, max: 2}}").Replace(imported)
	s.write("own.yaml", text)
	s.mustRun("run", "own.yaml")
	s.write("other.yaml", strings.Replace(text, "label: class", "target: class", 1))
	if code, _, errs := s.run("check", "other.yaml"); code != exitBadInput || !strings.Contains(errs, "other.yaml:6:17: network.from: it has 10 outputs; want 1, one for each target") {
		t.Errorf("other outputs: exit code %d, %s", code, errs)
	}
}

func TestBadModels(t *testing.T) {
	s := newSandbox(t)
	s.fixture("mlp.onnx")
	s.fixture("relu.onnx")
	s.fixture("plain.onnx")
	s.write("broken.onnx", "not a network")
	for name, c := range map[string]struct{ network, position, says string }{
		"missing":             {"{from: missing.onnx}", "5:17", "no such file"},
		"broken":              {"{from: broken.onnx}", "5:17", "not an ONNX file"},
		"another kind":        {"{from: model.pt}", "5:17", ".safetensors"},
		"unsupported nodes":   {"{from: relu.onnx}", "5:17", `"/Erf" (Erf)`},
		"another shape":       {"{from: plain.onnx}", "5:17", "32×32×3"},
		"hidden too":          {"{from: mlp.onnx, hidden: [16]}", "5:35", "the file says it"},
		"type too":            {"{from: mlp.onnx, type: mlp}", "5:33", "autoencoder"},
		"an activation too":   {"{from: mlp.onnx, activation: square}", "5:39", "replace"},
		"nothing to replace":  {"{type: mlp, hidden: [16], activation: replace}", "5:48", "network.from"},
		"tensors of no file":  {"{type: mlp, hidden: [16], tensors: [fc1]}", "5:45", "network.from"},
		"weights, no network": {"{from: mlp.npz}", "5:", "network.type: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			s.write("bad.yaml", strings.Replace(imported, "{from: mlp.onnx}", c.network, 1))
			code, _, errs := s.run("check", "bad.yaml")
			if code != exitBadInput || !strings.Contains(errs, "bad.yaml:"+c.position) || !strings.Contains(errs, c.says) {
				t.Errorf("exit code %d, %s\nwant position %s and %q", code, errs, c.position, c.says)
			}
		})
	}
	for _, args := range [][]string{{"inspect", "missing.onnx"}, {"inspect", "broken.onnx"}, {"inspect", "bad.yaml"}, {"export-model", "nowhere", "0", "a.onnx"}, {"export-model", "nowhere", "0", "a.pt"}} {
		if code, _, errs := s.run(args...); code != exitBadInput || errs == "" {
			t.Errorf("%v: exit code %d, %q", args, code, errs)
		}
	}
	if _, _, errs := s.run("inspect", "missing.onnx"); errs != "hepex: modelfile: missing.onnx: no such file or directory\n" {
		t.Errorf("inspect: %q", errs)
	}
	if code, out, _ := s.run("inspect", "relu.onnx"); code != 0 || !strings.Contains(out, "activation: replace") {
		t.Errorf("inspect: exit code %d\n%s", code, out)
	}
}
