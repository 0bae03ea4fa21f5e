package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
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
	"hepex/harness/trial"
	"hepex/packing"
)

func (a *app) benchCommand() *cobra.Command {
	o := bench.Options{}
	out := ""
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the encrypted engine on this machine, against its targets", Args: cobra.NoArgs,
		Long: `bench trains the networks that other systems report, evaluates them encrypted in the layouts that suit them, and
sets the times beside predicted ones, beside the sum of lattigo's own primitives, and beside the engine's
targets. R is one rotation by lattigo at fixed parameters, in the same process. Times mean something on an idle machine
only. The outcome goes to OUT/bench.json and OUT/bench.md.`,
		Example: "  hepex bench --quick\n  hepex bench --set mnist --epochs 10 --out results/bench",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(bench.Sets(), o.Data) {
				return badInput(fmt.Errorf("--set %q: want one of %v", o.Data, bench.Sets()))
			}
			if o.Epochs < 1 {
				return badInput(fmt.Errorf("--epochs %d: want at least 1", o.Epochs))
			}
			o.DataDirs = datasets.Dirs(a.data)
			o.Progress = func(step string, done, steps int) { fmt.Fprintf(a.err, "bench %d/%d  %s\n", done+1, steps, step) }
			o.Save = func(r *bench.Report) error { return writeBench(out, r) }
			o.Executable = trial.Program
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

// benchRowCommand is what bench starts for each row.
func (a *app) benchRowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bench-row", Short: "Measure the row on standard input", Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error { return bench.Child(a.in, a.out) },
	}
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
	fmt.Fprintf(w, `Measured on %s, %d cores, %s kernels, %s, load %.2f at the start; networks trained on %s. R, one rotation by lattigo
in the standard ring, log_n 13, moduli 46, 40, 40, 40 | 46: %.2f ms. Figures without a target are held against an older program
(scripts/against.sh).`+"\n\n", e.CPU, e.Cores, e.Kernels, e.Go, e.Load1, r.Data, 1e3*r.Reference())
	targets := newTable(w, "id", "what", "target", "measured", "met", "on")
	for _, t := range r.Targets {
		met := "no"
		switch {
		case t.Want == "":
			met = "–"
		case t.Met:
			met = "yes"
		}
		if err := targets.Append(t.ID, t.What, cmp.Or(t.Want, "–"), fmt.Sprintf("%.3g %s", t.Got, t.Unit), met, t.Measured); err != nil {
			return err
		}
	}
	if err := targets.Render(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	rows := newTable(w, "network", "layout", "tile", "weights", "density", "batch", "threads", "ring", "log_n", "log_qp", "ms", "R",
		"predicted ms", "/ floor", "f", "peak MiB", "predicted MiB", "bits", "agree", "load")
	for _, x := range r.Rows {
		if err := rows.Append(x.Network, string(x.Layout), x.Shape, x.Weights, fmt.Sprintf("%.2f", x.Density), x.Batch, x.Threads, string(x.HE.Ring), x.HE.LogN,
			fmt.Sprintf("%.0f", x.LogQP), fmt.Sprintf("%.4g", 1e3*x.Seconds), fmt.Sprintf("%.2f", x.R()), fmt.Sprintf("%.4g", 1e3*x.Predicted),
			fmt.Sprintf("%.2f", x.FloorRatio()), fmt.Sprintf("%.2f", x.Proportional), x.PeakRSS>>20, x.PredictedBytes>>20,
			fmt.Sprintf("%.1f", x.Precision), fmt.Sprintf("%.3f", x.Agreement), fmt.Sprintf("%.2f", x.Load)); err != nil {
			return err
		}
	}
	if err := rows.Render(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nPrimitives in µs, by this project's kernels / by lattigo's calls, per ring, log_n, number of special moduli and level:")
	fmt.Fprintln(w)
	return printPrimitives(w, r.Rows)
}

// printPrimitives prints the median price of each primitive over the rows of one ring, log_n and number of special
// moduli.
func printPrimitives(w io.Writer, rows []*bench.Row) error {
	type at struct {
		ring           string
		logN, p, level int
	}
	type samples struct{ ours, floor []float64 }
	prices := map[at]map[packing.Op]*samples{}
	used := map[packing.Op]bool{}
	for _, r := range rows {
		for _, x := range r.Primitives {
			k := at{string(r.HE.Ring), r.HE.LogN, len(r.HE.LogP), x.Level}
			if prices[k] == nil {
				prices[k] = map[packing.Op]*samples{}
			}
			if prices[k][x.Op] == nil {
				prices[k][x.Op] = &samples{}
			}
			s := prices[k][x.Op]
			s.ours, s.floor = append(s.ours, 1e6*x.Ours), append(s.floor, 1e6*x.Floor)
			used[x.Op] = true
		}
	}
	header := []string{"ring", "log_n", "special", "level"}
	ops := slices.DeleteFunc(packing.Ops(), func(op packing.Op) bool { return !used[op] })
	for _, op := range ops {
		header = append(header, op.String())
	}
	t := newTable(w, header...)
	keys := slices.SortedFunc(maps.Keys(prices), func(a, b at) int {
		return cmp.Or(cmp.Compare(b.ring, a.ring), a.logN-b.logN, a.p-b.p, b.level-a.level)
	})
	for _, k := range keys {
		line := []string{k.ring, fmt.Sprint(k.logN), fmt.Sprint(k.p), fmt.Sprint(k.level)}
		for _, op := range ops {
			cell := ""
			if s := prices[k][op]; s != nil {
				cell = fmt.Sprintf("%.3g / %.3g", middle(s.ours), middle(s.floor))
			}
			line = append(line, cell)
		}
		if err := t.Append(line); err != nil {
			return err
		}
	}
	return t.Render()
}

func middle(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

func newTable(w io.Writer, header ...string) *tablewriter.Table {
	t := tablewriter.NewTable(w, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(header)
	return t
}
