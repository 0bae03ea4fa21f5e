package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"hepex/network"
	"hepex/packing"
)

// settings are the nodes of one point by dotted path: each key, each section, and the document at "".
type settings map[string]*yaml.Node

// flatten adds n, the value at path, and all keys below it.
func (r *reader) flatten(path string, n *yaml.Node, into settings) {
	into[path] = n
	if len(children[path]) == 0 {
		return
	}
	for key, child := range r.mapping(path, n, children[path]) {
		r.flatten(join(path, key), child, into)
	}
}

// with returns the settings with everything at or below path replaced by the values of section.
func (s settings) with(path string, section settings) settings {
	replaced := settings{}
	for p, n := range s {
		if !covered(p, []string{path}) {
			replaced[p] = n
		}
	}
	maps.Copy(replaced, section)
	return replaced
}

// nearest is the node at the first path that is given, or else that of the section that should hold the first.
func (s settings) nearest(paths ...string) *yaml.Node {
	for _, path := range paths {
		if n := s[path]; n != nil {
			return n
		}
	}
	path := paths[0]
	for s[path] == nil {
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return s[path]
}

// draft is a point that is being read.
type draft struct {
	spec     Spec
	settings settings
	faults   map[string]*fault // by path of the key
}

// draft reads every key of a point.
func (s settings) draft() *draft {
	d := &draft{spec: defaults(), settings: s, faults: map[string]*fault{}}
	for _, f := range fields {
		n := s[f.path]
		if n == nil {
			continue
		}
		if bad := f.set(&d.spec, n); bad != nil {
			d.faults[f.path] = bad
		}
	}
	if s["prune.retrain.lr"] == nil {
		d.spec.Prune.Retrain.LR = d.spec.Train.LR
	}
	d.sizeDefaults()
	d.importDefaults()
	d.schemeDefaults()
	return d
}

// report passes on the faults found.
func (d *draft) report(r *reader) {
	for path, f := range d.faults {
		r.errorf(f.node, "%s: %s", path, f.text)
	}
}

// fail adds a fault of the key at path.
func (d *draft) fail(path string, n *yaml.Node, format string, args ...any) {
	d.faults[path] = &fault{n, fmt.Sprintf(format, args...)}
}

// sound says whether none of the keys has a fault, so that they can be checked together.
func (d *draft) sound(paths ...string) bool {
	for _, path := range paths {
		if d.faults[path] != nil {
			return false
		}
	}
	return true
}

// check finds what is missing and what does not go together.
func (d *draft) check(files models) {
	d.checkRequired()
	d.checkData()
	d.checkLack()
	d.checkNetwork()
	d.checkImport(files)
	d.checkTraining()
	d.checkPruning()
	d.checkLayout()
	d.checkTile()
	d.checkModuli()
	repeats := d.spec.Measure.Repeats
	if d.sound("measure.repeats.min", "measure.repeats.max") && repeats.Max < repeats.Min {
		d.fail("measure.repeats.max", d.settings.nearest("measure.repeats.max", "measure.repeats.min"),
			"got %d; want at least min, %d", repeats.Max, repeats.Min)
	}
}

func (d *draft) checkRequired() {
	for _, path := range []string{"data.name", "network.type", "prune.scheme", "tile"} {
		switch {
		case d.settings[path] != nil:
		case path == "data.name" && (d.settings["data.from"] != nil || d.lacksData()), path == "network.type" && d.spec.Network.ofFile():
		case path == "data.name" && d.spec.Network.From != "":
			d.fail(path, d.settings.nearest(path), "missing; want data in name or from, or an .onnx file in network.from: weights alone do not say what inputs are")
		default:
			d.missing(path, d.settings.nearest(path))
		}
	}
	reads := d.spec.Prune.Options().Reads()
	for _, setting := range []string{"ratio", "steps", "hidden"} {
		if setting == "hidden" && d.settings["prune.layers"] != nil {
			continue
		}
		if path := join("prune", setting); d.settings[path] == nil && slices.Contains(reads, setting) {
			d.missing(path, d.settings["prune.scheme"])
		}
	}
}

// checkNetwork wants the hidden layers in one of both ways, and layers that fit the samples and each other.
func (d *draft) checkNetwork() {
	s := &d.spec
	hidden, layers := d.settings["network.hidden"], d.settings["network.layers"]
	switch {
	case s.Network.ofFile(): // see checkImport
	case s.Network.Type == "cnn" && layers == nil:
		d.missing("network.layers", d.settings.nearest("network.layers"))
	case s.Network.Type == "mlp" && layers != nil:
		d.fail("network.layers", layers, "got layers with network.type mlp; want network.hidden, or network.type cnn")
	case hidden == nil && layers == nil:
		d.missing("network.hidden", d.settings.nearest("network.hidden"))
	case hidden != nil && layers != nil:
		d.fail("network.hidden", hidden, "both hidden and layers are given; want one of them: dense layers are layers too")
	}
	if both := d.settings["prune.hidden"]; both != nil && d.settings["prune.layers"] != nil {
		d.fail("prune.hidden", both, "both hidden and layers are given; want one of them: dense layers are layers too")
	}
	form, ok := d.form()
	if !ok || !d.sound("network.type") {
		return
	}
	if d.sound("network.hidden", "network.layers") && !s.Network.ofFile() {
		d.checkLayers("network.layers", s.Network.Layers, s.Architecture(form))
	}
	if s.Prune.Replaces() && d.sound("prune.hidden", "prune.layers") {
		d.checkLayers("prune.layers", s.Prune.Layers, s.Evaluated(form))
	}
}

// checkLayers blames the first layer that does not fit.
func (d *draft) checkLayers(path string, layers []Layer, a network.Architecture) {
	conv, err := a.CheckConv()
	n := d.settings[path]
	if err == nil || n == nil {
		return
	}
	if n.Kind == yaml.SequenceNode {
		for i, l := range layers {
			if l.Filters == 0 {
				continue
			}
			if conv == 0 {
				n = n.Content[i]
				break
			}
			conv--
		}
	}
	d.fail(path, n, "%v, with images of %v", err, a.Image)
}

func (d *draft) missing(path string, n *yaml.Node) {
	if d.settings.nearest(path).Kind != yaml.MappingNode {
		n = &yaml.Node{Kind: unusable} // the section has been reported
	}
	d.fail(path, n, "missing; want %s", byPath[path].want)
}

func (d *draft) checkTraining() {
	s := &d.spec
	if d.sound("network.activation", "network.batch_norm") && s.Network.BatchNorm && s.Network.Activation == "square" {
		d.fail("network.batch_norm", d.settings["network.batch_norm"],
			"got true with activation square; want false, as batch norm with a pure square was measured to fail")
	}
	if d.sound("data.noise", "network.type") && s.Data.Noise != 0 && s.Network.Type != "autoencoder" {
		d.fail("data.noise", d.settings["data.noise"], "got %g with network.type %s; want 0, as only an autoencoder is trained to remove noise",
			s.Data.Noise, cmp.Or(s.Network.Type, "left out"))
	}
	d.checkAugment()
	validation := s.Data.ValidationSamples()
	if d.sound("data.train", "data.validation") && validation == 0 {
		d.fail("data.validation", d.settings.nearest("data.validation", "data.train"),
			"%g of %d training samples is none; want a share that gives at least one", s.Data.Validation, s.Data.Train)
	}
	const leastBatch = 8 // batch norm takes its statistics from quarters of a batch
	if d.sound("train.batch", "network.batch_norm", "network.from") && (s.Network.BatchNorm || s.Network.Imported.BatchNorm) && s.Train.Batch < leastBatch {
		d.fail("train.batch", d.settings["train.batch"], "got %d with batch_norm; want at least %d", s.Train.Batch, leastBatch)
	}
	rest := s.Data.Train - validation
	if d.sound("data.train", "data.validation", "train.batch") && s.Train.Batch > rest {
		d.fail("train.batch", d.settings.nearest("train.batch", "data.train"),
			"got %d; want at most %d, the samples that data.train and data.validation leave to train on", s.Train.Batch, rest)
	}
}

// checkAugment refuses to vary noisy samples: what a shift brings in at the border would have no noise.
func (d *draft) checkAugment() {
	a, noise := d.spec.Train.Augment, d.spec.Data.Noise
	if noise == 0 || !d.sound("data.noise") {
		return
	}
	const format = "got %v with data.noise %g; want %v, as noise is added before samples are varied"
	if a.Shift != 0 && d.sound("train.augment.shift") {
		d.fail("train.augment.shift", d.settings["train.augment.shift"], format, a.Shift, noise, 0)
	}
	if a.Flip && d.sound("train.augment.flip") {
		d.fail("train.augment.flip", d.settings["train.augment.flip"], format, true, noise, false)
	}
}

// minTestSlots is the smallest number of slots of a tile in a ring that need not be secure.
const minTestSlots = 16

// checkTile wants tiles that fill a ring, if there is one. One that is left open does (see Config.ChooseTiles).
func (d *draft) checkTile() {
	if !d.sound("tile", "he.insecure", "measure.encrypted") || d.settings["tile"] == nil {
		return
	}
	open, slots := d.spec.Tile.In == 0, d.spec.Tile.Slots()
	switch {
	case open && (d.spec.HE.LogQ != nil || d.spec.HE.Insecure):
		d.fail("tile", d.settings["tile"], "got auto with he.log_q or he.insecure; want a shape, as it is chosen together with secure parameters")
	case open || !d.spec.Measure.Encrypted:
	case slots < packing.MinSlots && !d.spec.HE.Insecure:
		d.fail("tile", d.settings["tile"], "%s fills %d slots; want %d to %d, or he.insecure: true",
			d.spec.Tile, slots, packing.MinSlots, packing.MaxSlots)
	case slots < minTestSlots:
		d.fail("tile", d.settings["tile"], "%s fills %d slots; want %d to %d",
			d.spec.Tile, slots, minTestSlots, packing.MaxSlots)
	}
}

func (d *draft) checkLayout() {
	if d.sound("layout", "he.weights") && d.spec.Layout == string(packing.Scalar) && d.spec.HE.Encrypted() {
		d.fail("layout", d.settings.nearest("layout", "he.weights"), "got scalar with encrypted weights; want he.weights: plain, as integer weights cannot be encrypted")
	}
}

// checkModuli wants the parameters that override the derived ones together. Whether they are secure depends on the tile.
func (d *draft) checkModuli() {
	overrides := []string{"he.log_q", "he.log_p", "he.log_scale"}
	given := 0
	for _, path := range overrides {
		if d.settings[path] != nil {
			given++
		}
	}
	if given == 0 || !d.sound(overrides...) {
		return
	}
	if given < len(overrides) {
		d.fail("he", d.settings.nearest(overrides...),
			"log_q, log_p and log_scale override the derived parameters together; want all or none of them")
	}
}
