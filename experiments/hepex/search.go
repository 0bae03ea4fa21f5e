package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hepex/datasets"
	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/search"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/packing"
)

// search looks for the best network around the base of a config, runs it encrypted and prints what was found.
func (a *app) search(ctx context.Context, c *config.Config, o tuning) error {
	p := newProgress(a.err)
	defer p.clear()
	lab, err := a.lab(c, o, p)
	if err != nil {
		return err
	}
	s := &search.Search{Loss: float64(o.degradation), Gain: searchGain, Train: a.announced(lab, o, p)}
	err = s.Explore(ctx, lab, o.trainings)
	if errors.Is(err, search.ErrUnpruned) {
		return &codedError{exitFailed, fmt.Errorf("%w; its record is in %s", err, lab.Dir)}
	}
	if err != nil {
		return err
	}
	p.clear()
	if err := lab.Keep(s.Tried); err != nil {
		return err
	}
	ranking, err := lab.Ranking(s.Tried, o.top)
	if err != nil {
		return err
	}
	if len(ranking) == 0 {
		return &codedError{exitFailed, fmt.Errorf("none of %d networks loses at most %g and fits; their records in %s say more", s.Trained(), o.degradation, lab.Dir)}
	}
	fmt.Fprintf(a.out, "%d networks trained; those that lose at most %g on the validation split; records in %s\n", s.Trained(), o.degradation, lab.Dir)
	if err := a.printRanking(ranking, lab); err != nil {
		return err
	}
	return a.runBest(ctx, lab, ranking[0], o)
}

// searchGain is what another network has to promise to save, to be worth a training.
const searchGain = 0.03

func (a *app) lab(c *config.Config, o tuning, p *progress) (*search.Lab, error) {
	limit, err := o.limit()
	if err != nil {
		return nil, err
	}
	const share = 0.6 // of the machine's memory, that an evaluation may take if nothing is said
	limit = cmp.Or(limit, c.Limits.Memory, int64(share*float64(machine.Environment().RAMBytes)))
	cache, err := trial.DefaultCacheDir()
	if err != nil {
		return nil, err
	}
	lab, err := search.NewLab(search.Options{
		Config: c, Dir: filepath.Join(o.out, c.Name+"-search"), Objective: tune.Objective(o.objective), Batch: o.batch, Memory: limit, Loss: float64(o.degradation),
		Trainings: o.trainings, DataDirs: datasets.Dirs(a.data), CacheDir: cache, Executable: machine.Program, Progress: p.show, Log: p,
	})
	if err != nil {
		return nil, badInput(err)
	}
	return lab, nil
}

// announced says after the unpruned network how long the search may take, and of every network what came of it.
func (a *app) announced(lab *search.Lab, o tuning, p *progress) func(context.Context, int, search.Choice) (search.Outcome, error) {
	return func(ctx context.Context, n int, c search.Choice) (search.Outcome, error) {
		out, err := lab.Train(ctx, n, c)
		if err != nil || out.Free {
			return out, err
		}
		if n == 0 {
			each := time.Duration(lab.TrainingSeconds() * float64(time.Second)).Round(time.Second / 10)
			fmt.Fprintf(p, "search: at most %d trainings of about %s each, %s in all\n", o.trainings, each, each*time.Duration(o.trainings))
		}
		text := fmt.Sprintf("loses %.4f, %s at nominal prices", out.Loss, scoreText(out.Score, lab.Objective))
		if out.Err != nil {
			text = "failed: " + strings.ReplaceAll(out.Err.Error(), "\n", "; ")
		}
		fmt.Fprintf(p, "search %d/%d  %s: %s\n", n+1, o.trainings, choiceText(c), text)
		return out, nil
	}
}

func choiceText(c search.Choice) string {
	words := []string{c.Scheme}
	if c.Layers != nil {
		words = append(words, layersText(c.Layers))
	}
	if c.Scheme == "joint" {
		words = append(words, c.Budget, fmt.Sprint(c.Ratio), string(c.Kind), c.Shape.String())
	}
	return strings.Join(words, " ")
}

// layersText names hidden layers by their neurons, if all are fully connected.
func layersText(layers []config.Layer) string {
	var neurons []int
	for _, l := range layers {
		neurons = append(neurons, l.Neurons)
	}
	if slices.Contains(neurons, 0) {
		return config.LayersText(layers)
	}
	return hiddenText(neurons)
}

func hiddenText(hidden []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(hidden), " ", "-"), "[]")
}

func scoreText(score float64, o tune.Objective) string {
	switch o {
	case tune.Memory, tune.Upload:
		return fmt.Sprintf("%.4g MiB", score/(1<<20))
	case tune.Throughput:
		return fmt.Sprintf("%.4g ms/image", 1e3*score)
	}
	return fmt.Sprintf("%.4g s", score)
}

func (a *app) printRanking(ranking []search.Tried, lab *search.Lab) error {
	t := newTable(a.out, "rank", "scheme", "hidden", "budget", "ratio", "layout", "tile", "weights", "ring", "log_n", "loss", "seconds", "ms/image", "memory MiB", "upload MiB")
	spec := lab.Config.Points[0].Spec
	for i, r := range ranking {
		hidden, budget, ratio, tile := r.Layers, "", "", r.Way.Shape.String()
		if hidden == nil {
			hidden = search.LayersOf(spec.Network)
		}
		if r.Scheme == "joint" {
			budget, ratio = r.Budget, fmt.Sprint(r.Ratio)
		}
		if r.Way.Kind != packing.Tiles {
			tile = fmt.Sprintf("%d slots", r.Way.Slots())
		}
		mib := func(bytes int64) string { return fmt.Sprintf("%.3g", float64(bytes)/(1<<20)) }
		if err := t.Append(i+1, r.Scheme, layersText(hidden), budget, ratio, string(r.Way.Kind), tile, spec.HE.Weights, string(r.Way.Literal.Ring), r.Way.Literal.LogN,
			fmt.Sprintf("%.4f", r.Loss), fmt.Sprintf("%.4g", r.Way.Seconds), fmt.Sprintf("%.4g", 1e3*r.Way.PerImage), mib(r.Way.Memory.Total()), mib(r.Way.Upload)); err != nil {
			return err
		}
	}
	return t.Render()
}

// runBest writes the config of the best network, runs it and says what was measured.
func (a *app) runBest(ctx context.Context, lab *search.Lab, best search.Tried, o tuning) error {
	text, c, plan, err := lab.Best(best)
	if err != nil {
		return err
	}
	path := filepath.Join(lab.Dir, lab.BestName()+".yaml")
	if err := atomicfile.Write(path, text); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "the best as a config: %s\n", path)
	dir := experimentDir(o.out, c)
	if err := a.run(ctx, c, plan, run.Options{Dir: dir, Jobs: 1}); err != nil {
		return err
	}
	all, err := a.records(dir)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Point == plan[0].ID && r.Status == record.OK {
			q := r.Quality
			fmt.Fprintf(a.out, "measured %.4g s for %d samples, predicted %.4g s (%+.1f %%); %s on the test set %.4f, unpruned %.4f\n", r.Latency.EvaluateMedian,
				r.Batch, best.Way.Seconds, 100*(best.Way.Seconds/r.Latency.EvaluateMedian-1), q.Metric, q.Plain, q.Unpruned)
			if q.ValidationDegradation > lab.Loss+search.Rounding {
				a.warn("the measured network loses %.4f on validation samples, more than %.4f", q.ValidationDegradation, lab.Loss)
			}
		}
	}
	return nil
}
