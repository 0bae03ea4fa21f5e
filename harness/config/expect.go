package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"hepex/packing"
)

// Expectation is a number of a paper, or a goal of ours, and how to compute what the records have. Where says which points are allowed;
// each group of points with equal parameters, but for those under prune. and those of Among, gives one number for each value of
// the parameters Over: the Metric of the allowed points, reduced.
type Expectation struct {
	ID        string
	Where     []Condition // all of them hold
	Metric    Ref
	Reduce    string      // one of Reductions
	By        Ref         // by which max and min choose the point whose Metric counts; no name: by that itself
	Among     []string    // parameters
	Over      []string    // parameters
	Against   []Condition // what other points have instead; the number is then 1 − ours/theirs
	Paper     Range
	Goal      bool    // Paper is not a paper's number but what this project wants to reach
	Source    string  // where the number is from
	Measured  bool    // by us, with the program of Source; else it was read there
	Tolerance float64 // as a fraction of the number; DefaultTolerance of a paper's single one unless given
	Note      string
}

// DefaultTolerance is that of a paper's single number: no mean of measurements is ever equal to one. A range has none, as it
// says itself what counts, and a goal has none, as it is a bound.
const DefaultTolerance = 0.1

// Reductions are the ways to make one number of many.
var Reductions = []string{"max", "min", "mean", "median"}

// Range is from Low to High, or a single number if these are equal.
type Range struct{ Low, High float64 }

// Single tells whether r is a single number.
func (r Range) Single() bool { return r.Low == r.High }

// Condition holds for points whose parameter Name is Value or, if there is an Op, whose metric or numeric parameter
// Name compares so with Limit.
type Condition struct {
	Ref
	Value any    // as in the Params of a point
	Op    string // <=, <, >=, >, == or empty
	Limit float64
}

// Rival is Where with the conditions of Against in the place of those with the same names.
func (e Expectation) Rival() []Condition {
	conditions := slices.Clone(e.Where)
	for i, c := range conditions {
		if j := named(e.Against, c.Name); j >= 0 {
			conditions[i] = e.Against[j]
		}
	}
	return conditions
}

func named(conditions []Condition, name string) int {
	return slices.IndexFunc(conditions, func(c Condition) bool { return c.Name == name })
}

var expectForm = form{
	{"id", true, claim.schema}, {"where", true, defined("conditions")}, {"metric", true, refName.schema},
	{"reduce", true, reduction.schema}, {"by", false, refName.schema}, {"among", false, some(defined("parameter"))}, {"over", false, some(defined("parameter"))}, {"against", false, defined("conditions")},
	{"paper", false, numberOrRange.schema}, {"goal", false, numberOrRange.schema}, {"read", false, remark.schema}, {"measured", false, remark.schema},
	{"tolerance", false, shareOfPaper}, {"note", false, remark.schema},
}

func expectSchema() schema {
	s := mappingOf(expectForm)
	s["oneOf"] = []schema{{"required": []string{"paper"}}, {"required": []string{"goal"}}}
	s["not"] = schema{"required": []string{"read", "measured"}}
	return s
}

func (r *reader) expect(n *yaml.Node) []Expectation {
	var all []Expectation
	ids := map[string]bool{}
	for _, entry := range r.list("expect", n, "mappings") {
		keys := r.form("expect", entry, expectForm)
		e := Expectation{
			ID:        r.unique("expect", keys["id"], claim, ids),
			Where:     r.conditions("expect: where", keys["where"]),
			Metric:    r.reference("expect: metric", keys["metric"]),
			Reduce:    read(r, "expect: reduce", keys["reduce"], reduction),
			By:        r.reference("expect: by", keys["by"]),
			Among:     r.parameters("expect: among", keys["among"]),
			Over:      r.parameters("expect: over", keys["over"]),
			Against:   r.against(keys["against"], keys["where"]),
			Paper:     read(r, "expect: paper", keys["paper"], numberOrRange),
			Goal:      keys["goal"] != nil,
			Source:    read(r, "expect: read", keys["read"], remark),
			Measured:  keys["measured"] != nil,
			Tolerance: read(r, "expect: tolerance", keys["tolerance"], tolerance),
			Note:      read(r, "expect: note", keys["note"], remark),
		}
		if keys != nil && e.Goal == (keys["paper"] != nil) {
			r.errorf(entry, "expect: want one of paper, for a number of others, and goal, for one of ours")
		}
		if n := keys["by"]; n != nil && e.Reduce != "max" && e.Reduce != "min" {
			r.errorf(n, "expect: by chooses one point; want reduce: max or min beside it")
		}
		if e.Goal {
			e.Paper = read(r, "expect: goal", keys["goal"], numberOrRange)
		}
		if e.Measured && keys["read"] != nil {
			r.errorf(keys["read"], "expect: both read and measured are given; want one of them: the number is from a text, or from a program that we ran")
		} else if e.Measured {
			e.Source = read(r, "expect: measured", keys["measured"], remark)
		}
		if keys["tolerance"] == nil && e.Paper.Single() && !e.Goal {
			e.Tolerance = DefaultTolerance
		}
		all = append(all, e)
	}
	return all
}

// claim is the name that a paper's number goes by.
var claim = matching("letters, digits, dots and hyphens, at most 64", "[A-Za-z0-9][A-Za-z0-9.-]{0,63}")

var (
	remark    = line("one line of text, at most 200 characters", 200)
	reduction = oneOf(Reductions...)
	tolerance = number("0 ≤ tolerance < 1")

	shareOfPaper = tolerance.schema.described(fmt.Sprintf(
		"%s, a fraction of the number; unless given %g for a paper's single number, 0 for a range and for a goal", tolerance.want, DefaultTolerance))
)

const wantPaper = "a number, or a range such as [0.33, 0.65]"

var anyNumber = float(wantPaper, schema{"type": "number"}, func(float64) bool { return true })

var numberOrRange = kind[Range]{wantPaper, schema{"anyOf": []schema{
	anyNumber.schema,
	{"type": "array", "items": anyNumber.schema, "minItems": 2, "maxItems": 2},
}}, func(n *yaml.Node) (Range, *fault) {
	if n.Kind != yaml.SequenceNode {
		v, f := anyNumber.read(n)
		return Range{v, v}, f
	}
	if len(n.Content) != 2 {
		return Range{}, &fault{n, fmt.Sprintf("got a list of %d; want %s", len(n.Content), wantPaper)}
	}
	low, f := anyNumber.read(n.Content[0])
	if f != nil {
		return Range{}, f
	}
	high, f := anyNumber.read(n.Content[1])
	if f == nil && low > high {
		f = &fault{n, fmt.Sprintf("the range ends at %g, before it starts; want %s", high, wantPaper)}
	}
	return Range{low, high}, f
}}

// parameters reads the names of some.
func (r *reader) parameters(where string, n *yaml.Node) []string {
	var names []string
	for _, element := range r.list(where, n, "parameters such as train.seed") {
		if element.Kind != yaml.ScalarNode || isNull(element) {
			r.errorf(element, "%s: got %s; want a parameter such as train.seed", where, describe(element))
			continue
		}
		if r.isPath(where, element) && r.isKey(where, element) {
			names = append(names, element.Value)
		}
	}
	return names
}

// isKey reports a path that is that of a section.
func (r *reader) isKey(where string, n *yaml.Node) bool {
	if byPath[n.Value] == nil {
		r.errorf(n, "%s: %s is a section; want the path of a single key", where, n.Value)
		return false
	}
	return true
}

// against reads conditions, each with the name of one in where.
func (r *reader) against(n, where *yaml.Node) []Condition {
	conditions := r.conditions("expect: against", n)
	if where == nil || where.Kind != yaml.MappingNode {
		return conditions // reported
	}
	var allowed []string
	for key := range pairs(where) {
		if name, f := refName.read(key); f == nil {
			allowed = append(allowed, name)
		}
	}
	for _, c := range conditions {
		if !slices.Contains(allowed, c.Name) {
			r.refuse(c.Ref, "expect: against: %s is not in where; want other values for some of the keys of where", c.Name)
		}
	}
	return conditions
}

func (r *reader) conditions(where string, n *yaml.Node) []Condition {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.errorf(n, "%s: got %s; want a mapping such as {prune.scheme: p4e, quality.validation_degradation: \"<= 0.025\"}", where, describe(n))
		return nil
	}
	var conditions []Condition
	for key, value := range pairs(n) {
		if key.Kind != yaml.ScalarNode || named(conditions, key.Value) >= 0 {
			continue // reported by wellFormed
		}
		if c, ok := r.condition(where, key, value); ok {
			conditions = append(conditions, c)
		}
	}
	return conditions
}

// condition reads one. A name in a section that points have is a parameter, any other a metric, and whether there is
// such a metric is not known here.
func (r *reader) condition(where string, key, value *yaml.Node) (c Condition, ok bool) {
	ref := r.reference(where, key)
	if _, f := refName.read(key); f != nil {
		return c, false
	}
	c.Ref = ref
	op, limit, compares := comparison(value)
	section, _, _ := strings.Cut(ref.Name, ".")
	isParameter := slices.Contains(children[""], section)
	if isParameter && !(r.isPath(where, key) && r.isKey(where, key)) {
		return c, false
	}
	switch {
	case compares && (!isParameter || IsNumber(ref.Name)):
		c.Op, c.Limit = op, limit
	case isParameter:
		var f *fault
		if c.Value, f = parameter(byPath[ref.Name], value); f != nil {
			r.errorf(f.node, "%s: %s: %s", where, ref.Name, f.text)
			return c, false
		}
	default:
		r.errorf(value, "%s: %s: got %s; want a comparison such as \"<= 0.025\", as this is no parameter", where, ref.Name, describe(value))
		return c, false
	}
	return c, true
}

// parameter reads a value of the key as Params have it.
func parameter(f *field, n *yaml.Node) (any, *fault) {
	var s Spec
	if bad := f.set(&s, n); bad != nil {
		if IsNumber(f.path) {
			bad.text += ", or a comparison such as \"<= 0.5\""
		}
		return nil, bad
	}
	v := f.get(&s)
	if shape, ok := v.(packing.Shape); ok && shape.In == 0 {
		return nil, &fault{n, "a shape that is to be chosen; want one such as 16x16x32"}
	}
	return canonical(v), nil
}

var comparisonText = regexp.MustCompile(`^(<=|>=|==|<|>) *(\S+)$`)

// comparison reads a text such as "<= 0.025".
func comparison(n *yaml.Node) (op string, limit float64, ok bool) {
	m := comparisonText.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || m == nil || !decimalFloat.MatchString(m[2]) {
		return "", 0, false
	}
	limit, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return "", 0, false
	}
	return m[1], limit, true
}

// metByNone gives the first of the conditions on parameters that no point satisfies together with those before it.
func metByNone(conditions []Condition, points []Point) (Condition, bool) {
	left := points
	for _, c := range conditions {
		if c.IsMetric() {
			continue
		}
		left = slices.DeleteFunc(slices.Clone(left), func(p Point) bool { return !c.holds(p.Params) })
		if len(left) == 0 {
			return c, true
		}
	}
	return Condition{}, false
}

// IsMetric tells whether only a record says if the condition holds.
func (c Condition) IsMetric() bool { return c.Op != "" && !IsNumber(c.Name) }

// holds tells whether the parameters of a point satisfy a condition on parameters.
func (c Condition) holds(params map[string]any) bool {
	v, ok := params[c.Name]
	if !ok || c.Op == "" {
		return ok && fmt.Sprint(v) == fmt.Sprint(c.Value)
	}
	switch v := v.(type) {
	case int:
		return c.Compares(float64(v))
	case float64:
		return c.Compares(v)
	}
	return false
}

// Compares tells whether a number is as Op and Limit say.
func (c Condition) Compares(v float64) bool {
	switch c.Op {
	case "<=":
		return v <= c.Limit
	case "<":
		return v < c.Limit
	case ">=":
		return v >= c.Limit
	case ">":
		return v > c.Limit
	}
	return v == c.Limit
}

// String is the condition in words: prune.scheme p4e, or tiles.density <= 0.5.
func (c Condition) String() string {
	if c.Op != "" {
		return fmt.Sprintf("%s %s %g", c.Name, c.Op, c.Limit)
	}
	return fmt.Sprintf("%s %v", c.Name, c.Value)
}
