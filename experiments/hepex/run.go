package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/plots"
)

func (a *app) runCommand() *cobra.Command {
	var out string
	var o run.Options
	cmd := &cobra.Command{
		Use: "run CONFIG", Short: "Run an experiment: train, prune, encrypt, evaluate, record, plot", Args: cobra.ExactArgs(1),
		Long: `run does every point of an experiment that has no result yet, so that the same command resumes an
interrupted run, and then writes figures, tables and report.html.`,
		Example: "  hepex run configs/quickstart.yaml\n  hepex run configs/mnist-mlp.yaml --data ~/data --out results",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			if o.Jobs < 1 || o.Jobs > maxJobs {
				return badInput(fmt.Errorf("--jobs %d: want 1 to %d", o.Jobs, maxJobs))
			}
			if cmd.Flags().Changed("points") && len(o.Points) == 0 {
				return badInput(errors.New("--points: want ids of points, as hepex plan and hepex status --left print them"))
			}
			o.Dir = experimentDir(out, c)
			if len(o.Points) > 0 {
				return a.runPoints(cmd.Context(), c, plan, o)
			}
			return a.run(cmd.Context(), c, plan, o)
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().BoolVar(&o.Force, "force", false, "measure all points again (trained networks stay in the cache)")
	cmd.Flags().BoolVar(&o.Failed, "failed", false, "do failed points again")
	cmd.Flags().IntVar(&o.Jobs, "jobs", 1, "points to train and prune at the same time; measuring is always one by one")
	cmd.Flags().StringSliceVar(&o.Points, "points", nil, "do these points only, by their ids, beside other runners of the experiment (without tables and figures)")
	return cmd
}

// maxJobs bounds the processes that train at the same time.
const maxJobs = 256

func (a *app) run(ctx context.Context, c *config.Config, plan []run.Planned, o run.Options) error {
	s, err := a.work(ctx, c, plan, o)
	if err != nil {
		return err
	}
	if s.Elsewhere > 0 {
		fmt.Fprintf(a.out, "%d points are in the hands of other runners\n", s.Elsewhere)
	}
	if err := a.conclude(c, o.Dir, s); err != nil {
		return err
	}
	return failures(s, o.Dir)
}

// runPoints does some points only. Other runners may do others at the same time, so that tables and figures are left to a
// run of the whole.
func (a *app) runPoints(ctx context.Context, c *config.Config, plan []run.Planned, o run.Options) error {
	for _, id := range o.Points {
		if !slices.ContainsFunc(plan, func(p run.Planned) bool { return p.ID == id }) {
			return badInput(fmt.Errorf("--points: no point %s in this config; hepex status CONFIG --left lists those that are left", id))
		}
	}
	s, err := a.work(ctx, c, plan, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%d of %d points done (%d before), %d failed, %d in other hands\n", s.Done+s.Before, s.Points, s.Before, s.Failed, s.Elsewhere)
	return failures(s, o.Dir)
}

// work runs points of the plan with progress shown.
func (a *app) work(ctx context.Context, c *config.Config, plan []run.Planned, o run.Options) (s run.Summary, err error) {
	o.DataDirs = datasets.Dirs(a.data)
	if o.CacheDir, err = trial.DefaultCacheDir(); err != nil {
		return s, err
	}
	o.Executable = machine.Program
	p := newProgress(a.err)
	defer p.clear()
	o.Log, o.Progress = p, p.show
	return run.Run(ctx, c, plan, o)
}

// failures is the error of a run with points that failed or were not tried.
func failures(s run.Summary, dir string) error {
	if s.Failed == 0 && s.Missing == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d points failed; their records in %s say why; --failed does them again, but what was refused needs another config or other limits", s.Failed, s.Points, dir)
	if s.Missing > 0 {
		text += fmt.Sprintf("; %d points were not tried after that many failures (limits.max_failures)", s.Missing)
	}
	return &codedError{exitFailed, errors.New(text)}
}

// conclude writes tables and figures if there is something new to show and says what there is.
func (a *app) conclude(c *config.Config, dir string, s run.Summary) error {
	if s.Done+s.Before == 0 {
		return nil
	}
	r, err := a.openResults(dir)
	if err != nil {
		return err
	}
	if s.Before == s.Points && r.upToDate(c) {
		fmt.Fprintf(a.out, "nothing to do: all %d points are done; results are in %s\n", s.Points, dir)
		return nil
	}
	if err := plots.Summary(a.out, r.records, plots.Terminal); err != nil {
		return err
	}
	files, err := r.draw(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s done (%d before), %d failed; %d files in %s: records in points/, figures/, tables/, summary.csv, report.html\n",
		countPoints(s.Done+s.Before), s.Before, s.Failed, len(files), dir)
	return nil
}
