package search

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"hepex/harness/config"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/packing"
)

// Ranking lists what is good enough, the best first, at most so many. It goes by nominal prices, as the search does: they order
// networks alike on a busy machine and an idle one. Times are brought to this machine's by what the best takes here.
func (l *Lab) Ranking(tried []Tried, most int) ([]Tried, error) {
	good := slices.DeleteFunc(slices.Clone(tried), func(t Tried) bool { return !t.Good })
	if len(good) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(good, func(a, b Tried) int { return cmp.Compare(a.Score, b.Score) })
	_, _, plan, err := l.Best(good[0])
	if err != nil {
		return nil, err
	}
	f, err := trial.NewForecaster(l.CacheDir, func(format string, args ...any) { fmt.Fprintf(l.Log, "hepex: warning: "+format+"\n", args...) }).Point(l.job(plan[0]))
	if err != nil {
		return nil, err
	}
	good = good[:min(most, len(good))]
	here := f.Evaluate / good[0].Way.Seconds
	for i := range good {
		w := &good[i].Way
		w.Price(here*w.Seconds, tune.Options{Batch: l.Batch})
	}
	return good, nil
}

// BestName is the name of the experiment that runs the best network encrypted.
func (l *Lab) BestName() string { return l.Config.Name + "-best" }

// Best is the config that trains a network and runs it encrypted in its best way.
func (l *Lab) Best(t Tried) (text []byte, c *config.Config, plan []run.Planned, err error) {
	return l.variant(l.BestName(), l.final(t))
}

// final are the keys of a choice that runs encrypted.
func (l *Lab) final(t Tried) config.Values {
	v := l.values(t.Choice)
	v["measure.encrypted"] = nil // true is the default
	v["layout"], v["tile"] = Evaluating(t.Way.Choice, t.Shape)
	return v
}

// Evaluating are the keys layout and tile of a config that evaluates a network in a certain way. Layouts without tiles keep the shape that it
// was pruned for, in their own number of slots.
func Evaluating(way packing.Choice, pruned packing.Shape) (layout, tile string) {
	shape := way.Shape
	if in, out := pruned.In, pruned.Out; way.Kind != packing.Tiles && in > 0 && in*out <= way.Slots() {
		shape = packing.Shape{In: in, Out: out, Batch: way.Slots() / in / out}
	}
	return string(way.Kind), shape.String()
}

// Keep writes the config of all that was tried beside its records, so that tables and figures can be made of them.
func (l *Lab) Keep(tried []Tried) error {
	var cases []config.Values
	base := l.values(Choice{Scheme: "dense"})
	base["measure.encrypted"] = false
	for _, t := range tried[1:] { // the first is the base
		if t.Free {
			continue
		}
		v := l.values(t.Choice)
		maps.DeleteFunc(v, func(_ string, value any) bool { return value == nil }) // the base has none of these
		cases = append(cases, v)
	}
	text, err := l.Config.Variant(filepath.Base(l.Dir), base, cases)
	if err != nil {
		return err
	}
	c, err := config.Parse(filepath.Base(l.Dir)+".yaml", text)
	if err != nil {
		return err
	}
	_, err = run.Freeze(c, nil, run.Options{Dir: l.Dir, CacheDir: l.CacheDir})
	return err
}
