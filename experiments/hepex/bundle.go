package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"hepex/harness/record"
	"hepex/harness/run"
)

func (a *app) bundleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bundle RESULTS…", Short: "Gather the records of experiments in one file each, to commit or send them", Args: cobra.MinimumNArgs(1),
		Long: `bundle moves the records of an experiment, one file per attempt, into records.jsonl: one attempt a line,
sorted by point, each with the checksum that it had. Failed attempts come along; tile maps go to
maps.jsonl, sample outputs to examples.jsonl. Every verb reads such a folder like one of points/: plot,
table, verify, compare and export show the same, and run takes its points as done. What run adds is files
again, which bundle gathers too. Damaged attachments stay files; damaged records keep their experiment as it is.`,
		Example: "  hepex bundle results/quickstart",
		RunE: func(_ *cobra.Command, args []string) error {
			for _, dir := range args {
				if !record.NewStore(dir).Exists() {
					return badInput(noResults(dir))
				}
			}
			var errs []error
			for _, dir := range args {
				n, err := run.Bundle(dir)
				errs = append(errs, err)
				if n > 0 || err == nil {
					fmt.Fprintf(a.out, "%s: %d records\n", filepath.Join(dir, "records.jsonl"), n)
				}
			}
			return errors.Join(errs...)
		},
	}
}
