package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/run"
	"hepex/harness/search"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/packing"
)

// tuning is what the tune verb is asked for.
type tuning struct {
	batch       int
	memory      string
	objective   string
	degradation loss
	top         int
	write       string // file for the config of the first line

	search    bool
	trainings int
	out       string
}

// limit is the memory limit in bytes; 0 is none.
func (o tuning) limit() (int64, error) {
	if o.memory == "" {
		return 0, nil
	}
	limit, err := config.ParseMemory(o.memory)
	if err != nil {
		return 0, badInput(fmt.Errorf("--memory: %w", err))
	}
	return limit, nil
}

func (o tuning) check() error {
	if !slices.Contains(tune.Objectives, tune.Objective(o.objective)) {
		return badInput(fmt.Errorf("--objective %q: want one of %v", o.objective, tune.Objectives))
	}
	if o.batch < 0 || o.top < 1 {
		return badInput(fmt.Errorf("--batch %d, --top %d: want at least 0 and 1", o.batch, o.top))
	}
	if o.trainings < 1 {
		return badInput(fmt.Errorf("--trainings %d: want at least 1", o.trainings))
	}
	if o.search && o.write != "" {
		return badInput(errors.New("--write: a search writes the config of the best by itself, OUT/<experiment>-search/<experiment>-best.yaml"))
	}
	return nil
}

func (a *app) tuneCommand() *cobra.Command {
	o := tuning{degradation: 0.01}
	cmd := &cobra.Command{
		Use: "tune CONFIG", Short: "Rank layouts, tile shapes, rings and densities by predicted time and memory", Args: cobra.ExactArgs(1),
		Long: `tune trains and prunes the networks of a config (the cache keeps them) and ranks the ways to evaluate them under
encryption, by counts of operations and prices that are measured once per machine. Dense networks are tried in every
tile shape, pruned ones in the shape that they were pruned for, all in the one-image and scalar layouts.
Keys are drawn once: "keys MiB" and "keys s" are what they take, and one-image layouts are arranged so that a few per cent
of time do not cost a multiple of keys.
Networks that lose more than --degradation on the validation split are left out, so the first line is the
fastest encrypted network that loses at most that much. Points that differ in their seed only are one line, of the mean of their losses and
times (and the memory of the seed that needs most), named by the id of the first. --write has the first line as a config to run. Exit code 3 if
nothing loses so little, or fits --memory.

With --search the config needs data, network and train only, and the search finds the rest: smaller hidden layers, of convolutions
also what they look at, pruning with joint by budgets of the whole evaluation and of tiles, of the network or of a smaller one, the
ratio, layout, tile shape and ring. It trains few networks: what promises nothing better than the best found is not trained. Each is a record in
OUT/<experiment>-search, so that the same command goes on after an interruption. The best is written as the config
OUT/<experiment>-search/<experiment>-best.yaml and runs encrypted. All choices are made on the validation split.`,
		Example: "  hepex tune configs/quickstart.yaml --batch 1\n  hepex tune configs/mnist-mlp.yaml --objective throughput --memory 8GiB --degradation 0.02\n  hepex tune configs/quickstart.yaml --degradation 2pt --write best.yaml\n  hepex tune configs/mnist-mlp.yaml --search --batch 64 --degradation 0.01 --trainings 40",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			if o.degradation > 0.5 {
				fmt.Fprintf(a.err, "hepex: warning: --degradation %g allows a loss of %.0f %%; 1pt is one point of accuracy\n", o.degradation, 100*o.degradation)
			}
			if o.write != "" {
				if err := checkTarget(o.write, args[0]); err != nil {
					return err
				}
			}
			if o.search {
				return a.search(cmd.Context(), c, o)
			}
			ranked, err := a.tune(cmd.Context(), plan, o)
			if err != nil {
				return err
			}
			if err := a.printRanked(ranked[:min(o.top, len(ranked))], plan); err != nil || o.write == "" {
				return err
			}
			if err := writeBest(o.write, c, ranked[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "the first line as a config: %s\n", o.write)
			return nil
		},
	}
	cmd.Flags().IntVar(&o.batch, "batch", 0, "samples to evaluate (0: as many as fit an evaluation)")
	cmd.Flags().StringVar(&o.memory, "memory", "", "memory limit of the server, such as 8GiB (default: none; for a search limits.memory, or 60 % of the machine's)")
	cmd.Flags().StringVar(&o.objective, "objective", string(tune.Latency), "latency, throughput, memory or upload")
	cmd.Flags().Var(&o.degradation, "degradation", "most that a pruned network may lose on the validation split: a fraction, or points of accuracy such as 1pt")
	cmd.Flags().StringVar(&o.write, "write", "", "write the first line as a config to this file")
	cmd.Flags().BoolVar(&o.search, "search", false, "search beyond the points of the config: sizes, what joint prunes for, ratios, layouts, tile shapes; then run the best encrypted")
	cmd.Flags().IntVar(&o.trainings, "trainings", 40, "networks that a search may train")
	outFlag(cmd, &o.out)
	cmd.Flags().IntVar(&o.top, "top", 15, "lines to print")
	return cmd
}

// ranked is a candidate for the networks of points that differ in their seed only, and their means.
type ranked struct {
	tune.Candidate
	points      []run.Planned
	density     float64
	degradation float64
}

// seedGroups are the points of a plan that differ in their seed only. The tile and the layout of a network that is not pruned decide
// nothing here.
func seedGroups(plan []run.Planned) [][]run.Planned {
	var groups [][]run.Planned
	index := map[string]int{}
	for _, p := range plan {
		params := maps.Clone(p.Params)
		delete(params, "train.seed")
		if !p.Spec.Prune.Options().Prunes() {
			delete(params, "tile")
			delete(params, "layout")
		}
		key := fmt.Sprint(params)
		i, known := index[key]
		if !known {
			i = len(groups)
			index[key], groups = i, append(groups, nil)
		}
		if !slices.ContainsFunc(groups[i], func(q run.Planned) bool { return q.Spec.Train.Seed == p.Spec.Train.Seed }) {
			groups[i] = append(groups[i], p)
		}
	}
	return groups
}

func (a *app) tune(ctx context.Context, plan []run.Planned, o tuning) ([]ranked, error) {
	cache, err := trial.DefaultCacheDir()
	if err != nil {
		return nil, err
	}
	limit, err := o.limit()
	if err != nil {
		return nil, err
	}
	prices := tune.CachedPrices(trial.PriceDir(cache), machine.Environment().CPU).Noting(a.warn)
	var all []ranked
	var least ranked
	var unfit error // of the first network that loses little enough, but fits in no way
	groups := seedGroups(plan)
	for i, group := range groups {
		r := ranked{points: group}
		var networks []*trial.Network
		for _, p := range group {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			fmt.Fprintf(a.err, "tune %d/%d  %s %s seed %d\n", i+1, len(groups), p.Spec.Prune.Scheme, p.Spec.Tile, p.Spec.Train.Seed)
			job := trial.Job{Point: p.ID, Spec: p.Spec, Params: p.Params, DataDirs: datasets.Dirs(a.data), CacheDir: cache}
			n, err := trial.PrepareNetwork(job, nil)
			if err != nil {
				return nil, err
			}
			networks = append(networks, n)
			r.density += n.Density / float64(len(group))
			r.degradation += n.Degradation / float64(len(group))
		}
		if least.points == nil || r.degradation < least.degradation {
			least = r
		}
		if !(r.degradation <= float64(o.degradation)) {
			continue
		}
		candidates, err := o.rank(group, networks, limit, prices)
		if errors.Is(err, tune.ErrNone) { // other networks may fit
			unfit = cmp.Or(unfit, fmt.Errorf("%s: %w", pointText(group[0], plan), err))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, c := range candidates {
			r.Candidate = c
			all = append(all, r)
		}
	}
	switch {
	case len(all) == 0 && unfit != nil:
		return nil, &codedError{exitFailed, unfit}
	case len(all) == 0:
		return nil, &codedError{exitFailed, fmt.Errorf("no network of the config loses at most %g on the validation split, by the mean of its seeds; the least is %.4f, of %s",
			o.degradation, least.degradation, pointText(least.points[0], plan))}
	}
	slices.SortStableFunc(all, func(x, y ranked) int {
		return cmp.Compare(x.Score(tune.Objective(o.objective)), y.Score(tune.Objective(o.objective)))
	})
	return all, nil
}

// rank gives the candidates for the networks of a group, with the means of their times.
func (o tuning) rank(group []run.Planned, networks []*trial.Network, limit int64, prices tune.Pricer) ([]tune.Candidate, error) {
	var candidates [][]tune.Candidate
	for i, p := range group {
		opts := tune.Options{
			Encrypted: p.Spec.HE.Encrypted(), Precision: float64(p.Spec.HE.Precision), Batch: o.batch, Memory: limit,
			Objective: tune.Objective(o.objective), Threads: p.Spec.Measure.Threads, Price: prices, Measured: 5,
		}
		if p.Spec.Prune.Options().Prunes() {
			opts.Shapes, opts.Orders = []packing.Shape{p.Spec.Tile}, networks[i].Orders
		}
		of, err := tune.Rank(networks[i].Folded, networks[i].Samples[:min(4, len(networks[i].Samples))], opts)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, of)
	}
	return tune.Mean(candidates), nil
}

// described tells a point from the others of a plan in words.
func described(p run.Planned, plan []run.Planned) []string {
	words := []string{p.Spec.Prune.Scheme}
	for _, name := range varying(plan, "prune.scheme", "train.seed") {
		if v, ok := p.Params[name]; ok {
			words = append(words, fmt.Sprintf("%s %v", name, v))
		}
	}
	return words
}

func pointText(p run.Planned, plan []run.Planned) string {
	return fmt.Sprintf("point %s (%s)", p.ID, strings.Join(described(p, plan), ", "))
}

func (a *app) printRanked(all []ranked, plan []run.Planned) error {
	others := varying(plan, "prune.scheme", "train.seed", "tile", "layout")
	header := append([]string{"point", "seeds", "scheme"}, others...)
	t := newTable(a.out, append(header, "density", "loss", "layout", "tile", "weights", "ring", "log_n", "log_qp", "levels", "batch", "seconds", "ms/image",
		"up MiB", "down MiB", "keys MiB", "keys s", "memory MiB", "security")...)
	for _, r := range all {
		p := r.points[0]
		tile := r.Shape.String()
		if r.Kind == packing.OneImage {
			tile = fmt.Sprintf("%d slots", r.Slots())
		}
		var seeds []string
		for _, q := range r.points {
			seeds = append(seeds, fmt.Sprint(q.Spec.Train.Seed))
		}
		row := []string{p.ID, strings.Join(seeds, " "), p.Spec.Prune.Scheme}
		for _, name := range others {
			value := "-"
			if v, ok := p.Params[name]; ok {
				value = fmt.Sprint(v)
			}
			row = append(row, value)
		}
		mib := func(bytes int64) string { return fmt.Sprintf("%.3g", float64(bytes)/(1<<20)) }
		row = append(row, fmt.Sprintf("%.2f", r.density), fmt.Sprintf("%.4f", r.degradation), string(r.Kind), tile,
			p.Spec.HE.Weights, string(r.Literal.Ring), fmt.Sprint(r.Literal.LogN), fmt.Sprintf("%.0f", r.LogQP), fmt.Sprint(r.Levels), fmt.Sprint(r.Batch),
			fmt.Sprintf("%.3g", r.Seconds), fmt.Sprintf("%.3g", 1e3*r.PerImage), mib(r.BytesUp), mib(r.BytesDown), mib(r.Memory.Keys), fmt.Sprintf("%.2g", r.KeySeconds), mib(r.Memory.Total()), "128")
		if err := t.Append(row); err != nil {
			return err
		}
	}
	return t.Render()
}

// checkTarget refuses, before anything is trained, to write a config over the one that it comes of, or over a folder.
func checkTarget(path, config string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return badInput(fmt.Errorf("--write: %w", err))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	if from, err := os.Stat(config); info.IsDir() || err == nil && os.SameFile(from, info) {
		return badInput(fmt.Errorf("--write %s: want a file other than the config", path))
	}
	return nil
}

// writeBest writes the config that runs the first of the ranking, for each of its seeds.
func writeBest(path string, c *config.Config, best ranked) error {
	first := best.points[0]
	values := config.Values{}
	for _, name := range config.ParamNames() {
		values[name] = first.Params[name] // nil takes away what the point does not read
	}
	for _, name := range []string{"he.log_q", "he.log_p", "he.log_scale", "he.insecure"} {
		values[name] = nil // derived, as they were ranked
	}
	values["layout"], values["tile"] = search.Evaluating(best.Choice, first.Spec.Tile)
	var cases []config.Values
	for _, p := range best.points[1:] {
		cases = append(cases, config.Values{"train.seed": p.Spec.Train.Seed})
	}
	text, err := c.Variant(c.Name+"-best", values, cases)
	if err != nil {
		return err
	}
	if _, err := config.Parse(path, text); err != nil {
		return err
	}
	return atomicfile.Write(path, text)
}

// loss is what may be lost: a fraction, or points of accuracy, as in 1pt.
type loss float64

func (l *loss) String() string { return fmt.Sprint(float64(*l)) }
func (l *loss) Type() string   { return "fraction or points" }

func (l *loss) Set(text string) error {
	number, points := strings.CutSuffix(text, "pt")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("got %q; want a fraction of at least 0, such as 0.01, or points, such as 1pt", text)
	}
	if points {
		v /= 100
	}
	*l = loss(v)
	return nil
}
