// Package verify holds records against the numbers of a paper, and against goals, as the expectations of a config say.
//
// What it is opinionated about: which points are allowed is decided before their metric is looked at; the best of many
// points is picked in each group and for each seed of its own, never over all seeds together; the mean decides, and how
// far it may be from the paper's number is said beforehand, not by how much ours vary; groups, such as tile shapes, are no
// repeats of one another; points under insecure parameters count only when there are no others; and what could not be computed
// is missed, if only for one seed whose points all failed: it is not left out of the mean. Points that failed beside others are told, for those
// that are pruned most fail first.
package verify

import (
	"fmt"
	"slices"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/stats"
)

// Verdict is what becomes of a number.
type Verdict string

// The verdicts.
const (
	Reproduced Verdict = "reproduced"
	Better     Verdict = "better"           // than the paper, in the direction in which the metric is
	Met        Verdict = "met"              // a goal, or more than that
	Missed     Verdict = "missed"           // worse, beside it where no direction is better, or not computed for every case
	Unjudged   Verdict = "nothing to judge" // there is no point with a result
)

// Report is what the records say to all expectations of a config.
type Report struct {
	Results  []Result
	Insecure bool // there are only points under insecure parameters
	LeftOut  int  // points under insecure parameters that do not count as there are others
	Busy     int  // points that were measured on a busy machine, if an expectation is about time
}

// Result is what the records say to one expectation. It has a number for each case: a group of points, and values
// of the parameters Over.
type Result struct {
	config.Expectation
	Of        record.Metric // what the numbers are: the metric itself or, with a rival, a fraction of the rival's
	Values    []float64     // all numbers, in order of the cases
	Mean      float64       // of Values, 0 if there are none: this is what is judged
	Groups    []Group       // that have numbers, in order
	Cases     int           // that any point belongs to, ours or the rival's
	Ours      Side
	Rival     *Side    // nil without Against
	Undefined []string // the cases in which the rival's number is not above 0
	Room      float64  // half a tile, where the metric is a share of tiles: whole tiles rarely give a share exactly
	Outside   []string // cases, and numbers of theirs that by themselves would be missed, though all together are not
	Beyond    []string // points, by id, that count though some values are beyond what their moduli hold
	Pairs     Pairs
	Verdict   Verdict
}

// Group is the numbers of the points that have equal parameters, but for those under prune., those of Among, of Over and those
// that Against replaces. Name has the parameters in which groups differ. Only the numbers of one group are a sample: their
// Interval is over the values of Over. Verdict is that of the group's own mean,
// missed if one of its cases has no number.
type Group struct {
	Name     string
	Cases    int // more than Values if some have no number
	Values   []float64
	Interval stats.Interval
	Verdict  Verdict
}

// Side is the points of one side, and the cases for which they give no number.
type Side struct {
	Points  int      // with a result that have the parameters asked for
	Failed  int      // the same, without a result
	Missing []string // cases without such a point
	Without []string // cases in which none of them also has the metrics asked for
	Behind  []string // the same, but the other side has a point that does what it is asked
	Bare    []string // cases in which those that have the metrics asked for lack the one to report
}

// With lists the expectations that have a verdict.
func (r Report) With(v Verdict) []string {
	var ids []string
	for _, result := range r.Results {
		if result.Verdict == v {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

// Parts are the names of the groups for which an entry holds and of those for which it does not; none if all agree.
func (r Result) Parts() (holds, misses []string) {
	for _, g := range r.Groups {
		if g.Verdict == Missed {
			misses = append(misses, g.Name)
		} else {
			holds = append(holds, g.Name)
		}
	}
	if len(holds) == 0 || len(misses) == 0 {
		return nil, nil
	}
	return holds, misses
}

// Evaluate finds what the records say. Their order does not matter.
func Evaluate(expectations []config.Expectation, all record.Set) Report {
	usable, insecure, _ := all.Results()
	failed := slices.DeleteFunc(slices.Clone(all), func(r *record.Record) bool { return r.Status == record.OK })
	report := Report{LeftOut: len(insecure)}
	if len(usable) == 0 {
		usable, report.Insecure, report.LeftOut = insecure, len(insecure) > 0, 0
	}
	timed := func(e config.Expectation) bool {
		m, err := record.Lookup(e.Metric.Name)
		return err == nil && m.Timed()
	}
	if slices.ContainsFunc(expectations, timed) {
		report.Busy = usable.Busy()
	}
	for _, e := range expectations {
		report.Results = append(report.Results, evaluate(e, usable, failed))
	}
	return report
}

func evaluate(e config.Expectation, records, failed record.Set) Result {
	result := Result{Expectation: e, Of: metric(e, records)}
	space := newSpace(e, records, failed)
	ours := space.reduce(e, e.Where)
	rival, beyond := ours, ours.beyond
	if e.Against != nil {
		rival = space.reduce(e, e.Rival())
		beyond = slices.Concat(beyond, rival.beyond)
	}
	cases := union(ours.cases, rival.cases)
	result.Cases = len(cases)
	name := namer(space.names(), cases)
	result.Ours = ours.side(rival, cases, name)
	if e.Against == nil {
		result.Room = ours.room
	} else {
		side := rival.side(ours, cases, name)
		result.Rival = &side
	}
	for _, r := range beyond {
		result.Beyond = append(result.Beyond, r.Point)
	}
	groupName := namer(space.group, cases)
	var judged []string // names of the cases of Values
	inGroup := map[string]int{}
	for _, c := range cases {
		inGroup[groupName(c)]++
		v, ok := ours.numbers[c.id()]
		if !ok {
			continue
		}
		result.Pairs.add(e, records, ours.decisive[c.id()], rival.decisive[c.id()])
		if e.Against != nil {
			theirs, ok := rival.numbers[c.id()]
			if !ok {
				continue
			}
			if theirs <= 0 {
				result.Undefined = append(result.Undefined, name(c))
				continue
			}
			v = 1 - v/theirs
		}
		result.add(groupName(c), v)
		judged = append(judged, name(c))
	}
	result.conclude(judged, inGroup)
	return result
}

// conclude judges the mean, and that of each group. Judged are the names of the cases that have a number; inGroup is how many cases each group
// has.
func (r *Result) conclude(judged []string, inGroup map[string]int) {
	r.Mean = interval(r.Values).Mean
	for i, g := range r.Groups {
		r.Groups[i].Interval = interval(g.Values)
		r.Groups[i].Verdict = r.judge(r.Groups[i].Interval.Mean)
		r.Groups[i].Cases = inGroup[g.Name]
		if len(g.Values) < inGroup[g.Name] {
			r.Groups[i].Verdict = Missed
		}
	}
	switch {
	case r.Ours.Points == 0 || r.Rival != nil && r.Rival.Points == 0:
		r.Verdict = Unjudged
	case len(r.Values) < r.Cases: // the mean would be that of the cases that went well
		r.Verdict = Missed
	default:
		r.Verdict = r.judge(r.Mean)
	}
	for i, v := range r.Values {
		if r.judge(v) == Missed && r.Verdict != Missed {
			r.Outside = append(r.Outside, fmt.Sprintf("%s: %s", judged[i], r.Of.Format(v)))
		}
	}
}

// add adds the number of the next case. Cases of one group follow each other.
func (r *Result) add(group string, v float64) {
	r.Values = append(r.Values, v)
	last := len(r.Groups) - 1
	if last < 0 || r.Groups[last].Name != group {
		r.Groups = append(r.Groups, Group{Name: group})
		last++
	}
	r.Groups[last].Values = append(r.Groups[last].Values, v)
}

// metric is that of the numbers. With a rival that is what is saved: more is better, unless the metric itself is one
// of which more is better.
func metric(e config.Expectation, records record.Set) record.Metric {
	m, err := record.Lookup(e.Metric.Name)
	if err != nil {
		m = record.Metric{Name: e.Metric.Name, Label: e.Metric.Name} // a numeric parameter
	}
	m = m.For(records.QualityMetric())
	if e.Against == nil {
		return m
	}
	better := record.Higher
	if m.Better == record.Higher {
		better = record.Lower
	}
	return record.Metric{Name: m.Name, Label: m.Label, Unit: record.Fraction, Better: better}
}

// interval is zero for no values.
func interval(values []float64) stats.Interval {
	i, err := stats.Mean(values)
	if err != nil {
		return stats.Interval{}
	}
	return i
}

// rounding is the share of a number by which sums of decimals may be off.
const rounding = 1e-9

// judge compares a mean with the number or range.
func (r *Result) judge(mean float64) Verdict {
	slack := func(v float64) float64 { return (r.Tolerance+rounding)*max(v, -v) + r.Room }
	low, high := r.Paper.Low-slack(r.Paper.Low), r.Paper.High+slack(r.Paper.High)
	better := r.Of.Better == record.Higher && mean > high || r.Of.Better == record.Lower && mean < low
	switch {
	case r.Goal && (better || low <= mean && mean <= high):
		return Met
	case low <= mean && mean <= high:
		return Reproduced
	case better:
		return Better
	}
	return Missed
}

// reduced is one number of many.
func reduced(how string, values []float64) float64 {
	switch how {
	case "max":
		return slices.Max(values)
	case "min":
		return slices.Min(values)
	case "median":
		s, _ := stats.Median(values) // there are values, all finite
		return s.Median
	}
	return interval(values).Mean
}
