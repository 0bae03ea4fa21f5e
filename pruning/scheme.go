package pruning

import (
	"fmt"
	"slices"
	"strings"

	"hepex/network"
	"hepex/packing"
)

// Options choose a scheme and its settings. Settings that the scheme does not use are ignored.
type Options struct {
	Scheme      string
	Importance  string  // of a weight
	Scope       string  // of Ratio and TileRatio
	Target      string  // of the first prune step of p3 … p4e
	Ratio       float64 // share of weights (p2t and target tile: of tiles) that the first prune step removes
	Permutation string
	Score       string   // ranks tiles
	MaxNonzero  float64  // p4, p4e: drop tiles with at most this fraction of weights left …
	TileRatio   *float64 // … or, if not nil, this share of the tiles, those with the lowest score

	Events   int     // hunter, joint: prunings during the retraining
	Until    float64 // joint: share of the retraining after which the last of them comes
	EvenRows float64 // joint: see Joint

	Shape  packing.Shape
	Seed   uint64
	Train  network.Options
	Budget network.Options // of all retrainings together: its epochs are shared between them
}

// Step is one part of a scheme.
type Step interface {
	// String describes the step and everything that decides its outcome, given the state and the data: equal
	// strings mean equal results.
	fmt.Stringer
	Apply(s *State, data Data) error
}

// unpermuted are the schemes that prune tiles where they lie.
var unpermuted = []string{"p2t", "hunter", "mofhei"}

// Data supplies the training data when a step first needs it.
type Data func() (network.Data, error)

// Steps lists the steps of the scheme.
func (o Options) Steps() ([]Step, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("pruning: %w", err)
	}
	train := Train{o.Train}
	var first Step = PruneWeights{o.Importance, o.Scope, o.Ratio, o.Seed}
	switch o.Target {
	case "neuron":
		first = PruneNeurons{o.Importance, o.Scope, o.Ratio, o.Seed}
	case "tile":
		first = PruneTiles{o.Importance, o.Scope, o.Score, o.Ratio, o.Shape, o.Seed}
	}
	var drop Step = DropTiles{o.MaxNonzero, o.Shape}
	if o.TileRatio != nil {
		drop = PruneTiles{o.Importance, o.Scope, o.Score, *o.TileRatio, o.Shape, o.Seed}
	}
	permute := o.permute()
	expand := Expand{o.Shape}
	switch o.Scheme {
	case "dense":
		return []Step{train, o.retrain(0, 1)}, nil
	case "p2t":
		return []Step{train, PruneTiles{o.Importance, o.Scope, o.Score, o.Ratio, o.Shape, o.Seed}, o.retrain(0, 1)}, nil
	case "p3":
		return []Step{train, first, o.retrain(0, 1), permute}, nil
	case "p3e":
		return []Step{train, first, o.retrain(0, 2), permute, expand, o.retrain(1, 2)}, nil
	case "p4":
		return []Step{train, first, o.retrain(0, 2), permute, drop, o.retrain(1, 2)}, nil
	case "hunter":
		steps := []Step{train}
		for e := range o.Events {
			ratio := o.Ratio * float64(e+1) / float64(o.Events)
			steps = append(steps, PruneTiles{o.Importance, o.Scope, "avg", ratio, o.Shape, o.Seed}, o.retrain(e, o.Events))
		}
		return steps, nil
	case "mofhei":
		return []Step{train, PruneBlocks{o.Importance, o.Ratio, o.Shape, o.Seed}, o.retrain(0, 1)}, nil
	case "joint":
		return []Step{train, Joint{o.retrain(0, 1).Options, o.Importance, o.EvenRows, o.Ratio, o.Events, o.Until, o.Shape}}, nil
	default: // p4e
		return []Step{train, first, o.retrain(0, 2), permute, drop, expand, o.retrain(1, 2)}, nil
	}
}

// retrain is the i-th of n retrainings, with its share of the budget.
func (o Options) retrain(i, n int) Train {
	share := o.Budget
	share.Epochs = (o.Budget.Epochs + n - 1 - i) / n
	share.Seed += uint64(i + 1)
	return Train{share}
}

// permute tells the permutation which tiles the scheme will drop: p3 and p3e only those that are empty.
func (o Options) permute() Permute {
	p := Permute{Strategy: o.Permutation, Scope: o.Scope, Shape: o.Shape, Seed: o.Seed}
	switch {
	case !strings.HasPrefix(o.Scheme, "p4"):
	case o.TileRatio != nil:
		p.Share = *o.TileRatio
	default:
		p.MaxNonzero = o.MaxNonzero
	}
	return p
}

func (o Options) check() error {
	one := func(what, got string, want []string) error {
		if !slices.Contains(want, got) {
			return fmt.Errorf("%s %q: want one of %s", what, got, strings.Join(want, ", "))
		}
		return nil
	}
	share := func(what string, v float64) error {
		if !(v >= 0 && v < 1) {
			return fmt.Errorf("%s %g: want 0 ≤ %s < 1", what, v, what)
		}
		return nil
	}
	if err := one("scheme", o.Scheme, Schemes()); err != nil || o.Scheme == "dense" {
		return err
	}
	errs := []error{
		one("importance", o.Importance, Importances()), one("scope", o.Scope, Scopes()),
		share("ratio", o.Ratio), o.Shape.Check(),
	}
	if o.Scheme == "p2t" || o.Target == "tile" || o.TileRatio != nil {
		errs = append(errs, one("score", o.Score, Scores()))
	}
	if o.Scheme == "hunter" && (o.Events < 1 || o.Events > o.Budget.Epochs) {
		errs = append(errs, fmt.Errorf("%d events: want 1 to %d, the epochs of retraining", o.Events, o.Budget.Epochs))
	}
	if o.Scheme == "joint" {
		if o.Events < 1 || !(o.Until >= 0 && o.Until < 1) || !(o.EvenRows >= 0 && o.EvenRows <= 1) || o.Budget.Epochs < 1 {
			errs = append(errs, fmt.Errorf("%d events until %g, even rows %g, %d epochs: want at least 1, 0 to 1, 0 to 1, at least 1", o.Events, o.Until, o.EvenRows, o.Budget.Epochs))
		}
	} else if !slices.Contains(unpermuted, o.Scheme) {
		errs = append(errs, one("target", o.Target, Targets()), one("permutation", o.Permutation, Permutations()))
	}
	if o.TileRatio != nil {
		errs = append(errs, share("tile ratio", *o.TileRatio))
	} else if !(o.MaxNonzero >= 0 && o.MaxNonzero <= 1) {
		errs = append(errs, fmt.Errorf("max_nonzero %g: want 0 to 1", o.MaxNonzero))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
