package config

import "hepex/datasets"

// lacksData tells whether the config names no data, but a network that says what its inputs are: random ones then have to do.
func (d *draft) lacksData() bool {
	return d.settings["data.name"] == nil && d.settings["data.from"] == nil && d.spec.Network.ofFile()
}

// drawInputs takes random inputs for want of data. Nothing is trained on them.
func (d *draft) drawInputs(files models) {
	s := &d.spec
	if !d.lacksData() || !d.sound("network.activation", "network.tensors") {
		return
	}
	m, err := files.read(s.Network.From, s.modelOptions(datasets.Form{}))
	if err != nil {
		d.fail("network.from", d.settings["network.from"], "%v", err)
		return
	}
	s.Data.Random = datasets.NewRandom(datasets.Shape{Height: m.Input.H, Width: m.Input.W, Channels: m.Input.Channels}, m.Output.Size())
	d.sizeDefaults()
	for path, epochs := range d.epochs() {
		if d.settings[path] == nil {
			*epochs = 0
		}
	}
}

// epochs are the keys that say how long to train.
func (d *draft) epochs() map[string]*int {
	return map[string]*int{"train.epochs": &d.spec.Train.Epochs, "prune.retrain.epochs": &d.spec.Prune.Retrain.Epochs}
}

// checkLack refuses what needs data, which the config does not name.
func (d *draft) checkLack() {
	if !d.lacksData() {
		return
	}
	s := &d.spec
	refuse := func(when bool, path, format string, args ...any) {
		if n := d.settings[path]; when && n != nil && d.sound(path) {
			d.fail(path, n, format, args...)
		}
	}
	const given = ", or data in data.name or data.from"
	refuse(s.Prune.Scheme != "dense", "prune.scheme", "got %s without data, on which pruned networks are retrained; want dense"+given, s.Prune.Scheme)
	refuse(s.Network.Replaces(), "network.activation", "got replace without data, which quadratics are fitted to and trained on; want none"+given)
	refuse(s.Network.Type == "autoencoder", "network.type", "got autoencoder without data: random inputs are nothing to be reproduced; want none"+given)
	for path, epochs := range d.epochs() {
		refuse(*epochs != 0, path, "got %d without data to train on; want 0"+given, *epochs)
	}
}
