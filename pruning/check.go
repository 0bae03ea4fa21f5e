package pruning

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is what is wrong with a setting, given others.
type Fault struct {
	Settings []string // by their names in configs: the one at fault, then those that it does not go with
	Text     string   // what is wrong; what is allowed
}

// Faults lists the settings that no config should put together. Each for itself must be sound.
func (o Options) Faults() []Fault {
	s := o.scheme()
	var faults []Fault
	if s.check != nil {
		faults = s.check(o)
	}
	if s.phases == nil {
		return faults
	}
	phases := s.phases(o)
	least := len(phases)
	if o.Rate == "one" {
		least = 1
	}
	if len(phases) == 1 && !o.reads("events") {
		least = 0
	}
	full := len(phases) > 0 && slices.ContainsFunc(phases[0].steps, func(s Step) bool { p, ok := s.(PruneTiles); return ok && p.Score == "nonzero" })
	return slices.Concat(faults,
		only(full, Fault{[]string{"tiles.score", "target"},
			"got nonzero, but every tile of an unpruned network is full, so there is nothing to rank; want min, max or avg"}),
		only(o.Retrain.Epochs < least, Fault{[]string{"retrain.epochs", "scheme", "events"},
			fmt.Sprintf("got %d; want at least %d, as %s retrains so often and each time needs an epoch", o.Retrain.Epochs, least, o.Scheme)}))
}

// MaxEvents bounds the prunings in the course of the retraining.
const MaxEvents = 64

// check finds a setting that the scheme cannot work with.
func (o Options) check() error {
	const most = 1e9 // of what has no upper bound of its own
	permute, _ := o.drop()
	errs := map[string]error{
		"scheme":             oneOf("scheme", o.Scheme, Schemes()),
		"importance":         oneOf("importance", o.Importance, Importances()),
		"scope":              oneOf("scope", o.Scope, Scopes()),
		"target":             oneOf("target", o.Target, Targets()),
		"ratio":              fraction("ratio", o.Ratio),
		"permutation":        oneOf("permutation", o.Permutation, Permutations()),
		"search":             cmp.Or(oneOf("search", o.Permutation, Permutations()), within("even rows", o.EvenRows, 0, 1)),
		"tiles.score":        oneOf("tiles.score", o.Score, Scores()),
		"tiles.max_nonzero":  within("tiles.max_nonzero", permute.MaxNonzero, 0, 1),
		"tiles.ratio":        fraction("tiles.ratio", permute.Share),
		"events":             within("events", float64(o.Events), 1, MaxEvents),
		"until":              fraction("until", o.Until),
		"curve":              oneOf("curve", o.Curve, Curves()),
		"budget":             oneOf("budget", o.Budget, Budgets()),
		"plan":               cmp.Or(oneOf("plan", o.Plan, Plans()), oneOf("layout", string(o.Kind), wholeLayouts)),
		"lasso":              within("lasso", o.Lasso, 0, most),
		"lasso_on":           oneOf("lasso_on", o.LassoOn, LassoScopes()),
		"hidden":             within("hidden layers", float64(len(o.Small.Hidden)+len(o.Small.Conv)), 1, most),
		"retrain.rate":       oneOf("retrain.rate", o.Rate, Rates()),
		"retrain.patience":   within("retrain.patience", float64(o.Stop), 0, most),
		"distil.alpha":       within("distil.alpha", o.Distil.Alpha, 0, 1),
		"distil.temperature": within("distil.temperature", o.Distil.Temperature, 1/most, most),
	}
	for _, setting := range o.Reads() {
		if err := errs[setting]; err != nil {
			return err
		}
	}
	for _, f := range o.Faults() {
		if f.Settings[0] != "retrain.epochs" || o.Retrain.Epochs > 0 { // steps without retraining can be wanted
			return fmt.Errorf("%s: %s", f.Settings[0], f.Text)
		}
	}
	return o.Shape.Check()
}

func oneOf(what, got string, want []string) error {
	if !slices.Contains(want, got) {
		return fmt.Errorf("%s %q: want one of %s", what, got, strings.Join(want, ", "))
	}
	return nil
}

func within(what string, v, least, most float64) error {
	if !(v >= least && v <= most) {
		return fmt.Errorf("%s %g: want %g to %g", what, v, least, most)
	}
	return nil
}

func fraction(what string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("%s %g: want 0 ≤ %s < 1", what, v, what)
	}
	return nil
}
