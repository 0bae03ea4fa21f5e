package pruning

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// unpermuted are the schemes that prune tiles where they lie.
var unpermuted = []string{"p2t", "hunter", "mofhei"}

func (o Options) check() error {
	errs := []error{oneOf("scheme", o.Scheme, Schemes()), oneOf("rate", o.Rate, Rates()), o.Distil.check()}
	if o.Stop < 0 {
		errs = append(errs, fmt.Errorf("stop after %d epochs: want at least 1, or 0 for never", o.Stop))
	}
	if o.Scheme == "small" && len(o.Small.Hidden) == 0 {
		errs = append(errs, errors.New("a small network without hidden neurons: want some"))
	}
	if o.Scheme != "dense" && o.Scheme != "small" {
		errs = append(errs, o.checkScheme()...)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (o Options) checkScheme() []error {
	errs := []error{oneOf("importance", o.Importance, Importances()), oneOf("scope", o.Scope, Scopes()), o.Shape.Check()}
	if o.Scheme != "custom" {
		errs = append(errs, fraction("ratio", o.Ratio))
	}
	if o.Scheme == "p2t" || o.Target == "tile" || o.TileRatio != nil || o.Scheme == "custom" {
		errs = append(errs, oneOf("score", o.Score, Scores()))
	}
	switch {
	case o.Scheme == "joint":
		errs = append(errs, oneOf("permutation", o.Permutation, Permutations()))
		if !(o.Until >= 0 && o.Until < 1) || !(o.EvenRows >= 0 && o.EvenRows <= 1) {
			errs = append(errs, fmt.Errorf("events until %g, even rows %g: want 0 ≤ until < 1, 0 to 1", o.Until, o.EvenRows))
		}
		if !(o.Lasso >= 0) || o.Lasso > 0 && o.Rate != "one" {
			errs = append(errs, fmt.Errorf("lasso %g with rate %s: want at least 0, and a lasso with rate one only", o.Lasso, o.Rate))
		}
		fallthrough
	case o.Scheme == "hunter":
		errs = append(errs, oneOf("curve", o.Curve, Curves()), oneOf("budget", o.Budget, Budgets()))
		if Whole(o.Budget) {
			errs = append(errs, oneOf("plan", o.Plan, Plans()), oneOf("lasso on", o.LassoOn, LassoScopes()), oneOf("layout", string(o.Kind), wholeLayouts))
		}
		most := o.Retrain.Epochs
		if o.Rate == "one" && most > 0 {
			most = maxEvents
		}
		if o.Events < 1 || o.Events > most {
			errs = append(errs, fmt.Errorf("%d events in %d epochs: want 1 to %d", o.Events, o.Retrain.Epochs, most))
		}
	case o.Scheme != "custom" && !slices.Contains(unpermuted, o.Scheme):
		errs = append(errs, oneOf("target", o.Target, Targets()), oneOf("permutation", o.Permutation, Permutations()))
	}
	if o.TileRatio != nil {
		errs = append(errs, fraction("tile ratio", *o.TileRatio))
	} else if !(o.MaxNonzero >= 0 && o.MaxNonzero <= 1) {
		errs = append(errs, fmt.Errorf("max_nonzero %g: want 0 to 1", o.MaxNonzero))
	}
	return errs
}

// maxEvents bounds the prunings within one training.
const maxEvents = 64

func (d Distil) check() error {
	if !(d.Alpha >= 0 && d.Alpha <= 1) || d.Alpha > 0 && !(d.Temperature > 0) {
		return fmt.Errorf("distillation with weight %g at temperature %g: want 0 to 1, above 0", d.Alpha, d.Temperature)
	}
	return nil
}

func oneOf(what, got string, want []string) error {
	if !slices.Contains(want, got) {
		return fmt.Errorf("%s %q: want one of %s", what, got, strings.Join(want, ", "))
	}
	return nil
}

func fraction(what string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("%s %g: want 0 ≤ %s < 1", what, v, what)
	}
	return nil
}
