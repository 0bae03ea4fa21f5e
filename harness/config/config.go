package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"hepex/packing"
)

// Config is one checked experiment file.
type Config struct {
	Name    string
	Points  []Point // at least one, in the order of the file, no two with equal Params
	Merged  []Merged
	Idle    Errors // entries of when and exclude that fit no point of the product: no errors, but likely none was meant
	Limits  Limits
	Figures []Figure
	Tables  []Table
	Expect  []Expectation
	Frozen  []byte // all of this as one config, to be kept with the results
}

// Point is one thing to measure.
type Point struct {
	Label  string // as given in sweep.cases, otherwise empty
	Spec   Spec
	Params map[string]any // dotted path → string, int, float64, bool, []int or []string: all that decides the outcome

	given          Spec // with what the scheme does not read
	files          map[*yaml.Node]string
	settings, base settings // of the point, and of the config without its sweep
}

// ErrorAt is an error about the value at a dotted path, found by those who run the point, at the position in
// the file where the point has it from.
func (p Point) ErrorAt(path string, err error) Error {
	n := p.settings.nearest(path)
	return Error{p.files[n], n.Line, n.Column, fmt.Sprintf("%s: %v", path, err)}
}

// Spec says everything about one point. It survives encoding/json both ways, and is a function of the point's
// Params except for how often to measure: keys that the scheme ignores have a fixed value.
type Spec struct {
	Data    Data          `json:"data"`
	Network Network       `json:"network"`
	Train   Train         `json:"train"`
	Prune   Prune         `json:"prune"`
	Tile    packing.Shape `json:"tile"`   // In and Out, and with tile: auto Batch, are 0 until Config.ChooseTiles
	Layout  string        `json:"layout"` // how the network is evaluated: one of packing.Kinds
	HE      HE            `json:"he"`
	Measure Measure       `json:"measure"`
}

// Choice is the layout that the spec asks for. One image may fill another ring, if its moduli are derived.
func (s Spec) Choice() packing.Choice {
	return packing.Choice{Kind: packing.Kind(s.Layout), Shape: s.Tile, Encrypted: s.HE.Encrypted()}
}

// Network describes the plain network. Hidden has the neurons of each hidden layer of one without convolutions, Layers has all hidden
// layers of one with them. A network that a file From holds is imported: it has the layers of the file, and Tensors says how the file
// names them where it does not say itself.
type Network struct {
	Type       string  `json:"type"` // mlp, cnn or autoencoder; of an ONNX file autoencoder or nothing
	Hidden     []int   `json:"hidden"`
	Layers     []Layer `json:"layers,omitempty"`
	Activation string  `json:"activation"`
	BatchNorm  bool    `json:"batch_norm"`

	From     string   `json:"from,omitempty"`
	Tensors  []string `json:"tensors,omitempty"`
	Imported Imported `json:"imported,omitzero"`
}

// Train says how the unpruned network is trained. Seed decides all randomness of the point.
type Train struct {
	Epochs      int     `json:"epochs"`
	Batch       int     `json:"batch"`
	LR          float64 `json:"lr"`
	Seed        int     `json:"seed"`
	WeightDecay float64 `json:"weight_decay"`
	Augment     Augment `json:"augment,omitzero"`
}

// Augment varies the samples of every training and retraining: shifted by up to Shift pixels each way, and with Flip half
// of them flipped left to right.
type Augment struct {
	Shift int  `json:"shift"`
	Flip  bool `json:"flip"`
}

// Prune names the scheme and its settings, with the names that package pruning lists. Which of them count is up to the scheme.
type Prune struct {
	Scheme      string   `json:"scheme"`
	Importance  string   `json:"importance"`
	Scope       string   `json:"scope"`
	Target      string   `json:"target"`
	Ratio       float64  `json:"ratio"` // of what the first prune step removes
	Permutation string   `json:"permutation"`
	Tiles       Tiles    `json:"tiles"`
	Steps       []string `json:"steps,omitempty"`  // custom: after training, as pruning.Options.ParseStep reads them
	Search      string   `json:"search"`           // joint: how it orders neurons, with the names of permutations
	Events      int      `json:"events"`           // hunter, joint: prunings during the retraining …
	Until       float64  `json:"until"`            // joint: … the last after this share of it
	Curve       string   `json:"curve"`            // hunter, joint: how density falls from event to event
	Budget      string   `json:"budget"`           // joint: what Ratio is a share of
	Plan        string   `json:"plan"`             // joint, budgets of the whole evaluation: what neurons are ordered for
	Lasso       float64  `json:"lasso"`            // joint: λ of a group lasso on tiles until the last event
	LassoOn     string   `json:"lasso_on"`         // joint, budgets of the whole evaluation: which tiles
	Hidden      []int    `json:"hidden"`           // small, joint: hidden neurons of the network that takes the place of the trained one …
	Layers      []Layer  `json:"layers,omitempty"` // … or its hidden layers
	Retrain     Retrain  `json:"retrain"`
	Distil      Distil   `json:"distil"`
}

// Replaces tells whether another network takes the place of the trained one.
func (p Prune) Replaces() bool { return len(p.Hidden)+len(p.Layers) > 0 }

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
// prime) and LogScale (bits) are all given. Headroom is by how many bits values may exceed those of training and validation samples
// before they wrap; 0 is as much as the tails of these suggest. Insecure allows less than 128-bit security.
type HE struct {
	Weights   string  `json:"weights"` // plain or encrypted
	Ring      string  `json:"ring"`
	Precision int     `json:"precision"`
	LogQ      []int   `json:"log_q,omitempty"`
	LogP      []int   `json:"log_p,omitempty"`
	LogScale  int     `json:"log_scale,omitempty"`
	Headroom  float64 `json:"headroom,omitempty"`
	Insecure  bool    `json:"insecure"`
}

// Encrypted tells whether weights are.
func (h HE) Encrypted() bool { return h.Weights == "encrypted" }

// Measure says what to measure, and how to time the evaluation: on how many threads, and how often. Unless Encrypted, only
// the plain network's quality and tiles are, for comparisons of many points. Order is sequential, or interleaved: points that
// follow each other take turns, evaluation by evaluation, all that are alike but for prune. and others up to 8, as many as limits.memory
// holds together (60 % of the machine's memory, if there is no limit). The unpruned network goes on while others of its family are measured,
// beyond Repeats.
type Measure struct {
	Encrypted bool    `json:"encrypted"`
	Warmup    int     `json:"warmup"`
	Threads   int     `json:"threads"`
	Repeats   Repeats `json:"repeats"`
	Order     string  `json:"order"`
}

// Repeats stops between Min and Max evaluations, once half the 95 % interval of the median is at most CI, a fraction of the
// median, or when another evaluation would likely pass the limit of time.
type Repeats struct {
	Min int     `json:"min"`
	Max int     `json:"max"`
	CI  float64 `json:"ci"`
}

// Limits bound one point (Timeout, Memory) and the run (MaxFailures).
type Limits struct {
	Timeout     time.Duration
	Memory      int64 // bytes, 0 = no limit
	Retries     int   // of a point that failed, within a run
	MaxFailures int
}

// maxSize is the largest file that is read, in bytes.
const maxSize = 1 << 20

// Load reads the config file at path and those that it extends. What it leaves open is for ChooseTiles. The error is of type Errors.
func Load(path string) (*Config, error) { return load(path, content) }

// content is that of the file at path, cut where it is too large to be a config.
func content(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

func unreadable(path string, err error) Errors {
	return Errors{{File: path, Message: fmt.Sprintf("cannot be read: %v; want a config file", cause(err))}}
}

// cause is an error of a file without the path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Parse reads a config from src; file is its name in errors, and what it extends lies in files beside that name. The error
// is of type Errors.
func Parse(file string, src []byte) (*Config, error) {
	file = filepath.Clean(file)
	return load(file, func(path string) ([]byte, error) {
		if path == file {
			return src, nil
		}
		return content(path)
	})
}

// config reads the whole document, merged from all files, into c.
func (r *reader) config(root *yaml.Node, c *Config) {
	keys, base := r.sections(root)
	r.require("", root, keys, "version", "name")
	c.Name = read(r, "name", keys["name"], identifier)
	c.Points, c.Merged = merge(r.points(base, keys["sweep"]))
	c.Idle = r.idle.Sorted()
	r.others(keys, c)
}

// incomplete reports what is wrong with what a document of one file has, not what it lacks.
func (r *reader) incomplete(root *yaml.Node) {
	keys, base := r.sections(root)
	read(r, "name", keys["name"], identifier)
	base.draft().report(r)
	if n := keys["sweep"]; n != nil {
		r.sweep(n).report(r)
	}
	r.others(keys, &Config{})
}

// sections are the values of a document by key, and the settings of its point.
func (r *reader) sections(root *yaml.Node) (map[string]*yaml.Node, settings) {
	keys := r.mapping("", root, topKeys)
	read(r, "version", keys["version"], whole(1, 1))
	base := settings{"": root}
	for _, key := range children[""] {
		if n := keys[key]; n != nil {
			r.flatten(key, n, base)
		}
	}
	return keys, base
}

// others reads what is not about points.
func (r *reader) others(keys map[string]*yaml.Node, c *Config) {
	c.Limits = r.limits(keys["limits"])
	c.Figures = r.figures(keys["figures"])
	c.Tables = r.tables(keys["tables"])
	c.Expect = r.expect(keys["expect"])
}
