package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/report"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/plots"
)

// results is an experiment's folder with its deciding records.
type results struct {
	dir     string
	config  *config.Config // that chose the records; nil if there is none
	records record.Set

	warnings []string // of what is damaged, left out or old
}

// openResults reads the records below dir, in the order of the frozen config where there is one. It warns of damaged
// records, of those that this config does not have, and of those that another version of the program made: they can still be shown.
func (a *app) openResults(dir string) (*results, error) {
	known := len(a.warnings)
	r, err := a.readResults(dir)
	if err != nil {
		return nil, err
	}
	r.warnings = a.warnings[known:]
	return r, nil
}

func (a *app) readResults(dir string) (*results, error) {
	all, err := a.allRecords(dir)
	if err != nil {
		return nil, err
	}
	frozen := filepath.Join(dir, "config.yaml")
	if _, err := os.Stat(frozen); err != nil {
		return &results{dir: dir, records: all}, nil
	}
	c, err := tune.Chosen(config.Load(frozen))
	if err != nil {
		return nil, err
	}
	return a.chosen(dir, c, all)
}

// chosen gives those of all records in dir that the config has, in its order.
func (a *app) chosen(dir string, c *config.Config, all record.Set) (*results, error) {
	records, err := a.ofConfig(c, all, dir)
	return &results{dir: dir, config: c, records: records}, err
}

// ofConfig gives the records of the config's points, in its order: those of this version of the program and of the data or, where there is none,
// of another, by their parameters. It warns of these, and of records that it leaves out.
func (a *app) ofConfig(c *config.Config, all record.Set, dir string) (record.Set, error) {
	byPoint := map[string]*record.Record{}
	for _, rec := range all {
		byPoint[rec.Point] = rec
	}
	records := make(record.Set, len(c.Points)) // nil: none
	own := map[string]bool{}
	var bare []int
	var params []map[string]any // of the bare points
	for i, p := range c.Points {
		id, err := trial.PointID(p)
		if err != nil {
			return nil, err
		}
		own[id] = true
		if records[i] = byPoint[id]; records[i] == nil {
			bare, params = append(bare, i), append(params, p.Params)
		}
	}
	others := slices.DeleteFunc(slices.Clone(all), func(rec *record.Record) bool { return own[rec.Point] })
	older := 0
	for i, rec := range others.Alike(params, config.IsDefault) {
		if rec != nil {
			shown := *rec
			shown.Warnings = append(slices.Clone(rec.Warnings), "by another version of hepex, or of other data")
			records[bare[i]] = &shown
			older++
		}
	}
	if older > 0 {
		a.warn("%d records in %s are by another version of hepex, or of other data: run does their points again", older, dir)
	}
	records = slices.DeleteFunc(records, func(rec *record.Record) bool { return rec == nil })
	if n := len(all) - len(records); n > 0 {
		a.warn("left out: %d records in %s, of points that its config does not have", n, dir)
	}
	return records, nil
}

// records reads what lies below dir and warns of what is damaged.
func (a *app) records(dir string) (record.Set, error) {
	all, damaged, err := record.NewStore(dir).Load()
	for _, d := range damaged {
		a.warn("left out: %v", d.Err)
	}
	return all, err
}

// madeOf is the file that says what figures, tables and the summary were made of, by a hash in its first line, and which they are.
func (r *results) madeOf() string { return filepath.Join(r.dir, "figures", ".made-of") }

// stamp hashes the config, whatever file it was read from, and the checksums of the records.
func (r *results) stamp(c *config.Config) string {
	h := sha256.New()
	_, text, _ := bytes.Cut(c.Frozen, []byte("\n")) // whose first line names the file
	h.Write(text)
	for _, rec := range r.records {
		io.WriteString(h, rec.Checksum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// made reads the stamp of what was drawn last, and the files, by their paths below the folder.
func (r *results) made() (stamp string, files []string) {
	text, err := os.ReadFile(r.madeOf())
	if err != nil {
		return "", nil
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[0], lines[1:]
}

// upToDate tells whether figures, tables and summary are those of the config and show these very records.
func (r *results) upToDate(c *config.Config) bool {
	stamp, _ := r.made()
	return stamp == r.stamp(c)
}

// draw writes figures, tables, the summary and the report, and returns the files. What cannot be drawn does not keep the rest
// from being written; if all is drawn, what an earlier config had drawn and this one does not name is removed.
func (r *results) draw(c *config.Config) ([]string, error) {
	figures, figuresErr := r.drawFigures(c)
	tables, tablesErr := r.writeTables(c)
	page := filepath.Join(r.dir, "report.html")
	err := errors.Join(figuresErr, tablesErr, writeReport([]report.Experiment{r.experiment()}, page))
	files := append(append(figures, tables...), page)
	if err == nil {
		err = r.keep(c, files)
	}
	return files, err
}

// keep notes what was drawn, and removes what was drawn before and was not now.
func (r *results) keep(c *config.Config, files []string) error {
	lines := []string{r.stamp(c)}
	for _, f := range files {
		name, err := filepath.Rel(r.dir, f)
		if err != nil {
			return err
		}
		lines = append(lines, filepath.ToSlash(name))
	}
	slices.Sort(lines[1:])
	_, before := r.made()
	for _, name := range before {
		if folder, file, _ := strings.Cut(name, "/"); slices.Contains(lines, name) || folder != "figures" && folder != "tables" || strings.Contains(file, "/") {
			continue
		}
		if err := os.Remove(filepath.Join(r.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return atomicfile.Write(r.madeOf(), []byte(strings.Join(lines, "\n")))
}

// figuresOf gives the figures that the config names, or else the usual ones; c may be nil.
func figuresOf(c *config.Config, records record.Set) []plots.Figure {
	if c == nil || len(c.Figures) == 0 {
		return plots.DefaultFigures(records)
	}
	var figures []plots.Figure
	for _, f := range c.Figures {
		figures = append(figures, figureOf(f))
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
	rec, err := r.mapped()
	errs = append(errs, err)
	if rec != nil {
		drawn, err := r.drawMap("tile-map", rec)
		files, errs = append(files, drawn...), append(errs, err)
		drawn, err = r.drawExamples(rec)
		files, errs = append(files, drawn...), append(errs, err)
	}
	return files, errors.Join(errs...)
}

func figureOf(f config.Figure) plots.Figure {
	out := plots.Figure{
		ID: f.ID, X: f.X.Name, Y: f.Y.Name, Rows: f.Rows.Name, Series: f.Series.Name, Facet: f.Facet.Name,
		XAxis: plots.Axis(f.XAxis), YAxis: plots.Axis(f.YAxis),
		Title: f.Title, Width: f.Width, Where: f.Where, Labels: f.Labels, Markers: f.Markers, Pareto: f.Pareto, Guide: plots.Guide(f.Guide),
	}
	for _, b := range f.Bands {
		out.Bands = append(out.Bands, plots.Band(b))
	}
	return out
}

// mapped chooses the record whose tiles are drawn when nobody asks for a certain one: of the points that
// were pruned the most ways, and have a map, the one of median density.
func (r *results) mapped() (*record.Record, error) {
	points, err := record.NewStore(r.dir).With(record.TileMap)
	if err != nil {
		return nil, err
	}
	for _, scheme := range []string{"joint", "p4e", "p4", "p3e", "p3", "p2t", "hunter", "mofhei", "custom"} {
		var of record.Set
		for _, rec := range r.records {
			if points[rec.Point] && rec.Status == record.OK && rec.Tiles != nil && rec.Params["prune.scheme"] == scheme {
				of = append(of, rec)
			}
		}
		if len(of) > 0 {
			slices.SortStableFunc(of, func(a, b *record.Record) int { return a.Tiles.Kept*b.Tiles.Total - b.Tiles.Kept*a.Tiles.Total })
			return of[len(of)/2], nil
		}
	}
	return nil, nil
}

// tableFiles are the files that a table is written to.
var tableFiles = []struct {
	extension string
	format    plots.Format
}{{".csv", plots.CSV}, {".md", plots.Markdown}, {".tex", plots.LaTeX}}

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
		for _, as := range tableFiles {
			write(filepath.Join("tables", t.ID+as.extension), func(w io.Writer) error {
				return plots.WriteTable(w, tableOf(t), r.records, as.format)
			})
		}
	}
	write(filepath.Join("tables", "summary.md"), func(w io.Writer) error {
		return plots.Summary(w, r.records, plots.Markdown)
	})
	write("summary.csv", func(w io.Writer) error { return writeCSV(w, r.records) })
	return files, errors.Join(errs...)
}

func tableOf(t config.Table) plots.Table {
	out := plots.Table{ID: t.ID, Title: t.Title, Rows: t.Rows.Name, Cols: t.Cols.Name}
	for _, cell := range t.Cells {
		out.Cells = append(out.Cells, cell.Name)
	}
	return out
}

// writeCSV writes one flattened record a line.
func writeCSV(w io.Writer, records record.Set) error {
	columns := records.Columns()
	rows := [][]string{columns}
	for _, rec := range records {
		values := map[string]string{}
		for _, f := range record.Flatten(rec) {
			values[f.Path] = f.Value
		}
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = values[c]
		}
		rows = append(rows, row)
	}
	return plots.WriteCSV(w, rows)
}
