package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/plots"
)

// results is an experiment's folder with its deciding records.
type results struct {
	dir     string
	records record.Set
}

// openResults reads the records below dir, in the order of the frozen config where there is one. Records of
// points that this config no longer has are left out.
func openResults(dir string) (*results, error) {
	if _, err := os.Stat(filepath.Join(dir, "points")); err != nil {
		return nil, badInput(fmt.Errorf("%s: no points/ folder: want the folder of an experiment, such as results/quickstart", dir))
	}
	all, _, err := record.NewStore(dir).Load()
	if err != nil {
		return nil, err
	}
	r := &results{dir: dir, records: all}
	frozen := filepath.Join(dir, "config.yaml")
	if _, err := os.Stat(frozen); err != nil {
		return r, nil
	}
	c, err := config.Load(frozen)
	if err != nil {
		return nil, err
	}
	r.records = planned(c, all)
	return r, nil
}

// planned gives the latest record of each of the config's points.
func planned(c *config.Config, all record.Set) record.Set {
	latest := map[string]*record.Record{}
	for _, rec := range all {
		id := paramsID(rec.Params)
		if old := latest[id]; old == nil || rec.StartedAt.After(old.StartedAt) {
			latest[id] = rec
		}
	}
	var set record.Set
	for _, p := range c.Points {
		if rec := latest[paramsID(p.Params)]; rec != nil {
			set = append(set, rec)
		}
	}
	return set
}

// paramsID is the same for equal parameters, whether read from a record or from a config.
func paramsID(params map[string]any) string {
	text, err := json.Marshal(params)
	if err != nil {
		return fmt.Sprint(params)
	}
	return string(text)
}

// haveOutputs tells whether figures were drawn already.
func haveOutputs(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "summary.csv"))
	return err == nil
}

// draw writes figures, tables and the summary, and returns the files.
func (r *results) draw(c *config.Config) ([]string, error) {
	files, err := r.drawFigures(c)
	if err != nil {
		return nil, err
	}
	tables, err := r.writeTables(c)
	return append(files, tables...), err
}

func (r *results) drawFigures(c *config.Config) ([]string, error) {
	figures := plots.DefaultFigures()
	if len(c.Figures) > 0 {
		figures = nil
	}
	for _, f := range c.Figures {
		figures = append(figures, plots.Figure{ID: f.ID, X: f.X.Name, Y: f.Y.Name, Series: f.Series.Name, Facet: f.Facet.Name})
	}
	dir := filepath.Join(r.dir, "figures")
	var files []string
	for _, f := range figures {
		drawn, err := plots.Draw(dir, f, r.records)
		if err != nil {
			return nil, err
		}
		files = append(files, drawn...)
	}
	if rec := mapped(r.records); rec != nil {
		drawn, err := r.drawMap("tile-map", rec)
		if err != nil {
			return nil, err
		}
		files = append(files, drawn...)
	}
	return files, nil
}

// mapped chooses the record whose tiles are drawn when nobody asks for a certain one: of the points that
// were pruned the most ways, the one of median density.
func mapped(records record.Set) *record.Record {
	for _, scheme := range []string{"p4e", "p4", "p3e", "p3", "p2t"} {
		var of record.Set
		for _, rec := range records {
			if rec.Status == record.OK && rec.Tiles != nil && rec.Params["prune.scheme"] == scheme {
				of = append(of, rec)
			}
		}
		if len(of) > 0 {
			slices.SortStableFunc(of, func(a, b *record.Record) int { return a.Tiles.Kept*b.Tiles.Total - b.Tiles.Kept*a.Tiles.Total })
			return of[len(of)/2]
		}
	}
	return nil
}

func (r *results) writeTables(c *config.Config) ([]string, error) {
	var files []string
	write := func(name string, content func(io.Writer) error) error {
		path := filepath.Join(r.dir, name)
		files = append(files, path)
		return atomicfile.WriteWith(path, content)
	}
	for _, t := range c.Tables {
		err := write(filepath.Join("tables", t.ID+".md"), func(w io.Writer) error {
			return plots.WriteTable(w, tableOf(t), r.records, plots.Markdown)
		})
		if err != nil {
			return nil, err
		}
	}
	err := write(filepath.Join("tables", "summary.md"), func(w io.Writer) error {
		return plots.Summary(w, r.records, plots.Markdown)
	})
	if err == nil {
		err = write("summary.csv", func(w io.Writer) error { return writeCSV(w, r.records) })
	}
	return files, err
}

func tableOf(t config.Table) plots.Table {
	out := plots.Table{ID: t.ID, Rows: t.Rows.Name, Cols: t.Cols.Name}
	for _, cell := range t.Cells {
		out.Cells = append(out.Cells, cell.Name)
	}
	return out
}

// writeCSV writes one flattened record a line.
func writeCSV(w io.Writer, records record.Set) error {
	columns := records.Columns()
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, rec := range records {
		values := map[string]string{}
		for _, f := range record.Flatten(rec) {
			values[f.Path] = f.Value
		}
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = values[c]
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func writePlan(w io.Writer, plan []run.Planned) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "point\tlabel\tdata\tscheme\tratio\ttile\tweights\tseed")
	for _, p := range plan {
		s := p.Spec
		ratio := "-"
		if s.Prune.Scheme != "dense" {
			ratio = fmt.Sprint(s.Prune.Ratio)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", p.ID, p.Label, s.Data.Name, s.Prune.Scheme, ratio, s.Tile, s.HE.Weights, s.Train.Seed)
	}
	return tw.Flush()
}

func (a *app) exportCommand() *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use: "export RESULTS", Short: "Print all records, one a line", Args: cobra.ExactArgs(1),
		Example: "  hepex export results/quickstart --format csv",
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "jsonl" && format != "csv" {
				return badInput(fmt.Errorf("--format %q: want jsonl or csv", format))
			}
			r, err := openResults(args[0])
			if err != nil {
				return err
			}
			if format == "csv" {
				return writeCSV(a.out, r.records)
			}
			enc := json.NewEncoder(a.out)
			for _, rec := range r.records {
				if err := enc.Encode(rec); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	return cmd
}

// frozen reads the config that lies with the results.
func (r *results) frozen() (*config.Config, error) {
	return config.Load(filepath.Join(r.dir, "config.yaml"))
}

func (a *app) plotCommand() *cobra.Command {
	point := ""
	cmd := &cobra.Command{
		Use: "plot RESULTS", Short: "Draw the figures of an experiment again", Args: cobra.ExactArgs(1),
		Example: "  hepex plot results/quickstart\n  hepex plot results/quickstart --map 0123456789abcdef",
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := openResults(args[0])
			if err != nil {
				return err
			}
			var files []string
			if point != "" {
				files, err = r.drawPoint(point)
			} else {
				var c *config.Config
				if c, err = r.frozen(); err == nil {
					files, err = r.drawFigures(c)
				}
			}
			if err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintln(a.out, f)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&point, "map", "", "draw the tile map of this point only")
	return cmd
}

func (a *app) tableCommand() *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use: "table RESULTS", Short: "Print the tables of an experiment", Args: cobra.ExactArgs(1),
		Example: "  hepex table results/quickstart --format markdown",
		RunE: func(_ *cobra.Command, args []string) error {
			f, ok := map[string]plots.Format{"terminal": plots.Terminal, "markdown": plots.Markdown, "csv": plots.CSV}[format]
			if !ok {
				return badInput(fmt.Errorf("--format %q: want terminal, markdown or csv", format))
			}
			r, err := openResults(args[0])
			if err != nil {
				return err
			}
			c, err := r.frozen()
			if err != nil {
				return err
			}
			errs := []error{plots.Summary(a.out, r.records, f)}
			for _, t := range c.Tables {
				fmt.Fprintf(a.out, "\n%s\n", t.ID)
				errs = append(errs, plots.WriteTable(a.out, tableOf(t), r.records, f))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().StringVar(&format, "format", "terminal", "terminal, markdown or csv")
	return cmd
}
