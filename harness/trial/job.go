package trial

import (
	"errors"
	"time"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
	"hepex/pruning"
)

// Job is one point with everything that a process needs to do it. It survives encoding/json both ways.
type Job struct {
	Experiment string         `json:"experiment"`
	Point      string         `json:"point"`
	Label      string         `json:"label,omitempty"`
	Spec       config.Spec    `json:"spec"`
	Params     map[string]any `json:"params"`
	DataDirs   []string       `json:"data_dirs"`
	CacheDir   string         `json:"cache_dir"`
	Memory     int64          `json:"memory,omitempty"` // limit of the point in bytes; 0 is none

	Timeout time.Duration `json:"timeout_ns,omitempty"` // limit of measuring, after which its process is killed; 0 is none
}

// Measuring is what the record says of how the point is to be timed.
func (j Job) Measuring() *record.Measure {
	m := j.Spec.Measure
	if !m.Encrypted {
		return nil
	}
	return &record.Measure{Warmup: m.Warmup, Repeats: record.Repeats(m.Repeats), Order: m.Order}
}

// PointID hashes everything that decides the outcome of a point: its parameters, the content of its data set and
// the versions of the packages that compute it.
func PointID(p config.Point) (string, error) {
	checksum, err := datasets.Checksum(p.Spec.Data.Name)
	if err != nil {
		return "", err
	}
	k := newKey(p.Params, checksum, network.Version, pruning.Version, packing.Version, inference.Version)
	return k.String()[:16], nil
}

// Step tells how far a stage is: what it does now and the share of it that is done.
type Step struct {
	Name string  `json:"name"`
	Done float64 `json:"done"` // 0 to 1
}

// architecture is the network before training.
func architecture(s config.Spec, set setShape) network.Architecture {
	a := network.Architecture{
		Inputs: set.dim, Hidden: s.Network.Hidden, Outputs: set.classes,
		Activation: s.Network.Activation, BatchNorm: s.Network.BatchNorm,
	}
	if s.Network.Type == "autoencoder" {
		a.Outputs, a.Autoencoder = set.dim, true
	}
	return a
}

// setShape is the size of a sample and the number of classes.
type setShape struct{ dim, classes int }

// Training recipe that the config does not set (measured to suit polynomial activations).
const (
	warmupSteps  = 100
	evenRows     = 0.5 // joint, autoencoders: without it the rows of few pixels take all tiles
	gradientClip = 1
)

func pruningOptions(s config.Spec) pruning.Options {
	train := network.Options{
		Epochs: s.Train.Epochs, Batch: s.Train.Batch, LR: s.Train.LR, WeightDecay: s.Train.WeightDecay,
		Clip: gradientClip, Warmup: warmupSteps, Seed: uint64(s.Train.Seed),
	}
	o, retrain := s.Prune.Options(), train
	retrain.Epochs, retrain.LR = o.Retrain.Epochs, o.Retrain.LR
	o.Train, o.Retrain, o.Seed = train, retrain, train.Seed
	o.Shape, o.Kind, o.Encrypted = s.Tile, packing.Kind(s.Layout), s.HE.Weights == "encrypted"
	o.Small.Activation, o.Small.BatchNorm, o.Small.Seed = s.Network.Activation, s.Network.BatchNorm, train.Seed
	if s.Network.Type == "autoencoder" {
		o.EvenRows = evenRows
	}
	return o
}

// dims are the sizes of the neuron axes of the network that is evaluated.
func dims(s config.Spec, set setShape) []int {
	a := architecture(s, set)
	if s.Prune.Replaces() {
		a.Hidden = s.Prune.Hidden
	}
	return append(append([]int{a.Inputs}, a.Hidden...), a.Outputs)
}

// Check finds what would make a point fail whatever is trained: a budget that no network meets, too many levels for its ring, or
// moduli that do not suit its levels. The error says what is allowed, path which key is at fault.
func Check(s config.Spec, source *datasets.Source) (path string, err error) {
	if err := pruningOptions(s).CheckBudget(dims(s, shapeOf(source))); err != nil {
		return "prune.ratio", err
	}
	if !s.Measure.Encrypted {
		return "", nil
	}
	layout, err := packing.NewLayout(dims(s, shapeOf(source)), s.Tile)
	if err != nil {
		return "tile", err
	}
	switch packing.Kind(s.Layout) {
	case packing.Scalar:
		layout, err = packing.NewScalarLayout(dims(s, shapeOf(source)), s.Tile.Slots())
	case packing.OneImage:
		if s.HE.LogQ == nil {
			return checkOneImage(s, source)
		}
		layout, err = packing.NewOneImageLayout(dims(s, shapeOf(source)), s.Tile.Slots(), packing.Nominal(1), s.HE.Weights == "encrypted")
	}
	if err != nil {
		return "layout", err
	}
	if s.HE.LogQ != nil {
		_, err := literal(s, layout, packing.Profile{})
		return "he.log_q", err
	}
	_, err = literal(s, layout, packing.Profile{})
	if errors.Is(err, inference.ErrPrecision) {
		return "he.precision", err
	}
	return "tile", err
}

// checkOneImage finds whether any ring holds a one-image layout. Small ones are arranged much faster; what the largest lacks is
// what is reported.
func checkOneImage(s config.Spec, source *datasets.Source) (path string, err error) {
	for slots := packing.MinSlots; slots <= packing.MaxSlots; slots *= 2 {
		layout, e := packing.NewOneImageLayout(dims(s, shapeOf(source)), slots, packing.Nominal(1), s.HE.Weights == "encrypted")
		if e != nil {
			return "layout", e
		}
		if _, e = literal(s, layout, packing.Profile{}); e == nil {
			return "", nil
		}
		err = e
	}
	return "layout", err
}
