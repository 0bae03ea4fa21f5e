package verify

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// space is the parameters that tell cases apart.
type space struct {
	records     record.Set // with a result
	failed      record.Set // without
	group, over []string
}

// newSpace leaves out of group what points of one group may differ in.
func newSpace(e config.Expectation, records, failed record.Set) space {
	found := map[string]bool{}
	for _, r := range slices.Concat(records, failed) {
		for name := range r.Params {
			found[name] = true
		}
	}
	for _, c := range e.Against {
		delete(found, c.Name)
	}
	for _, name := range slices.Concat(e.Over, e.Among) {
		delete(found, name)
	}
	maps.DeleteFunc(found, func(name string, _ bool) bool { return strings.HasPrefix(name, "prune.") })
	return space{records, failed, slices.Sorted(maps.Keys(found)), e.Over}
}

func (s space) names() []string { return slices.Concat(s.group, s.over) }

// key is the values of one case: those of group, then those of over. The text of one that is missing is empty.
type key []string

func (k key) id() string { return strings.Join(k, "\x00") }

func (s space) of(r *record.Record) key {
	var values key
	for _, name := range s.names() {
		text, _ := record.Text(r, name)
		values = append(values, text)
	}
	return values
}

// reduction is one side's number of each case, by id.
type reduction struct {
	cases   []key // that have points, numbers or not, results or not
	present map[string]bool
	allowed map[string]bool
	numbers map[string]float64
	points  int              // with a result
	failed  int              // without
	room    float64          // halfTile of the metric, the largest of any point
	beyond  []*record.Record // that are allowed, with values that their moduli do not hold

	decisive map[string][]*record.Record // that the numbers are of, by id
}

// reduce picks the points that satisfy the conditions, and makes one number of those of each case.
func (s space) reduce(e config.Expectation, conditions []config.Condition) reduction {
	out := reduction{present: map[string]bool{}, allowed: map[string]bool{}, numbers: map[string]float64{}, decisive: map[string][]*record.Record{}}
	by := e.By.Name
	if by == "" {
		by = e.Metric.Name
	}
	values, chosenBy := map[string][]float64{}, map[string][]float64{}
	for _, r := range s.records {
		measured, allowed := s.check(r, conditions)
		if !measured {
			continue
		}
		c := s.of(r)
		out.cases = append(out.cases, c)
		out.present[c.id()] = true
		out.points++
		if !allowed {
			continue
		}
		out.allowed[c.id()] = true
		out.room = max(out.room, halfTile(r, e.Metric.Name))
		if r.Range != nil && r.Range.Beyond > 0 {
			out.beyond = append(out.beyond, r)
		}
		v, ok := s.records.Value(r, e.Metric.Name)
		if b, also := s.records.Value(r, by); ok && also {
			values[c.id()], chosenBy[c.id()] = append(values[c.id()], v), append(chosenBy[c.id()], b)
			out.decisive[c.id()] = append(out.decisive[c.id()], r)
		}
	}
	for _, r := range s.failed {
		if measured, _ := s.check(r, conditions); measured {
			out.cases = append(out.cases, s.of(r))
			out.failed++
		}
	}
	for id, v := range values {
		if e.Reduce == "min" || e.Reduce == "max" {
			var chosen []float64 // several, if several are best
			var points []*record.Record
			best := reduced(e.Reduce, chosenBy[id])
			for i, b := range chosenBy[id] {
				if b == best {
					chosen, points = append(chosen, v[i]), append(points, out.decisive[id][i])
				}
			}
			out.numbers[id], out.decisive[id] = interval(chosen).Mean, points
		} else {
			out.numbers[id] = reduced(e.Reduce, v)
		}
	}
	return out
}

// check tells whether r satisfies the conditions on parameters, and whether it satisfies those on metrics as well.
func (s space) check(r *record.Record, conditions []config.Condition) (parameters, all bool) {
	parameters, all = true, true
	for _, c := range conditions {
		switch {
		case s.holds(r, c):
		case c.IsMetric():
			all = false
		default:
			parameters, all = false, false
		}
	}
	return parameters, all
}

func (s space) holds(r *record.Record, c config.Condition) bool {
	if c.Op == "" {
		return record.Has(r, c.Name, c.Value)
	}
	v, ok := s.records.Value(r, c.Name)
	if !ok {
		return false
	}
	room := halfTile(r, c.Name)
	return c.Compares(v) || c.Op == "<=" && c.Compares(v-room) || c.Op == ">=" && c.Compares(v+room) || c.Op == "==" && math.Abs(v-c.Limit) <= room
}

// halfTile is how far the share of tiles that a metric is may lie from any share that is asked for: tiles are whole. It is 0 for other metrics.
func halfTile(r *record.Record, metric string) float64 {
	if r.Tiles == nil || r.Tiles.Total == 0 || !slices.Contains([]string{"tiles.density", "tiles.zero", "saved.tiles"}, metric) {
		return 0
	}
	return (0.5 + rounding) / float64(r.Tiles.Total)
}

// side names the cases for which there is no number, and tells apart those in which the other side does what it is asked.
func (r reduction) side(other reduction, cases []key, name func(key) string) Side {
	s := Side{Points: r.points, Failed: r.failed}
	for _, c := range cases {
		id := c.id()
		_, ok := r.numbers[id]
		switch {
		case !r.present[id]:
			s.Missing = append(s.Missing, name(c))
		case !r.allowed[id] && other.allowed[id]:
			s.Behind = append(s.Behind, name(c))
		case !r.allowed[id]:
			s.Without = append(s.Without, name(c))
		case !ok:
			s.Bare = append(s.Bare, name(c))
		}
	}
	return s
}

// union is the cases of both lists in order, each once.
func union(a, b []key) []key {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b key) int { return slices.CompareFunc(a, b, record.CompareTexts) })
	return slices.CompactFunc(all, func(a, b key) bool { return slices.Equal(a, b) })
}

// namer puts those parameters of a case in words in which cases differ. names are the first, or all, parameters of a case.
func namer(names []string, cases []key) func(key) string {
	var differing []int
	for i := range names {
		if slices.ContainsFunc(cases, func(c key) bool { return c[i] != cases[0][i] }) {
			differing = append(differing, i)
		}
	}
	return func(c key) string {
		var words []string
		for _, i := range differing {
			if c[i] == "" {
				words = append(words, "no "+names[i])
			} else {
				words = append(words, fmt.Sprintf("%s %s", names[i], c[i]))
			}
		}
		return strings.Join(words, ", ")
	}
}
