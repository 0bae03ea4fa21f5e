package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/tune"
	"hepex/plots"
)

func (a *app) exportCommand() *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use: "export RESULTS", Short: "Print the record of each point, one a line", Args: cobra.ExactArgs(1),
		Example: "  hepex export results/quickstart --format csv",
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "jsonl" && format != "csv" {
				return badInput(fmt.Errorf("--format %q: want jsonl or csv", format))
			}
			r, err := a.openResults(args[0])
			if err != nil {
				return err
			}
			if format == "csv" {
				return writeCSV(a.out, r.records)
			}
			enc := json.NewEncoder(a.out)
			for _, rec := range r.records {
				if err := enc.Encode(rec); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	return cmd
}

// frozen is the config that lies with the results, or an error if there is none.
func (r *results) frozen() (*config.Config, error) {
	if r.config == nil {
		return tune.Chosen(config.Load(filepath.Join(r.dir, "config.yaml")))
	}
	return r.config, nil
}

// isConfig tells whether an argument names a config, not a folder of results.
func isConfig(arg string) bool {
	extension := filepath.Ext(arg)
	return extension == ".yaml" || extension == ".yml"
}

// shown opens results to be drawn or printed: those in a folder by the config that is frozen there, or those of a config, by its own
// figures and tables.
func (a *app) shown(arg, out string) (*results, *config.Config, error) {
	if !isConfig(arg) {
		r, err := a.openResults(arg)
		if err != nil {
			return nil, nil, err
		}
		c, err := r.frozen()
		return r, c, err
	}
	c, err := loadConfig(arg)
	if err != nil {
		return nil, nil, err
	}
	dir := experimentDir(out, c)
	all, err := a.allRecords(dir)
	if err != nil {
		return nil, nil, err
	}
	r, err := a.chosen(dir, c, all)
	return r, c, err
}

func (a *app) plotCommand() *cobra.Command {
	point, out := "", ""
	cmd := &cobra.Command{
		Use: "plot RESULTS|CONFIG", Short: "Write figures, tables and summary of an experiment again", Args: cobra.ExactArgs(1),
		Long: `plot writes figures, tables and summary.csv again from the records: those that the config had when it was run or, given a CONFIG, those
that it has now. A figure of a config is lines or, with rows, dots or bars:

  figures:
    - {id: quality, x: tiles.density, y: quality.plain, series: prune.scheme, facet: tile,
       scale: {x: log}, range: {y: [0.9, 1]}, title: "MNIST", width: 17.5}
    - {id: front, x: latency.evaluate, y: quality.plain, series: prune.scheme, where: {tile: 16x16x32}, pareto: true, lines: false}
    - {id: latency, x: tiles.density, y: latency.evaluate, series: prune.scheme, facet: tile, guide: proportional,
       bands: [{x: [0.35, 0.67], share: [0.65, 0.9], label: HE-PEx paper}], labels: {p4e: P4E, latency.evaluate: Latency}}
    - {id: predicted, x: latency.evaluate, y: predicted.evaluate_s, series: layout, guide: equal, lines: false}
    - {id: ablation, x: quality.plain, rows: label, facet: prune.ratio}
    - {id: layers, x: latency.per_layer, rows: label}

Each figure is a PDF, an SVG and a PNG, with its points and their ids in a CSV file and what its caption must say in a text file. width is in cm.
x, y and cells of tables are metrics or numeric parameters, the others parameters by their dotted paths, several of them separated by
commas, or label. Rows of latency.per_layer or predicted.per_primitive are bars: where the time of an evaluation goes. go doc
./harness/config says more. The metrics:

  ` + strings.Join(record.Names(), "\n  ") + "\n  " + record.PerLayer + ".LAYER, such as " + record.PerLayer + ".conv1\n  " +
			record.PerPrimitive + ".KIND, such as " + record.PerPrimitive + ".rotations",
		Example: "  hepex plot results/quickstart\n  hepex plot configs/quickstart.yaml\n  hepex plot results/quickstart --map 0123456789abcdef",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, c, err := a.shown(args[0], out)
			if err != nil {
				return err
			}
			var files []string
			if cmd.Flags().Changed("map") {
				files, err = r.drawPoint(point)
			} else {
				files, err = r.draw(c)
			}
			if err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintln(a.out, f)
			}
			return nil
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().StringVar(&point, "map", "", "draw the tile map of this point only")
	return cmd
}

// tableFormats are those that a table can be printed in.
var tableFormats = map[string]plots.Format{
	"terminal": plots.Terminal, "text": plots.Terminal, "markdown": plots.Markdown, "latex": plots.LaTeX, "csv": plots.CSV,
}

func (a *app) tableCommand() *cobra.Command {
	format, out, width := "", "", 0
	cmd := &cobra.Command{
		Use: "table RESULTS|CONFIG", Short: "Print the tables of an experiment", Args: cobra.ExactArgs(1),
		Example: "  hepex table results/quickstart --format markdown\n  hepex table configs/quickstart.yaml --format latex",
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := tableFormats[format]
			if !ok {
				return badInput(fmt.Errorf("--format %q: want terminal, markdown, latex or csv", format))
			}
			if width < 40 {
				return badInput(fmt.Errorf("--width %d: want at least 40", width))
			}
			r, c, err := a.shown(args[0], out)
			if err != nil {
				return err
			}
			var errs []error
			if f == plots.Terminal {
				errs = append(errs, plots.SummaryWithin(a.out, r.records, width))
			} else {
				errs = append(errs, plots.Summary(a.out, r.records, f))
			}
			for _, t := range c.Tables {
				if errors.Is(errors.Join(errs...), plots.ErrFailed) {
					break // all would say the same
				}
				fmt.Fprintln(a.out)
				if f != plots.LaTeX { // which has a label
					fmt.Fprintln(a.out, t.ID)
				}
				errs = append(errs, plots.WriteTable(a.out, tableOf(t), r.records, f))
			}
			err = errors.Join(errs...)
			if errors.Is(err, plots.ErrNone) { // the config is of other points
				return badInput(err)
			}
			return err
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().StringVar(&format, "format", "terminal", "terminal, markdown, latex or csv")
	cmd.Flags().IntVar(&width, "width", plots.TerminalWidth, "columns that the summary may take on a terminal")
	return cmd
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
