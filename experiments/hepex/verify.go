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
		Use: "verify RESULTS|CONFIG", Short: "Compare results with what a paper says, or with goals: the expect section of a config", Args: cobra.ExactArgs(1),
		Long: `verify prints, for each entry of the config's expect section, our mean beside the paper's number, and
whether that is reproduced (in the paper's range, or within tolerance of it: 10 % of a single number
unless the config says otherwise), better or missed; a goal is met or missed. The 95 % interval over seeds
and the range over groups, such as tile shapes, are shown and do not decide; where the groups do not
agree, the verdict is "in part", and a note names those for which the entry holds. A seed that has results
but no number, as none of its points is good enough, makes the entry missed. Notes tell of times that were
not measured by turns, and of other machines or programs, wherever one point is held against another. It needs
the records only, no data set. Exit code 4 if any is missed, else 3 if there is nothing to judge some by.`,
		Example: "  hepex verify results/paper-c2\n  hepex verify configs/mnist-mlp.yaml --format markdown > verify.md",
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := tableFormats[format]
			if !ok {
				return badInput(fmt.Errorf("--format %q: want text, markdown, latex or csv", format))
			}
			c, records, err := a.judged(args[0], out)
			if err != nil {
				return err
			}
			return a.verify(c, records, f)
		},
	}
	outFlag(cmd, &out)
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown, latex or csv")
	return cmd
}

// judged opens what is to be judged: results, by the config that is frozen there, or those of a config, by its own expectations, which need not
// have been run.
func (a *app) judged(arg, out string) (*config.Config, record.Set, error) {
	expects := func(c *config.Config) error {
		if len(c.Expect) == 0 {
			return badInput(fmt.Errorf("%s: no expect section: want one that says what to verify; go doc ./harness/config has an example", arg))
		}
		return nil
	}
	if !isConfig(arg) {
		r, c, err := a.shown(arg, out)
		if err != nil {
			return nil, nil, err
		}
		return c, r.records, expects(c)
	}
	c, err := loadConfig(arg)
	if err == nil {
		err = expects(c)
	}
	if err != nil {
		return nil, nil, err
	}
	dir := experimentDir(out, c)
	all, err := a.records(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, &codedError{exitFailed, fmt.Errorf("nothing to judge: %s has no records; hepex run %s makes them", dir, arg)}
	}
	records, err := a.ofConfig(c, all, dir)
	return c, records, err
}

// verify prints what the records of the config's points say to its expectations.
func (a *app) verify(c *config.Config, records record.Set, format plots.Format) error {
	failed := 0
	for _, r := range records {
		if r.Status != record.OK {
			failed++
		}
	}
	if missing := len(c.Points) - len(records); missing+failed > 0 {
		fmt.Fprintf(a.err, "hepex: warning: of %d points, %d are not measured and %d failed; the verdicts are of the others\n", len(c.Points), missing, failed)
	}
	report := verify.Evaluate(c.Expect, records)
	table := plots.Texts{ID: "claims", Header: verify.Header, Rows: report.Rows(), Notes: report.Notes(), Insecure: report.Insecure}
	if err := plots.WriteTexts(a.out, table, format); err != nil {
		return err
	}
	if missed := report.With(verify.Missed); len(missed) > 0 {
		return &codedError{exitMissed, fmt.Errorf("%d of %d expectations missed: %s", len(missed), len(c.Expect), strings.Join(missed, ", "))}
	}
	if unjudged := report.With(verify.Unjudged); len(unjudged) > 0 {
		return &codedError{exitFailed, fmt.Errorf("%d of %d expectations have no results to judge them by: %s", len(unjudged), len(c.Expect), strings.Join(unjudged, ", "))}
	}
	return nil
}
