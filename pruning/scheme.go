package pruning

import (
	"fmt"
	"math"
	"strings"

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
	Ratio       float64  // share of weights (p2t, hunter, mofhei, joint and target tile: of tiles) that goes in the first prune step
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
	if o.Scheme == "small" {
		return append(steps, o.small()...), nil
	}
	if o.replaces() {
		steps = append(steps, o.Small, Train{o.Train, o.Distil, 0})
	}
	if o.Scheme == "custom" {
		custom, err := o.custom()
		if err != nil {
			return nil, fmt.Errorf("pruning: %w", err)
		}
		return append(steps, custom...), nil
	}
	phases, after := o.phases()
	if o.Rate == "one" && len(phases) > 1 {
		return append(append(steps, o.gradual(phases)...), after...), nil
	}
	return append(append(steps, o.restarts(phases)...), after...), nil
}

// phases lists what the scheme does in the course of the retraining, and after it.
func (o Options) phases() (phases []phase, after []Step) {
	first, second := o.first(), 0.5
	permute, expand := o.permute(), Expand{o.Shape}
	switch o.Scheme {
	case "dense":
		return []phase{{}}, nil
	case "p2t":
		return []phase{{0, []Step{o.pruneTiles(o.Score, o.Ratio)}}}, nil
	case "p3":
		return []phase{{0, []Step{first}}}, []Step{permute}
	case "p3e":
		return []phase{{0, []Step{first}}, {second, []Step{permute, expand}}}, nil
	case "p4":
		return []phase{{0, []Step{first}}, {second, []Step{permute, o.drop()}}}, nil
	case "hunter":
		for e := range o.Events {
			phases = append(phases, phase{float64(e) / float64(o.Events), []Step{o.pruneTiles("avg", 1-o.density(e+1))}})
		}
		return phases, nil
	case "mofhei":
		return []phase{{0, []Step{PruneBlocks{o.Importance, o.Ratio, o.Shape, o.Seed}}}}, nil
	case "joint":
		for e := range o.Events {
			when := 0.0
			if e > 0 {
				when = o.Until * float64(e) / float64(o.Events-1)
			}
			phases = append(phases, phase{when, []Step{o.joint(o.density(e + 1))}})
		}
		return phases, nil
	default: // p4e
		return []phase{{0, []Step{first}}, {second, []Step{permute, o.drop(), expand}}}, nil
	}
}

// density after so many events.
func (o Options) density(events int) float64 {
	left := 1 - float64(events)/float64(o.Events)
	if o.Curve == "cubic" {
		left = math.Pow(left, 3)
	}
	return 1 - o.Ratio + o.Ratio*left
}

// gradual is one training with the phases in its course.
func (o Options) gradual(phases []phase) []Step {
	g := Gradual{Train: o.retrain(o.Retrain.Epochs, 0, true), Shape: o.Shape, phases: phases}
	if o.Scheme == "joint" {
		g.Lasso, g.Doomed = o.Lasso, o.LassoOn == "dropped" && Whole(o.Budget)
	}
	return []Step{g}
}

// restarts is a training after each phase, up to the next, in whole epochs and, as far as they suffice, at least one each.
func (o Options) restarts(phases []phase) []Step {
	var steps []Step
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
	t := Train{o.Retrain, o.Distil, 0}
	t.Options.Epochs = epochs
	t.Options.Seed += uint64(i + 1)
	if last {
		t.Stop = o.Stop
	}
	return t
}

func (o Options) pruneTiles(score string, ratio float64) PruneTiles {
	return PruneTiles{o.Importance, o.Scope, score, ratio, o.Shape, o.Seed}
}

func (o Options) joint(density float64) Joint {
	j := Joint{Importance: o.Importance, Strategy: o.Permutation, EvenRows: o.EvenRows, Density: density, Budget: o.Budget, Shape: o.Shape, Seed: o.Seed}
	if Whole(o.Budget) {
		j.Final, j.Plan, j.Kind, j.Encrypted = 1-o.Ratio, o.Plan, o.Kind, o.Encrypted
		if o.Scheme == "custom" {
			j.Final = density
		}
	}
	return j
}

// first is the first prune step of p3 … p4e.
func (o Options) first() Step {
	switch o.Target {
	case "neuron":
		return PruneNeurons{o.Importance, o.Scope, o.Ratio, o.Seed}
	case "tile":
		return o.pruneTiles(o.Score, o.Ratio)
	}
	return PruneWeights{o.Importance, o.Scope, o.Ratio, o.Seed}
}

// drop is the second prune step of p4 and p4e.
func (o Options) drop() Step {
	if o.TileRatio != nil {
		return o.pruneTiles(o.Score, *o.TileRatio)
	}
	return DropTiles{o.MaxNonzero, o.Shape}
}

// permute tells the permutation which tiles the scheme will drop: p3 and p3e only those that are empty.
func (o Options) permute() Permute {
	p := Permute{Strategy: o.Permutation, Scope: o.Scope, Shape: o.Shape, Seed: o.Seed}
	switch {
	case !strings.HasPrefix(o.Scheme, "p4") && o.Scheme != "custom":
	case o.TileRatio != nil:
		p.Share = *o.TileRatio
	default:
		p.MaxNonzero = o.MaxNonzero
	}
	return p
}
