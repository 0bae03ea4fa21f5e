package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"hepex/datasets"
	"hepex/network"
)

// Layer is a hidden layer of a network: a convolution with its pooling, or neurons that read everything.
type Layer struct {
	Filters int          // of a convolution, or 0
	Kernel  network.Size `json:",omitzero"`  // of a convolution, or of a pooling
	Stride  network.Size `json:",omitzero"`  // of a convolution
	Padding network.Size `json:",omitzero"`  // of a convolution; negative: crops
	Neurons int          `json:",omitempty"` // of a dense layer, or 0
}

// wantLayer is how layers are written.
const wantLayer = "conv FILTERS KERNEL [stride N] [padding N, below 0 to crop], pool KERNEL or dense NEURONS, with sizes such as 5 or 5x3"

var layerForm = regexp.MustCompile(`^(?:conv ([0-9]+) ([0-9]+(?:x[0-9]+)?)(?: stride ([0-9]+(?:x[0-9]+)?))?(?: padding (-?[0-9]+(?:x-?[0-9]+)?))?|pool ([0-9]+(?:x[0-9]+)?)|dense ([0-9]+))$`)

// Bounds of layers, so that mistakes are found before anything is allocated.
const (
	maxNeurons = 4096
	maxKernel  = 1024
)

// ParseLayer reads a layer as configs have it.
func ParseLayer(text string) (l Layer, err error) {
	m := layerForm.FindStringSubmatch(text)
	if m == nil {
		return l, fmt.Errorf("unknown layer %q; want %s", clip(text), wantLayer)
	}
	number := func(text string, least, most int) int {
		v, e := strconv.Atoi(text)
		if (e != nil || v < least || v > most) && err == nil {
			err = fmt.Errorf("%s in %q; want %d to %d", text, clip(m[0]), least, most)
		}
		return v
	}
	size := func(text string, least int) network.Size {
		h, w, both := strings.Cut(text, "x")
		if !both {
			w = h
		}
		return network.Size{H: number(h, least, maxKernel), W: number(w, least, maxKernel)}
	}
	switch {
	case m[1] != "":
		l = Layer{Filters: number(m[1], 1, maxNeurons), Kernel: size(m[2], 1), Stride: network.Square(1)}
		if m[3] != "" {
			l.Stride = size(m[3], 1)
		}
		if m[4] != "" {
			l.Padding = size(m[4], -maxKernel)
		}
	case m[5] != "":
		l = Layer{Kernel: size(m[5], 1)}
	default:
		l = Layer{Neurons: number(m[6], 1, maxNeurons)}
	}
	return l, err
}

// String is the layer as ParseLayer reads it.
func (l Layer) String() string {
	switch {
	case l.Filters > 0:
		text := fmt.Sprintf("conv %d %s", l.Filters, sizeText(l.Kernel))
		if l.Stride != network.Square(1) {
			text += " stride " + sizeText(l.Stride)
		}
		if l.Padding != (network.Size{}) {
			text += " padding " + sizeText(l.Padding)
		}
		return text
	case l.Neurons > 0:
		return fmt.Sprintf("dense %d", l.Neurons)
	}
	return "pool " + sizeText(l.Kernel)
}

func sizeText(s network.Size) string {
	if s.H == s.W {
		return strconv.Itoa(s.H)
	}
	return fmt.Sprintf("%dx%d", s.H, s.W)
}

// LayersText names layers.
func LayersText(layers []Layer) string {
	var texts []string
	for _, l := range layers {
		texts = append(texts, l.String())
	}
	return strings.Join(texts, ", ")
}

// The usual networks, by name. Their activations follow every layer; poolings take averages.
var namedLayers = map[string][]string{
	"lola":   {"conv 5 5 stride 2 padding 1", "dense 100"},                                                         // LoLa (Brutzkus et al., ICML 2019), CryptoNets
	"lenet5": {"conv 6 5 padding 2", "pool 2", "conv 16 5", "pool 2", "dense 120", "dense 84"},                     // LeCun et al., 1998
	"lenet":  {"conv 32 5", "pool 2", "conv 64 5", "pool 2", "dense 512"},                                          // MOFHEI, Orion
	"cifar":  {"conv 32 3 padding 1", "pool 2", "conv 64 3 padding 1", "pool 2", "conv 128 3 padding 1", "pool 2"}, // three conv layers for 32×32 images
}

// layerList is a kind of lists of layers, or the name of one.
var layerList = kind[[]Layer]{
	fmt.Sprintf("one of %s, or a list of layers: %s", strings.Join(slices.Sorted(maps.Keys(namedLayers)), ", "), wantLayer),
	schema{"description": "hidden layers: " + wantLayer, "anyOf": []schema{
		{"enum": slices.Sorted(maps.Keys(namedLayers))},
		{"type": "array", "minItems": 1, "maxItems": maxLayers, "items": schema{"type": "string", "pattern": layerForm.String()}},
	}}, readLayers}

const maxLayers = 32

func readLayers(n *yaml.Node) (layers []Layer, f *fault) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		texts, ok := namedLayers[n.Value]
		if !ok {
			return nil, &fault{n, fmt.Sprintf("got %s; want one of %s, or a list of layers", describe(n), strings.Join(slices.Sorted(maps.Keys(namedLayers)), ", "))}
		}
		for _, text := range texts {
			l, _ := ParseLayer(text)
			layers = append(layers, l)
		}
		return layers, nil
	}
	texts, f := listOf(1, maxLayers, label).read(n)
	if f != nil {
		return nil, f
	}
	for i, text := range texts {
		l, err := ParseLayer(text)
		if err == nil {
			err = follows(l, layers)
		}
		if err != nil {
			return nil, &fault{n.Content[i], err.Error()}
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// follows says why a layer cannot come after others.
func follows(l Layer, before []Layer) error {
	last := Layer{}
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	switch {
	case l.Neurons == 0 && last.Neurons > 0:
		return fmt.Errorf("%s after %s; want dense layers last", l, last)
	case l.Filters == 0 && l.Neurons == 0 && last.Filters == 0:
		return errors.New("a pooling without a convolution before it; want conv and then pool")
	}
	return nil
}

// addTo adds the layers to an architecture.
func addTo(a *network.Architecture, layers []Layer) {
	for _, l := range layers {
		switch {
		case l.Filters > 0:
			a.Conv = append(a.Conv, network.Conv{Filters: l.Filters, Kernel: l.Kernel, Stride: l.Stride, Padding: l.Padding})
		case l.Neurons > 0:
			a.Hidden = append(a.Hidden, l.Neurons)
		default:
			a.Conv[len(a.Conv)-1].Pool = l.Kernel
		}
	}
}

// setImage says how the inputs of a convolution lie.
func setImage(a *network.Architecture, f datasets.Form) {
	a.Image = network.Axis{}
	if len(a.Conv) > 0 {
		a.Image = network.Axis{H: f.Shape.Height, W: f.Shape.Width, Channels: f.Shape.Channels}
	}
}

// Architecture is the network that the spec describes, for a data set of a form.
func (s *Spec) Architecture(f datasets.Form) network.Architecture {
	a := network.Architecture{
		Inputs: f.Shape.Size(), Outputs: f.Outputs(), Hidden: slices.Clone(s.Network.Hidden),
		Activation: s.Network.OwnActivation(), BatchNorm: s.Network.BatchNorm,
	}
	addTo(&a, s.Network.Layers)
	setImage(&a, f)
	if s.Network.Type == "autoencoder" {
		a.Outputs, a.Autoencoder = a.Inputs, true
	}
	return a
}

// Evaluated is the network that the point evaluates: that of prune.hidden or prune.layers if it takes the place of the trained one.
func (s *Spec) Evaluated(f datasets.Form) network.Architecture {
	a := s.Architecture(f)
	if s.Prune.Replaces() {
		a.Conv, a.Hidden = nil, slices.Clone(s.Prune.Hidden)
		addTo(&a, s.Prune.Layers)
		setImage(&a, f)
	}
	return a
}

// Geometry is that of the network that is trained, or that comes from a file.
func (s *Spec) Geometry(f datasets.Form) (network.Geometry, error) {
	if s.Network.From != "" {
		return s.Network.Imported.Geometry, nil
	}
	return s.Architecture(f).Geometry()
}

// EvaluatedGeometry is that of the network that the point evaluates.
func (s *Spec) EvaluatedGeometry(f datasets.Form) (network.Geometry, error) {
	if s.Prune.Replaces() {
		return s.Evaluated(f).Geometry()
	}
	return s.Geometry(f)
}
