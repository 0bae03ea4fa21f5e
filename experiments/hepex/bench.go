package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/spf13/cobra"

	"hepex/harness/atomicfile"
	"hepex/harness/bench"
	"hepex/inference/kernels"
)

func (a *app) benchCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use: "bench", Short: "Price the primitives of encrypted evaluations on this machine, beside lattigo's", Args: cobra.NoArgs,
		Long: `bench times number theoretic transforms and every primitive that evaluations of 784-128-128-10 consist of, by this project's kernels and by
lattigo's own calls, in microseconds and in R: one rotation by lattigo at fixed parameters, in the same process. HEPEX_KERNELS=portable or
avx2-fma prices those kernels. Times mean something on an idle machine only. With --out the outcome goes to OUT/primitives.json and OUT/primitives.md.
Whole networks are measured like any experiment: configs/engine has the engine's goals, configs/peers what other systems report.`,
		Example: "  hepex bench\n  hepex bench --out results/bench\n  hepex run configs/engine/one-image.yaml && hepex verify configs/engine/one-image.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out != "" { // at once, not after minutes
				if err := atomicfile.MakeFolder(out); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
			}
			report, err := bench.Run(cmd.Context(), func(step string, done, steps int) { fmt.Fprintf(a.err, "bench %d/%d  %s\n", done+1, steps, step) })
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeBench(out, report); err != nil {
					return err
				}
			}
			return printBench(a.out, report)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the outcome (default: none, it is printed only)")
	return cmd
}

func writeBench(dir string, r *bench.Report) error {
	if err := atomicfile.WriteWith(filepath.Join(dir, "primitives.json"), func(w io.Writer) error { return writeJSON(w, r) }); err != nil {
		return err
	}
	return atomicfile.WriteWith(filepath.Join(dir, "primitives.md"), func(w io.Writer) error { return printBench(w, r) })
}

// transformGoals are how many times as long as the kernels' transforms lattigo's are to take, for moduli below 2^47 and 2^50.
var transformGoals = map[string][2]float64{kernels.AVX512: {8, 6.5}, kernels.AVX2: {4, 4}}

// printBench prints Markdown tables: transforms, evaluations as sums of primitives, and primitives.
func printBench(w io.Writer, r *bench.Report) error {
	e := r.Environment
	fmt.Fprintf(w, "Measured on %s, %d cores, %s kernels, %s, load %.2f at the start. R, one rotation by lattigo in the standard ring, log_n 13, moduli\n46, 40, 40, 40 | 46: %.2f ms.\n\n",
		e.CPU, e.Cores, e.Kernels, e.Go, e.Load1, 1e3*r.Reference)
	micro := func(seconds float64) string { return fmt.Sprintf("%.3g", 1e6*seconds) }
	inR := func(seconds float64) string { return fmt.Sprintf("%.3g", seconds/r.Reference) }

	transforms := newTable(w, "ring", "log_n", "modulus below 2^", "transform", "µs", "lattigo µs", "ratio", "goal", "met")
	for _, t := range r.Transforms {
		goals, wanted := transformGoals[e.Kernels]
		goal := goals[0]
		if t.Bits > kernels.LazyBits {
			goal = goals[1]
		}
		for i, what := range []string{"forward", "inverse"} {
			seconds, aim, met := [2][2]float64{t.Forward, t.Inverse}[i], fmt.Sprintf("≥ %g", goal), "no"
			switch {
			case !wanted:
				aim, met = "-", "-"
			case t.Ratios()[i] >= goal:
				met = "yes"
			}
			if err := transforms.Append(string(t.Ring), t.LogN, t.Bits, what, micro(seconds[0]), micro(seconds[1]), fmt.Sprintf("%.2f", t.Ratios()[i]), aim, met); err != nil {
				return err
			}
		}
	}
	if err := transforms.Render(); err != nil {
		return err
	}

	fmt.Fprintln(w, "\nOne evaluation of 784-128-128-10, as the sum of its primitives:")
	fmt.Fprintln(w)
	sums := newTable(w, "layout", "weights", "ring", "log_n", "levels", "ms", "R", "lattigo ms", "share")
	for _, x := range r.Works {
		if err := sums.Append(x.Layout, x.Weights, string(x.HE.Ring), x.HE.LogN, len(x.HE.LogQ)-1, fmt.Sprintf("%.4g", 1e3*x.Ours), inR(x.Ours), fmt.Sprintf("%.4g", 1e3*x.Floor),
			fmt.Sprintf("%.2f", x.Ours/x.Floor)); err != nil {
			return err
		}
	}
	if err := sums.Render(); err != nil {
		return err
	}

	fmt.Fprintln(w, "\nWhat one primitive takes:")
	fmt.Fprintln(w)
	primitives := newTable(w, "layout", "weights", "level", "primitive", "times", "µs", "R", "lattigo µs")
	for _, x := range r.Works {
		for _, p := range x.Primitives {
			if err := primitives.Append(x.Layout, x.Weights, p.Level, p.Op.String(), p.Count, micro(p.Ours), inR(p.Ours), micro(p.Floor)); err != nil {
				return err
			}
		}
	}
	return primitives.Render()
}

func newTable(w io.Writer, header ...string) *tablewriter.Table {
	t := tablewriter.NewTable(w, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header(header)
	return t
}
