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

// Table is a table to make of the results: one row per value of Rows, one column per value of Cols if there are any, and all
// Cells in each.
type Table struct {
	ID, Title  string
	Rows, Cols Ref // of one parameter or several
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
		check(number, compared(f.Where)...)
	}
	for _, t := range c.Tables {
		check(group, slices.Concat(t.Rows.each(), t.Cols.each())...)
		check(number, t.Cells...)
	}
	for _, e := range c.Expect {
		check(number, e.Metric, e.By)
		check(number, compared(slices.Concat(e.Where, e.Against))...)
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

// compared are the names that conditions compare with numbers.
func compared(conditions []Condition) (refs []Ref) {
	for _, c := range conditions {
		if c.Op != "" {
			refs = append(refs, c.Ref)
		}
	}
	return refs
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

var tableForm = form{
	{"id", true, identifier.schema}, {"title", false, remark.schema}, {"rows", true, refNames.schema}, {"cols", false, refNames.schema},
	{"cells", true, some(refName.schema)},
}

func (r *reader) tables(n *yaml.Node) []Table {
	var tables []Table
	ids := map[string]bool{}
	for _, entry := range r.list("tables", n, "mappings") {
		keys := r.form("tables", entry, tableForm)
		table := Table{
			ID:    r.id("tables", keys["id"], ids),
			Title: read(r, "tables: title", keys["title"], remark),
			Rows:  r.referenceOf("tables: rows", keys["rows"], refNames),
			Cols:  r.referenceOf("tables: cols", keys["cols"], refNames),
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
