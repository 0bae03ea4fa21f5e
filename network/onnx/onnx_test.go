package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
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
			}, {Name: "add", Op: "Add", Domain: "com.example", Inputs: []string{"p", "b"}, Outputs: []string{"y"}}},
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

// float is one number of a repeated field that is not packed.
func (m *message) float(number protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, number, protowire.Fixed32Type), math.Float32bits(v))
}

// little are values as files have them.
func little(t *testing.T, values any) []byte {
	t.Helper()
	b, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Values come in many ways, which mean the same, and a reader leaves the file as it was.
func TestWaysToStoreValues(t *testing.T) {
	floats, ints := []float32{1, -2, 3}, []int64{1, 0, 1}
	for name, c := range map[string]struct {
		kind  Type
		write func(m *message)
	}{
		"raw floats":    {Float, func(m *message) { m.message(9, little(t, floats)) }},
		"packed floats": {Float, func(m *message) { m.message(4, little(t, floats)) }},
		"single floats": {Float, func(m *message) { m.float(4, 1); m.float(4, -2); m.float(4, 3) }},
		"both": {Float, func(m *message) {
			m.message(4, little(t, floats[:1]))
			m.float(4, -2)
			m.message(4, little(t, floats[2:]))
		}},
		"raw doubles":  {Double, func(m *message) { m.message(9, little(t, []float64{1, -2, 3})) }},
		"doubles":      {Double, func(m *message) { m.message(10, little(t, []float64{1, -2, 3})) }},
		"raw integers": {Int64, func(m *message) { m.message(9, little(t, ints)) }},
		"integers":     {Int64, func(m *message) { m.message(7, []byte{1, 0, 1}) }},
		"raw truths":   {Bool, func(m *message) { m.message(9, []byte{1, 0, 1}) }},
		"truths":       {Bool, func(m *message) { m.message(5, []byte{1}); m.integer(5, 0); m.integer(5, 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			var tensor, graph, file message
			tensor.integer(1, 3)
			tensor.integer(2, int64(c.kind))
			tensor.text(8, "values")
			c.write(&tensor)
			graph.message(5, tensor)
			file.message(7, graph)
			before := bytes.Clone(file)
			m, err := Decode(file, "")
			if err != nil {
				t.Fatal(err)
			}
			want := Tensor{Name: "values", Type: c.kind, Dims: []int64{3}, Floats: floats}
			if c.kind == Int64 || c.kind == Bool {
				want.Floats, want.Ints = nil, ints
			}
			if d := cmp.Diff([]Tensor{want}, m.Graph.Constants); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if !bytes.Equal(file, before) {
				t.Error("the file is overwritten")
			}
		})
	}
}
