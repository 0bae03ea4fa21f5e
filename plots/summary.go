package plots

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"hepex/harness/record"
)

// summaryColumns are the parameters and metrics of a summary, with their headings in a document and,
// shorter, on a terminal.
var summaryColumns = []struct{ name, long, short string }{
	{"tile", "Tile", "tile"},
	{"he.weights", "Weights", "weights"},
	{"prune.ratio", "Ratio", "ratio"},
	{"train.seed", "Seed", "seed"},
	{"tiles.density", "Density", "density"},
	{"quality.plain", "Plain", "plain"},
	{"quality.degradation", "Lost", "lost"},
	{"latency.evaluate", "Evaluate", "evaluate"},
	{"latency.per_image", "Per image", "/image"},
	{"memory.peak_rss", "Peak memory", "memory"},
	{"quality.precision_bits", "Precision", "bits"},
	{"quality.agreement", "Agreement", "agree"},
}

// TerminalWidth is what a summary on a terminal fits in, unless a narrower one is asked for.
const TerminalWidth = 120

// Summary lists the records, one line each, and says why those that failed did. On a terminal it
// takes at most TerminalWidth columns, if need be by cutting labels short.
func Summary(w io.Writer, records record.Set, format Format) error {
	return summary(w, records, format, TerminalWidth)
}

// SummaryWithin is a summary for a terminal of so many columns: it has fewer columns of numbers the narrower that is. Less than 40 are too
// few.
func SummaryWithin(w io.Writer, records record.Set, columns int) error {
	return summary(w, records, Terminal, columns)
}

func summary(w io.Writer, records record.Set, format Format, columns int) error {
	if len(records) == 0 {
		return fmt.Errorf("plots: summary: %w", noneUsable(records))
	}
	s := newSummary(records, format, columns)
	if err := s.write(w, format); err != nil {
		return fmt.Errorf("plots: summary: %w", err)
	}
	return nil
}

func newSummary(records record.Set, format Format, columns int) *grid {
	records = slices.Clone(records)
	order := []string{"tile", "he.weights", scheme, "prune.ratio", "label", "train.seed"}
	slices.SortStableFunc(records, func(a, b *record.Record) int { return compareKeys(key(a, order), key(b, order)) })

	shown := slices.Clone(summaryColumns)
	if format != CSV && len(distinct(records, []string{"train.seed"})) == 1 {
		shown = slices.Delete(shown, 3, 4)
	}
	g := &grid{id: "summary", header: []string{"Point"}, texts: 3}
	for _, c := range shown {
		g.header = append(g.header, map[Format]string{Terminal: c.short, Markdown: c.long, LaTeX: c.long, CSV: c.name}[format])
	}
	g.header = append(g.header, "Status")
	if format == Terminal || format == CSV {
		g.header[0], g.header[len(g.header)-1] = "point", "status"
	}
	if format == CSV {
		g.header = append(g.header, "reason")
	}
	others := telling(records, order)
	for _, r := range records {
		row := []string{label(r) + others(r)}
		for _, c := range shown {
			row = append(row, summaryCell(r, c.name, format))
		}
		row = append(row, status(r))
		switch {
		case format == CSV:
			row = append(row, oneLine(r.Reason()))
		case r.Status != record.OK:
			g.notes = append(g.notes, reasonNote(r))
		}
		g.rows = append(g.rows, row)
	}
	if format == Terminal {
		g.narrow(columns)
	}
	g.notes = append(g.notes, warnings(records)...)
	return g
}

// telling gives the words that tell a record from others of the same order: its values of parameters in which they differ, of which no more
// than it takes.
func telling(records record.Set, order []string) func(r *record.Record) string {
	groups := map[string]record.Set{}
	id := func(r *record.Record) string { return strings.Join(key(r, order), "\x00") }
	for _, r := range records {
		groups[id(r)] = append(groups[id(r)], r)
	}
	return func(r *record.Record) string {
		var told []string
		for _, other := range groups[id(r)] {
			found := differences(r, other)
			if len(found) == 0 || slices.ContainsFunc(found, func(name string) bool { return slices.Contains(told, name) }) {
				continue
			}
			best := slices.MinFunc(found, func(a, b string) int { return cmp.Compare(opacity(r, a), opacity(r, b)) })
			told = append(told, best)
		}
		slices.Sort(told)
		var words string
		for _, name := range told {
			text, ok := record.Text(r, name)
			if !ok {
				text = "n/a"
			}
			words += " " + record.ShortName(name) + " " + text
		}
		return words
	}
}

// opacity says how little a parameter tells of a record: what the data is tells most, a value that the record lacks nothing.
func opacity(r *record.Record, name string) int {
	_, ok := record.Text(r, name)
	switch {
	case name == "data.name":
		return 0
	case ok:
		return 1
	}
	return 2
}

// warnings lists what the records warn of, each once.
func warnings(records record.Set) []string {
	var texts []string
	times := map[string]int{}
	for _, r := range records {
		for _, text := range r.Warnings {
			if times[text]++; times[text] == 1 {
				texts = append(texts, text)
			}
		}
	}
	const most = 8
	var notes []string
	for i, text := range texts {
		if i == most {
			return append(notes, fmt.Sprintf("warning: %d more; the records have them", len(texts)-most))
		}
		notes = append(notes, fmt.Sprintf("warning, %s: %s", count(times[text], "point"), record.Explained(text)))
	}
	return notes
}

// label is the name of a case, or else its scheme.
func label(r *record.Record) string {
	if r.Label != "" {
		return r.Label
	}
	if s, ok := record.Text(r, scheme); ok {
		return s
	}
	return r.Point
}

func status(r *record.Record) string {
	if r.Status == record.OK && r.Insecure() {
		return "INSECURE"
	}
	return string(r.Status)
}

// reasonNote says which point has no result, and why.
func reasonNote(r *record.Record) string {
	params := []string{"tile", "he.weights", "prune.ratio", "train.seed"}
	var known, values []string
	for i, v := range key(r, params) {
		if v != "" {
			known, values = append(known, params[i]), append(values, v)
		}
	}
	return strings.Join(append([]string{label(r)}, naming{params: known}.of(values)), ", ") + ": " + status(r) + ": " + r.Reason()
}

// summaryCell leaves out units that the heading of a terminal's column makes plain.
func summaryCell(r *record.Record, name string, format Format) string {
	m, err := record.Lookup(name)
	v, ok := record.Value(r, name)
	switch {
	case err != nil || format == CSV:
		text, isText := record.Text(r, name)
		switch {
		case isText && format == Terminal && text == "encrypted":
			return "enc."
		case isText:
			return text
		case ok:
			return fmt.Sprint(v)
		case format == CSV:
			return ""
		}
		return "-"
	case !ok:
		return "-"
	}
	text := m.For(record.Set{r}.QualityMetric()).Format(v)
	if format == Terminal {
		text = strings.TrimSuffix(strings.TrimSuffix(text, " points"), " bits")
	}
	return text
}

// narrow makes the table fit so many columns: by leaving out those that others imply, by cutting labels and reasons and, where nothing
// would be left of labels, by leaving out what matters least.
func (g *grid) narrow(columns int) {
	const gap, least, enough = 2, 4, 8
	room := columns
	for i := range g.header {
		room -= g.width(i) + gap
	}
	for _, name := range []string{"/image", "agree", "bits", "memory", "weights", "plain", "seed", "ratio"} {
		implied := name == "/image" || name == "agree"
		if i := slices.Index(g.header, name); i > 0 && room < 0 && (implied || g.width(0)+room < enough) {
			room += g.width(i) + gap
			g.drop(i)
		}
	}
	longest := max(g.width(0)+min(room, 0), least)
	for _, row := range g.rows {
		row[0] = shorten(row[0], longest)
	}
	g.notes = each(g.notes, func(note string) string { return shorten(note, columns) })
}

// drop leaves out column i.
func (g *grid) drop(i int) {
	g.header = slices.Delete(g.header, i, i+1)
	for r := range g.rows {
		g.rows[r] = slices.Delete(g.rows[r], i, i+1)
	}
	if i < g.texts {
		g.texts--
	}
}

// width is that of the widest text of column i.
func (g *grid) width(i int) int {
	widest := utf8.RuneCountInString(g.header[i])
	for _, row := range g.rows {
		widest = max(widest, utf8.RuneCountInString(row[i]))
	}
	return widest
}
