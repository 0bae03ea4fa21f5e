package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// table has a row for each point, with or without a result.
type table struct {
	Caption string
	Columns []column
	Rows    []row
}

// column is a heading, cut where it may break, and what it means.
type column struct {
	Words  []string
	Title  string
	Number bool
}

// row is a point. Case is its line for the config, if that has such a point.
type row struct {
	ID, Class, Point, Case string
	Cells                  []cell
}

type cell struct {
	Text   string
	Number bool // aligned right
}

// absent stands for what was not measured.
const absent = "–"

// usual are the metrics that a table shows, if there are any, beside those that the config names.
var usual = []string{
	"tiles.density", "quality.plain", "quality.degradation", "quality.validation_degradation", "latency.evaluate", "latency.per_image",
	"memory.peak_rss", "quality.precision_bits", "quality.agreement",
}

func newTable(id string, e Experiment, named names) table {
	t := table{
		Caption: fmt.Sprintf("All points of %s that have a record, with and without a result. A dash is what was not measured.", e.Name),
		Columns: []column{{Words: []string{"point"}, Title: "identity"}},
	}
	lines := cases(e.Config)
	for i, r := range e.Records {
		t.Rows = append(t.Rows, row{ID: fmt.Sprintf("%sp%d", id, i), Point: r.Point, Case: lines[key(r.Params)]})
	}
	for _, name := range named.telling {
		t.addParameter(name, e.Records)
	}
	for _, name := range metricNames(e) {
		t.addMetric(name, e.Records)
	}
	t.addStatus(e.Records)
	return t
}

func (t *table) addParameter(name string, records record.Set) {
	number := config.IsNumber(name)
	for i, r := range records {
		text, ok := record.Text(r, name)
		if !ok {
			text = absent
		}
		t.Rows[i].Cells = append(t.Rows[i].Cells, cell{text, number})
	}
	t.Columns = append(t.Columns, column{strings.SplitAfter(name, "."), "parameter " + name, number})
}

// metricNames are those of usual and of the config, each once.
func metricNames(e Experiment) []string {
	found := slices.Clone(usual)
	add := func(name string) {
		if _, err := record.Lookup(name); err == nil && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if e.Config != nil {
		for _, f := range e.Config.Figures {
			add(f.X.Name)
			add(f.Y.Name)
		}
		for _, t := range e.Config.Tables {
			for _, cell := range t.Cells {
				add(cell.Name)
			}
		}
		for _, x := range e.Config.Expect {
			add(x.Metric.Name)
		}
	}
	return found
}

// addMetric adds a column of numbers in one unit, unless no record has any.
func (t *table) addMetric(name string, records record.Set) {
	m, _ := record.Lookup(name)
	m = m.For(records.QualityMetric())
	values := make([]float64, len(records))
	largest, any := 0.0, false
	for i, r := range records {
		v, ok := records.Value(r, name)
		if !ok {
			values[i] = math.NaN()
			continue
		}
		values[i], any, largest = v, true, max(largest, math.Abs(v))
	}
	if !any {
		return
	}
	factor, unit := m.Unit.Scale(largest)
	heading := m.Label
	if unit != "" {
		heading += " (" + unit + ")"
	}
	for i, v := range values {
		t.Rows[i].Cells = append(t.Rows[i].Cells, cell{digits(v*factor, m.Unit), true})
	}
	t.Columns = append(t.Columns, column{strings.SplitAfter(heading, " "), "metric " + name, true})
}

// digits prints a number of a column: a count as it is, shares with two decimals, others with four digits that count.
func digits(v float64, unit record.Unit) string {
	switch {
	case math.IsNaN(v):
		return absent
	case unit == record.Fraction || unit == record.Points:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v == 0, unit == record.Number && v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	decimals := 3 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', min(max(decimals, 0), 12), 64)
}

// cases gives the line of each point of a config, by the key of its parameters. c may be nil.
func cases(c *config.Config) map[string]string {
	lines := map[string]string{}
	if c != nil {
		for _, p := range c.Points {
			lines[key(p.Params)] = p.Case()
		}
	}
	return lines
}

// key is the same for the parameters of a point and of its record, which went through JSON. It is empty for what cannot.
func key(params map[string]any) string {
	text, err := json.Marshal(params)
	if err != nil {
		return ""
	}
	return string(text)
}

// addStatus says of each point how it ended, and what it warns of.
func (t *table) addStatus(records record.Set) {
	for i, r := range records {
		text := string(r.Status)
		switch {
		case failed(r):
			t.Rows[i].Class = "bad"
			text += ": " + r.Reason()
		case r.Insecure():
			t.Rows[i].Class = "bad"
			text += ", insecure parameters"
		}
		if len(r.Warnings) > 0 {
			text += ", " + count(len(r.Warnings), "warning")
			if t.Rows[i].Class == "" {
				t.Rows[i].Class = "warn"
			}
		}
		t.Rows[i].Cells = append(t.Rows[i].Cells, cell{Text: text})
	}
	t.Columns = append(t.Columns, column{Words: []string{"status"}, Title: "how the attempt ended"})
}
