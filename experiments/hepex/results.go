package main

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/trial"
	"hepex/plots"
)

// results is an experiment's folder with its deciding records.
type results struct {
	dir     string
	config  *config.Config // frozen; nil if there is none
	records record.Set
}

// openResults reads the records below dir, in the order of the frozen config where there is one. It warns of damaged
// records, of those that this config does not have, and of those that another version of the program made: they can still be shown.
func (a *app) openResults(dir string) (*results, error) {
	all, err := a.allRecords(dir)
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
	r.config = c
	if r.records, err = planned(c, all); err != nil {
		return nil, err
	}
	if len(r.records) < len(c.Points) {
		older, err := otherVersions(c, all)
		if err != nil {
			return nil, err
		}
		if len(older) > 0 {
			a.warn("%d records in %s are by another version of hepex, or of other data: run does their points again", len(older), dir)
			r.records = append(r.records, older...)
		}
	}
	if n := len(all) - len(r.records); n > 0 {
		a.warn("left out: %d records in %s of other settings or versions than %s", n, dir, frozen)
	}
	return r, nil
}

// records reads what lies below dir and warns of what is damaged.
func (a *app) records(dir string) (record.Set, error) {
	all, damaged, err := record.NewStore(dir).Load()
	for _, d := range damaged {
		a.warn("left out: %v", d.Err)
	}
	return all, err
}

// planned gives the records of the config's points.
func planned(c *config.Config, all record.Set) (record.Set, error) {
	byPoint := map[string]*record.Record{}
	for _, rec := range all {
		byPoint[rec.Point] = rec
	}
	var set record.Set
	for _, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			return nil, err
		}
		if rec := byPoint[id]; rec != nil {
			set = append(set, rec)
		}
	}
	return set, nil
}

// otherVersions gives records of those points of the config that have none of this version of the program and of the data, by
// their parameters.
func otherVersions(c *config.Config, all record.Set) (record.Set, error) {
	have, byParams := map[string]bool{}, map[string]*record.Record{}
	for _, rec := range all {
		have[rec.Point] = true
		key, err := paramsKey(rec.Params)
		if err != nil {
			return nil, err
		}
		if known := byParams[key]; known == nil || known.EndedAt.Before(rec.EndedAt) {
			byParams[key] = rec
		}
	}
	var set record.Set
	for _, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			return nil, err
		}
		key, err := paramsKey(p.Params)
		if err != nil {
			return nil, err
		}
		if rec := byParams[key]; rec != nil && !have[id] {
			shown := *rec
			shown.Warnings = append(slices.Clone(rec.Warnings), "by another version of hepex, or of other data")
			set = append(set, &shown)
		}
	}
	return set, nil
}

// paramsKey is the same for the parameters of a point and of its record.
func paramsKey(params map[string]any) (string, error) {
	text, err := json.Marshal(params)
	if err != nil {
		return "", fmt.Errorf("parameters: %w", err)
	}
	return string(text), nil
}

// stampFile says what figures, tables and the summary were made of.
func (r *results) stampFile() string { return filepath.Join(r.dir, "figures", ".made-of") }

// stamp hashes the config and the checksums of the records.
func (r *results) stamp() string {
	h := sha256.New()
	source, _ := os.ReadFile(filepath.Join(r.dir, "config.yaml")) // without one, the records decide
	h.Write(source)
	for _, rec := range r.records {
		io.WriteString(h, rec.Checksum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// upToDate tells whether figures, tables and summary show these very records.
func (r *results) upToDate() bool {
	old, err := os.ReadFile(r.stampFile())
	return err == nil && string(old) == r.stamp()
}

// draw writes figures, tables and the summary, and returns the files. What cannot be drawn does not keep the rest
// from being written.
func (r *results) draw(c *config.Config) ([]string, error) {
	figures, figuresErr := r.drawFigures(c)
	tables, tablesErr := r.writeTables(c)
	err := errors.Join(figuresErr, tablesErr)
	if err == nil {
		err = atomicfile.Write(r.stampFile(), []byte(r.stamp()))
	}
	return append(figures, tables...), err
}

// figuresOf gives the figures that the config names, or else the usual ones; c may be nil.
func figuresOf(c *config.Config, records record.Set) []plots.Figure {
	if c == nil || len(c.Figures) == 0 {
		return plots.DefaultFigures(records)
	}
	var figures []plots.Figure
	for _, f := range c.Figures {
		figures = append(figures, plots.Figure{
			ID: f.ID, X: f.X.Name, Y: f.Y.Name, Rows: f.Rows.Name, Series: f.Series.Name, Facet: f.Facet.Name,
			XAxis: plots.Axis(f.XAxis), YAxis: plots.Axis(f.YAxis),
		})
	}
	return figures
}

func (r *results) drawFigures(c *config.Config) ([]string, error) {
	dir := filepath.Join(r.dir, "figures")
	var files []string
	var errs []error
	for _, f := range figuresOf(c, r.records) {
		drawn, err := plots.Draw(dir, f, r.records)
		files, errs = append(files, drawn...), append(errs, err)
	}
	if rec := r.mapped(); rec != nil {
		drawn, err := r.drawMap("tile-map", rec)
		files, errs = append(files, drawn...), append(errs, err)
	}
	return files, errors.Join(errs...)
}

// mapped chooses the record whose tiles are drawn when nobody asks for a certain one: of the points that
// were pruned the most ways, and have a map, the one of median density.
func (r *results) mapped() *record.Record {
	for _, scheme := range []string{"joint", "p4e", "p4", "p3e", "p3", "p2t", "hunter", "mofhei", "custom"} {
		var of record.Set
		for _, rec := range r.records {
			_, err := os.Stat(run.MapPath(r.dir, rec.Point))
			if err == nil && rec.Status == record.OK && rec.Tiles != nil && rec.Params["prune.scheme"] == scheme {
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
	var errs []error
	write := func(name string, content func(io.Writer) error) {
		path := filepath.Join(r.dir, name)
		if err := atomicfile.WriteWith(path, content); err != nil {
			errs = append(errs, err)
			return
		}
		files = append(files, path)
	}
	for _, t := range c.Tables {
		write(filepath.Join("tables", t.ID+".md"), func(w io.Writer) error {
			return plots.WriteTable(w, tableOf(t), r.records, plots.Markdown)
		})
	}
	write(filepath.Join("tables", "summary.md"), func(w io.Writer) error {
		return plots.Summary(w, r.records, plots.Markdown)
	})
	write("summary.csv", func(w io.Writer) error { return writeCSV(w, r.records) })
	return files, errors.Join(errs...)
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
