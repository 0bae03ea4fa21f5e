package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/verify"
	"hepex/plots"
)

func (a *app) verifyCommand() *cobra.Command {
	out, format := "", ""
	cmd := &cobra.Command{
		Use: "verify CONFIG", Short: "Compare results with what a paper says, the expect section of a config", Args: cobra.ExactArgs(1),
		Long: `verify prints, for each entry of the config's expect section, our mean beside the paper's number, and whether that is
reproduced (in the paper's range, or within tolerance of it: 10 % of a single number unless the config says otherwise), better or missed.
The 95 % interval over seeds and the range over groups, such as tile shapes, are shown and do not decide. A seed that has
results but no number, as none of its points is good enough, makes the entry missed. It needs the records only, no data set. Exit code 4
if any is missed.`,
		Example: "  hepex verify configs/mnist-mlp.yaml\n  hepex verify configs/mnist-mlp.yaml --format markdown > verify.md",
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := tableFormats[format]
			if !ok {
				return badInput(fmt.Errorf("--format %q: want text, markdown, latex or csv", format))
			}
			c, err := config.Load(args[0])
			if err == nil {
				err = checkNames(c)
			}
			if err != nil {
				return err
			}
			if len(c.Expect) == 0 {
				return badInput(fmt.Errorf("%s: no expect section: want one that says what to verify; go doc ./harness/config has an example", args[0]))
			}
			all, err := a.records(experimentDir(out, c))
			if err != nil {
				return err
			}
			return a.verify(c, all, f)
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown, latex or csv")
	return cmd
}

// verify prints what the records of the config's points say to its expectations.
func (a *app) verify(c *config.Config, all record.Set, format plots.Format) error {
	records, err := planned(c, all)
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range records {
		if r.Status != record.OK {
			failed++
		}
	}
	if missing := len(c.Points) - len(records); missing+failed > 0 {
		fmt.Fprintf(a.err, "hepex: warning: of %d points, %d are not measured and %d failed; the verdicts are of the others\n", len(c.Points), missing, failed)
	}
	if n := len(all) - len(records); n > 0 {
		fmt.Fprintf(a.err, "hepex: warning: left out: %d records of other settings or versions\n", n)
	}
	report := verify.Evaluate(c.Expect, records)
	table := plots.Texts{ID: "claims", Header: verify.Header, Rows: report.Rows(), Notes: report.Notes(), Insecure: report.Insecure}
	if err := plots.WriteTexts(a.out, table, format); err != nil {
		return err
	}
	if missed := report.Missed(); len(missed) > 0 {
		return &codedError{exitMissed, fmt.Errorf("%d of %d expectations missed: %s", len(missed), len(c.Expect), strings.Join(missed, ", "))}
	}
	return nil
}
