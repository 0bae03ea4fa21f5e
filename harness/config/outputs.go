package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Ref is the name of a metric or parameter, and where it is written.
type Ref struct {
	Name         string // empty if not given
	File         string
	Line, Column int
}

// Figure is a chart to draw of the results. Either Y or Rows is empty; Series and Facet may be.
type Figure struct {
	ID           string
	X, Y         Ref
	Rows         Ref // a dot chart: one row per value
	Series       Ref // one line per value
	Facet        Ref // one panel per value
	XAxis, YAxis Axis
}

// Axis is what a figure says about one of its axes.
type Axis struct {
	Scale string    // linear, log or, to have it chosen, empty
	Range []float64 // the least and the greatest value, or none to have them chosen
}

// Table is a table to make of the results: one row per value of Rows, one column per value of Cols, and all
// Cells in each.
type Table struct {
	ID         string
	Rows, Cols Ref
	Cells      []Ref
}

// CheckNames calls number for every name that a figure, table or expectation uses as a number (x, y, cells, metric, what
// is compared in where and against), row for the x of a figure with rows, which may have parts, and group for every one that tells points
// apart (rows, series, facet, cols). What these return other than nil is collected into Errors, with expectations that none of the points
// can be about.
func (c *Config) CheckNames(number, row, group func(name string) error) error {
	r := newReader("")
	check := func(known func(name string) error, refs ...Ref) {
		for _, ref := range refs {
			if ref.Name == "" {
				continue
			}
			if err := known(ref.Name); err != nil {
				r.refuse(ref, "%v", err)
			}
		}
	}
	for _, f := range c.Figures {
		if f.Rows.Name != "" {
			check(row, f.X)
		} else {
			check(number, f.X, f.Y)
		}
		check(group, slices.Concat(f.Rows.each(), f.Series.each(), f.Facet.each())...)
	}
	for _, t := range c.Tables {
		check(group, t.Rows, t.Cols)
		check(number, t.Cells...)
	}
	for _, e := range c.Expect {
		check(number, e.Metric)
		for _, condition := range slices.Concat(e.Where, e.Against) {
			if condition.Op != "" {
				check(number, condition.Ref)
			}
		}
		sides := []struct {
			where      string
			conditions []Condition
		}{{"where", e.Where}, {"against", e.Rival()}}
		for _, side := range sides[:min(len(e.Against), 1)+1] {
			if c, none := metByNone(side.conditions, c.Points); none {
				r.refuse(c.Ref, "expect: %s: no point of the sweep has %s, with what stands before it; want parameters that some point has", side.where, c)
				break
			}
		}
	}
	if errs := r.sorted(); errs != nil {
		return errs
	}
	return nil
}

var refName = matching("a metric or parameter such as tiles.density", `[a-z][a-z0-9_]*(\.[a-z0-9_]+)*`)

// refNames tell points apart by one parameter or by several.
var refNames = matching("a parameter such as prune.scheme, or several such as prune.scheme,prune.budget", `[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(, ?[a-z][a-z0-9_]*(\.[a-z0-9_]+)*)*`)

// reference reads a name and where it is written.
func (r *reader) reference(where string, n *yaml.Node) Ref { return r.referenceOf(where, n, refName) }

func (r *reader) referenceOf(where string, n *yaml.Node, k kind[string]) Ref {
	if n == nil {
		return Ref{}
	}
	return Ref{read(r, where, n, k), r.files[n], n.Line, n.Column}
}

// each gives the names of a reference one by one.
func (ref Ref) each() (all []Ref) {
	for _, name := range strings.FieldsFunc(ref.Name, func(c rune) bool { return c == ',' || c == ' ' }) {
		one := ref
		one.Name = name
		all = append(all, one)
	}
	return all
}

func (r *reader) refuse(ref Ref, format string, args ...any) {
	r.errs[Error{ref.File, ref.Line, ref.Column, fmt.Sprintf(format, args...)}] = true
}

var (
	figureForm = form{
		{"id", true, identifier.schema}, {"x", true, refName.schema}, {"y", false, refName.schema},
		{"rows", false, refNames.schema}, {"series", false, refNames.schema}, {"facet", false, refNames.schema},
		{"scale", false, mappingOf(scaleForm)}, {"range", false, mappingOf(rangesForm)},
	}
	scaleForm  = form{{"x", false, axisScale.schema}, {"y", false, axisScale.schema}}
	rangesForm = form{{"x", false, axisRange.schema}, {"y", false, axisRange.schema}}
)

// figureSchema also has that a figure is either of y or of rows.
func figureSchema() schema {
	s := mappingOf(figureForm)
	s["oneOf"] = []schema{{"required": []string{"y"}}, {"required": []string{"rows"}, "properties": schema{"series": false}}}
	return s
}

func (r *reader) figures(n *yaml.Node) []Figure {
	var figures []Figure
	ids := map[string]bool{}
	for _, entry := range r.list("figures", n, "mappings") {
		keys := r.form("figures", entry, figureForm)
		if keys == nil {
			continue
		}
		rows := keys["rows"] != nil
		if rows == (keys["y"] != nil) {
			r.errorf(entry, "figures: want one of y, for lines, and rows, for dots")
		}
		if series := keys["series"]; rows && series != nil {
			r.errorf(series, "figures: series: a figure with rows has no lines; want rows, or series with y")
		}
		figures = append(figures, Figure{
			ID:     r.id("figures", keys["id"], ids),
			X:      r.reference("figures: x", keys["x"]),
			Y:      r.reference("figures: y", keys["y"]),
			Rows:   r.referenceOf("figures: rows", keys["rows"], refNames),
			Series: r.referenceOf("figures: series", keys["series"], refNames),
			Facet:  r.referenceOf("figures: facet", keys["facet"], refNames),
		})
		f := &figures[len(figures)-1]
		f.XAxis, f.YAxis = r.axes(keys["scale"], keys["range"], rows)
	}
	return figures
}

const wantEnds = "the least and the greatest value, such as [0.9, 1]"

var (
	axisScale = oneOf("linear", "log")
	axisEnds  = listOf(2, 2, float("a number", schema{"type": "number"}, func(float64) bool { return true }))
	axisRange = kind[[]float64]{wantEnds, axisEnds.schema.described(wantEnds), func(n *yaml.Node) ([]float64, *fault) {
		ends, f := axisEnds.read(n)
		switch {
		case f != nil:
			return nil, &fault{f.node, fmt.Sprintf("got %s; want %s", describe(f.node), wantEnds)}
		case ends[0] >= ends[1]:
			return nil, &fault{n, fmt.Sprintf("[%g, %g] is empty; want %s", ends[0], ends[1], wantEnds)}
		}
		return ends, nil
	}}
)

// axes reads what a figure says about its axes. One with rows has no y.
func (r *reader) axes(scale, ends *yaml.Node, rows bool) (x, y Axis) {
	of := func(where string, n *yaml.Node, f form) map[string]*yaml.Node {
		if n == nil {
			return nil
		}
		keys := r.form(where, n, f)
		if key := keys["y"]; rows && key != nil {
			r.errorf(key, "%s: y: a figure with rows has no such axis; want x", where)
		}
		return keys
	}
	scales, ranges := of("figures: scale", scale, scaleForm), of("figures: range", ends, rangesForm)
	for name, a := range map[string]*Axis{"x": &x, "y": &y} {
		a.Scale = read(r, "figures: scale: "+name, scales[name], axisScale)
		a.Range = read(r, "figures: range: "+name, ranges[name], axisRange)
		if a.Scale == "log" && a.Range != nil && a.Range[0] <= 0 {
			r.errorf(ranges[name], "figures: range: %s: starts at %g, which is not on a log axis; want more than 0", name, a.Range[0])
		}
	}
	return x, y
}

var tableForm = form{
	{"id", true, identifier.schema}, {"rows", true, refName.schema}, {"cols", true, refName.schema},
	{"cells", true, some(refName.schema)},
}

func (r *reader) tables(n *yaml.Node) []Table {
	var tables []Table
	ids := map[string]bool{}
	for _, entry := range r.list("tables", n, "mappings") {
		keys := r.form("tables", entry, tableForm)
		table := Table{
			ID:   r.id("tables", keys["id"], ids),
			Rows: r.reference("tables: rows", keys["rows"]),
			Cols: r.reference("tables: cols", keys["cols"]),
		}
		for _, cell := range r.list("tables: cells", keys["cells"], "metrics such as tiles.density") {
			table.Cells = append(table.Cells, r.reference("tables: cells", cell))
		}
		tables = append(tables, table)
	}
	return tables
}

// id reads the name of a file that is to be unique among those in taken.
func (r *reader) id(where string, n *yaml.Node, taken map[string]bool) string {
	return r.unique(where, n, identifier, taken)
}

func (r *reader) unique(where string, n *yaml.Node, k kind[string], taken map[string]bool) string {
	id := read(r, where+": id", n, k)
	if id != "" && taken[id] {
		r.errorf(n, "%s: id: %s is taken; want a name of its own", where, id)
	}
	taken[id] = true
	return id
}

var (
	limitsForm = form{
		{"timeout", false, duration.schema}, {"memory", false, memory.schema}, {"retries", false, retries.schema}, {"max_failures", false, failures.schema},
	}
	retries  = whole(0, 100)
	failures = whole(1, 1000000)
)

func (r *reader) limits(n *yaml.Node) Limits {
	limits := Limits{Timeout: 20 * time.Minute, MaxFailures: 5}
	if n == nil {
		return limits
	}
	keys := r.form("limits", n, limitsForm)
	if timeout := keys["timeout"]; timeout != nil {
		limits.Timeout = read(r, "limits.timeout", timeout, duration)
	}
	limits.Memory = read(r, "limits.memory", keys["memory"], memory)
	limits.Retries = read(r, "limits.retries", keys["retries"], retries)
	if most := keys["max_failures"]; most != nil {
		limits.MaxFailures = read(r, "limits.max_failures", most, failures)
	}
	return limits
}
