package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"hepex/inference"
	"hepex/packing"
)

// Config is one checked experiment file.
type Config struct {
	Name    string
	Points  []Point // at least one, in the order of the file, no two with equal Params
	Limits  Limits
	Figures []Figure
	Tables  []Table
	Expect  []Expectation
	Source  []byte // the file as read, to be frozen with the results

	file string
}

// Point is one thing to measure.
type Point struct {
	Label  string // as given in sweep.cases, otherwise empty
	Spec   Spec
	Params map[string]any // dotted path → string, int, float64, bool, []int or []string: all that decides the outcome

	file     string
	settings settings
}

// ErrorAt is an error about the value at a dotted path, found by those who run the point, at the position in
// the file where the point has it from.
func (p Point) ErrorAt(path string, err error) Error {
	n := p.settings.nearest(path)
	return Error{p.file, n.Line, n.Column, fmt.Sprintf("%s: %v", path, err)}
}

// Spec says everything about one point. It survives encoding/json both ways, and is a function of the point's
// Params except for how often to measure: keys that the scheme ignores have a fixed value.
type Spec struct {
	Data    Data          `json:"data"`
	Network Network       `json:"network"`
	Train   Train         `json:"train"`
	Prune   Prune         `json:"prune"`
	Tile    packing.Shape `json:"tile"`
	Layout  string        `json:"layout"` // how the network is evaluated: one of packing.Kinds
	HE      HE            `json:"he"`
	Measure Measure       `json:"measure"`
}

// Data names the data set and how many of its samples to use. Validation is the share of the training samples
// that is split off for choosing. Noise is the standard deviation of normal noise in all inputs, which the network
// is to remove.
type Data struct {
	Name       string  `json:"name"`
	Train      int     `json:"train"`
	Test       int     `json:"test"`
	Validation float64 `json:"validation"`
	Noise      float64 `json:"noise,omitempty"`
}

// ValidationSamples is the number of training samples that are split off, the last ones.
func (d Data) ValidationSamples() int { return int(float64(d.Train) * d.Validation) }

// Network describes the plain network. Hidden has the neurons of each hidden layer.
type Network struct {
	Type       string `json:"type"` // mlp or autoencoder
	Hidden     []int  `json:"hidden"`
	Activation string `json:"activation"`
	BatchNorm  bool   `json:"batch_norm"`
}

// Train says how the unpruned network is trained. Seed decides all randomness of the point.
type Train struct {
	Epochs      int     `json:"epochs"`
	Batch       int     `json:"batch"`
	LR          float64 `json:"lr"`
	Seed        int     `json:"seed"`
	WeightDecay float64 `json:"weight_decay"`
}

// Prune names the scheme and its settings, with the names that package pruning lists. Ratio is the share of
// weights (p2t, hunter, mofhei, joint: tiles) that the first prune step removes.
type Prune struct {
	Scheme      string   `json:"scheme"`
	Importance  string   `json:"importance"`
	Scope       string   `json:"scope"`
	Target      string   `json:"target"`
	Ratio       float64  `json:"ratio"`
	Permutation string   `json:"permutation"`
	Tiles       Tiles    `json:"tiles"`
	Steps       []string `json:"steps,omitempty"` // custom: after training, as pruning.Options.ParseStep reads them
	Events      int      `json:"events"`          // hunter, joint: prunings during the retraining …
	Until       float64  `json:"until"`           // joint: … the last after this share of it
	Curve       string   `json:"curve"`           // hunter, joint: how density falls from event to event
	Budget      string   `json:"budget"`          // joint: what Ratio is a share of
	Retrain     Retrain  `json:"retrain"`
	Distil      Distil   `json:"distil"`
}

// Tiles is the step that prunes almost-zero tiles. If Ratio is not 0, that share of the tiles goes, those with
// the lowest Score; otherwise each tile whose fraction of non-zero weights is at most MaxNonzero.
type Tiles struct {
	Score      string  `json:"score"`
	MaxNonzero float64 `json:"max_nonzero"`
	Ratio      float64 `json:"ratio"`
}

// Retrain is the training after prune steps: Epochs in all, shared by the retrainings of the scheme. The dense
// scheme trains as long, so that all schemes have the same budget. Rate is one curve of the learning rate over all of
// them, or restarts. With a Patience other than 0 the last one ends after so many epochs without gain on the validation
// samples.
type Retrain struct {
	Epochs   int     `json:"epochs"`
	LR       float64 `json:"lr"`
	Rate     string  `json:"rate"`
	Patience int     `json:"patience"`
}

// Distil gives the network before the first prune step the weight Alpha in the loss of the retrainings, at Temperature
// (classifiers). The dense scheme learns from itself likewise.
type Distil struct {
	Alpha       float64 `json:"alpha"`
	Temperature float64 `json:"temperature"`
}

// HE says how to encrypt. Ring is standard, conjugate-invariant or auto: whichever is faster. Parameters are derived to reach Precision bits, unless LogQ, LogP (bits of each
// prime) and LogScale (bits) are all given. Insecure allows less than 128-bit security.
type HE struct {
	Weights   string `json:"weights"` // plain or encrypted
	Ring      string `json:"ring"`
	Precision int    `json:"precision"`
	LogQ      []int  `json:"log_q,omitempty"`
	LogP      []int  `json:"log_p,omitempty"`
	LogScale  int    `json:"log_scale,omitempty"`
	Insecure  bool   `json:"insecure"`
}

// OverrideRing is the ring that given moduli are for: the standard one unless another is asked for.
func (h HE) OverrideRing() inference.Ring {
	if h.Ring == AnyRing {
		return inference.Standard
	}
	return inference.Ring(h.Ring)
}

// Measure says what to measure, and how to time the evaluation: on how many threads, and how often. Unless Encrypted, only
// the plain network's quality and tiles are, for comparisons of many points. Order is sequential, or interleaved: points that
// follow each other take turns, evaluation by evaluation, at most 8 of them and as many as limits.memory holds together (60 % of
// the machine's memory, if there is no limit).
type Measure struct {
	Encrypted bool    `json:"encrypted"`
	Warmup    int     `json:"warmup"`
	Threads   int     `json:"threads"`
	Repeats   Repeats `json:"repeats"`
	Order     string  `json:"order"`
}

// Repeats stops between Min and Max evaluations, once the 95 % interval of the median is narrower than CI, a
// fraction of the median.
type Repeats struct {
	Min int     `json:"min"`
	Max int     `json:"max"`
	CI  float64 `json:"ci"`
}

// Limits bound one point (Timeout, Memory) and the run (MaxFailures).
type Limits struct {
	Timeout     time.Duration
	Memory      int64 // bytes, 0 = no limit
	MaxFailures int
}

// maxSize is the largest file that is read, in bytes.
const maxSize = 1 << 20

// Load reads the config file at path. The error is of type Errors.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, src)
}

func unreadable(path string, err error) Errors {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the message starts with the path already
	}
	return Errors{{File: path, Message: fmt.Sprintf("cannot be read: %v; want a config file", err)}}
}

// Parse reads a config from src; file is its name in errors. The error is of type Errors.
func Parse(file string, src []byte) (*Config, error) {
	r := &reader{file: file, errs: map[Error]bool{}}
	c := &Config{Source: src, file: file}
	if root := r.document(src); root != nil {
		r.config(root, c)
	}
	if errs := r.sorted(); errs != nil {
		return nil, errs
	}
	return c, nil
}

// config reads the whole document into c.
func (r *reader) config(root *yaml.Node, c *Config) {
	allowed := slices.Concat([]string{"version", "name"}, children[""], []string{"sweep", "limits", "figures", "tables", "expect"})
	keys := r.mapping("", root, allowed)
	r.require("", root, keys, "version", "name")
	read(r, "version", keys["version"], whole(1, 1))
	c.Name = read(r, "name", keys["name"], identifier)
	base := settings{"": root}
	for _, key := range children[""] {
		if n := keys[key]; n != nil {
			r.flatten(key, n, base)
		}
	}
	c.Points = r.points(base, keys["sweep"])
	c.Limits = r.limits(keys["limits"])
	c.Figures = r.figures(keys["figures"])
	c.Tables = r.tables(keys["tables"])
	c.Expect = r.expect(keys["expect"])
}
