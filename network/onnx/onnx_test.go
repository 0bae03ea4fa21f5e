package onnx

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a model with everything that is written.
func small() *Model {
	return &Model{
		IRVersion: 7, Producer: "test 1", Opset: 13, Metadata: []Property{{"order", "[1,0]"}},
		Graph: Graph{
			Name: "small",
			Nodes: []Node{{
				Name: "pool", Op: "AveragePool", Inputs: []string{"x"}, Outputs: []string{"p"}, Attributes: []Attribute{
					{Name: "kernel_shape", Kind: KindInts, Ints: []int64{2, 2}}, {Name: "ceil_mode", Kind: KindInt, Int: 1}, {Name: "share", Kind: KindFloat, Float: 0.5},
				},
			}, {Name: "add", Op: "Add", Inputs: []string{"p", "b"}, Outputs: []string{"y"}}},
			Constants: []Tensor{{Name: "b", Type: Float, Dims: []int64{1, 2}, Floats: []float32{0.5, -1}}, {Name: "s", Type: Int64, Dims: []int64{2}, Ints: []int64{-1, 4}}},
			Inputs:    []Info{{"x", Float, []int64{-1, 1, 4, 4}}},
			Outputs:   []Info{{"y", Float, []int64{-1, 2}}},
		},
	}
}

func TestWrittenModelsAreReadBack(t *testing.T) {
	content, err := small().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(content, "")
	if err != nil {
		t.Fatal(err)
	}
	want := small()
	want.SHA256 = got.SHA256
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestModelsThatAreNotWritten(t *testing.T) {
	for says, spoil := range map[string]func(m *Model){
		"nothing computes":  func(m *Model) { m.Graph.Nodes[1].Inputs[1] = "c" },
		"the name is taken": func(m *Model) { m.Graph.Constants[1].Name = "b" },
		"want 3":            func(m *Model) { m.Graph.Constants[1].Dims[0] = 3 },
		"float or int64":    func(m *Model) { m.Graph.Constants[0].Type = Double },
		"no way to write":   func(m *Model) { m.Graph.Nodes[0].Attributes[0].Kind = KindTensor },
	} {
		m := small()
		spoil(m)
		if _, err := m.Encode(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v: want %q", err, says)
		}
	}
}
