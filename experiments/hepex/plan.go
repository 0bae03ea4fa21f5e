package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/run"
	"hepex/harness/trial"
)

func (a *app) planCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use: "plan CONFIG...", Short: "List the points of experiments, with predicted time and memory, before anything runs", Args: cobra.MinimumNArgs(1),
		Long: `plan lists the points with the time of one evaluation and the memory of its process, by counts of operations and prices
that are measured once per machine. Networks that are not trained yet count as dense (≤), with moduli for values as a few steps of training leave
them; those that may be refused when trained are told. Of the training that is left, steps are timed; what several points share, of one experiment
or of several, counts once. Points that have a record in --out take nothing more.
Points that limits.memory will not hold are marked; a run refuses them.`,
		Example: "  hepex plan configs/quickstart.yaml\n  hepex plan configs/paper/c1.yaml configs/paper/c2.yaml --out results",
		RunE: func(_ *cobra.Command, args []string) error {
			planned, err := a.planAll(args, out)
			if err != nil {
				return err
			}
			f, err := a.newForecasts()
			if err != nil {
				return err
			}
			all := 0.0
			for _, e := range planned {
				forecasts, err := f.of(e.points)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s: %s\n", e.config.Name, surveyed(e.survey, 0))
				a.printIgnored(e.config)
				if err := writePlan(a.out, e, forecasts); err != nil {
					return err
				}
				all += writeEstimate(a.out, e, forecasts)
			}
			if len(planned) > 1 {
				fmt.Fprintf(a.out, "in all: about %.0f s\n", all)
			}
			return nil
		},
	}
	outFlag(cmd, &out)
	return cmd
}

// experiment is one that is planned.
type experiment struct {
	config *config.Config
	points []run.Planned
	survey run.Survey // of what is done
}

// planAll reads and checks all configs before anything takes time.
func (a *app) planAll(paths []string, out string) ([]experiment, error) {
	var all []experiment
	for _, path := range paths {
		c, points, err := a.plan(path)
		if err != nil {
			return nil, err
		}
		survey, err := run.Look(points, experimentDir(out, c))
		if err != nil {
			return nil, err
		}
		all = append(all, experiment{c, points, survey})
	}
	return all, nil
}

// forecasts predicts the points of one plan after the other.
type forecasts struct {
	*app
	*trial.Forecaster
	cache string
}

func (a *app) newForecasts() (*forecasts, error) {
	cache, err := trial.DefaultCacheDir()
	if err != nil {
		return nil, err
	}
	return &forecasts{a, trial.NewForecaster(cache, a.warn), cache}, nil
}

func (f *forecasts) of(plan []run.Planned) ([]*trial.Forecast, error) {
	p := newProgress(f.err)
	defer p.clear()
	var all []*trial.Forecast
	var shown time.Time
	for i, point := range plan {
		s := point.Spec
		job := trial.Job{Point: point.ID, Spec: s, Params: point.Params, DataDirs: datasets.Dirs(f.data), CacheDir: f.cache}
		ready, err := trial.Prepared(job)
		if err != nil {
			return nil, err
		}
		if time.Since(shown) > time.Second { // most take no time
			p.show(run.Progress{Stage: "predict", Current: i, Points: len(plan), Point: &point.Point})
			shown = time.Now()
		}
		expected, err := f.Point(job)
		if err != nil {
			return nil, err
		}
		if !ready {
			if expected.Train, err = f.Training(job); err != nil {
				return nil, err
			}
		}
		all = append(all, expected)
	}
	return all, nil
}

// writePlan prints the points and what they are expected to take.
func writePlan(w io.Writer, e experiment, forecasts []*trial.Forecast) error {
	plan, limit := e.points, e.config.Limits.Memory
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	others := varying(plan, "data.name", "data.from", "prune.scheme", "prune.ratio", "tile", "he.weights", "train.seed")
	fmt.Fprintln(tw, "point\tlabel\tdata\tscheme\tratio\ttile\tweights\tseed\tevaluate\tmemory\t"+strings.Join(others, "\t"))
	var refused []string
	doubted := map[string]int{}
	for i, p := range plan {
		f := forecasts[i]
		if f.Doubt != "" && slices.Contains(e.survey.Unfinished, p.ID) {
			doubted[f.Doubt]++
		}
		bound, over := "", ""
		if f.Dense && p.Spec.Prune.Options().Prunes() {
			bound = "≤ "
		}
		if limit > 0 && f.Peak > limit {
			over = " over limits.memory"
		}
		s := p.Spec
		ratio := "-"
		if _, ok := p.Params["prune.ratio"]; ok {
			ratio = fmt.Sprint(s.Prune.Ratio)
		}
		takes := fmt.Sprintf("%s%.3g s\t%s%d MiB%s", bound, f.Evaluate, bound, f.Peak>>20, over)
		switch {
		case f.Refused != nil:
			takes = "refused\trefused"
			refused = append(refused, fmt.Sprintf("%s is refused: %v", p.ID, f.Refused))
		case !s.Measure.Encrypted:
			takes = "-\t-"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s", p.ID, p.Label, s.Data.Title(), s.Prune.Scheme, ratio, s.Tile, s.HE.Weights, s.Train.Seed, takes)
		for _, name := range others {
			value, ok := p.Params[name]
			if !ok {
				value = "-"
			}
			fmt.Fprintf(tw, "\t%v", value)
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, line := range refused {
		fmt.Fprintln(w, line)
	}
	for _, why := range slices.Sorted(maps.Keys(doubted)) {
		fmt.Fprintf(w, "%s may be refused when trained, as the unpruned network is after a few steps of training: %s\n", countPoints(doubted[why]), why)
	}
	return nil
}

// writeEstimate says what the points that are left will take, and returns it in seconds. How often evaluations are repeated depends on how steady
// the machine is: the middle counts.
func writeEstimate(w io.Writer, e experiment, forecasts []*trial.Forecast) float64 {
	var training, setUp, evaluations, most float64
	var left []run.Planned
	var peaks []int64
	var measured []*trial.Forecast
	for i, f := range forecasts {
		if slices.Contains(e.survey.Unfinished, e.points[i].ID) {
			left, peaks, measured = append(left, e.points[i]), append(peaks, f.Peak), append(measured, f)
			training += f.Train
			setUp += f.SetUp
		}
	}
	for i, groups := range run.Groups(left, peaks, e.config.Limits.Memory) {
		evaluations += float64(groups) * measured[i].Measure
		most += float64(groups) * measured[i].Most
	}
	all := training + setUp + (evaluations+most)/2
	fmt.Fprintf(w, "about %.0f s: %.0f s of training that the cache lacks, %.0f s of keys, models and inputs, %.0f", all, training, setUp, evaluations)
	if most > evaluations {
		fmt.Fprintf(w, " to %.0f", most)
	}
	fmt.Fprintln(w, " s of evaluations, by how often they are repeated")
	return all
}

// varying lists the parameters that points have in different values, beyond those that are shown anyway.
func varying(plan []run.Planned, shown ...string) []string {
	var names []string
	for _, name := range config.ParamNames() {
		values := map[string]bool{}
		for _, p := range plan {
			if v, ok := p.Params[name]; ok {
				values[fmt.Sprint(v)] = true
			}
		}
		if len(values) > 1 && !slices.Contains(shown, name) {
			names = append(names, name)
		}
	}
	return names
}
