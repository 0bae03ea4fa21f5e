// Package onnx reads and writes the part of ONNX that sequential networks need: one graph of nodes without subgraphs, tensors of
// floats and integers, attributes of numbers, texts and tensors. What nodes mean is for others to say.
//
// The wire format is that of protocol buffers (onnx.proto3 of ONNX IR version 8). A reader of files from strangers trusts nothing that
// they declare: sizes are checked against the bytes that are there before anything is allocated, names are defined once and before they
// are used, which also excludes cycles, and external data stays in the folder of the file.
package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds on what a file may hold.
const (
	MaxBytes = 64 << 20 // of a file, and of the external data that it names
	maxItems = 100000   // nodes, their inputs, outputs and attributes, tensors, … in all
	maxList  = 1 << 16  // numbers of an attribute, integers of a tensor
	maxName  = 1 << 10  // bytes
	maxText  = 1 << 24  // bytes of a value of the metadata
	maxRank  = 8
	maxSize  = 1 << 28 // values of a tensor
)

// Model is a file.
type Model struct {
	IRVersion int64
	Producer  string // name and version
	Opset     int64  // of the standard operators
	Metadata  []Property
	Graph     Graph

	SHA256 string // of the file and the external data that was read, in hexadecimal
}

// Property is an entry of the metadata.
type Property struct{ Key, Value string }

// Property is the value of a key of the metadata.
func (m *Model) Property(key string) (value string, ok bool) {
	for _, p := range m.Metadata {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// Graph is a network. Every name is the output of one node, an input, or a constant; nodes come after those that they read.
type Graph struct {
	Name            string
	Nodes           []Node
	Constants       []Tensor // initialisers
	Inputs, Outputs []Info   // inputs that are constants as well are left out
}

// Node is one operation.
type Node struct {
	Name, Op        string
	Domain          string // "" for standard operators
	Inputs, Outputs []string
	Attributes      []Attribute
}

// Attribute is a setting of a node: of one of these types, the others are zero.
type Attribute struct {
	Name   string
	Kind   AttributeKind
	Float  float32
	Int    int64
	Text   string
	Tensor *Tensor
	Ints   []int64
}

// AttributeKind is the type of an attribute, with the numbers of onnx.proto.
type AttributeKind int32

// The kinds that are read. Others, such as subgraphs and lists of floats, keep their kind and lose their value.
const (
	KindFloat  AttributeKind = 1
	KindInt    AttributeKind = 2
	KindText   AttributeKind = 3
	KindTensor AttributeKind = 4
	KindInts   AttributeKind = 7
)

// Attribute is the one of a name, or nil.
func (n *Node) Attribute(name string) *Attribute {
	if i := slices.IndexFunc(n.Attributes, func(a Attribute) bool { return a.Name == name }); i >= 0 {
		return &n.Attributes[i]
	}
	return nil
}

// Info is the name and the shape of an input or an output; a dimension that the file leaves open is −1.
type Info struct {
	Name string
	Type Type
	Dims []int64
}

// Type is the type of a tensor's values, with the numbers of onnx.proto.
type Type int32

// The types that are read.
const (
	Float  Type = 1
	Int32  Type = 6 // becomes Int64: sizes and axes may be either
	Int64  Type = 7
	Bool   Type = 9
	Double Type = 11
)

var typeNames = []string{"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
	"uint32", "uint64", "complex64", "complex128", "bfloat16"}

func (t Type) String() string {
	if t >= 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", int32(t))
}

// Tensor is a constant, row-major. Floats holds the values of floats and doubles, Ints those of integers and truths.
type Tensor struct {
	Name   string
	Type   Type
	Dims   []int64
	Floats []float32
	Ints   []int64
}

// Size is the number of values.
func (t *Tensor) Size() int { n, _ := size(t.Dims); return n }

// size is the product of dimensions, or what is wrong with them.
func size(dims []int64) (int, error) {
	if len(dims) > maxRank {
		return 0, fmt.Errorf("%d dimensions: want at most %d", len(dims), maxRank)
	}
	n := int64(1)
	for _, d := range dims {
		if d < 0 || d > maxSize || n*d > maxSize {
			return 0, fmt.Errorf("shape %s: want dimensions of at least 0 and at most %d values", Shape(dims), maxSize)
		}
		n *= d
	}
	return int(n), nil
}

// Shape writes dimensions as text, open ones as ?.
func Shape(dims []int64) string {
	var texts []string
	for _, d := range dims {
		if d == -1 {
			texts = append(texts, "?")
		} else {
			texts = append(texts, fmt.Sprint(d))
		}
	}
	return "(" + strings.Join(texts, ", ") + ")"
}
