package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes a model whose names are in order; types are float and int64 only.
func (m *Model) Encode() ([]byte, error) {
	if err := m.Graph.check(); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	graph, err := m.Graph.encode()
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	name, version, _ := strings.Cut(m.Producer, " ")
	var b message
	b.integer(1, m.IRVersion)
	b.text(2, name)
	b.text(3, version)
	b.message(7, graph)
	var opset message
	opset.text(1, "")
	opset.integer(2, m.Opset)
	b.message(8, opset)
	for _, p := range m.Metadata {
		var entry message
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		b.message(14, entry)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("onnx: %d bytes: want at most %d", len(b), MaxBytes)
	}
	return b, nil
}

// message is a message that is being written.
type message []byte

func (m *message) integer(number protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, number, protowire.VarintType), uint64(v))
}

func (m *message) text(number protowire.Number, v string) { m.message(number, []byte(v)) }

func (m *message) message(number protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, number, protowire.BytesType), v)
}

func (g *Graph) encode() (message, error) {
	var b message
	for i := range g.Nodes {
		n, err := g.Nodes[i].encode()
		if err != nil {
			return nil, err
		}
		b.message(1, n)
	}
	b.text(2, g.Name)
	for i := range g.Constants {
		t, err := g.Constants[i].encode()
		if err != nil {
			return nil, err
		}
		b.message(5, t)
	}
	for _, i := range g.Inputs {
		b.message(11, i.encode())
	}
	for _, o := range g.Outputs {
		b.message(12, o.encode())
	}
	return b, nil
}

func (n *Node) encode() (message, error) {
	var b message
	for _, name := range n.Inputs {
		b.text(1, name)
	}
	for _, name := range n.Outputs {
		b.text(2, name)
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	if n.Domain != "" {
		b.text(7, n.Domain)
	}
	for _, a := range n.Attributes {
		attribute, err := a.encode()
		if err != nil {
			return nil, err
		}
		b.message(5, attribute)
	}
	return b, nil
}

func (a *Attribute) encode() (message, error) {
	var b message
	b.text(1, a.Name)
	switch a.Kind {
	case KindFloat:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(a.Float))
	case KindInt:
		b.integer(3, a.Int)
	case KindInts:
		for _, v := range a.Ints {
			b.integer(8, v)
		}
	default:
		return nil, fmt.Errorf("attribute %q: no way to write its type", a.Name)
	}
	b.integer(20, int64(a.Kind))
	return b, nil
}

func (t *Tensor) encode() (message, error) {
	n, err := size(t.Dims)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(t.Floats)+len(t.Ints) != n {
		return nil, fmt.Errorf("tensor %q: %d values: want %d", t.Name, len(t.Floats)+len(t.Ints), n)
	}
	var b message
	for _, d := range t.Dims {
		b.integer(1, d)
	}
	b.integer(2, int64(t.Type))
	b.text(8, t.Name)
	var raw []byte
	switch t.Type {
	case Float:
		for _, v := range t.Floats {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	case Int64:
		for _, v := range t.Ints {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
		}
	default:
		return nil, errors.New("tensors are written as float or int64")
	}
	b.message(9, raw)
	return b, nil
}

func (i *Info) encode() message {
	var shape message
	for at, d := range i.Dims {
		var dim message
		if d < 0 {
			dim.text(2, fmt.Sprintf("open%d", at))
		} else {
			dim.integer(1, d)
		}
		shape.message(1, dim)
	}
	var tensor, typ, b message
	tensor.integer(1, int64(i.Type))
	tensor.message(2, shape)
	typ.message(1, tensor)
	b.text(1, i.Name)
	b.message(2, typ)
	return b
}
