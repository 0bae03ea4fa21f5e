package config

import (
	"fmt"
	"regexp"

	"gopkg.in/yaml.v3"

	"hepex/datasets"
	"hepex/network"
	"hepex/network/modelfile"
)

// Imported is what is known of a file that a network comes from.
type Imported struct {
	SHA256    string           `json:"sha256"`
	Geometry  network.Geometry `json:"geometry"`
	BatchNorm bool             `json:"batch_norm,omitempty"`
}

// replace is the activation of imported networks whose own are no polynomials: learnt quadratics in their place.
const replace = "replace"

// modelFile is a kind of paths of networks, relative to the folder that hepex is started in.
var modelFile = scalar("the path of an .onnx, .safetensors or .npz file, relative to the folder that hepex is started in", patterned(modelPath),
	func(n *yaml.Node) (string, bool) { return n.Value, modelPath.MatchString(n.Value) })

var modelPath = regexp.MustCompile(`^.{1,1000}\.(onnx|safetensors|npz)$`)

// ofFile tells whether a file says what the layers are, so that nothing else may.
func (n Network) ofFile() bool { return n.From != "" && modelfile.SaysLayers(n.From) }

// Replaces tells whether activations that are no polynomials are replaced.
func (n Network) Replaces() bool { return n.Activation == replace }

// OwnActivation is that of networks that are made here, be it in the place of one from a file.
func (n Network) OwnActivation() string {
	if n.ofFile() {
		return "quadratic"
	}
	return n.Activation
}

// ReadModel reads the file that the network comes from, for data of a form. A file that has changed since the spec was made is an error.
func (s *Spec) ReadModel(f datasets.Form) (*modelfile.Model, error) {
	m, err := modelfile.Read(s.Network.From, s.modelOptions(f))
	if err != nil {
		return nil, err
	}
	if m.SHA256 != s.Network.Imported.SHA256 {
		return nil, fmt.Errorf("%s has changed since the run began", s.Network.From)
	}
	return m, nil
}

func (s *Spec) modelOptions(f datasets.Form) modelfile.Options {
	o := modelfile.Options{Replace: s.Network.Replaces(), Tensors: s.Network.Tensors}
	if !s.Network.ofFile() {
		a := s.Architecture(f)
		o.Architecture = &a
	}
	return o
}

// models are the files that were read, by path and options: the points of a sweep share them.
type models map[string]model

type model struct {
	*modelfile.Model
	err error
}

func (files models) read(path string, o modelfile.Options) (*modelfile.Model, error) {
	key := fmt.Sprintf("%q %v %q %+v", path, o.Replace, o.Tensors, o.Architecture)
	m, known := files[key]
	if !known {
		m.Model, m.err = modelfile.Read(path, o)
		files[key] = m
	}
	return m.Model, m.err
}

// importDefaults does not train what is trained already, unless its activations change.
func (d *draft) importDefaults() {
	n := &d.spec.Network
	if n.From != "" && !n.Replaces() && d.settings["train.epochs"] == nil {
		d.spec.Train.Epochs = 0
	}
}

// checkImport reads the file that the network comes from, and wants what it holds to suit the rest.
func (d *draft) checkImport(files models) {
	s, n := &d.spec, &d.spec.Network
	if n.Replaces() && !n.ofFile() && d.sound("network.activation") {
		d.fail("network.activation", d.settings["network.activation"], "got replace; want %s, or an .onnx file in network.from, whose activations are replaced", either(network.Activations()))
	}
	if n.From == "" {
		if s.Train.Epochs == 0 && d.sound("train.epochs") {
			d.fail("train.epochs", d.settings["train.epochs"], "got 0; want 1 to 10000, or a trained network in network.from")
		}
		if n.Tensors != nil {
			d.fail("network.tensors", d.settings["network.tensors"], "got a list without network.from; want the file that has them")
		}
		return
	}
	if n.ofFile() && !d.onlyFile() || !d.sound("network.from", "network.type", "network.hidden", "network.layers", "network.activation", "network.tensors") {
		return
	}
	form, ok := d.form()
	if !ok {
		return // reported with the data
	}
	m, err := files.read(n.From, s.modelOptions(form))
	if err == nil {
		err = suits(m, form, n.Type == "autoencoder")
	}
	if err != nil {
		d.fail("network.from", d.settings["network.from"], "%v", err)
		return
	}
	n.Imported = Imported{m.SHA256, m.Geometry(), m.BatchNorm()}
}

// onlyFile refuses to be told what the file says, and tells whether nothing was.
func (d *draft) onlyFile() bool {
	good := true
	refuse := func(path, format string, args ...any) {
		if d.settings[path] != nil && d.sound(path) {
			d.fail(path, d.settings[path], format, args...)
			good = false
		}
	}
	const says = "got a value with network.from: %s; want none, as the file says it"
	for _, key := range []string{"network.hidden", "network.layers", "network.batch_norm", "network.tensors"} {
		refuse(key, says, d.spec.Network.From)
	}
	if !d.spec.Network.Replaces() {
		refuse("network.activation", "got %s with network.from: %s; want none, as the file says it, or replace", d.spec.Network.Activation, d.spec.Network.From)
	}
	if d.spec.Network.Type != "autoencoder" {
		refuse("network.type", "got %s with network.from: %s; want autoencoder, or none, as the file says what it is", d.spec.Network.Type, d.spec.Network.From)
	}
	return good
}

// suits compares a network with the samples that it is to read and what it is to make of them.
func suits(m *modelfile.Model, f datasets.Form, autoencoder bool) error {
	image := network.Axis{H: f.Shape.Height, W: f.Shape.Width, Channels: f.Shape.Channels}
	outputs := f.Outputs()
	if autoencoder {
		outputs = image.Size()
	}
	switch {
	case m.Input != image && m.Input != network.Flat(image.Size()):
		return fmt.Errorf("it reads %v values; want %v, as the data have", m.Input, image)
	case m.Output.Size() != outputs && autoencoder:
		return fmt.Errorf("it has %d outputs; want %d, as many as inputs", m.Output.Size(), outputs)
	case m.Output.Size() != outputs && f.Targets > 0:
		return fmt.Errorf("it has %d outputs; want %d, one for each target", m.Output.Size(), outputs)
	case m.Output.Size() != outputs:
		return fmt.Errorf("it has %d outputs; want %d, one for each class", m.Output.Size(), outputs)
	}
	return nil
}
