package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hepex/harness/run"
	"hepex/harness/submit"
)

func (a *app) statusCommand() *cobra.Command {
	out, left := "", false
	cmd := &cobra.Command{
		Use: "status CONFIG", Short: "Tell how many points are done, running, failed and left", Args: cobra.ExactArgs(1),
		Long: `status counts the points of an experiment, whoever runs it: done, in the hands of a runner at this moment, failed, and left, with
the time left at this pace.`,
		Example: "  hepex status configs/quickstart.yaml\n  hepex status configs/quickstart.yaml --left | parallel hepex run configs/quickstart.yaml --points {}",
		RunE: func(_ *cobra.Command, args []string) error {
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			dir := experimentDir(out, c)
			s, err := run.Look(plan, dir)
			if err != nil {
				return err
			}
			if left {
				for _, id := range s.Unfinished {
					fmt.Fprintln(a.out, id)
				}
				return nil
			}
			queued, err := submit.Queued(dir)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: %s\n", c.Name, surveyed(s, len(queued)))
			return nil
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().BoolVar(&left, "left", false, "print the ids of the points without a record instead, one a line")
	return cmd
}

// surveyed says how far an experiment is; tasks are those in Slurm's queue, running ones among them.
func surveyed(s run.Survey, tasks int) string {
	text := fmt.Sprintf("%s: %d done, %d running, %d failed, %d left", countPoints(s.Points), s.Done, s.Running, s.Failed, s.Left())
	if waiting := tasks - s.Running; waiting > 0 {
		text += fmt.Sprintf(" (%d wait in Slurm's queue)", waiting)
	}
	if s.TimeLeft > 0 {
		text += fmt.Sprintf(", about %s", s.TimeLeft.Round(time.Second))
	}
	if s.Damaged > 0 {
		text += fmt.Sprintf("; %d damaged files", s.Damaged)
	}
	return text
}
