package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hepex/datasets"
)

func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "data", Short: "List, fetch and verify data sets, show one's own", Args: cobra.NoArgs,
		Example: "  hepex data list\n  hepex data fetch mnist\n  hepex data show patients.csv --label ill",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.dataListCommand(), a.dataFetchCommand(), a.dataVerifyCommand(), interruptible(a.dataShowCommand()))
	return cmd
}

func (a *app) dataListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the data sets and where they are", Args: cobra.NoArgs, Example: "  hepex data list",
		RunE: func(*cobra.Command, []string) error {
			infos, err := datasets.List(datasets.Dirs(a.data))
			if err != nil {
				return err
			}
			tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(tw, "name\twhere\ttrain\ttest\tshape\tclasses\tMB\tdescription")
			for _, i := range infos {
				fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%s\t%d\t%.0f\t%s\n", i.Name, i.Where, i.Train, i.Test, i.Shape, i.Classes, float64(i.Bytes)/1e6, i.Origin)
			}
			return tw.Flush()
		},
	}
}

func (a *app) dataFetchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "fetch NAME", Short: "Download a data set from its public mirrors and verify it", Args: cobra.ExactArgs(1),
		Example: "  hepex data fetch mnist",
		Long:    "fetch downloads to --data DIR, by default to hepex/data in the user's cache folder. It resumes and verifies.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := knownSet(args[0]); err != nil {
				return err
			}
			dir := a.data
			if dir == "" {
				dirs := datasets.Dirs("")
				dir = dirs[len(dirs)-1]
			}
			p := newProgress(a.err)
			shown := time.Time{}
			err := datasets.Fetch(cmd.Context(), args[0], dir, func(file string, done, total int64) {
				if p.terminal && time.Since(shown) > 100*time.Millisecond {
					shown = time.Now()
					p.erase()
					fmt.Fprintf(a.err, "%s: %.1f of %.1f MB", file, float64(done)/1e6, float64(total)/1e6)
				}
			})
			p.clear()
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s is in %s\n", args[0], filepath.Join(dir, args[0]))
			return nil
		},
	}
}

func (a *app) dataVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify NAME", Short: "Compare the files of a data set with the published ones", Args: cobra.ExactArgs(1),
		Example: "  hepex data verify mnist",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := knownSet(args[0]); err != nil {
				return err
			}
			checks, err := datasets.Verify(args[0], datasets.Dirs(a.data))
			if err != nil {
				return badInput(err)
			}
			var bad []error
			for _, c := range checks {
				if c.Err != nil {
					bad = append(bad, c.Err)
				} else {
					fmt.Fprintf(a.out, "%s: good\n", c.File)
				}
			}
			if len(bad) > 0 {
				return badInput(errors.Join(bad...))
			}
			return nil
		},
	}
}

func knownSet(name string) error {
	for _, n := range datasets.Names() {
		if n == name {
			return nil
		}
	}
	return badInput(fmt.Errorf("data set %q: want one of %s", name, strings.Join(datasets.Names(), ", ")))
}
