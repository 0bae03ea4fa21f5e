package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/atomicfile"
	"hepex/harness/bench"
)

func (a *app) benchCommand() *cobra.Command {
	o := bench.Options{}
	out := ""
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the encrypted engine on this machine, against its targets", Args: cobra.NoArgs,
		Long: `bench trains the networks that other systems report, evaluates them encrypted in the layouts that suit them, and
sets the times beside predicted ones, beside the sum of lattigo's own primitives, and beside the engine's
targets. Times mean something on an idle machine only. The outcome goes to OUT/bench.json and OUT/bench.md.`,
		Example: "  hepex bench --quick\n  hepex bench --set mnist --epochs 10 --out results/bench",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(datasets.Names(), o.Data) {
				return badInput(fmt.Errorf("--set %q: want one of %v", o.Data, datasets.Names()))
			}
			if o.Epochs < 1 {
				return badInput(fmt.Errorf("--epochs %d: want at least 1", o.Epochs))
			}
			o.DataDirs = datasets.Dirs(a.data)
			o.Progress = func(step string, done, steps int) { fmt.Fprintf(a.err, "bench %d/%d  %s\n", done+1, steps, step) }
			o.Save = func(r *bench.Report) error { return writeBench(out, r) }
			report, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printBench(a.out, report)
		},
	}
	cmd.Flags().StringVar(&o.Data, "set", "digits", "data set that the networks are trained on")
	cmd.Flags().IntVar(&o.Epochs, "epochs", 6, "epochs of each training")
	cmd.Flags().BoolVar(&o.Quick, "quick", false, "leave out the autoencoders")
	cmd.Flags().StringVar(&out, "out", filepath.Join("results", "bench"), "folder for the outcome")
	return cmd
}

func writeBench(dir string, r *bench.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := atomicfile.WriteWith(filepath.Join(dir, "bench.json"), func(w io.Writer) error { return writeJSON(w, r) }); err != nil {
		return err
	}
	return atomicfile.WriteWith(filepath.Join(dir, "bench.md"), func(w io.Writer) error { return printBench(w, r) })
}

// printBench prints the targets and the rows as Markdown tables.
func printBench(w io.Writer, r *bench.Report) error {
	e := r.Environment
	fmt.Fprintf(w, "Measured on %s, %d cores, %s, load %.2f at the start; networks trained on %s.\n\n", e.CPU, e.Cores, e.Go, e.Load1, r.Data)
	targets := newTable(w, "id", "what", "target", "measured", "met", "on")
	for _, t := range r.Targets {
		met := "no"
		if t.Met {
			met = "yes"
		}
		if err := targets.Append(t.ID, t.What, t.Want, fmt.Sprintf("%.3g %s", t.Got, t.Unit), met, t.Measured); err != nil {
			return err
		}
	}
	if err := targets.Render(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	rows := newTable(w, "network", "layout", "tile", "weights", "density", "batch", "threads", "ring", "log_n", "log_qp", "ms", "rotations",
		"predicted ms", "/ floor", "f", "peak MiB", "predicted MiB", "bits", "agree", "load")
	for _, x := range r.Rows {
		if err := rows.Append(x.Network, string(x.Layout), x.Shape, x.Weights, fmt.Sprintf("%.2f", x.Density), x.Batch, x.Threads, string(x.HE.Ring), x.HE.LogN,
			fmt.Sprintf("%.0f", x.LogQP), fmt.Sprintf("%.4g", 1e3*x.Seconds), fmt.Sprintf("%.1f", x.Rotations()), fmt.Sprintf("%.4g", 1e3*x.Predicted),
			fmt.Sprintf("%.2f", x.FloorRatio()), fmt.Sprintf("%.2f", x.Proportional), x.PeakRSS>>20, x.PredictedBytes>>20,
			fmt.Sprintf("%.1f", x.Precision), fmt.Sprintf("%.3f", x.Agreement), fmt.Sprintf("%.2f", x.Load)); err != nil {
			return err
		}
	}
	return rows.Render()
}

func newTable(w io.Writer, header ...string) *tablewriter.Table {
	t := tablewriter.NewTable(w, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(header)
	return t
}
