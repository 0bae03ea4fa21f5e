// Package verify holds records against the numbers of a paper, as the expectations of a config say.
//
// What it is opinionated about: which points are allowed is decided before their metric is looked at; the best of many
// points is picked in each group and for each seed of its own, never over all seeds together; the mean decides, and how
// far it may be from the paper's number is said beforehand, not by how much ours vary; groups, such as tile shapes, are no
// repeats of one another; attempts without a result do not count; those under insecure parameters only when there are
// no others; and what could not be computed is missed, if only for one seed: it is not left out of the mean.
package verify

import (
	"slices"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/stats"
)

// Verdict is what becomes of a paper's number.
type Verdict string

// The verdicts.
const (
	Reproduced Verdict = "reproduced"
	Better     Verdict = "better" // than the paper, in the direction in which the metric is
	Missed     Verdict = "missed" // worse, beside it where no direction is better, or not computed for every case
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
	Verdict   Verdict
}

// Group is the numbers of the points that have equal parameters, but for those under prune., those of Over and those
// that Against replaces. Name has the parameters in which groups differ. Only the numbers of one group are a sample: their
// Interval is over the values of Over.
type Group struct {
	Name     string
	Values   []float64
	Interval stats.Interval
}

// Side is the points of one side, and the cases for which they give no number.
type Side struct {
	Points  int      // with a result that have the parameters asked for
	Missing []string // cases without such a point
	Without []string // cases in which none of them also has the metrics asked for
	Behind  []string // the same, but the other side has a point that does what it is asked
	Bare    []string // cases in which those that have the metrics asked for lack the one to report
}

// Missed lists the expectations that are.
func (r Report) Missed() []string {
	var ids []string
	for _, result := range r.Results {
		if result.Verdict == Missed {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

// Evaluate finds what the records say. Their order does not matter.
func Evaluate(expectations []config.Expectation, all record.Set) Report {
	var secure, insecure record.Set
	for _, r := range all {
		switch {
		case r.Status != record.OK:
		case r.HE != nil && r.HE.Insecure:
			insecure = append(insecure, r)
		default:
			secure = append(secure, r)
		}
	}
	report := Report{LeftOut: len(insecure)}
	usable := secure
	if len(secure) == 0 {
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
		report.Results = append(report.Results, evaluate(e, usable))
	}
	return report
}

func evaluate(e config.Expectation, records record.Set) Result {
	result := Result{Expectation: e, Of: metric(e, records)}
	space := newSpace(e, records)
	ours := space.reduce(e, e.Where)
	rival := ours
	if e.Against != nil {
		rival = space.reduce(e, e.Rival())
	}
	cases := union(ours.cases, rival.cases)
	result.Cases = len(cases)
	name := namer(space.names(), cases)
	result.Ours = ours.side(rival, cases, name)
	if e.Against != nil {
		side := rival.side(ours, cases, name)
		result.Rival = &side
	}
	groupName := namer(space.group, cases)
	for _, c := range cases {
		v, ok := ours.numbers[c.id()]
		if !ok {
			continue
		}
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
	}
	result.Mean = interval(result.Values).Mean
	for i, g := range result.Groups {
		result.Groups[i].Interval = interval(g.Values)
	}
	result.Verdict = result.judge()
	return result
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

// judge compares the mean with the paper's number or range. The mean of some cases would be that of those that went well.
func (r *Result) judge() Verdict {
	if len(r.Values) == 0 || len(r.Values) < r.Cases {
		return Missed
	}
	slack := func(v float64) float64 { return (r.Tolerance + rounding) * max(v, -v) }
	low, high := r.Paper.Low-slack(r.Paper.Low), r.Paper.High+slack(r.Paper.High)
	switch {
	case low <= r.Mean && r.Mean <= high:
		return Reproduced
	case r.Of.Better == record.Higher && r.Mean > high, r.Of.Better == record.Lower && r.Mean < low:
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
