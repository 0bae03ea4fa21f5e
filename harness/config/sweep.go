package config

import (
	"math/big"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	sweepForm = form{
		{"grid", false, defined("grid")}, {"zip", false, some(defined("grid"))}, {"when", false, some(defined("when"))},
		{"exclude", false, some(defined("match"))}, {"cases", false, some(defined("case"))},
	}
	whenForm  = form{{"if", true, defined("match")}, {"grid", false, defined("grid")}, {"zip", false, some(defined("grid"))}}
	rangeForm = form{{"from", true, decimal.schema}, {"to", true, decimal.schema}, {"step", true, decimal.schema}}
)

// sweep reads the section of that name.
func (r *reader) sweep(n *yaml.Node) *sweep {
	s := &sweep{}
	keys := r.form("sweep", n, sweepForm)
	var taken []string
	s.factors = r.product("sweep", keys, &taken)
	for _, entry := range r.list("sweep.when", keys["when"], "mappings") {
		s.when = append(s.when, r.when(entry, taken))
	}
	for _, entry := range r.list("sweep.exclude", keys["exclude"], "mappings") {
		s.exclude = append(s.exclude, exclusion{node: entry, match: r.match("sweep.exclude", entry)})
	}
	for _, entry := range r.list("sweep.cases", keys["cases"], "mappings") {
		s.cases = append(s.cases, r.special(entry))
	}
	return s
}

// product reads the grid and zip of the section called where.
func (r *reader) product(where string, keys map[string]*yaml.Node, taken *[]string) []factor {
	var factors []factor
	if grid := keys["grid"]; grid != nil {
		for _, a := range r.assignments(where+".grid", grid, taken) {
			factors = append(factors, r.variants(a.path, r.values(a)))
		}
	}
	for _, entry := range r.list(where+".zip", keys["zip"], "mappings") {
		factors = append(factors, r.zip(where+".zip", entry, taken))
	}
	return factors
}

// when reads further factors for some points. Their keys must not touch those in taken.
func (r *reader) when(n *yaml.Node, taken []string) conditional {
	c := conditional{node: n}
	keys := r.form("sweep.when", n, whenForm)
	if keys["if"] != nil {
		c.match = r.match("sweep.when: if", keys["if"])
	}
	if keys != nil && keys["grid"] == nil && keys["zip"] == nil {
		r.errorf(n, "sweep.when: neither grid nor zip; want at least one, for the points that if matches")
	}
	swept := slices.Clone(taken)
	c.factors = r.product("sweep.when", keys, &swept)
	c.paths = swept[len(taken):]
	return c
}

// assignment is a dotted path and what is written beside it.
type assignment struct {
	path  string
	value *yaml.Node
}

// assignments are the keys of the mapping n in order. No key may touch what another one in taken sets.
func (r *reader) assignments(where string, n *yaml.Node, taken *[]string) []assignment {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.errorf(n, "%s: got %s; want a mapping with dotted paths as keys, such as prune.ratio", where, describe(n))
		return nil
	}
	seen := map[string]bool{}
	var list []assignment
	for key, value := range pairs(n) {
		path := key.Value
		if seen[path] || !r.isPath(where, key) {
			continue // reported
		}
		seen[path] = true
		for _, other := range *taken {
			if covered(path, []string{other}) || covered(other, []string{path}) {
				r.errorf(key, "%s: %s overlaps with %s, which is swept too; want each key once", where, path, other)
			}
		}
		*taken = append(*taken, path)
		list = append(list, assignment{path, value})
	}
	return list
}

// isPath reports a key that is not the path of a parameter or of a section of parameters.
func (r *reader) isPath(where string, key *yaml.Node) bool {
	if key.Kind != yaml.ScalarNode {
		return false // reported by wellFormed
	}
	section := ""
	for name := range strings.SplitSeq(key.Value, ".") {
		if !slices.Contains(children[section], name) {
			var siblings []string
			for _, child := range children[section] {
				siblings = append(siblings, join(section, child))
			}
			if len(siblings) == 0 {
				siblings = []string{section}
			}
			r.unknown(where, key, siblings)
			return false
		}
		section = join(section, name)
	}
	if other := notVarying(section); other != "" {
		r.errorf(key, "%s: %s cannot vary, as %s does not decide the outcome; want a parameter", where, section, other)
		return false
	}
	return true
}

// notVarying is the key at, above or below path that is no parameter, or empty.
func notVarying(path string) string {
	if path == pinned {
		return path
	}
	for _, other := range notParams {
		if covered(path, []string{other}) || covered(other, []string{path}) {
			return other
		}
	}
	return ""
}

// values are the values that a key of grid or zip takes.
func (r *reader) values(a assignment) []*yaml.Node {
	if a.isRange() {
		return r.steps(a)
	}
	if a.value.Kind != yaml.SequenceNode || len(a.value.Content) == 0 {
		r.errorf(a.value, "%s: got %s; want a list of values, or a range such as {from: 0.5, to: 0.95, step: 0.05}",
			a.path, describe(a.value))
		return nil
	}
	return a.value.Content
}

// caseValues are the values that a key of cases takes: a list, a range or one value. Where the value itself is
// a list, several are a list of lists.
func (r *reader) caseValues(a assignment) []*yaml.Node {
	several := a.value.Kind == yaml.SequenceNode
	if f := byPath[a.path]; several && f != nil && f.list {
		several = len(a.value.Content) > 0 && a.value.Content[0].Kind == yaml.SequenceNode
	}
	if several || a.isRange() {
		return r.values(a)
	}
	return []*yaml.Node{a.value}
}

// isRange goes by any of the keys, so that a range with a slip is reported as one. A section, such as data with its from, is none.
func (a assignment) isRange() bool {
	if a.value.Kind == yaml.MappingNode && len(children[a.path]) == 0 {
		for key := range pairs(a.value) {
			if slices.Contains(rangeForm.names(), key.Value) {
				return true
			}
		}
	}
	return false
}

// steps are the values of a range, at the position of the range.
func (r *reader) steps(a assignment) []*yaml.Node {
	keys := r.form(a.path, a.value, rangeForm)
	from := read(r, a.path+": from", keys["from"], decimal)
	to := read(r, a.path+": to", keys["to"], decimal)
	step := read(r, a.path+": step", keys["step"], decimal)
	if from == nil || to == nil || step == nil {
		return nil
	}
	if step.Sign() <= 0 || from.Cmp(to) > 0 {
		r.errorf(a.value, "%s: the range never reaches its end; want from ≤ to and step > 0", a.path)
		return nil
	}
	count := new(big.Rat).Sub(to, from)
	count.Quo(count, step)
	if count.Cmp(big.NewRat(maxPoints, 1)) >= 0 {
		r.errorf(a.value, "%s: a range of more than %d values; want at most %[2]d", a.path, maxPoints)
		return nil
	}
	var nodes []*yaml.Node
	for v := from; v.Cmp(to) <= 0; v = new(big.Rat).Add(v, step) {
		digits, _ := v.FloatPrec()
		nodes = append(nodes, r.like(a.value, &yaml.Node{Kind: yaml.ScalarNode, Value: v.FloatString(digits)}))
	}
	return nodes
}

// variants are the overrides of the key at path by each value.
func (r *reader) variants(path string, values []*yaml.Node) factor {
	var f factor
	for _, value := range values {
		section := settings{}
		r.flatten(path, value, section)
		f = append(f, variant{{path, section}})
	}
	return f
}

// zip reads lists that advance together.
func (r *reader) zip(where string, n *yaml.Node, taken *[]string) factor {
	var rows factor
	first := ""
	for _, a := range r.assignments(where, n, taken) {
		column := r.variants(a.path, r.values(a))
		switch {
		case len(column) == 0: // reported
		case first == "":
			first, rows = a.path, column
		case len(column) != len(rows):
			r.errorf(a.value, "%s: got a list of %d; want %d values, as many as %s beside it", a.path, len(column), len(rows), first)
		default:
			for i, v := range column {
				rows[i] = append(rows[i], v...)
			}
		}
	}
	return rows
}

// match reads the values that points must have, all of them, to be meant.
func (r *reader) match(where string, n *yaml.Node) []match {
	var entry []match
	for _, a := range r.assignments(where, n, new([]string)) {
		f := byPath[a.path]
		if f == nil {
			r.errorf(a.value, "%s: %s is a section; want the path of a single key", where, a.path)
			continue
		}
		var s Spec
		if bad := f.set(&s, a.value); bad != nil {
			r.errorf(bad.node, "%s: %s: %s", where, a.path, bad.text)
			continue
		}
		entry = append(entry, match{f, f.get(&s)})
	}
	return entry
}

// special reads a case: an optional label, and overrides.
func (r *reader) special(n *yaml.Node) special {
	var c special
	overrides := n
	if n.Kind == yaml.MappingNode {
		overrides = r.like(n, &yaml.Node{Kind: yaml.MappingNode})
		for key, value := range pairs(n) {
			if key.Value == "label" {
				c.label = read(r, "sweep.cases: label", value, label)
			} else {
				overrides.Content = append(overrides.Content, key, value)
			}
		}
		if c.label != "" && len(overrides.Content) == 0 {
			return c // the base by another name
		}
	}
	for _, a := range r.assignments("sweep.cases", overrides, new([]string)) {
		c.factors = append(c.factors, r.variants(a.path, r.caseValues(a)))
	}
	return c
}
