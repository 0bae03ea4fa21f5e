package plots

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
)

// table is the points in the units of records, below a header, with the ids of the points of an experiment that each is the mean of.
func (c *chart) table(d *drawn) [][]string {
	header := []string{"panel", "series"}
	if c.onSide {
		header[1] = "row"
	} else {
		header = append(header, spanNames(d.fig.X)...)
	}
	header = append(header, spanNames(d.fig.Y)...)
	for _, part := range c.parts {
		header = append(header, d.fig.Y+"."+part)
	}
	rows := [][]string{append(header, "seeds", "points")}
	for _, p := range c.panels {
		next := 0 // bar
		for _, cv := range p.curves {
			for _, pt := range cv.points {
				row := []string{p.title, cv.name}
				switch {
				case c.onSide:
				case cv.baseline:
					row = append(row, "", "", "")
				default:
					row = append(row, pt.x.texts()...)
				}
				row = append(row, pt.y.texts()...)
				if c.parts != nil {
					row = append(row, p.bars[next].lengths()...)
					next++
				}
				rows = append(rows, append(row, strconv.Itoa(pt.seeds()), pt.ids()))
			}
		}
	}
	return rows
}

func spanNames(name string) []string { return []string{name, name + " least", name + " greatest"} }

func (s span) texts() []string { return []string{exact(s.mean), exact(s.low), exact(s.high)} }

// exact writes a number in the fewest digits that read back as it.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func (pt point) ids() string {
	var ids []string
	for _, r := range pt.of {
		ids = append(ids, r.Point)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// WriteCSV writes rows of texts. One that a spreadsheet would take for a formula gets an apostrophe in front, unless it is a number.
func WriteCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		if err := out.Write(each(row, harmless)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil || s == "-" {
		return s
	}
	return "'" + s
}

// caption is what stands below the figure in a document: what it shows, and what a reader must know about it.
func (c *chart) caption(fig Figure) string {
	var parts []string
	if c.insecure {
		parts = append(parts, banner+".")
	}
	if c.title != "" {
		parts = append(parts, c.title+".")
	}
	return strings.Join(slices.Concat(parts, []string{c.shows(fig)}, c.notes), " ") + "\n"
}

// shows says what is drawn over what.
func (c *chart) shows(fig Figure) string {
	across, up := c.axes()
	what := across.label
	if !c.onSide {
		what = up.label + " over " + across.label
	}
	if rows := names(fig.Rows); len(rows) > 0 {
		what += ", a row for each " + strings.Join(rows, " and ")
	}
	if series := names(fig.Series); len(series) > 0 {
		what += ", a series for each " + strings.Join(series, " and ")
	}
	if facets := names(fig.Facet); len(facets) > 0 {
		what += ", a panel for each " + strings.Join(facets, " and ")
	}
	return what + "."
}
