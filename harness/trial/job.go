package trial

import (
	"errors"
	"time"

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

// Limits are what the record says of how much the point may take.
func (j Job) Limits() *record.Limits {
	return &record.Limits{MemoryBytes: j.Memory, TimeoutSeconds: j.Timeout.Seconds()}
}

// PointID hashes everything that decides the outcome of a point: its parameters, the content of its data set and
// the versions of the packages that compute it.
func PointID(p config.Point) (string, error) {
	if p.Spec.Tile.In == 0 {
		return "", errors.New("trial: the identity of a point is known once its tile is chosen")
	}
	checksum, err := p.Spec.Data.Checksum()
	if err != nil {
		return "", err
	}
	k := newKey(p.Params, checksum, network.Version, pruning.Version, packing.Kind(p.Spec.Layout).Version(), inference.Version)
	if p.Spec.Prune.Budget == "upload" {
		k = newKey(k.String(), pruning.Upload)
	}
	return k.String()[:16], nil
}

// Step tells how far a stage is: what it does now and the share of it that is done.
type Step struct {
	Name string  `json:"name"`
	Done float64 `json:"done"` // 0 to 1
}

// Training recipe that the config does not set (measured to suit polynomial activations).
const (
	warmupSteps  = 100
	evenRows     = 0.5 // joint, autoencoders: without it the rows of few pixels take all tiles
	gradientClip = 1
)

func pruningOptions(s config.Spec) pruning.Options {
	train := network.Options{
		Epochs: s.Train.Epochs, Batch: s.Train.Batch, LR: s.Train.LR, WeightDecay: s.Train.WeightDecay,
		Clip: gradientClip, Warmup: warmupSteps, Seed: uint64(s.Train.Seed), Augment: augment(s),
	}
	o, retrain := s.Prune.Options(), train
	retrain.Epochs, retrain.LR = o.Retrain.Epochs, o.Retrain.LR
	o.Train, o.Retrain, o.Seed = train, retrain, train.Seed
	o.Shape, o.Kind, o.Encrypted = s.Tile, packing.Kind(s.Layout), s.HE.Encrypted()
	o.Small.Activation, o.Small.BatchNorm, o.Small.Seed = s.Network.OwnActivation(), s.Network.BatchNorm, train.Seed
	if s.Network.Type == "autoencoder" {
		o.EvenRows = evenRows
	}
	return o
}

// augment is the variation of samples in training. The set of a point that runs is known; of another the grid is empty,
// which training refuses.
func augment(s config.Spec) network.Augment {
	a := s.Train.Augment
	if a == (config.Augment{}) {
		return network.Augment{}
	}
	g := s.Data.Form().Shape
	return network.Augment{Height: g.Height, Width: g.Width, Channels: g.Channels, Shift: a.Shift, Flip: a.Flip}
}

// Check finds what would make a point fail whatever is trained: a budget that no network meets, too many levels for its ring, or
// moduli that are not secure or do not suit its levels. The error says what is allowed, path which key is at fault.
func Check(s config.Spec) (path string, err error) {
	g, err := s.EvaluatedGeometry(s.Data.Form())
	if err != nil {
		return "network", err
	}
	if s.HE.LogQ != nil && !s.HE.Insecure {
		lit := given(s.HE, s.Tile.Slots())
		if err := inference.CheckSecurity(lit.LogN, float64(lit.Bits())); err != nil {
			return "he.log_q", err
		}
	}
	o := pruningOptions(s)
	if setting, err := o.CheckTarget(g); err != nil {
		return "prune." + setting, err
	}
	if err := o.CheckBudget(g); err != nil {
		return "prune.ratio", err
	}
	if !s.Measure.Encrypted {
		return "", nil
	}
	c := s.Choice()
	if err := c.Check(); err != nil {
		return "tile", err
	}
	_, _, err = denseLayout(s)
	switch {
	case err == nil:
		return "", nil
	case s.HE.LogQ != nil:
		return "he.log_q", err
	case c.Kind == packing.OneImage:
		return "layout", err
	case errors.Is(err, inference.ErrPrecision):
		return "he.precision", err
	}
	return "tile", err
}
