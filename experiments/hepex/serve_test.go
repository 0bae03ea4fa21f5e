package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/harness/serve"
)

// served has two networks with 128-bit parameters.
const served = `version: 1
name: served
data: {name: digits, train: 600, test: 100, validation: 0.1}
network: {type: mlp, hidden: [16], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: p4e, ratio: 0.8, scope: global, permutation: kmeans, retrain: {epochs: 2}}
tile: 16x16x16
he: {precision: 10}
sweep:
  cases: [{label: mine, he.weights: encrypted}, {label: theirs, he.weights: plain, layout: one-image}]
`

// writeDigits writes test images as text and gives them.
func (s *sandbox) writeDigits(name string, n int) *mat.Dense {
	s.t.Helper()
	source, err := datasets.Open("digits", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	set, err := source.Read(datasets.Test, 0, n)
	if err != nil {
		s.t.Fatal(err)
	}
	x := mat.NewDense(n, set.Dim, nil)
	var text strings.Builder
	for i, v := range set.X {
		x.Set(i/set.Dim, i%set.Dim, float64(v))
		separator := " "
		if (i+1)%set.Dim == 0 {
			separator = "\n"
		}
		fmt.Fprint(&text, v, separator)
	}
	s.write(name, text.String())
	return x
}

// Client and server do their parts in processes of their own, and the labels are those of the plain network.
func TestServeAsProcesses(t *testing.T) {
	t.Parallel()
	s := newPricedSandbox(t)
	s.write("served.yaml", served)
	x := s.writeDigits("pixels.txt", 20)
	must := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := s.run(args...)
		if code != exitDone {
			t.Fatalf("%v: exit code %d, %s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	for _, label := range []string{"mine", "theirs"} {
		t.Run(label, func(t *testing.T) {
			in := func(name string) string { return filepath.Join(label, name) }
			must("pack", "served.yaml", "--point", label, "--out", in("model"))
			server := in("server")
			if label == "theirs" {
				server = in("model") // with plain weights the server has packed its own
			}
			must("keygen", in("model"), "--client", in("client"), "--server", server)
			must("encrypt", "pixels.txt", "--client", in("client"), "--out", in("inputs"))
			if stdout := must("evaluate", in("inputs"), "--server", server, "--out", in("outputs"), "--threads", "1"); !strings.Contains(stdout, "evaluation") {
				t.Error(stdout)
			}
			n, err := serve.ReadNetwork(filepath.Join(s.dir, in("model")))
			if err != nil {
				t.Fatal(err)
			}
			y := n.Folded.Forward(x)
			var want strings.Builder
			for i := range 20 {
				fmt.Fprintln(&want, serve.Labels([][]float64{y.RawRowView(i)})[0])
			}
			if got := must("decrypt", in("outputs"), "--client", in("client")); got != want.String() {
				t.Errorf("labels %q: want %q", got, want.String())
			}
			must("decrypt", in("outputs"), "--client", in("client"), "--values", "--out", in("scores.csv"))
			text, err := os.ReadFile(filepath.Join(s.dir, in("scores.csv")))
			if err != nil || strings.Count(string(text), "\n") != 20 || strings.Count(string(text), ",") != 9*20 {
				t.Errorf("scores: %v, %.100s", err, text)
			}
		})
	}

	s.write("broken", "0.5 NaN\n")
	s.write("mine/server/notes", string(readFile(t, s, "mine/client/secret.hepex")))
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no point":           {[]string{"pack", "served.yaml", "--out", "new"}, `point "": 2 points; want the id, or a label`},
		"no model":           {[]string{"keygen", "nowhere", "--client", "new"}, "nowhere/public.hepex: no such file"},
		"keys again":         {[]string{"keygen", "mine/model", "--client", "mine/client", "--server", "new"}, "mine/client/secret.hepex: exists"},
		"too few pixels":     {[]string{"encrypt", "broken", "--client", "mine/client", "--out", "new"}, "broken:1: 2 values: want 784"},
		"secret at server":   {[]string{"evaluate", "mine/inputs", "--server", "mine/server", "--out", "new"}, "mine/server/notes: a secret"},
		"another network":    {[]string{"evaluate", "mine/inputs", "--server", "theirs/model", "--out", "new"}, "mine/inputs: belongs to network"},
		"no threads":         {[]string{"evaluate", "theirs/inputs", "--server", "theirs/model", "--out", "new", "--threads", "0"}, "--threads"},
		"another's outputs":  {[]string{"decrypt", "mine/outputs", "--client", "theirs/client", "--out", "new"}, "mine/outputs: belongs to network"},
		"a file as folder":   {[]string{"pack", "served.yaml", "--point", "mine", "--out", "pixels.txt"}, "pixels.txt: not a directory"},
		"a folder as file":   {[]string{"encrypt", "pixels.txt", "--client", "mine/client", "--out", "mine"}, "mine: is a directory"},
		"a folder to read":   {[]string{"encrypt", "mine", "--client", "mine/client", "--out", "new"}, "mine: a folder: want a text file with a line for each sample"},
		"client is a file":   {[]string{"encrypt", "pixels.txt", "--client", "pixels.txt", "--out", "new"}, "not a directory"},
		"keys for two":       {[]string{"keygen", "theirs/model", "--client", "new", "--server", "theirs/model"}, "theirs/model/keys.hepex: exists"},
		"too many threads":   {[]string{"evaluate", "theirs/inputs", "--server", "theirs/model", "--out", "new", "--threads", "100000"}, "want 1 to 1024"},
		"over the secret":    {[]string{"encrypt", "pixels.txt", "--client", "mine/client", "--out", "mine/client/secret.hepex"}, "would replace"},
		"over the samples":   {[]string{"encrypt", "pixels.txt", "--client", "mine/client", "--out", "./pixels.txt"}, "would replace"},
		"over the model":     {[]string{"evaluate", "theirs/inputs", "--server", "theirs/model", "--out", "theirs/model/model.hepex"}, "would replace"},
		"over the outputs":   {[]string{"decrypt", "mine/outputs", "--client", "mine/client", "--out", "mine/outputs"}, "would replace"},
		"inputs, not result": {[]string{"decrypt", "mine/inputs", "--client", "mine/client", "--out", "new"}, "holds inputs: want outputs"},
	} {
		code, stdout, stderr := s.run(c.args...)
		if code != exitBadInput || stdout != "" || !strings.HasPrefix(stderr, "hepex: ") || !strings.Contains(stderr, c.says) || s.exists("new") {
			t.Errorf("%s: exit code %d, %q, %q: want %q", name, code, stdout, stderr, c.says)
		}
	}
	s.write("served.yaml", small)
	if code, _, stderr := s.run("pack", "served.yaml", "--point", "dense"); code != exitBadInput || !strings.Contains(stderr, "insecure") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func readFile(t *testing.T, s *sandbox, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
