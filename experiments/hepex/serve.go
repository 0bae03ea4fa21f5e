package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/atomicfile"
	"hepex/harness/run"
	"hepex/harness/serve"
	"hepex/harness/trial"
)

func (a *app) packCommand() *cobra.Command {
	var point, out string
	cmd := &cobra.Command{
		Use: "pack CONFIG", Short: "Train, prune and pack a network to be served", Args: cobra.ExactArgs(1),
		Long: `pack trains and prunes the network of one point of a config (the cache keeps it), lays it out, derives parameters and writes

  OUT/network.hepex   the network, with its weights
  OUT/public.hepex    what clients need: layout, parameters and the range of inputs, but no weight
  OUT/model.hepex     with he.weights plain only: the encoded model, so that OUT is a server's folder but for keys

Where weights are plain the server owns the network, and clients get public.hepex. Where they are encrypted the client owns it, and keygen
encrypts it for the server.`,
		Example: "  hepex pack configs/peers/fhebench.yaml --point single --out model",
		RunE: func(_ *cobra.Command, args []string) error {
			_, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			chosen, err := choosePoint(plan, point)
			if err != nil {
				return err
			}
			return a.pack(chosen, out)
		},
	}
	cmd.Flags().StringVar(&point, "point", "", "the point, by its id or label, if the config has several (hepex plan lists them)")
	cmd.Flags().StringVar(&out, "out", "model", "folder for the files: with plain weights the server's, else the client's own")
	return cmd
}

// choosePoint finds the one point of an id or label; without a name, the only point.
func choosePoint(plan []run.Planned, name string) (run.Planned, error) {
	found := slices.DeleteFunc(slices.Clone(plan), func(p run.Planned) bool { return name != "" && name != p.ID && name != p.Label })
	n := len(found)
	switch n {
	case 0:
		found = plan
	case 1:
		return found[0], nil
	}
	const most = 8
	var names []string
	for _, p := range found[:min(most, len(found))] {
		names = append(names, strings.TrimSpace(p.ID+" "+p.Label))
	}
	if len(found) > most {
		names = append(names, "…")
	}
	return run.Planned{}, badInput(fmt.Errorf("point %q: %s; want the id, or a label that no other has, of one of %s", name, countPoints(n), strings.Join(names, ", ")))
}

func (a *app) pack(point run.Planned, out string) error {
	if point.Spec.HE.Insecure {
		return badInput(errors.New("he.insecure: networks are served with 128-bit parameters only"))
	}
	cache, err := trial.DefaultCacheDir()
	if err != nil {
		return err
	}
	if err := atomicfile.MakeFolder(out); err != nil { // before hours of training
		return err
	}
	p := newProgress(a.err)
	defer p.clear()
	job := trial.Job{Point: point.ID, Spec: point.Spec, Params: point.Params, DataDirs: datasets.Dirs(a.data), CacheDir: cache}
	n, err := trial.Serve(job, func(s trial.Step) {
		p.show(run.Progress{Stage: "pack", Points: 1, Point: &point.Point, Step: s})
	})
	if err != nil {
		return err
	}
	if err := n.Write(out); err != nil {
		return err
	}
	p.clear()
	if m, err := n.Model(); err == nil && !n.Choice.Encrypted && m.LeaksSums() {
		fmt.Fprintln(a.err, "hepex: warning: plain weights, outputs not masked: unused slots tell the client partial sums of weights")
	}
	fmt.Fprintf(a.out, "%s: a network in %s layout, log_n %d, %s weights\n", out, n.Choice.Kind, n.Literal.LogN, point.Spec.HE.Weights)
	return nil
}

func (a *app) keygenCommand() *cobra.Command {
	var client, server string
	cmd := &cobra.Command{
		Use: "keygen MODEL", Short: "Draw the keys of a client for a packed network", Args: cobra.ExactArgs(1),
		Long: `keygen reads MODEL/public.hepex, as hepex pack writes it, and draws keys:

  CLIENT/secret.hepex   the secret key, which decrypts; it never leaves the client
  SERVER/keys.hepex     evaluation keys, for the server
  SERVER/model.hepex    with encrypted weights: MODEL/network.hepex, encrypted under the client's key

and puts public.hepex into both folders. With plain weights, MODEL may be the server's folder itself; a client elsewhere needs its public.hepex
only, and sends back keys.hepex.`,
		Example: "  hepex keygen model --client client --server server\n  hepex keygen server --client client --server server",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := serve.Keygen(args[0], client, server); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: secret key; %s: evaluation keys\n", client, server)
			return nil
		},
	}
	cmd.Flags().StringVar(&client, "client", "client", "folder of the client, which must have no secret key yet")
	cmd.Flags().StringVar(&server, "server", "server", "folder for the server, which must have no client's keys yet")
	return cmd
}

func (a *app) encryptCommand() *cobra.Command {
	var client, out string
	cmd := &cobra.Command{
		Use: "encrypt SAMPLES", Short: "Encrypt samples for the server", Args: cobra.ExactArgs(1),
		Long: `encrypt reads a text file with a line for each sample, its numbers separated by spaces or commas and scaled as the training
data of the network were (images: 0 to 1, row by row), and encrypts all of them, as many at once as the layout holds.`,
		Example: "  hepex encrypt pixels.txt --client client --out inputs.hepex",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := notOver(out, args[0], client); err != nil {
				return err
			}
			c, err := serve.OpenClient(client)
			if err != nil {
				return err
			}
			samples, err := c.Samples(args[0])
			if err != nil {
				return err
			}
			report, done := a.batches("encrypt")
			defer done()
			if err := c.Encrypt(samples, out, report); err != nil {
				return err
			}
			done()
			fmt.Fprintf(a.out, "%s: %d samples\n", out, len(samples))
			return nil
		},
	}
	cmd.Flags().StringVar(&client, "client", "client", "folder of the client")
	cmd.Flags().StringVar(&out, "out", "inputs.hepex", "file of encrypted inputs")
	return cmd
}

func (a *app) evaluateCommand() *cobra.Command {
	var server, out string
	var threads int
	cmd := &cobra.Command{
		Use: "evaluate INPUTS", Short: "Evaluate the network on encrypted inputs: the server's part", Args: cobra.ExactArgs(1),
		Long: `evaluate reads the server's folder (public.hepex, keys.hepex, model.hepex) and a file of encrypted inputs, and writes the encrypted
outputs. It refuses a folder that holds a secret key.`,
		Example: "  hepex evaluate inputs.hepex --server server --out outputs.hepex",
		RunE: func(_ *cobra.Command, args []string) error {
			if threads < 1 || threads > 1024 {
				return badInput(fmt.Errorf("--threads %d: want 1 to 1024", threads))
			}
			if err := notOver(out, args[0], server); err != nil {
				return err
			}
			report, done := a.batches("evaluate")
			defer done()
			t, err := serve.Evaluation{Model: server, Keys: server, Inputs: args[0], Outputs: out, Threads: threads, Report: report}.Run()
			if err != nil {
				return err
			}
			done()
			fmt.Fprintf(a.out, "%s: loading %.3f s, evaluation %.4f s, writing %.3f s\n", out, t.Load, t.Compute, t.Store)
			return nil
		},
	}
	cmd.Flags().StringVar(&server, "server", "server", "folder of the server")
	cmd.Flags().StringVar(&out, "out", "outputs.hepex", "file of encrypted outputs")
	cmd.Flags().IntVar(&threads, "threads", runtime.NumCPU(), "threads")
	return cmd
}

func (a *app) decryptCommand() *cobra.Command {
	var client, out string
	var values bool
	cmd := &cobra.Command{
		Use: "decrypt OUTPUTS", Short: "Decrypt what the server computed", Args: cobra.ExactArgs(1),
		Long: `decrypt prints a line for each sample, in order: the class of the highest score, or all outputs separated by commas if the
network gives values or with --values. Decrypted values are not for the server to see: they tell of the secret key.`,
		Example: "  hepex decrypt outputs.hepex --client client --out predictions.txt",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := notOver(out, args[0], client); err != nil {
				return err
			}
			c, err := serve.OpenClient(client)
			if err != nil {
				return err
			}
			report, done := a.batches("decrypt")
			defer done()
			outputs, err := c.Decrypt(args[0], report)
			if err != nil {
				return err
			}
			done()
			text := func(w io.Writer) error { return c.WriteText(w, outputs, values) }
			if out == "" {
				return text(a.out)
			}
			return atomicfile.WriteWith(filepath.Clean(out), text)
		},
	}
	cmd.Flags().StringVar(&client, "client", "client", "folder of the client")
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: print)")
	cmd.Flags().BoolVar(&values, "values", false, "all outputs, not the class")
	return cmd
}

// notOver refuses to write over what a verb reads: its input, and the files of a client or server in its folder.
func notOver(out, input, folder string) error {
	there, err := os.Stat(out)
	if err != nil {
		return nil // writing says what is wrong, if anything is
	}
	reads := []string{input}
	for _, name := range []string{serve.PublicFile, serve.SecretFile, serve.KeysFile, serve.ModelFile} {
		reads = append(reads, filepath.Join(folder, name))
	}
	for _, path := range reads {
		if other, err := os.Stat(path); err == nil && os.SameFile(there, other) {
			return badInput(fmt.Errorf("--out %s: that is %s, which this reads and would replace: want another file", out, path))
		}
	}
	return nil
}

// batches shows how far work by batches is, at most once a second, until done is called.
func (a *app) batches(what string) (report serve.Report, done func()) {
	p, start := newProgress(a.err), time.Now()
	shown := start
	return func(i, of int) {
		if now := time.Now(); now.Sub(shown) >= time.Second {
			shown = now
			left := now.Sub(start) / time.Duration(max(i, 1)) * time.Duration(of-i)
			p.line(fmt.Sprintf("%s %d/%d, %s left", what, i+1, of, left.Round(time.Second)))
		}
	}, p.clear
}
