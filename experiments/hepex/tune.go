package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/packing"
)

// tuning is what the tune verb is asked for.
type tuning struct {
	batch       int
	memory      string
	objective   string
	degradation float64
	top         int

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
	if o.batch < 0 || o.top < 1 || !(o.degradation >= 0) {
		return badInput(fmt.Errorf("--batch %d, --top %d, --degradation %g: want at least 0, 1 and 0", o.batch, o.top, o.degradation))
	}
	if o.trainings < 1 {
		return badInput(fmt.Errorf("--trainings %d: want at least 1", o.trainings))
	}
	return nil
}

func (a *app) tuneCommand() *cobra.Command {
	var o tuning
	cmd := &cobra.Command{
		Use: "tune CONFIG", Short: "Rank layouts, tile shapes, rings and densities by predicted time and memory", Args: cobra.ExactArgs(1),
		Long: `tune trains and prunes the networks of a config (the cache keeps them) and ranks the ways to evaluate them under
encryption, by counts of operations and prices that are measured once per machine. Dense networks are tried in every
tile shape, pruned ones in the shape that they were pruned for, all in the one-image and scalar layouts.
Keys are drawn once: "keys MiB" and "keys s" are what they take, and one-image layouts are arranged so that a few per cent
of time do not cost a multiple of keys.
Networks that lose more than --degradation on the validation split are left out, so the first line is the
fastest encrypted network that loses at most that much.

With --search the config needs data, network and train only, and the search finds the rest: smaller hidden layers, pruning with
joint by budgets of the whole evaluation and of tiles, of the network or of a smaller one, the ratio, layout, tile shape and
ring. It trains few networks: what promises nothing better than the best found is not trained. Each is a record in
OUT/<experiment>-search, so that the same command goes on after an interruption. The best is written as the config
OUT/<experiment>-search/<experiment>-best.yaml and runs encrypted. All choices are made on the validation split.`,
		Example: "  hepex tune configs/quickstart.yaml --batch 1\n  hepex tune configs/mnist-mlp.yaml --objective throughput --memory 8GiB --degradation 0.02\n  hepex tune configs/mnist-mlp.yaml --search --batch 64 --degradation 0.01 --trainings 40",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			if o.search {
				return a.search(cmd.Context(), c, o)
			}
			ranked, err := a.tune(cmd.Context(), plan, o)
			if err != nil {
				return err
			}
			return a.printRanked(ranked[:min(o.top, len(ranked))])
		},
	}
	cmd.Flags().IntVar(&o.batch, "batch", 0, "samples to evaluate (0: as many as fit an evaluation)")
	cmd.Flags().StringVar(&o.memory, "memory", "", "memory limit of the server, such as 8GiB (default: none; for a search limits.memory, or 60 % of the machine's)")
	cmd.Flags().StringVar(&o.objective, "objective", string(tune.Latency), "latency, throughput, memory or upload")
	cmd.Flags().Float64Var(&o.degradation, "degradation", 0.01, "most that a pruned network may lose on the validation split")
	cmd.Flags().BoolVar(&o.search, "search", false, "search beyond the points of the config: sizes, schemes, ratios, tile shapes; then run the best encrypted")
	cmd.Flags().IntVar(&o.trainings, "trainings", 40, "networks that a search may train")
	outFlag(cmd, &o.out)
	cmd.Flags().IntVar(&o.top, "top", 15, "lines to print")
	return cmd
}

// ranked is a candidate with the network that it evaluates.
type ranked struct {
	tune.Candidate
	point       run.Planned
	density     float64
	degradation float64
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
	prices := tune.CachedPrices(trial.PriceDir(cache), trial.CurrentEnvironment().CPU, false)
	var all []ranked
	for i, p := range plan {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fmt.Fprintf(a.err, "tune %d/%d  %s %s\n", i+1, len(plan), p.Spec.Prune.Scheme, p.Spec.Tile)
		job := trial.Job{Point: p.ID, Spec: p.Spec, Params: p.Params, DataDirs: datasets.Dirs(a.data), CacheDir: cache}
		n, err := trial.PrepareNetwork(job, nil)
		if err != nil {
			return nil, err
		}
		if n.Degradation > o.degradation {
			continue
		}
		opts := tune.Options{
			Encrypted: p.Spec.HE.Encrypted(), Precision: float64(p.Spec.HE.Precision), Batch: o.batch, Memory: limit,
			Objective: tune.Objective(o.objective), Threads: p.Spec.Measure.Threads, Price: prices, Measured: 5,
		}
		if p.Spec.Prune.Scheme != "dense" {
			opts.Shapes, opts.Orders = []packing.Shape{p.Spec.Tile}, n.Orders
		}
		candidates, err := tune.Rank(n.Folded, n.Samples[:4], opts)
		if err != nil {
			return nil, err
		}
		for _, c := range candidates {
			if c.Measured {
				all = append(all, ranked{c, p, n.Density, n.Degradation})
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no network of the config loses at most %g on the validation split", o.degradation)
	}
	slices.SortStableFunc(all, func(x, y ranked) int {
		return cmp.Compare(x.Score(tune.Objective(o.objective)), y.Score(tune.Objective(o.objective)))
	})
	return slices.CompactFunc(all, func(x, y ranked) bool { // dense points that differ in their tile shape only
		return x.point.Spec.Prune.Scheme == y.point.Spec.Prune.Scheme && x.Choice == y.Choice &&
			x.Seconds == y.Seconds && x.density == y.density
	}), nil
}

func (a *app) printRanked(all []ranked) error {
	t := newTable(a.out, "scheme", "density", "loss", "layout", "tile", "weights", "ring", "log_n", "log_qp", "levels", "batch", "seconds", "ms/image",
		"up MiB", "down MiB", "keys MiB", "keys s", "memory MiB", "security")
	for _, r := range all {
		tile := r.Shape.String()
		if r.Kind == packing.OneImage {
			tile = fmt.Sprintf("%d slots", r.Slots())
		}
		mib := func(bytes int64) string { return fmt.Sprintf("%.3g", float64(bytes)/(1<<20)) }
		if err := t.Append(r.point.Spec.Prune.Scheme, fmt.Sprintf("%.2f", r.density), fmt.Sprintf("%.4f", r.degradation), string(r.Kind), tile,
			r.point.Spec.HE.Weights, string(r.Literal.Ring), r.Literal.LogN, fmt.Sprintf("%.0f", r.LogQP), r.Levels, r.Batch,
			fmt.Sprintf("%.3g", r.Seconds), fmt.Sprintf("%.3g", 1e3*r.PerImage), mib(r.BytesUp), mib(r.BytesDown), mib(r.Memory.Keys), fmt.Sprintf("%.2g", r.KeySeconds), mib(r.Memory.Total()), "128"); err != nil {
			return err
		}
	}
	return t.Render()
}
