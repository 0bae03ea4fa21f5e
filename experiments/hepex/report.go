package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hepex/harness/atomicfile"
	"hepex/harness/report"
)

func (a *app) reportCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use: "report RESULTS…", Short: "Write one HTML file about one or several experiments", Args: cobra.MinimumNArgs(1),
		Long: `report writes a file that explains experiments to somebody who has not seen them: five lines of summary,
published numbers (the expect section) beside ours, failures and warnings, figures, all points in a table
to filter and sort, machines, and how to run it again. It is complete: a browser needs nothing else, and
no network. A click on a point, or Enter, copies its identity and its line for a config. The same records
give the same bytes.

hepex run and hepex plot write it with the results, as report.html, and so does this verb for one
experiment, unless --out says otherwise; for several --out must say where.`,
		Example: "  hepex report results/quickstart\n  hepex report results/cnn-lola results/cnn-lenet5 --out cnn.html",
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case out == "" && len(args) > 1:
				return badInput(errors.New("--out: missing; want a file for the report of several experiments, such as --out report.html"))
			case out == "":
				out = filepath.Join(args[0], "report.html")
			}
			if err := a.report(args, out); err != nil {
				return err
			}
			fmt.Fprintln(a.out, out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write (default: report.html in RESULTS, if it is one)")
	return cmd
}

func (a *app) report(dirs []string, out string) error {
	var experiments []report.Experiment
	for _, dir := range dirs {
		r, err := a.openResults(filepath.Clean(dir))
		if err != nil {
			return err
		}
		experiments = append(experiments, r.experiment())
	}
	err := writeReport(experiments, out)
	if errors.Is(err, report.ErrNone) {
		return badInput(fmt.Errorf("%w: want results of hepex run", err))
	}
	return err
}

func writeReport(experiments []report.Experiment, path string) error {
	return atomicfile.WriteWith(path, func(w io.Writer) error { return report.Write(w, experiments) })
}

// experiment is what a report tells of the results.
func (r *results) experiment() report.Experiment {
	e := report.Experiment{Name: r.name(), Config: r.config, Records: r.records, Figures: figuresOf(r.config, r.records)}
	for _, text := range r.warnings { // where the results lie does not change the report
		e.Warnings = append(e.Warnings, strings.ReplaceAll(text, r.dir, e.Name))
	}
	return e
}

// name is what the experiment calls itself, or else its folder.
func (r *results) name() string {
	if r.config != nil {
		return r.config.Name
	}
	return filepath.Base(r.dir)
}
