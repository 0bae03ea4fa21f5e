package modelfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hepex/datasets/npy"
	"hepex/network"
)

// tensor is one array of a file of weights, row-major.
type tensor struct {
	shape  []int
	values func() []float32 // read when they are known to be wanted
}

// readTensors reads a file of weights of a format.
func readTensors(format string, content []byte) (map[string]tensor, error) {
	switch format {
	case ".npz":
		return readNPZ(content)
	case ".safetensors":
		return readSafetensors(content)
	}
	return nil, fmt.Errorf("a file with the ending %q: want .onnx, .safetensors or .npz", format)
}

// fromWeights is the network of a stated architecture with the weights of a file.
func fromWeights(content []byte, tensors map[string]tensor, o Options) (*Model, error) {
	if o.Architecture == nil {
		return nil, errors.New("it holds weights alone: want the architecture in a config, network: {from: …, type: mlp, hidden: [128]}")
	}
	if o.Architecture.Activation != "square" {
		return nil, fmt.Errorf("activation %q with weights alone: want square, or an .onnx file, which has the coefficients", o.Architecture.Activation)
	}
	ends := takeEnds(tensors)
	layers, err := group(tensors)
	if err != nil {
		return nil, err
	}
	net, err := network.New(*o.Architecture, 0)
	if err != nil {
		return nil, err
	}
	names, err := match(net, layers, o.Tensors)
	if err != nil {
		return nil, err
	}
	m := &Model{SHA256: fmt.Sprintf("%x", sha256.Sum256(content)), Input: net.Geometry().Axis(0), ends: ends}
	axis := m.Input
	for _, l := range net.Layers {
		s := step{node: "activation", layer: l}
		switch l := l.(type) {
		case *network.Dense:
			s.node, names = names[0], names[1:]
			layers[s.node].fill(l)
		case *network.AveragePool:
			s.node = "average pool"
		}
		if axis, err = network.OutputsOf(l, axis); err != nil {
			return nil, fmt.Errorf("layer %s: %w", s.node, err)
		}
		s.out = axis
		m.steps = append(m.steps, s)
	}
	m.Output = axis
	return m, m.finish()
}

// named are the tensors of a layer by the last part of their names.
type named map[string]tensor

// group sorts tensors by layer: LAYER.weight and LAYER.bias. There is no batch norm, as it does not go with squares.
func group(tensors map[string]tensor) (map[string]named, error) {
	layers := map[string]named{}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		at := strings.LastIndexByte(name, '.')
		part := name[at+1:]
		if at < 1 || part != "weight" && part != "bias" {
			return nil, fmt.Errorf("tensor %q: want LAYER.weight and LAYER.bias; batch norm is read from .onnx files", name)
		}
		if layers[name[:at]] == nil {
			layers[name[:at]] = named{}
		}
		layers[name[:at]][part] = tensors[name]
	}
	return layers, nil
}

// weightShape is that of a layer's weights, as PyTorch has them.
func weightShape(d *network.Dense) []int {
	if w := d.Window; w != nil && !w.IsWhole() {
		return []int{d.Out, w.In.Channels, w.Kernel.H, w.Kernel.W}
	}
	return []int{d.Out, d.In}
}

// fits tells whether the tensors are those of a layer; the bias may be missing.
func (t named) fits(d *network.Dense) bool {
	weight, weighted := t["weight"]
	bias, biased := t["bias"]
	return weighted && slices.Equal(weight.shape, weightShape(d)) && (!biased || slices.Equal(bias.shape, []int{d.Out}))
}

// match finds the layers of the file that the layers of the network have their weights from, in order.
func match(net *network.Network, layers map[string]named, stated []string) (names []string, err error) {
	used := map[string]bool{}
	for _, d := range net.Dense() {
		var fitting []string
		for _, name := range slices.Sorted(maps.Keys(layers)) {
			if layers[name].fits(d) {
				fitting = append(fitting, name)
			}
		}
		if stated != nil {
			if len(names) >= len(stated) {
				return nil, fmt.Errorf("network.tensors lists %d layers: want one for each with weights", len(stated))
			}
			fitting = slices.DeleteFunc(fitting, func(name string) bool { return name != stated[len(names)] })
		}
		at := fmt.Sprintf("layer %d, of weights %v", len(names)+1, weightShape(d))
		switch {
		case len(fitting) == 0 && stated != nil:
			return nil, fmt.Errorf("%s: %q in the file is not of this size", at, stated[len(names)])
		case len(fitting) == 0:
			return nil, fmt.Errorf("%s: no layer of the file is of this size; it has %s", at, describe(layers))
		case len(fitting) > 1:
			return nil, fmt.Errorf("%s: %s are all of this size: want network.tensors, a list of the layers in order", at, strings.Join(fitting, ", "))
		case used[fitting[0]]:
			return nil, fmt.Errorf("%s: the one of this size in the file, %q, is of another layer", at, fitting[0])
		}
		names, used[fitting[0]] = append(names, fitting[0]), true
	}
	if len(names) < len(layers) {
		return nil, fmt.Errorf("the file has %d layers, %s: want %d", len(layers), describe(layers), len(names))
	}
	if len(names) < len(stated) {
		return nil, fmt.Errorf("network.tensors lists %d layers: want %d", len(stated), len(names))
	}
	return names, nil
}

// describe lists layers with the shapes of their weights.
func describe(layers map[string]named) string {
	if len(layers) == 0 {
		return "none"
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		if len(texts) == 20 {
			return strings.Join(texts, ", ") + ", …"
		}
		texts = append(texts, fmt.Sprintf("%s %v", name, layers[name]["weight"].shape))
	}
	return strings.Join(texts, ", ")
}

// fill gives a layer its weights, with channels last.
func (t named) fill(d *network.Dense) {
	if b, ok := t["bias"]; ok {
		copy(d.B, b.values())
	}
	channels, positions := d.In, 1
	if d.Window != nil {
		channels, positions = d.Window.In.Channels, d.Window.Taps()
	}
	d.W = channelsLast(t["weight"].values(), channels, positions)
}

// channelsLast puts rows of channels × positions in the order positions × channels.
func channelsLast(rows []float32, channels, positions int) []float32 {
	out := make([]float32, len(rows))
	size := channels * positions
	for i := range out {
		row, at := i/size*size, i%size
		out[i] = rows[row+at%channels*positions+at/channels]
	}
	return out
}

// readNPZ reads the arrays of a .npz file.
func readNPZ(content []byte) (map[string]tensor, error) {
	arrays, err := npy.ReadNPZ(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	tensors := map[string]tensor{}
	for name, a := range arrays {
		if a.Type.Integer() && len(a.Shape) > 0 && name != inputOrder && name != outputOrder {
			return nil, fmt.Errorf("array %q of type %s: want f4 or f8", name, a.Type)
		}
		tensors[name] = tensor{a.Shape, a.Float32s}
	}
	return tensors, nil
}
