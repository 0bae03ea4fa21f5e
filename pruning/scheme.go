package pruning

import (
	"fmt"
	"math"

	"hepex/network"
	"hepex/packing"
)

// Options choose a scheme and its settings. Settings that the scheme does not use are ignored.
type Options struct {
	Scheme      string
	Custom      []string // custom: the steps after training, as ParseStep reads them
	Importance  string   // of a weight
	Scope       string   // of Ratio and TileRatio
	Target      string   // of the first prune step of p3 … p4e
	Ratio       float64  // share of weights (p2t, hunter, mofhei, joint and target tile: of tiles; other targets: of those) that goes in the first prune step
	Permutation string
	Score       string   // ranks tiles
	MaxNonzero  float64  // p4, p4e: drop tiles with at most this fraction of weights left …
	TileRatio   *float64 // … or, if not nil, this share of the tiles, those with the lowest score

	Events   int     // hunter, joint: prunings during the retraining
	Until    float64 // joint: share of the retraining after which the last of them comes
	Curve    string  // hunter, joint: how density falls from event to event
	Budget   string  // joint: what Ratio is a share of
	EvenRows float64 // joint: see Joint
	Lasso    float64 // joint, rate one: λ of a group lasso on tiles, until the last event; 0 = none
	LassoOn  string  // budgets of the whole evaluation: which tiles
	Plan     string  // budgets of the whole evaluation: what neurons are ordered for

	Kind      packing.Kind // budgets of the whole evaluation: of the layout that is priced
	Encrypted bool         // weights

	Small Small // small; joint, if it has hidden neurons: the network that takes the place of the trained one

	Shape   packing.Shape
	Seed    uint64
	Train   network.Options
	Retrain network.Options // all retrainings together: its epochs are shared between them
	Rate    string          // of the retrainings: one curve, or restarts
	Distil  Distil
	Stop    int // epochs of the last retraining without gain on validation data after which it ends; 0 = never
}

// Distil makes retrainings follow the network before the first prune step: see network.Options.
type Distil struct{ Alpha, Temperature float64 }

// Step is one part of a scheme.
type Step interface {
	// String describes the step and everything that decides its outcome, given the state and the data: equal
	// strings mean equal results.
	fmt.Stringer
	Apply(s *State, data Data) error
}

// Data supplies training and validation samples when a step first needs them.
type Data struct {
	Train, Validation func() (network.Data, error)
}

// phase is what happens after a share of the retraining.
type phase struct {
	when  float64
	steps []Step
}

// Steps lists the steps of the scheme.
func (o Options) Steps() ([]Step, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	steps := []Step{Train{Options: o.Train}}
	if o.Distil.Alpha > 0 {
		steps = append(steps, Teach{})
	}
	s := o.scheme()
	if s.phases != nil {
		if o.reads("hidden") {
			steps = append(steps, o.Small, Train{Options: o.Train, Distil: o.Distil})
		}
		steps = append(steps, o.retrainings(s.phases(o))...)
	}
	if s.after != nil {
		steps = append(steps, s.after(o)...)
	}
	return steps, nil
}

// retrainings are one after each phase, up to the next, in whole epochs and, as far as they suffice, at least one each; or with
// rate one a single one with the phases in its course.
func (o Options) retrainings(phases []phase) (steps []Step) {
	if o.Rate == "one" && len(phases) > 1 && o.Retrain.Epochs > 0 {
		g := Gradual{Train: o.retrain(o.Retrain.Epochs, 0, true), Doomed: o.reads("lasso_on") && o.LassoOn == "dropped", Shape: o.Shape, phases: phases}
		if o.reads("lasso") {
			g.Lasso = o.Lasso
		}
		return []Step{g}
	}
	last := 0
	for i, p := range phases {
		end, left := o.Retrain.Epochs, len(phases)-i-1 // phases that are still to come
		if left > 0 {
			end = int(math.Round(phases[i+1].when * float64(o.Retrain.Epochs)))
			end = max(min(max(end, last+1), o.Retrain.Epochs-left), last)
		}
		steps = append(append(steps, p.steps...), o.retrain(end-last, i, left == 0))
		last = end
	}
	return steps
}

// retrain is the i-th retraining; only the last may stop early, as the others are not what comes out.
func (o Options) retrain(epochs, i int, last bool) Train {
	t := Train{Options: o.Retrain, Distil: o.Distil}
	t.Options.Epochs = epochs
	t.Options.Seed += uint64(i + 1)
	if last {
		t.Stop = o.Stop
	}
	return t
}

// once is for schemes that prune before the retraining, twice for those that prune their target then and go on after half of it.
func once(steps ...Step) []phase { return []phase{{steps: steps}} }

func (o Options) twice(second ...Step) []phase {
	return append(once(o.target().step(o, o.Ratio)), phase{0.5, second})
}

// rounds are the events of a scheme that prunes more and more, the e-th after that share of the retraining: until · e / spans.
func (o Options) rounds(until float64, spans int, prune func(density float64) Step) (phases []phase) {
	for e := range o.Events {
		left := 1 - float64(e+1)/float64(o.Events)
		if o.Curve == "cubic" {
			left = math.Pow(left, 3)
		}
		phases = append(phases, phase{until * float64(e) / float64(spans), []Step{prune(1 - o.Ratio + o.Ratio*left)}})
	}
	return phases
}

func (o Options) pruneTiles(score string, ratio float64) PruneTiles {
	return PruneTiles{Importance: o.Importance, Scope: o.Scope, Score: score, Ratio: ratio, Shape: o.Shape, Seed: o.Seed}
}

func (o Options) pruneNeurons(kind string, ratio float64) PruneNeurons {
	return PruneNeurons{Kind: kind, Importance: o.Importance, Scope: o.Scope, Ratio: ratio, Seed: o.Seed}
}

func (o Options) joint(density float64) Joint {
	j := Joint{Importance: o.Importance, Strategy: o.Permutation, EvenRows: o.EvenRows, Density: density, Budget: o.Budget, Shape: o.Shape, Seed: o.Seed}
	if Whole(o.Budget) {
		j.Final, j.Plan, j.Kind, j.Encrypted = 1-o.Ratio, o.Plan, o.Kind, o.Encrypted
	}
	return j
}

func (o Options) permute() Permute {
	return Permute{Strategy: o.Permutation, Scope: o.Scope, Shape: o.Shape, Seed: o.Seed}
}

// drop is the second prune step of p4 and p4e, and a permutation for it.
func (o Options) drop() (p Permute, drop Step) {
	p = o.permute()
	if o.TileRatio != nil {
		p.Share = *o.TileRatio
		return p, o.pruneTiles(o.Score, p.Share)
	}
	p.MaxNonzero = o.MaxNonzero
	return p, DropTiles{MaxNonzero: o.MaxNonzero, Shape: o.Shape}
}

func (o Options) dropReads() []string {
	return append(only(o.TileRatio != nil, "tiles.score", "tiles.ratio"), only(o.TileRatio == nil, "tiles.max_nonzero")...)
}
