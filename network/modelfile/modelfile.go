// Package modelfile reads networks that others have trained, from ONNX files, and from .safetensors and .npz files with a stated
// architecture, and writes networks so that others can use them.
//
// A file becomes a row of steps, and these become a [network.Network]. Polynomials between layers are followed symbolically, channel by
// channel, so that a square or a·x² + b·x + c is recognised however an exporter writes it; factors and summands of channels become part
// of the layers with weights beside them. Values that a file has channel by channel are put in the order of hepex, in which the
// channels of a position lie together; inputs are taken in the order of data sets.
package modelfile

import (
	"fmt"
	"path/filepath"
	"strings"

	"hepex/network"
	"hepex/network/onnx"
)

// Bounds of what a file may describe.
const (
	maxInputs = 1 << 20 // values of a sample
	maxRank   = 8
)

// Options say how to read a file.
type Options struct {
	Replace bool // activations that are no polynomials are read, for Fit to put quadratics in their place

	// For files that hold weights alone.
	Architecture *network.Architecture
	Tensors      []string // the names of its layers in the file, in the order of layers, where their sizes do not tell; else nil
}

// SaysLayers tells whether files with the ending of the path say what the layers of their network are.
func SaysLayers(path string) bool { return extension(path) == ".onnx" }

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

// Read reads the network in a file. The error lists all nodes that are not supported ([*UnsupportedError]), or says what else is wrong.
func Read(path string, o Options) (*Model, error) {
	m, err := read(path, o)
	if err != nil {
		return nil, fmt.Errorf("modelfile: %s: %w", path, err)
	}
	return m, nil
}

func read(path string, o Options) (*Model, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(extension(path), content, filepath.Dir(path), o)
}

// parse reads a file of a format, with external data in the folder.
func parse(format string, content []byte, folder string, o Options) (*Model, error) {
	if format == ".onnx" {
		file, err := onnx.Decode(content, folder)
		if err != nil {
			return nil, err
		}
		return fromONNX(file, o)
	}
	tensors, err := readTensors(format, content)
	if err != nil {
		return nil, err
	}
	return fromWeights(content, tensors, o)
}

func fromONNX(file *onnx.Model, o Options) (*Model, error) {
	w, err := walk(&file.Graph, o.Replace)
	if err != nil {
		return nil, err
	}
	m := &Model{Producer: file.Producer, SHA256: file.SHA256, Input: w.start, Output: w.axis, steps: w.steps}
	if m.ends, err = endsOf(file); err != nil {
		return nil, err
	}
	return m, m.finish()
}
