package modelfile

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/datasets/npy"
	"hepex/network"
)

// example is what PyTorch makes of some inputs.
type example struct{ inputs, outputs *mat.Dense }

// readExample reads what scripts/fixtures.py wrote beside a network; inputs are put in the order of hepex, channels last.
func readExample(t *testing.T, name string) example {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+"-outputs.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := npy.ReadNPZ(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	x, y := arrays["inputs"], arrays["outputs"]
	n := x.Shape[0]
	inputs := mat.NewDense(n, x.Len()/n, nil)
	channels, positions := 1, x.Len()/n
	if len(x.Shape) == 4 {
		channels, positions = x.Shape[1], x.Shape[2]*x.Shape[3]
	}
	for i, v := range x.Float64s() {
		c, p := i/positions%channels, i%positions
		inputs.Set(i/(channels*positions), p*channels+c, v)
	}
	return example{inputs, mat.NewDense(n, y.Len()/n, y.Float64s())}
}

func wantClose(t *testing.T, what string, got, want *mat.Dense) {
	t.Helper()
	var d mat.Dense
	d.Sub(got, want)
	if e, size := mat.Norm(&d, math.Inf(1)), mat.Max(want)-mat.Min(want); !(e <= 1e-5*math.Max(1, size)) {
		t.Errorf("%s: outputs differ by %g: want at most 1e-5", what, e)
	}
}

func TestOutputsAreThoseOfPyTorch(t *testing.T) {
	for _, name := range []string{"mlp", "lenet", "relu", "plain"} {
		t.Run(name, func(t *testing.T) {
			m, err := Read(filepath.Join("testdata", name+".onnx"), Options{Replace: name == "relu"})
			if err != nil {
				t.Fatal(err)
			}
			e := readExample(t, name)
			wantClose(t, "as the file has it", m.Forward(e.inputs), e.outputs)
			if name == "relu" {
				return
			}
			net, err := m.Network()
			if err != nil {
				t.Fatal(err)
			}
			wantClose(t, "network", net.Forward(e.inputs), e.outputs)
			folded, err := net.Fold()
			if err != nil {
				t.Fatal(err)
			}
			wantClose(t, "folded", folded.Forward(e.inputs), e.outputs)
		})
	}
}

func TestWeightsOfAStatedArchitecture(t *testing.T) {
	a := network.Architecture{Inputs: 784, Hidden: []int{48, 16}, Outputs: 10, Activation: "square"}
	for _, file := range []string{"mlp.npz", "mlp.safetensors"} {
		m, err := Read(filepath.Join("testdata", file), Options{Architecture: &a})
		if err != nil {
			t.Fatal(err)
		}
		e := readExample(t, "mlp")
		wantClose(t, file, m.Forward(e.inputs), e.outputs)
	}
}

// Batch norm does not go with the squares of a stated architecture: who has it is told where to put it.
func TestWeightsOfBatchNorm(t *testing.T) {
	a := network.Architecture{Inputs: 4, Outputs: 2, Activation: "square"}
	for ending, content := range map[string]string{
		".npz":         archive(t, "bn.num_batches_tracked.npy", array("<i8", "()", strings.Repeat("\x00", 8))),
		".safetensors": safetensorsFile(`{"bn.num_batches_tracked": {"dtype": "I64", "shape": [], "data_offsets": [0,8]}}`, 8),
	} {
		_, err := parse(ending, []byte(content), "", Options{Architecture: &a})
		if err == nil || !strings.Contains(err.Error(), "batch norm is read from .onnx files") {
			t.Errorf("%s: error %v", ending, err)
		}
	}
}

func TestEveryUnsupportedNodeIsListed(t *testing.T) {
	_, err := Read("testdata/relu.onnx", Options{})
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) {
		t.Fatalf("got %v: want an UnsupportedError", err)
	}
	var nodes []string
	for _, f := range unsupported.Faults {
		nodes = append(nodes, f.Node)
	}
	for _, op := range []string{"(Relu)", "(Sigmoid)", "(Erf)"} {
		if !slices.ContainsFunc(nodes, func(n string) bool { return strings.Contains(n, op) }) {
			t.Errorf("%s is not listed: %v", op, err)
		}
	}
}

func TestQuadraticsInThePlaceOfActivations(t *testing.T) {
	m, err := Read("testdata/relu.onnx", Options{Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	if names := m.Replaced(); len(names) != 3 || !strings.HasPrefix(names[0], "Relu") || !strings.HasPrefix(names[1], "SiLU") || !strings.HasPrefix(names[2], "GELU") {
		t.Errorf("activations %q", names)
	}
	if _, err := m.Network(); err == nil {
		t.Error("a network with activations that cannot be encrypted")
	}
	e := readExample(t, "relu")
	net, err := m.Fit(e.inputs)
	if err != nil {
		t.Fatal(err)
	}
	learnt := 0
	for _, l := range net.Layers {
		if q, ok := l.(*network.Quadratic); ok && q.Learnt {
			learnt++
		}
	}
	if learnt != 3 {
		t.Errorf("%d learnt quadratics: want 3", learnt)
	}
	var d mat.Dense
	d.Sub(net.Forward(e.inputs), e.outputs)
	if far := mat.Norm(&d, 2) / mat.Norm(e.outputs, 2); far > 0.5 {
		t.Errorf("fitted quadratics are %g of the outputs away", far)
	}
}
