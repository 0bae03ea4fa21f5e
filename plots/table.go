package plots

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"hepex/harness/record"
)

// WriteTable writes the table. A cell is the mean ± half the range over seeds. Where the records of a
// cell differ in more than their seeds, there is no mean to speak of: it is the least … the greatest.
// CSV has three columns for each: the mean (empty in that case), the least and the greatest.
func WriteTable(w io.Writer, t Table, records record.Set, format Format) error {
	g, err := t.grid(records, format == CSV)
	if err == nil {
		err = g.write(w, format)
	}
	if err != nil {
		return fmt.Errorf("plots: table %s: %w", t.ID, err)
	}
	return nil
}

func (t Table) grid(all record.Set, raw bool) (*grid, error) {
	records, insecure, notes := usable(all)
	if len(records) == 0 {
		return nil, noneUsable(all)
	}
	if len(names(t.Rows)) == 0 || len(t.Cells) == 0 {
		return nil, fmt.Errorf("want rows and cells")
	}
	if err := checkParameters(records, t.Rows, t.Cols); err != nil {
		return nil, err
	}
	cells, err := t.metrics(records, all)
	if err != nil {
		return nil, err
	}
	rows, cols := names(t.Rows), names(t.Cols)
	g := &grid{header: slices.Clone(rows), texts: len(rows), notes: notes}
	columns := distinct(records, cols)
	for _, values := range columns {
		for _, m := range cells {
			g.header = append(g.header, columnNames(describe(cols, values), m, raw)...)
		}
	}
	for _, values := range distinct(records, rows) {
		row := each(values, func(v string) string {
			if v == "" && !raw {
				return "-"
			}
			return v
		})
		for _, column := range columns {
			found := having(having(records, rows, values), cols, column)
			for _, m := range cells {
				read := func(r *record.Record) (float64, bool) { return all.Value(r, m.Name) }
				row = append(row, cellTexts(points(found, nil, read), m, raw)...)
			}
		}
		g.rows = append(g.rows, row)
	}
	if !raw && slices.ContainsFunc(g.rows, func(row []string) bool { return strings.Contains(strings.Join(row, ""), "±") }) {
		g.notes = append(g.notes, "Means over seeds ± half their range.")
	}
	g.notes = append(g.notes, busyNote(records, cells...)...)
	if insecure {
		g.markInsecure()
	}
	return g, nil
}

// metrics finds the metrics of the cells, each of which some record must have.
func (t Table) metrics(records, all record.Set) ([]record.Metric, error) {
	found := make([]record.Metric, len(t.Cells))
	for i, name := range t.Cells {
		m, err := metric(name, records)
		if err != nil {
			return nil, err
		}
		has := func(r *record.Record) bool { _, ok := all.Value(r, name); return ok }
		if !slices.ContainsFunc(records, has) {
			return nil, fmt.Errorf("no record has %s", name)
		}
		found[i] = m
	}
	return found, nil
}

func columnNames(column string, m record.Metric, raw bool) []string {
	if raw {
		name := m.Name
		if column != "" {
			name = column + ": " + name
		}
		return []string{name, name + " least", name + " greatest"}
	}
	if column == "" {
		return []string{m.Label}
	}
	return []string{column + ": " + m.Label}
}

// cellTexts is what columnNames names. The points are in the order of their values.
func cellTexts(found []point, m record.Metric, raw bool) []string {
	switch {
	case len(found) == 0 && raw:
		return []string{"", "", ""}
	case len(found) == 0:
		return []string{"-"}
	}
	mean, low, high := found[0].y, found[0].low, found[0].high
	for _, p := range found {
		low, high = min(low, p.low), max(high, p.high)
	}
	exact := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch {
	case raw && len(found) > 1:
		return []string{"", exact(low), exact(high)}
	case raw:
		return []string{exact(mean), exact(low), exact(high)}
	case len(found) > 1:
		return []string{m.Format(found[0].y) + " … " + m.Format(found[len(found)-1].y)}
	case found[0].seeds > 1:
		return []string{m.FormatSpread(mean, (high-low)/2)}
	}
	return []string{m.Format(mean)}
}

// Texts is a table of finished texts, all aligned left, with what must be read first above it and notes below it; CSV has
// neither. Insecure marks numbers that were measured under insecure parameters.
type Texts struct {
	Flags    []string
	Header   []string
	Rows     [][]string
	Notes    []string
	Insecure bool
}

// WriteTexts writes the table.
func WriteTexts(w io.Writer, t Texts, format Format) error {
	g := &grid{header: slices.Clone(t.Header), rows: slices.Clone(t.Rows), texts: len(t.Header) + 1, flags: t.Flags, notes: t.Notes}
	if t.Insecure {
		g.markInsecure()
	}
	if err := g.write(w, format); err != nil {
		return fmt.Errorf("plots: table: %w", err)
	}
	return nil
}

// markInsecure says what no reader of the table may miss, in every format.
func (g *grid) markInsecure() {
	g.notes = append([]string{banner}, g.notes...)
	g.header = append(g.header, "parameters")
	for i := range g.rows {
		g.rows[i] = append(g.rows[i], "INSECURE")
	}
}
