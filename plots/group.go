package plots

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"hepex/harness/record"
)

// names splits a comma-separated list of parameters.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// checkParameters returns an error when a name is not a parameter of any record.
func checkParameters(records record.Set, lists ...string) error {
	for _, name := range names(strings.Join(lists, ",")) {
		if !slices.ContainsFunc(records, func(r *record.Record) bool { _, ok := record.Text(r, name); return ok }) {
			return fmt.Errorf("no record has the parameter %s", name)
		}
	}
	return nil
}

// key is the values that a record has for a list of parameters. The text of one that is missing is empty.
func key(r *record.Record, params []string) []string {
	values := make([]string, len(params))
	for i, name := range params {
		values[i], _ = record.Text(r, name)
	}
	return values
}

// span is a mean and the least and the greatest value that it is of.
type span struct{ mean, low, high float64 }

func spanOf(values []float64) span {
	return span{mean(values), slices.Min(values), slices.Max(values)}
}

func (s span) values() []float64 { return []float64{s.mean, s.low, s.high} }

func (s span) times(factor float64) span {
	return span{s.mean * factor, s.low * factor, s.high * factor}
}

// point is the attempts that differ only in their seeds.
type point struct {
	x, y   span
	values []float64 // y of the attempts
	of     record.Set
}

// seeds is the number of values that a point is the mean of.
func (pt point) seeds() int { return len(pt.values) }

// points groups records that differ only in their seeds. x may be nil. Records without a value are
// left out. Points that coincide are merged: they differ in parameters that do not matter here.
func points(records record.Set, x, y func(*record.Record) (float64, bool)) []point {
	type group struct {
		of     record.Set
		xs, ys []float64
	}
	groups := make(map[string]*group)
	for _, r := range records {
		vy, ok := y(r)
		if !ok {
			continue
		}
		vx := 0.0
		if x != nil {
			if vx, ok = x(r); !ok {
				continue
			}
		}
		id := identity(r)
		if groups[id] == nil {
			groups[id] = &group{}
		}
		g := groups[id]
		g.of, g.xs, g.ys = append(g.of, r), append(g.xs, vx), append(g.ys, vy)
	}
	var all []point
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		g := groups[id]
		all = append(all, point{spanOf(g.xs), spanOf(g.ys), slices.Sorted(slices.Values(g.ys)), g.of})
	}
	slices.SortStableFunc(all, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.x.mean, b.x.mean), cmp.Compare(a.y.mean, b.y.mean))
	})
	merged := all[:0]
	for _, pt := range all {
		if last := len(merged) - 1; last >= 0 && merged[last].x == pt.x && merged[last].y == pt.y {
			merged[last].of = append(merged[last].of, pt.of...)
			continue
		}
		merged = append(merged, pt)
	}
	return merged
}

// identity is every parameter of a record but its seeds.
func identity(r *record.Record) string {
	var id strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		if seedless(name) {
			value, _ := record.Text(r, name)
			fmt.Fprintf(&id, "%s=%s\n", name, value)
		}
	}
	return id.String()
}

// mean adds in order of size, so that it does not depend on the order of the records.
func mean(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return min(max(sum/float64(len(v)), v[0]), v[len(v)-1])
}

// schemes in the order in which papers and this project's method list them.
var schemes = []string{"dense", "p2t", "p3", "p3e", "p4", "p4e", "joint", "hunter", "mofhei", "small"}

// compareKeys orders lists of values: schemes as in schemes, numbers within texts by size.
func compareKeys(a, b []string) int { return slices.CompareFunc(a, b, compareValues) }

func compareValues(a, b string) int {
	if i, j := slices.Index(schemes, a), slices.Index(schemes, b); i >= 0 && j >= 0 {
		return cmp.Compare(i, j)
	}
	if x, err := strconv.ParseFloat(a, 64); err == nil {
		if y, err := strconv.ParseFloat(b, 64); err == nil && x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Or(slices.CompareFunc(runs(a), runs(b), compareRuns), strings.Compare(a, b))
}

// runs cuts a text into runs of digits and of other characters.
func runs(s string) []string {
	var parts []string
	wasDigit := false
	for i, r := range s {
		if digit := unicode.IsDigit(r); i == 0 || digit != wasDigit {
			parts, wasDigit = append(parts, ""), digit
		}
		parts[len(parts)-1] += string(r)
	}
	return parts
}

func compareRuns(a, b string) int {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// distinct returns the different keys of the records, in order.
func distinct(records record.Set, params []string) [][]string {
	var all [][]string
	for _, r := range records {
		all = append(all, key(r, params))
	}
	slices.SortFunc(all, compareKeys)
	return slices.CompactFunc(all, slices.Equal)
}

// having returns the records with the given key.
func having(records record.Set, params, values []string) record.Set {
	var found record.Set
	for _, r := range records {
		if slices.Equal(key(r, params), values) {
			found = append(found, r)
		}
	}
	return found
}

// baselinesFor returns the dense records that contradict none of the values: having no ratio, one is the
// baseline of every ratio, and of every scheme.
func baselinesFor(records record.Set, params, values []string) record.Set {
	var found record.Set
	for _, r := range records {
		fits := true
		for i, v := range key(r, params) {
			fits = fits && (v == "" || v == values[i] || params[i] == scheme)
		}
		if fits {
			found = append(found, r)
		}
	}
	return found
}
