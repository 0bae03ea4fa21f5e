package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hepex/harness/compare"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/plots"
)

func (a *app) compareCommand() *cobra.Command {
	var metrics, over []string
	format, all := "", false
	cmd := &cobra.Command{
		Use: "compare OLD NEW", Short: "Compare two results point by point, with tests of significance", Args: cobra.ExactArgs(2),
		Long: `compare matches the points of two results by their parameters and prints old and new medians, the change, and whether
it is more than chance: Mann and Whitney's test on the repeats, corrected for the number of tests. Metrics that a record has once are
compared without a test; --over train.seed makes the seeds the sample. Repeats come from one process: how processes differ from each other
is in no test of them, so trust a small difference only if more runs show it: OLD and NEW may each be several results, separated by commas, and
then each run is one value (scripts/against.sh measures two programs by turns). A parameter that only one side has keeps no points apart
where the match is clear. Results from different hosts, machines, kernels and versions of Go and Lattigo are flagged.`,
		Example: "  hepex compare results/before/quickstart results/after/quickstart\n" +
			"  hepex compare before after --metric quality.plain,memory.peak_rss --over train.seed --format csv",
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := map[string]plots.Format{"text": plots.Terminal, "markdown": plots.Markdown, "csv": plots.CSV}[format]
			if !ok {
				return badInput(fmt.Errorf("--format %q: want text, markdown or csv", format))
			}
			o, err := compareOptions(metrics, over)
			if err != nil {
				return badInput(err)
			}
			var sides [2]record.Set
			for i, dirs := range args {
				if sides[i], err = a.runs(dirs); err != nil {
					return err
				}
			}
			if strings.Contains(args[0]+args[1], ",") {
				o.Over = append(o.Over, compare.Run)
			}
			return a.compare(compare.Evaluate(sides[0], sides[1], o), f, all)
		},
	}
	cmd.Flags().StringSliceVar(&metrics, "metric", []string{"latency.evaluate"}, "metrics to compare; hepex plot --help lists them")
	cmd.Flags().StringSliceVar(&over, "over", nil, "parameters whose values make the sample, such as train.seed")
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown or csv")
	cmd.Flags().BoolVar(&all, "all", false, "list the points that only one side has")
	return cmd
}

func compareOptions(metrics, over []string) (compare.Options, error) {
	o := compare.Options{Over: over}
	for _, name := range metrics {
		m, err := record.Lookup(name)
		if err != nil {
			return o, fmt.Errorf("--metric: %w", err)
		}
		if !slices.ContainsFunc(o.Metrics, func(known record.Metric) bool { return known.Name == name }) {
			o.Metrics = append(o.Metrics, m)
		}
	}
	for _, name := range over {
		if !slices.Contains(config.ParamNames(), name) {
			return o, fmt.Errorf("--over %s: want a parameter, such as train.seed", name)
		}
	}
	return o, nil
}

// runs reads the results of one side, which are several if there are commas.
func (a *app) runs(dirs string) (record.Set, error) {
	var sets []record.Set
	for _, dir := range strings.Split(dirs, ",") {
		r, err := a.openResults(dir)
		if err != nil {
			return nil, err
		}
		sets = append(sets, r.records)
	}
	return compare.Runs(sets), nil
}

// allRecords reads every record below dir, also those that are not of the frozen config or of this version of the program.
func (a *app) allRecords(dir string) (record.Set, error) {
	if !record.NewStore(dir).Exists() {
		return nil, badInput(noResults(dir))
	}
	return a.records(dir)
}

func noResults(dir string) error {
	return fmt.Errorf("%s: no points/ folder and no records.jsonl: want the folder of an experiment, such as results/quickstart", dir)
}

func (a *app) compare(r compare.Report, format plots.Format, all bool) error {
	if len(r.Rows) == 0 {
		errs := []error{errors.New("nothing to compare: want results that share points with the metrics asked for")}
		for _, note := range r.Lacks(all) {
			errs = append(errs, errors.New(note))
		}
		return badInput(errors.Join(errs...))
	}
	table := plots.Texts{Flags: r.Flags(), Header: compare.Header, Rows: r.Texts(), Notes: r.Notes(all), Insecure: r.Insecure}
	if format == plots.CSV {
		table.Header, table.Rows = compare.Columns, r.Values()
		for _, text := range append(table.Flags, table.Notes...) {
			fmt.Fprintf(a.err, "hepex: %s\n", text)
		}
	}
	return plots.WriteTexts(a.out, table, format)
}
