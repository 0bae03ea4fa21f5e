package config

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"hepex/datasets"
)

// Data says which data set, Name of the published and drawn ones, Own files or Random inputs, and how many of its samples to use. Validation is the
// share of the training samples that is split off for choosing. Noise is the standard deviation of normal noise in all inputs, which the
// network is to remove.
type Data struct {
	Name       string          `json:"name"`
	Own        datasets.Files  `json:"own"`             // unless From is empty
	Random     datasets.Random `json:"random,omitzero"` // unless it has no form
	Train      int             `json:"train"`
	Test       int             `json:"test"`
	Validation float64         `json:"validation"`
	Noise      float64         `json:"noise,omitempty"`
}

// ValidationSamples is the number of training samples that are split off, the last ones.
func (d Data) ValidationSamples() int { return int(float64(d.Train) * d.Validation) }

// IsOwn tells whether the data are files of one's own.
func (d Data) IsOwn() bool { return d.Own.From != "" }

// IsRandom tells whether there are no data but random inputs.
func (d Data) IsRandom() bool { return d.Random != datasets.Random{} }

// Title is what people call the data set.
func (d Data) Title() string {
	if d.IsRandom() {
		return "random inputs"
	}
	if d.IsOwn() {
		return d.Own.From
	}
	return d.Name
}

// unnamed is the data set that no name stands for; nil if there is a name.
func (d Data) unnamed() datasets.Source {
	switch {
	case d.IsOwn():
		return d.Own
	case d.IsRandom():
		return d.Random
	}
	return nil
}

// Form is what the data set holds, and the zero value if there is none of that name.
func (d Data) Form() datasets.Form {
	if s := d.unnamed(); s != nil {
		return s.Form()
	}
	form, _ := datasets.FormOf(d.Name)
	return form
}

// isTable tells whether samples are rows of a table.
func isTable(f datasets.Form) bool { return f.Shape.Height == 1 && f.Shape.Width == 1 }

// unit tells whether inputs lie between 0 and 1.
func (d Data) unit() bool {
	scale := d.Own.Scale
	return !d.IsOwn() || scale == datasets.ScaleUnit || scale == datasets.ScaleAuto && !isTable(d.Form())
}

// Pictures tells whether samples, and what they should become if that is no class, can be looked at.
func (d Data) Pictures() bool {
	form := d.Form()
	colours := form.Shape.Channels == 1 || form.Shape.Channels == 3
	return d.unit() && !d.IsRandom() && !isTable(form) && colours && form.Targets == 0
}

// Checksum identifies all samples. Nothing is read for it.
func (d Data) Checksum() (string, error) {
	if s := d.unnamed(); s != nil {
		return s.Checksum(), nil
	}
	return datasets.Checksum(d.Name)
}

// Open finds the data set; a published one in the first of dirs that has it. Random inputs come without answers.
func (d Data) Open(dirs []string) (datasets.Source, error) {
	if s := d.unnamed(); s != nil {
		return s, nil
	}
	return datasets.Open(d.Name, dirs)
}

// ownKeys are the keys of data of one's own.
var ownKeys = []string{"data.from", "data.label", "data.target", "data.arrays", "data.channels", "data.scale", "data.holdout", pinned}

// setName is a kind of names of published and drawn sets.
var setName = scalar(either(datasets.Names())+", or data.from for files of one's own", schema{"enum": datasets.Names()},
	func(n *yaml.Node) (string, bool) { return n.Value, slices.Contains(datasets.Names(), n.Value) })

var (
	columnName = line("the name of a column", 200)
	arrayName  = line("the name of an array", 200)
)

// columnNames is a kind of lists of columns, or of the name of one.
var columnNames = kind[[]string]{
	"the name of a column, or a list of them",
	anyOf(columnName.schema, listOf(1, maxTargets, columnName).schema).described("columns of what a regression should give"),
	func(n *yaml.Node) ([]string, *fault) {
		if n.Kind == yaml.ScalarNode {
			name, f := columnName.read(n)
			return []string{name}, f
		}
		return listOf(1, maxTargets, columnName).read(n)
	},
}

const maxTargets = 1024

// found is a kind of texts that pin what files hold.
var found = kind[datasets.Found]{"what was found in the files, as in the config.yaml of results", schema{"type": "string", "pattern": datasets.FoundPattern()},
	func(n *yaml.Node) (datasets.Found, *fault) {
		f, err := datasets.ParseFound(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			return f, &fault{n, fmt.Sprintf("got %s; want what was found in the files, as in the config.yaml of results", describe(n))}
		}
		return f, nil
	}}

// finding is what came of reading files.
type finding struct {
	found datasets.Found
	err   error
}

// find reads files of one's own unless the config says what they hold, so that everything wrong with them is known before anything runs.
// Those that many points share are read once.
func (r *reader) find(d *draft) {
	own := &d.spec.Data.Own
	if own.From == "" || own.Found != (datasets.Found{}) || !d.sound(ownKeys...) || !d.sound("data.arrays.x_train", "data.arrays.y_train", "data.arrays.x_test", "data.arrays.y_test") {
		return
	}
	key := fmt.Sprintf("%+v", *own)
	f, known := r.found[key]
	if !known {
		set, err := datasets.Load(*own)
		if f.err = err; err == nil {
			f.found = set.Found
		}
		r.found[key] = f
	}
	if f.err != nil {
		d.fail("data.from", d.settings["data.from"], "%v", f.err)
		return
	}
	own.Found = f.found
	d.sizeDefaults()
}

// form is what the data set holds, if that is known; what is not is reported.
func (d *draft) form() (form datasets.Form, ok bool) {
	form = d.spec.Data.Form()
	return form, d.sound("data.name") && d.sound(ownKeys...) && form.Shape.Size() > 0
}

// sizeDefaults takes all samples of the data set where nothing is given.
func (d *draft) sizeDefaults() {
	form, ok := d.form()
	if !ok {
		return
	}
	if d.settings["data.train"] == nil {
		d.spec.Data.Train = form.Train
	}
	if d.settings["data.test"] == nil {
		d.spec.Data.Test = form.Test
	}
}

// checkData wants one data set, keys that belong to it, and no more samples than it has.
func (d *draft) checkData() {
	data, s := d.spec.Data, d.settings
	switch {
	case s["data.name"] != nil && s["data.from"] != nil:
		d.fail("data.from", s["data.from"], "both name and from are given; want one of them")
	case s["data.label"] != nil && s["data.target"] != nil:
		d.fail("data.target", s["data.target"], "both label and target are given; want the column of classes, or those that a regression should give")
	case s["data.from"] == nil:
		for _, path := range ownKeys[1:] {
			if s[path] != nil {
				d.fail(path, s[path], "given without from; want it with files of one's own only")
			}
		}
	}
	form, ok := d.form()
	if !ok {
		return
	}
	if n := data.Train; d.sound("data.train") && n > form.Train {
		d.fail("data.train", s["data.train"], "got %d; want at most %d, the training samples of %s", n, form.Train, data.Title())
	}
	if n := data.Test; d.sound("data.test") && n > form.Test {
		d.fail("data.test", s["data.test"], "got %d; want at most %d, the test samples of %s", n, form.Test, data.Title())
	}
	if d.sound("network.type") && form.Outputs() == 0 && d.spec.Network.Type != "autoencoder" {
		d.fail("network.type", s.nearest("network.type"), "got %s with samples that have neither classes nor targets; want autoencoder, or data.label, data.target or an array y_train",
			d.spec.Network.Type)
	}
	d.checkImages(form)
}

// checkImages refuses what only images can have of samples that are none: rows of tables, and values that are not from 0 to 1.
func (d *draft) checkImages(form datasets.Form) {
	data, augment := d.spec.Data, d.spec.Train.Augment
	table := isTable(form)
	for path, given := range map[string]bool{"train.augment.shift": augment.Shift != 0, "train.augment.flip": augment.Flip} {
		switch {
		case !given || !d.sound(path):
		case table:
			d.fail(path, d.settings[path], "samples are rows of %v values; want no augmentation, which varies images", form.Shape)
		case form.Targets > 0 && d.spec.Network.Type != "autoencoder":
			d.fail(path, d.settings[path], "a regression's targets would have to vary with the images; want no augmentation")
		}
	}
	if data.Noise != 0 && d.sound("data.noise") && !data.unit() {
		d.fail("data.noise", d.settings["data.noise"], "got %g with inputs that are not scaled to 0 to 1; want 0, or data.scale: unit, as noisy inputs are clipped to that", data.Noise)
	}
}
