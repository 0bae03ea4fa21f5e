package main

import (
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
)

func (a *app) dataShowCommand() *cobra.Command {
	f := datasets.DefaultFiles()
	cmd := &cobra.Command{
		Use: "show FILE|FOLDER|CONFIG", Short: "Read data of one's own and show what they hold, before a run", Args: cobra.ExactArgs(1),
		Long: `show reads a data set of one's own as a run would, with the same errors, and prints its shape, classes, splits, and the
ranges of its values in the training split. A config (.yaml) shows the data that its points use.`,
		Example: "  hepex data show patients.csv --label ill\n  hepex data show houses.csv --target price\n  hepex data show configs/own-data.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			f.From = args[0]
			sets := []datasets.Files{f}
			if ext := filepath.Ext(f.From); ext == ".yaml" || ext == ".yml" {
				c, err := config.Load(f.From)
				if err != nil {
					return err
				}
				if sets = ownSets(c); len(sets) == 0 {
					return badInput(fmt.Errorf("%s: no point has data of one's own: want data.from", f.From))
				}
			}
			for _, set := range sets {
				own, err := datasets.Load(set)
				if err != nil {
					return badInput(err)
				}
				if err := showData(a.out, set, own); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.Label, "label", "", "the column of classes (CSV)")
	cmd.Flags().StringSliceVar(&f.Target, "target", nil, "the columns of what a regression should give (CSV)")
	cmd.Flags().StringVar(&f.Channels, "channels", "", "where arrays of images have their channels, first or last")
	return cmd
}

// ownSets are the data sets of one's own that the points of a config use, each once.
func ownSets(c *config.Config) []datasets.Files {
	var sets []datasets.Files
	for _, p := range c.Points {
		own := p.Spec.Data.Own
		same := func(f datasets.Files) bool { return reflect.DeepEqual(f, own) }
		if p.Spec.Data.IsOwn() && !slices.ContainsFunc(sets, same) {
			sets = append(sets, own)
		}
	}
	return sets
}

// maxRanges is the most columns whose ranges are shown one by one.
const maxRanges = 64

// showData prints what is known of a data set.
func showData(w io.Writer, f datasets.Files, own *datasets.Own) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "data\t%s (%s)\n", f.From, own.Format)
	held := ""
	if own.HeldOut {
		held = fmt.Sprintf(" (%g of all, held out at random, always the same)", f.Holdout)
	}
	fmt.Fprintf(tw, "samples\t%d to train, %d to test%s\n", own.Train, own.Test, held)
	fmt.Fprintf(tw, "inputs\t%v, scaled: %s\n", own.Shape, own.Scaling.Kind)
	switch {
	case own.Classes > 0:
		fmt.Fprintf(tw, "classes\t%d, in the training split: %s\n", own.Classes, classCounts(own))
	case own.Targets > 0:
		fmt.Fprintf(tw, "targets\t%d of a regression, scaled: %s\n", own.Targets, own.TargetScale.Kind)
	default:
		fmt.Fprintf(tw, "classes\tnone: an autoencoder can be trained; --label or --target name columns of a CSV file\n")
	}
	fmt.Fprintf(tw, "SHA-256\t%s\n\n", own.SHA256)
	fmt.Fprintln(tw, "before scaling\tleast\tgreatest\tmean\tdeviation")
	rows := func(names []string, kind string, ranges []datasets.Range) {
		for i, r := range ranges[:min(len(ranges), maxRanges)] {
			name := fmt.Sprintf("%s %d", kind, i)
			if names != nil {
				name = names[i]
			}
			fmt.Fprintf(tw, "%s\t%.4g\t%.4g\t%.4g\t%.4g%s\n", name, r.Least, r.Greatest, r.Mean, r.Deviation, constant(r))
		}
		if more := len(ranges) - maxRanges; more > 0 {
			fmt.Fprintf(tw, "… and %d more\n", more)
		}
	}
	inputs, targets := own.Ranges()
	rows(own.Columns, "channel", inputs)
	rows(f.Target, "target", targets)
	return tw.Flush()
}

func constant(r datasets.Range) string {
	if r.Least == r.Greatest {
		return "\tconstant: tells nothing"
	}
	return ""
}

// classCounts says how many training samples each class has.
func classCounts(own *datasets.Own) string {
	var parts []string
	for class, n := range own.Counts {
		name := fmt.Sprint(class)
		if own.Names != nil {
			name = own.Names[class]
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", name, n))
	}
	return strings.Join(parts, ", ")
}
