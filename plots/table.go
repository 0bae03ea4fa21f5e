package plots

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hepex/harness/record"
)

// WriteTable writes the table. A cell is the mean ± the standard deviation over seeds. Where the points of a cell differ in more than
// their seeds, there is no mean to speak of: it is the least … the greatest of theirs, and a note says what they differ in.
// CSV has a column for each of these: the mean (empty in that case), the standard deviation, the number of seeds, the least
// and the greatest mean, and what the points differ in.
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
	g := &grid{id: t.ID, title: t.Title, header: slices.Clone(rows), texts: len(rows), notes: notes}
	var shown []cell
	columns, describe := distinct(records, cols), newNaming(cols, nil, records)
	g.over = make([]string, len(rows))
	for _, values := range columns {
		over := describe.of(values)
		if over != "" {
			over += ": "
		}
		for _, m := range cells {
			for _, name := range columnNames(m, raw) {
				g.header, g.over = append(g.header, over+name), append(g.over, over)
			}
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
				c := newCell(points(found, nil, read))
				row, shown = append(row, c.texts(m, raw)...), append(shown, c)
			}
		}
		g.rows = append(g.rows, row)
	}
	g.notes = append(g.notes, cellNotes(shown)...)
	g.notes = append(g.notes, busyNote(records, cells...)...)
	g.notes = append(g.notes, sampleNote(records, cells...)...)
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

func columnNames(m record.Metric, raw bool) []string {
	if !raw {
		return []string{m.Label}
	}
	name := m.Name
	return []string{name, name + " sd", name + " n", name + " least", name + " greatest", name + " varies"}
}

// cell is the numbers that a table has for one metric in one place.
type cell struct {
	points  []point // in the order of their values
	differs []string
}

func newCell(found []point) cell {
	c := cell{points: found}
	if len(found) > 1 {
		c.differs = differing(found)
	}
	return c
}

// texts is what columnNames names.
func (c cell) texts(m record.Metric, raw bool) []string {
	if len(c.points) == 0 {
		if raw {
			return make([]string, 6)
		}
		return []string{"-"}
	}
	first, last := c.points[0], c.points[len(c.points)-1]
	single, n := len(c.points) == 1, first.seeds()
	switch {
	case raw && single:
		return []string{exact(first.y.mean), deviation(first.values), strconv.Itoa(n), exact(first.y.mean), exact(first.y.mean), ""}
	case raw:
		return []string{"", "", strconv.Itoa(n), exact(first.y.mean), exact(last.y.mean), strings.Join(c.differs, " ")}
	case !single:
		return []string{m.Format(first.y.mean) + " … " + m.Format(last.y.mean)}
	case n > 1:
		return []string{m.FormatSpread(first.y.mean, standardDeviation(first.values))}
	}
	return []string{m.Format(first.y.mean)}
}

// deviation is the standard deviation of several values; a single one has none.
func deviation(values []float64) string {
	if len(values) < 2 {
		return ""
	}
	return exact(standardDeviation(values))
}

// standardDeviation is that of the population that values are a sample of.
func standardDeviation(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// cellNotes say how to read the cells.
func cellNotes(cells []cell) (notes []string) {
	var alone, among []int // numbers of seeds
	var differ []string
	for _, c := range cells {
		for _, pt := range c.points {
			if len(c.points) > 1 {
				among = append(among, pt.seeds())
			} else if pt.seeds() > 1 {
				alone = append(alone, pt.seeds())
			}
		}
		differ = append(differ, c.differs...)
	}
	if len(alone) > 0 {
		notes = append(notes, "Mean ± standard deviation of "+reach(alone)+" seeds.")
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		note := "Least … greatest of points that differ in " + strings.Join(slices.Compact(differ), ", ")
		if slices.Max(among) > 1 {
			note += ", each the mean of " + reach(among) + " seeds"
		}
		notes = append(notes, note+".")
	}
	return notes
}

// reach is from the least to the greatest of some counts: "2 to 3", or "3".
func reach(counts []int) string {
	least, most := slices.Min(counts), slices.Max(counts)
	if least == most {
		return strconv.Itoa(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// Texts is a table of finished texts, all aligned left, with what must be read first above it and notes below it; CSV has
// neither. Insecure marks numbers that were measured under insecure parameters.
type Texts struct {
	ID       string // for a label in LaTeX
	Flags    []string
	Header   []string
	Rows     [][]string
	Notes    []string
	Insecure bool
}

// WriteTexts writes the table.
func WriteTexts(w io.Writer, t Texts, format Format) error {
	g := &grid{id: t.ID, header: slices.Clone(t.Header), rows: slices.Clone(t.Rows), texts: len(t.Header) + 1, flags: t.Flags, notes: t.Notes}
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
