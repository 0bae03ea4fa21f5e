package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/serve"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/inference/kernels"
	"hepex/plots"
)

// streams are what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// The exit codes.
const (
	exitDone        = 0
	exitInternal    = 1
	exitBadInput    = 2 // bad config or usage
	exitFailed      = 3 // points failed
	exitMissed      = 4 // expectations missed
	exitInterrupted = 130
)

// codedError is an error with the exit code of its kind.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// output keeps the first error in writing what a verb prints, so that no verb has to ask after every line.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func badInput(err error) error { return &codedError{exitBadInput, err} }

// execute runs the command line and gives the exit code. Errors go to stderr, one line each.
func execute(ctx context.Context, s streams, args []string) int {
	started := false
	out := &output{w: s.out}
	s.out = out
	root := newRoot(s)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		started = true
		return checkKernels(s.err, cmd)
	}
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	verb, err := root.ExecuteContextC(ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		err = &codedError{exitInternal, fmt.Errorf("what is printed could not be written: %v", out.err)}
		started = true
	}
	if err == nil {
		return exitDone
	}
	code := exitInternal
	var coded *codedError
	var bad config.Errors
	var newer *record.NewerSchemaError
	var file *serve.Error
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case errors.As(err, &bad) || errors.As(err, &newer) || errors.As(err, &file) || !started:
		code = exitBadInput
	case unusable(err):
		code = exitBadInput
	case errors.Is(err, plots.ErrFailed):
		code = exitFailed
	case errors.Is(err, context.Canceled):
		code, err = exitInterrupted, errors.New("interrupted: what is done is kept; the same command goes on from there")
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		first, _, _ := strings.Cut(err.Error(), "\n") // what fails after that fails for the same reason
		err = fmt.Errorf("%s; what is done is kept: free some space, and the same command goes on from there", first)
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(s.err, "hepex: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if !started && code == exitBadInput {
		fmt.Fprintf(s.err, "hepex: usage: %s; see %s --help\n", verb.UseLine(), verb.CommandPath())
	}
	return code
}

// interruptible has a command that does not ask whether it is interrupted end then: what it writes appears whole or not at all, and nothing is
// kept to go on from.
func interruptible(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		done := make(chan error, 1)
		go func() { done <- run(cmd, args) }()
		select {
		case err := <-done:
			return err
		case <-cmd.Context().Done():
			return &codedError{exitInterrupted, errors.New("interrupted")}
		}
	}
	return cmd
}

// unusable tells whether a path that was given is a folder where a file is wanted, or the reverse, or not ours to read or write.
// The cache is none that was given.
func unusable(err error) bool {
	var preparing *trial.Failure
	if errors.As(err, &preparing) {
		return false
	}
	reasons := []error{syscall.EISDIR, syscall.ENOTDIR, syscall.EROFS, syscall.ELOOP, syscall.ENAMETOOLONG, fs.ErrPermission, trial.ErrCacheFolder}
	return slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) })
}

// checkKernels refuses a bad HEPEX_KERNELS. That the machine lacks what it asks for is said once: hidden verbs are children.
func checkKernels(w io.Writer, cmd *cobra.Command) error {
	warning, err := kernels.Check()
	if err != nil {
		return badInput(err)
	}
	if warning != "" && !cmd.Hidden {
		fmt.Fprintf(w, "hepex: %s\n", warning)
	}
	return nil
}

// app is what the verbs share.
type app struct {
	streams
	data     string   // --data
	warnings []string // what warn has said
}

// warn says what a reader of results must know.
func (a *app) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	a.warnings = append(a.warnings, text)
	fmt.Fprintf(a.err, "hepex: warning: %s\n", text)
}

func newRoot(s streams) *cobra.Command {
	a := &app{streams: s}
	version := false
	root := &cobra.Command{
		Use:   "hepex",
		Short: "Prune neural networks for homomorphic encryption, run them encrypted, measure",
		Long: `hepex trains small networks, prunes them so that whole ciphertexts vanish, runs them encrypted
under CKKS and leaves records, tables and figures. An experiment is one YAML file.`,
		Example: "  hepex run configs/quickstart.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !version {
				return cmd.Help()
			}
			_, err := fmt.Fprintln(a.out, versionText(machine.Environment()))
			return err
		},
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&a.data, "data", "", "folder with data sets, before $HEPEX_DATA, data/ and the cache")
	root.Flags().BoolVar(&version, "version", false, "print the commit, Go, Lattigo, the kernels and the BLAS library that this program has")
	root.AddCommand(a.runCommand(), a.dataCommand(), a.tuneCommand(), a.envCommand(), a.schemaCommand(), a.pointCommand(),
		a.submitCommand(), a.taskCommand(), a.collectCommand())
	for _, cmd := range []*cobra.Command{
		a.benchCommand(), a.checkCommand(), a.planCommand(), a.statusCommand(), a.exportCommand(), a.bundleCommand(),
		a.plotCommand(), a.tableCommand(), a.reportCommand(), a.verifyCommand(), a.compareCommand(),
		a.inspectCommand(), a.exportModelCommand(), a.packCommand(), a.keygenCommand(), a.encryptCommand(), a.evaluateCommand(), a.decryptCommand(),
	} {
		root.AddCommand(interruptible(cmd))
	}
	return root
}

// versionText is the program in one line, in the words of records.
func versionText(e record.Environment) string {
	commit := e.Commit[:min(len(e.Commit), 12)]
	if e.Dirty {
		commit += " (edited)"
	}
	return fmt.Sprintf("hepex %s, %s, lattigo %s, %s kernels, %s BLAS", commit, e.Go, e.Modules["github.com/tuneinsight/lattigo/v5"], e.Kernels, e.BLAS)
}

// loadConfig reads a config and checks what it names, but for the data.
func loadConfig(path string) (*config.Config, error) {
	c, err := tune.Chosen(config.Load(path))
	if err == nil {
		err = checkNames(c)
	}
	return c, err
}

// plan reads and checks a config and everything it names.
func (a *app) plan(path string) (*config.Config, []run.Planned, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, nil, err
	}
	plan, err := run.Plan(c, datasets.Dirs(a.data))
	return c, plan, err
}

// checkNames refuses figures, tables and expectations that nothing could come of: numbers are metrics or numeric parameters, what
// tells points apart is a parameter or the label, and what is saved is saved against a dense point.
func checkNames(c *config.Config) error {
	dense := slices.ContainsFunc(c.Points, func(p config.Point) bool { return p.Spec.Prune.Scheme == "dense" })
	number := func(name string) error {
		if strings.HasPrefix(name, "saved.") && !dense {
			return fmt.Errorf("%s: savings are against a dense point, and there is none; add the case {prune.scheme: dense}", name)
		}
		if config.IsNumber(name) {
			return nil
		}
		if slices.Contains(config.ParamNames(), name) {
			return fmt.Errorf("%s is not a number; want a metric or a numeric parameter", name)
		}
		if _, ok := record.Parted(name); ok {
			return fmt.Errorf("%s is no number but has parts; want one of them, such as %s.fc1, or rows in the place of y", name, record.PerLayer)
		}
		_, err := record.Lookup(name)
		return err
	}
	row := func(name string) error {
		if _, ok := record.Parted(name); ok {
			return nil
		}
		return number(name)
	}
	group := func(name string) error {
		if name == "label" || slices.Contains(config.ParamNames(), name) {
			return nil
		}
		return fmt.Errorf("%s is not a parameter; want a dotted path such as prune.scheme, or label", name)
	}
	return c.CheckNames(number, row, group)
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check CONFIG", Short: "Check a config without running anything", Args: cobra.ExactArgs(1),
		Example: "  hepex check configs/quickstart.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			c, plan, err := a.plan(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: good, %s\n", args[0], countPoints(len(plan)))
			a.printIgnored(c)
			return nil
		},
	}
}

// countPoints is so many points in words.
func countPoints(n int) string {
	if n == 1 {
		return "1 point"
	}
	return fmt.Sprintf("%d points", n)
}

// printIgnored says what of a config makes no difference, though somebody may think so.
func (a *app) printIgnored(c *config.Config) {
	for _, m := range c.Merged {
		fmt.Fprintln(a.out, m)
	}
	for _, entry := range c.Idle {
		fmt.Fprintln(a.out, entry)
	}
	if unread := c.Unread(); len(unread) > 0 {
		fmt.Fprintf(a.out, "no point reads %s\n", strings.Join(unread, ", "))
	}
}

func outFlag(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVar(out, "out", "results", "folder for results; the experiment gets a folder of its own in it")
}

func experimentDir(out string, c *config.Config) string { return filepath.Join(out, c.Name) }

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print what records say about this machine and build", Args: cobra.NoArgs,
		Example: "  hepex env",
		RunE: func(*cobra.Command, []string) error {
			return writeJSON(a.out, machine.Environment())
		},
	}
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of configs, for completion in editors", Args: cobra.NoArgs,
		Long: `schema prints the JSON schema (draft 2020-12) of configs, which also lies in configs/schema.json. An editor with a YAML
language server finds it by the first line of a config: # yaml-language-server: $schema=schema.json`,
		Example: "  hepex schema > schema.json",
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(config.Schema())
			return err
		},
	}
}

// pointCommand is what the runner starts for each stage of a point.
func (a *app) pointCommand() *cobra.Command {
	return &cobra.Command{
		Use: "point STAGE", Short: "Do one stage of the point on standard input", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error { return run.Child(args[0], a.in, a.out) },
	}
}
