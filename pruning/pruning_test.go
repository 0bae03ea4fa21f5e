package pruning

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/packing"
)

// clusters is a small learnable task: ten noisy prototypes.
func clusters(samples, dim int) network.Data {
	rng := rand.New(rand.NewPCG(1, 2))
	prototypes := make([][]float64, 10)
	for c := range prototypes {
		prototypes[c] = make([]float64, dim)
		for i := range prototypes[c] {
			prototypes[c][i] = rng.Float64()
		}
	}
	d := network.Data{Dim: dim}
	for range samples {
		c := rng.IntN(10)
		d.Labels = append(d.Labels, uint8(c))
		for i := range dim {
			d.X = append(d.X, float32(prototypes[c][i]+rng.NormFloat64()*0.3))
		}
	}
	return d
}

func newNet(t *testing.T, dims ...int) *network.Network {
	t.Helper()
	n, err := network.New(network.Architecture{
		Inputs: dims[0], Hidden: dims[1 : len(dims)-1], Outputs: dims[len(dims)-1], Activation: "square",
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func options(scheme string) Options {
	train := network.Options{Epochs: 2, Batch: 32, LR: 3e-3, Seed: 1, Clip: 1}
	retrain := train
	retrain.Epochs = 3
	return Options{
		Scheme: scheme, Importance: "l1", Scope: "local", Target: "weight", Ratio: 0.7, Permutation: "kmeans",
		Score: "avg", MaxNonzero: 0.1, Events: 3, Until: 0.5, Curve: "cubic", Budget: "tiles",
		Custom: []string{"prune weights 0.5", "retrain 1", "permute kmeans", "prune tiles 0.5", "expand", "retrain 2"},
		Small:  Small{Hidden: []int{9, 7}, Activation: "square", Seed: 1},
		Shape:  packing.Shape{In: 8, Out: 4, Batch: 1}, Seed: 1, Train: train, Retrain: retrain, Rate: "restarts",
	}
}

// both gives the same samples for training and validation.
func both(d network.Data) Data {
	get := func() (network.Data, error) { return d, nil }
	return Data{get, get}
}

func apply(t *testing.T, o Options, s *State, d network.Data) {
	t.Helper()
	applyTo(t, o, s, both(d))
}

func applyTo(t *testing.T, o Options, s *State, data Data) {
	t.Helper()
	steps, err := o.Steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := step.Apply(s, data); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
}

func TestSchemesAreListsOfSteps(t *testing.T) {
	want := map[string][]string{
		"dense":  {"Train", "Train"},
		"p2t":    {"Train", "PruneTiles", "Train"},
		"p3":     {"Train", "PruneWeights", "Train", "Permute"},
		"p3e":    {"Train", "PruneWeights", "Train", "Permute", "Expand", "Train"},
		"p4":     {"Train", "PruneWeights", "Train", "Permute", "DropTiles", "Train"},
		"p4e":    {"Train", "PruneWeights", "Train", "Permute", "DropTiles", "Expand", "Train"},
		"hunter": {"Train", "PruneTiles", "Train", "PruneTiles", "Train", "PruneTiles", "Train"},
		"mofhei": {"Train", "PruneBlocks", "Train"},
		"joint":  {"Train", "Small", "Train", "Joint", "Train", "Joint", "Train", "Joint", "Train"},
		"small":  {"Train", "Small", "Train"},
		"custom": {"Train", "PruneWeights", "Train", "Permute", "PruneTiles", "Expand", "Train"},
	}
	for _, scheme := range Schemes() {
		for _, rate := range Rates() {
			o := options(scheme)
			o.Rate = rate
			steps, err := o.Steps()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			epochs := 0
			for _, s := range steps {
				switch s := s.(type) {
				case Gradual:
					epochs += s.Train.Options.Epochs
					for _, p := range s.phases {
						for _, inner := range p.steps {
							got = append(got, fmt.Sprintf("%T", inner)[len("pruning."):])
						}
						got = append(got, "Train")
					}
					continue
				case Small:
					epochs = 0 // what comes out is another network
				case Train:
					epochs += s.Options.Epochs
					if s.Options.Epochs == 0 {
						t.Errorf("%s, rate %s: a retraining without an epoch", scheme, rate)
					}
				}
				got = append(got, fmt.Sprintf("%T", s)[len("pruning."):])
			}
			if d := cmp.Diff(want[scheme], got); d != "" {
				t.Errorf("%s, rate %s (-want +got):\n%s", scheme, rate, d)
			}
			if epochs != 5 {
				t.Errorf("%s, rate %s trains %d epochs: every scheme must train 5", scheme, rate, epochs)
			}
		}
	}
}

// The steps of p4e written out are p4e, early stop included.
func TestCustomIsWhatItSays(t *testing.T) {
	built, custom := options("p4e"), options("custom")
	built.Stop, custom.Stop = 2, 2
	custom.Custom = []string{"prune weights 0.7", "retrain 2", "permute kmeans", "drop 0.1", "expand", "retrain 1"}
	var texts [2][]string
	for i, o := range []Options{built, custom} {
		steps, err := o.Steps()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			texts[i] = append(texts[i], s.String())
		}
	}
	if d := cmp.Diff(texts[0], texts[1]); d != "" {
		t.Errorf("(-p4e +custom)\n%s", d)
	}
}

// Every training of every scheme says how samples vary, and nothing if they do not.
func TestTrainingsSayHowSamplesVary(t *testing.T) {
	for _, scheme := range Schemes() {
		o := options(scheme)
		o.Custom, o.Small.Hidden = []string{"retrain 3"}, []int{4}
		texts := func() (trainings []string) {
			steps, err := o.Steps()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if text := s.String(); strings.Contains(text, "train epochs=") {
					trainings = append(trainings, text)
				}
			}
			return trainings
		}
		plain := texts()
		grid := network.Augment{Height: 28, Width: 28, Channels: 1}
		o.Train.Augment, o.Retrain.Augment = grid, grid
		if d := cmp.Diff(plain, texts()); d != "" {
			t.Errorf("%s: a grid alone changes its steps:\n%s", scheme, d)
		}
		o.Train.Augment.Shift, o.Retrain.Augment.Flip = 2, true
		for i, text := range texts() {
			want := " augment=28x28x1,shift=2,flip=false"
			if i > 0 && scheme != "small" && (scheme != "joint" || i > 1) {
				want = " augment=28x28x1,shift=0,flip=true"
			}
			if !strings.Contains(text, want) {
				t.Errorf("%s, training %d: %s, want it to say%s", scheme, i, text, want)
			}
		}
	}
}

func TestStepsAsConfigsWriteThem(t *testing.T) {
	o := options("custom")
	for text, want := range map[string]string{
		"prune weights 0.9":    "prune weights importance=l1 scope=local ratio=0.9 seed=1",
		"prune neurons 0.2":    "prune neurons importance=l1 scope=local ratio=0.2 seed=1",
		"prune filters 0.2":    "prune filters importance=l1 scope=local ratio=0.2 seed=1",
		"prune channels .25":   "prune channels importance=l1 scope=local ratio=0.25 seed=1",
		"prune tiles .5":       "prune tiles importance=l1 scope=local score=avg ratio=0.5 tile=8x4 seed=1",
		"prune blocks 0.5":     "prune blocks importance=l1 ratio=0.5 tile=8x4 seed=1",
		"permute sort":         "permute sort nonzero<=0.1 share=0 scope=local tile=8x4 seed=1",
		"joint 0.75":           "joint importance=l1 strategy=joint rows=0 density=0.25 of tiles tile=8x4 seed=1",
		"drop 0.0625":          "drop tiles nonzero<=0.0625 tile=8x4",
		"expand":               "expand tile=8x4",
		"retrain 4":            "train epochs=4 batch=32 lr=0.003 decay=0 clip=1 warmup=0 seed=2",
		"":                     "error",
		"prune":                "error",
		"prune weights":        "error",
		"prune weights 1":      "error",
		"prune layers 0.5":     "error",
		"prune filter 0.5":     "error",
		"permute best":         "error",
		"drop -1":              "error",
		"retrain 0":            "error",
		"retrain 1.5":          "error",
		"expand 2":             "error",
		"joint NaN":            "error",
		"prune weights 0.5 .5": "error",
	} {
		step, err := o.ParseStep(text)
		got := "error"
		if err == nil {
			got = step.String()
		}
		if got != want {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	bad := func(change func(*Options)) Options {
		o := options("p4e")
		change(&o)
		return o
	}
	ratio := 1.0
	for name, o := range map[string]Options{
		"scheme":      bad(func(o *Options) { o.Scheme = "p5" }),
		"importance":  bad(func(o *Options) { o.Importance = "l7" }),
		"scope":       bad(func(o *Options) { o.Scope = "here" }),
		"target":      bad(func(o *Options) { o.Target = "bias" }),
		"permutation": bad(func(o *Options) { o.Permutation = "best" }),
		"score":       bad(func(o *Options) { o.Scheme, o.Score = "p2t", "median" }),
		"ratio 1.2":   bad(func(o *Options) { o.Ratio = 1.2 }),
		"ratio NaN":   bad(func(o *Options) { o.Ratio = math.NaN() }),
		"tile ratio":  bad(func(o *Options) { o.TileRatio = &ratio }),
		"max_nonzero": bad(func(o *Options) { o.MaxNonzero = -0.1 }),
		"shape":       bad(func(o *Options) { o.Shape.In = 3 }),
		"rate":        bad(func(o *Options) { o.Rate = "two" }),
		"distil":      bad(func(o *Options) { o.Distil.Alpha = 2 }),
		"temperature": bad(func(o *Options) { o.Distil.Alpha = 0.5 }),
		"stop":        bad(func(o *Options) { o.Stop = -1 }),
		"events":      bad(func(o *Options) { o.Scheme, o.Events = "hunter", 4 }),
		"curve":       bad(func(o *Options) { o.Scheme, o.Curve = "joint", "steep" }),
		"budget":      bad(func(o *Options) { o.Scheme, o.Budget = "joint", "money" }),
		"lasso":       bad(func(o *Options) { o.Scheme, o.Lasso = "joint", 0.1 }),
		"until":       bad(func(o *Options) { o.Scheme, o.Until = "joint", 1 }),
		"step":        bad(func(o *Options) { o.Scheme, o.Custom = "custom", []string{"prune"} }),
		"epochs":      bad(func(o *Options) { o.Scheme, o.Custom = "custom", []string{"retrain 2"} }),
	} {
		if _, err := o.Steps(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPrunedShare(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	d := clusters(200, 40)
	data := both(d)
	for _, scope := range Scopes() {
		for _, kind := range Importances() {
			for _, ratio := range []float64{0, 0.1, 0.5, 0.9} {
				s := &State{Net: newNet(t, 40, 24, 10)}
				if err := (PruneWeights{kind, scope, ratio, 1}).Apply(s, data); err != nil {
					t.Fatal(err)
				}
				pruned, total := 0, 0
				for _, d := range s.Net.Dense() {
					n := len(d.W) - count(d.Mask, true)
					if d.Mask == nil {
						n = 0
					}
					if scope == "local" && n != share(ratio, len(d.W)) {
						t.Errorf("%s %s %g: a layer lost %d of %d weights", scope, kind, ratio, n, len(d.W))
					}
					pruned, total = pruned+n, total+len(d.W)
				}
				if scope == "global" && pruned != share(ratio, total) {
					t.Errorf("%s %s %g: %d of %d weights pruned", scope, kind, ratio, pruned, total)
				}
			}
		}
		for _, score := range Scores() {
			s := &State{Net: newNet(t, 40, 24, 10)}
			if err := (PruneTiles{"l1", scope, score, 0.5, shape, 1}).Apply(s, Data{}); err != nil {
				t.Fatal(err)
			}
			kept, total := keptTiles(s, shape)
			// 5·6 tiles and 6·2: half of each, or of all
			if total != 42 || kept != 21 {
				t.Errorf("%s %s: %d of %d tiles kept, want 21 of 42", scope, score, kept, total)
			}
		}
	}
}

func count(mask []bool, v bool) int {
	n := 0
	for _, m := range mask {
		if m == v {
			n++
		}
	}
	return n
}

func keptTiles(s *State, shape packing.Shape) (kept, total int) {
	for _, tl := range s.tilings(shape) {
		for _, n := range tl.nonZero() {
			total++
			if n > 0 {
				kept++
			}
		}
	}
	return kept, total
}

func TestNoLayerLosesItsLastTile(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	for _, step := range []Step{
		PruneTiles{"l1", "local", "avg", 0.999, shape, 1}, PruneTiles{"l1", "global", "avg", 0.999, shape, 1}, DropTiles{1, shape},
	} {
		s := &State{Net: newNet(t, 40, 24, 10)}
		if err := step.Apply(s, Data{}); err != nil {
			t.Fatal(err)
		}
		for l, tl := range s.tilings(shape) {
			if slices.Max(tl.nonZero()) == 0 {
				t.Errorf("%s: layer %d has no tile left", step, l)
			}
		}
	}
}

func TestPrunesTheLeastImportant(t *testing.T) {
	s := &State{Net: newNet(t, 40, 24, 10)}
	before := s.Net.Clone()
	if err := (PruneWeights{"l1", "local", 0.6, 1}).Apply(s, Data{}); err != nil {
		t.Fatal(err)
	}
	for l, d := range s.Net.Dense() {
		largest, smallest := 0.0, math.Inf(1)
		for w, v := range before.Dense()[l].W {
			if a := math.Abs(float64(v)); d.Mask[w] {
				smallest = min(smallest, a)
			} else {
				largest = max(largest, a)
			}
		}
		if largest > smallest {
			t.Errorf("layer %d: pruned |w| up to %g, kept down to %g", l, largest, smallest)
		}
	}
}

func TestEverySchemeOnEveryPermutation(t *testing.T) {
	data := clusters(320, 20)
	for _, scheme := range Schemes() {
		for _, permutation := range Permutations() {
			if slices.Contains([]string{"dense", "p2t", "hunter", "mofhei", "custom"}, scheme) && permutation != "none" {
				continue
			}
			o := options(scheme)
			o.Permutation = permutation
			if permutation == "sort" || permutation == "none" {
				o.Rate = "one"
			}
			s := &State{Net: newNet(t, 20, 24, 18, 10)}
			apply(t, o, s, data)
			for l, d := range s.Net.Dense() {
				for w := range d.W {
					if !alive(d, w) && d.W[w] != 0 {
						t.Fatalf("%s %s layer %d: a pruned weight is %g", scheme, permutation, l, d.W[w])
					}
				}
			}
			if scheme == "p3e" || scheme == "p4e" {
				for _, tl := range s.tilings(o.Shape) {
					sizes := tl.sizes()
					for i, n := range tl.nonZero() {
						if n != 0 && n != sizes[i] {
							t.Fatalf("%s %s: tile %d has %d of %d weights: want all or none", scheme, permutation, i, n, sizes[i])
						}
					}
				}
			}
			checkPermuted(t, s, data)
			again := &State{Net: newNet(t, 20, 24, 18, 10)}
			apply(t, o, again, data)
			if d := cmp.Diff(bytesOf(t, s), bytesOf(t, again)); d != "" {
				t.Fatalf("%s %s is not deterministic", scheme, permutation)
			}
		}
	}
}

// checkPermuted compares the network with its permuted self on permuted inputs.
func checkPermuted(t *testing.T, s *State, d network.Data) {
	t.Helper()
	f, err := s.Net.Fold()
	if err != nil {
		t.Fatal(err)
	}
	if s.Orders == nil {
		return
	}
	const samples = 5
	x := mat.NewDense(samples, d.Dim, nil)
	px := mat.NewDense(samples, d.Dim, nil)
	first, last := s.Orders[0], s.Orders[len(s.Orders)-1]
	for b := range samples {
		for to := range d.Dim {
			from := to/len(first)*len(first) + first[to%len(first)] // the channels of a position lie together
			x.Set(b, from, float64(d.X[b*d.Dim+from]))
			px.Set(b, to, float64(d.X[b*d.Dim+from]))
		}
	}
	want, got := f.Forward(x), f.Permute(s.Orders).Forward(px)
	for b := range samples {
		for p, n := range last {
			if diff := math.Abs(want.At(b, n) - got.At(b, p)); diff > 1e-9*(1+math.Abs(want.At(b, n))) {
				t.Fatalf("output %d: %g, permuted %g", n, want.At(b, n), got.At(b, p))
			}
		}
	}
}

func bytesOf(t *testing.T, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStateSurvivesItsFile(t *testing.T) {
	s := &State{Net: newNet(t, 20, 24, 10), Epochs: 3, Notes: []string{"a note"}, Teacher: newNet(t, 20, 10)}
	o := options("p4e")
	o.Train.Epochs, o.Retrain.Epochs = 0, 0
	apply(t, o, s, network.Data{})
	file := bytesOf(t, s)
	var read State
	if _, err := read.ReadFrom(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]any{s.Orders, s.Epochs, s.Notes}, []any{read.Orders, read.Epochs, read.Notes}); d != "" || !bytes.Equal(file, bytesOf(t, &read)) {
		t.Error("state differs from what was written")
	}
	for _, n := range []int{0, 3, 10, len(file) / 2, len(file) - 1} {
		if _, err := new(State).ReadFrom(bytes.NewReader(file[:n])); err == nil {
			t.Errorf("file cut to %d bytes: no error", n)
		}
	}
}

// A file whose orders are no permutations is refused: later steps, packing and pictures rely on them.
func TestStateRefusesOrders(t *testing.T) {
	for name, orders := range map[string][][]int{
		"an axis too few": {{0, 1, 2}, {0, 1}},
		"an axis more":    {{0, 1, 2}, {0, 1}, {0, 1}, {0}},
		"short":           {{0, 1}, {0, 1}, {0, 1}},
		"beyond":          {{0, 1, 3}, {0, 1}, {0, 1}},
		"negative":        {{0, 1, -1}, {0, 1}, {0, 1}},
		"twice":           {{0, 1, 2}, {1, 1}, {0, 1}},
	} {
		s := &State{Net: newNet(t, 3, 2, 2), Orders: orders}
		read := State{Epochs: 7}
		_, err := read.ReadFrom(bytes.NewReader(bytesOf(t, s)))
		if err == nil || !strings.HasPrefix(err.Error(), "pruning: read: packing: ") || read.Epochs != 7 || read.Net != nil {
			t.Errorf("%s: %v, read %+v", name, err, read)
		}
	}
	s := &State{Net: newNet(t, 3, 2, 2), Orders: [][]int{{2, 0, 1}, nil, {1, 0}}}
	if _, err := new(State).ReadFrom(bytes.NewReader(bytesOf(t, s))); err != nil {
		t.Errorf("an axis in its natural order: %v", err)
	}
}

// The same steps must prune the same network: if this changes, raise Version.
func TestGoldenOrder(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 4, Batch: 1}
	joint := func(density float64) Step {
		return Joint{Importance: "l1", Strategy: "joint", Density: density, Budget: "tiles", Shape: shape, Seed: 1}
	}
	for _, c := range []struct {
		name  string
		dims  []int
		steps []Step
		want  string
	}{
		{"p4", []int{12, 9, 4}, []Step{PruneWeights{"l1", "local", 0.7, 1}, Permute{Strategy: "kmeans", Shape: shape, Seed: 1}, DropTiles{0.1, shape}},
			"[[0 2 3 4 6 7 8 9 1 5 10 11] [0 4 5 6 1 2 3 8 7] [0 1 2 3]] 32 11"},
		{"weights, global", []int{20, 18, 4}, []Step{PruneWeights{"l1", "global", 0.7, 1}}, "[] 101 29"},
		{"tiles, global", []int{20, 18, 4}, []Step{PruneTiles{"l1", "global", "avg", 0.5, shape, 1}}, "[] 120 56"},
		{"joint, twice", []int{20, 18, 4}, []Step{joint(0.7), joint(0.4)},
			"[[0 2 7 8 14 16 18 19 1 3 4 5 9 10 11 12 6 13 15 17] [2 8 11 14 5 7 12 17 4 9 10 16 0 6 13 15 1 3] [0 1 2 3]] 160 32"},
	} {
		s := &State{Net: newNet(t, c.dims...)}
		for _, step := range c.steps {
			if err := step.Apply(s, Data{}); err != nil {
				t.Fatal(err)
			}
		}
		got := fmt.Sprint(s.Orders, count(s.Net.Dense()[0].Mask, true), count(s.Net.Dense()[1].Mask, true))
		if got != c.want {
			t.Errorf("%s: got %s\nwant %s\nif pruning was meant to change, raise pruning.Version", c.name, got, c.want)
		}
	}
}
