package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/run"
	"hepex/harness/submit"
	"hepex/harness/trial"
)

func (a *app) submitCommand() *cobra.Command {
	var out, memory string
	var dry bool
	var o submit.Options
	cmd := &cobra.Command{
		Use: "submit CONFIG [-- SBATCH-OPTIONS]", Short: "Run an experiment on Slurm", Args: cobra.MinimumNArgs(1),
		Long: `submit queues one job array with a task for each point that has no result yet and is in nobody's hands, and a job that
collects what came out: it notes why tasks that left no record were ended, and writes tables and figures. Points that
take turns (measure.order: interleaved) and differ in their pruning alone have one task, which has no more time than one point unless
--time says so; what it has trained stays in the cache. Results, cache and data have
to lie on a file system that the nodes share. What the nodes need beyond that, such as an account, goes behind --.
After limits.max_failures the tasks that wait are cancelled.`,
		Example: "  hepex submit configs/mnist-mlp.yaml --partition cpu --max-running 20 -- --account=project\n  hepex status configs/mnist-mlp.yaml",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				args, o.Extra = args[:n], args[n:]
			}
			if len(args) != 1 {
				return badInput(errors.New("want one config, and options of sbatch behind --"))
			}
			if memory != "" {
				if o.Memory, err = config.ParseMemory(memory); err != nil {
					return badInput(fmt.Errorf("--mem: %w", err))
				}
			}
			if o.CPUs < 0 || o.MaxRunning < 0 || o.Time < 0 {
				return badInput(errors.New("--cpus, --max-running and --time: want positive values"))
			}
			if o.Exclusive && o.Shared {
				return badInput(errors.New("--exclusive and --shared: want one of them"))
			}
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			o.Run.Dir = experimentDir(out, c)
			return a.submit(c, plan, o, dry)
		},
	}
	outFlag(cmd, &out)
	f := cmd.Flags()
	f.StringVar(&o.Partition, "partition", "", "partition (default: Slurm's)")
	f.DurationVar(&o.Time, "time", 0, "time limit of a task, such as 90m (default: limits.timeout for both stages and each retry, and a margin)")
	f.StringVar(&memory, "mem", "", "memory of a task, such as 8GiB (default: limits.memory and a margin, or what Slurm gives)")
	f.IntVar(&o.CPUs, "cpus", 0, "processors of a task (default: measure.threads)")
	f.IntVar(&o.MaxRunning, "max-running", 0, "tasks at the same time (default: no limit)")
	f.BoolVar(&o.Exclusive, "exclusive", false, "whole nodes for tasks (always so where latencies are measured)")
	f.BoolVar(&o.Shared, "shared", false, "share nodes with other jobs even where latencies are measured")
	f.BoolVar(&o.Run.Failed, "failed", false, "do failed points again")
	f.BoolVar(&o.Run.Force, "force", false, "measure all points again")
	f.BoolVar(&dry, "dry-run", false, "print the scripts, submit nothing")
	return cmd
}

func (a *app) submit(c *config.Config, plan []run.Planned, o submit.Options, dry bool) (err error) {
	o.Run.DataDirs, o.Run.Log = datasets.Dirs(a.data), a.err
	if o.Run.CacheDir, err = trial.DefaultCacheDir(); err != nil {
		return err
	}
	o.Run.Executable = machine.Program
	for _, path := range append([]string{o.Run.Dir, o.Run.CacheDir}, o.Run.DataDirs...) {
		if strings.ContainsAny(path, "\n\r") {
			return badInput(fmt.Errorf("%q: want folders without line breaks: sbatch cannot read them", path))
		}
	}
	p, err := submit.Prepare(c, plan, o, time.Now())
	if err != nil {
		return err
	}
	if p.Queued > 0 {
		fmt.Fprintf(a.err, "%d points wait in Slurm's queue or run there already\n", p.Queued)
	}
	if len(p.Groups) == 0 {
		fmt.Fprintf(a.out, "nothing to submit: no other point of %d is missing; failed ones are done again with --failed\n", len(plan))
		return nil
	}
	if dry {
		fmt.Fprintf(a.out, "%s\n%s", p.Tasks, p.Collect)
		return nil
	}
	sent, err := p.Send()
	if err != nil {
		return err
	}
	tasks := ""
	if sent.Tasks < sent.Points {
		tasks = fmt.Sprintf(", tasks: %d", sent.Tasks)
	}
	fmt.Fprintf(a.out, "job %s: %d points%s; job %s collects them; scripts and logs are in %s\n", sent.Array, sent.Points, tasks, sent.Collect, p.Folder)
	if sent.Later > 0 {
		fmt.Fprintf(a.out, "%d points are more than a job array can hold: submit again\n", sent.Later)
	}
	return nil
}

// taskCommand is what a task of the array runs.
func (a *app) taskCommand() *cobra.Command {
	return &cobra.Command{
		Use: "task FOLDER NUMBER", Short: "Do one task of a submission", Args: cobra.ExactArgs(2), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			i, err := strconv.Atoi(args[1])
			if err != nil {
				return badInput(err)
			}
			p := newProgress(a.err)
			o := run.Options{Log: p, Progress: p.show}
			o.Executable = machine.Program
			s, err := submit.Do(cmd.Context(), args[0], i, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%d done, %d before, %d failed, %d in other hands\n", s.Done, s.Before, s.Failed, s.Elsewhere)
			return nil
		},
	}
}

// collectCommand is what the job after the array runs.
func (a *app) collectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "collect FOLDER", Short: "Note how the tasks of a submission ended, and write tables and figures", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := submit.Collect(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%d points: %d left a record, %d were ended before, %d did not begin or are in other hands\n",
				s.Points, s.Recorded, s.Failed, s.Missing)
			r, err := a.openResults(s.Dir)
			if err != nil {
				return err
			}
			c, err := r.frozen()
			if err != nil {
				return err
			}
			files, err := r.draw(c)
			fmt.Fprintf(a.out, "%d files in %s\n", len(files), s.Dir)
			return err
		},
	}
}
