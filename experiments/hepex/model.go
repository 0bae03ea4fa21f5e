package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/atomicfile"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/network/modelfile"
)

func (a *app) inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "inspect MODEL", Short: "Show the layers of a network in a file, and whether it would run", Args: cobra.ExactArgs(1),
		Long: `inspect lists what a network in an .onnx file does, layer by layer, and what of it cannot be encrypted. Of
.safetensors and .npz files, which hold weights alone, it lists the tensors. Supported in .onnx files are
` + modelfile.Supported() + ".",
		Example: "  hepex inspect network/modelfile/testdata/lenet.onnx",
		RunE: func(_ *cobra.Command, args []string) error {
			i, err := modelfile.Inspect(args[0])
			if err != nil {
				return badInput(err)
			}
			return writeInspection(a.out, args[0], i)
		},
	}
}

// writeInspection prints a table and what follows from it.
func writeInspection(w io.Writer, path string, i *modelfile.Inspection) error {
	head := []string{path}
	if i.Producer != "" {
		head = append(head, "written by "+i.Producer)
	}
	if i.Input != "" {
		head = append(head, "inputs "+i.Input)
	}
	fmt.Fprintln(w, strings.Join(head, ", "))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "name\tkind\tshape\tvalues\tzeros\tfrom\tto\t")
	faults := 0
	for _, p := range i.Parts {
		fmt.Fprintf(tw, "%s\t%s\t%s\t", p.Name, p.Kind, p.Shape)
		if p.Values > 0 {
			fmt.Fprintf(tw, "%d\t%d\t%.3g\t%.3g\t", p.Values, p.Zeros, p.Min, p.Max)
		} else {
			fmt.Fprint(tw, "\t\t\t\t")
		}
		if p.Fault != "" {
			faults++
			fmt.Fprint(tw, "not as it is: ", p.Fault)
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	switch {
	case i.Weights:
		fmt.Fprintf(w, "weights alone: a config says what they are of, network: {from: %s, type: mlp, hidden: […]}\n", path)
	case i.Refused:
		return badInput(fmt.Errorf("%s: %d of %d nodes cannot be encrypted", path, faults, len(i.Parts)))
	case i.Replace:
		fmt.Fprintf(w, "would run with network: {from: %s, activation: replace} and data to train on\n", path)
	default:
		fmt.Fprintf(w, "would run: network: {from: %s}\n", path)
	}
	return nil
}

func (a *app) exportModelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export-model RESULTS POINT FILE", Short: "Write the pruned, permuted network of a point for others to use", Args: cobra.ExactArgs(3),
		Long: `export-model writes the network of a point, by its id or label, as FILE.onnx, or its weights as FILE.npz, channels in the order of the tiles, so that what
was pruned lies together. The metadata of the ONNX file, and arrays of the .npz file, have the orders of inputs and outputs: number p
of the file is number order[p] of the data (hepex.input_order, hepex.output_order). hepex undoes them when it reads such a file.
The network comes from the cache; one that is no longer there is trained and pruned again.`,
		Example: "  hepex export-model results/quickstart 0123456789abcdef pruned.onnx",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.exportModel(args[0], args[1], args[2])
		},
	}
}

func (a *app) exportModel(dir, point, file string) error {
	write := map[string]func(modelfile.Export) ([]byte, error){".onnx": modelfile.Export.ONNX, ".npz": modelfile.Export.NPZ}[strings.ToLower(filepath.Ext(file))]
	if write == nil {
		return badInput(fmt.Errorf("%s: want a file that ends with .onnx or .npz", file))
	}
	c, err := (&results{dir: dir}).frozen()
	if err != nil {
		return err
	}
	cache, err := trial.DefaultCacheDir()
	if err != nil {
		return err
	}
	var plan []run.Planned
	for _, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			return err
		}
		plan = append(plan, run.Planned{Point: p, ID: id})
	}
	p, err := choosePoint(plan, point)
	if err != nil {
		return err
	}
	progress := newProgress(a.err)
	defer progress.clear()
	e, err := trial.Export(trial.Job{Point: p.ID, Spec: p.Spec, Params: p.Params, DataDirs: datasets.Dirs(a.data), CacheDir: cache}, func(s trial.Step) {
		progress.show(run.Progress{Stage: "prepare", Points: 1, Point: &p.Point, Step: s})
	})
	if err != nil {
		return err
	}
	content, err := write(e)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(file, content); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Fprintf(a.out, "%s: %d bytes, the network of point %s\n", file, len(content), p.ID)
	return nil
}
