// Package compare holds the results of two runs against each other, point by point, in the style of benchstat
// (golang.org/x/perf).
//
// What it is opinionated about: the repeats of an evaluation are a sample, and two samples are tested without assuming
// how times are distributed; p is corrected for all tests of the comparison, so that among many points none seems to differ by
// chance; a number that a record has once is compared, not tested; seeds are a sample only if asked for, and then each is
// one value, however many repeats it stands for; and results of different machines are compared, but never silently.
//
// Repeats are taken as independent, but all of a point come from one process, and a process is as a whole a little faster or
// slower than the next: by where its memory lies, by what else ran then. That variance is in no sample of repeats, so
// the same program measured twice can differ significantly. Several runs, or seeds with Over, show how far to trust
// a small difference: see [Runs].
package compare

import (
	"slices"

	"hepex/harness/record"
	"hepex/harness/stats"
)

// Options say what is compared.
type Options struct {
	Metrics []record.Metric
	Over    []string // parameters, such as train.seed, whose values make the sample
}

// Report is a comparison.
type Report struct {
	Options
	Rows     []Row // those of one metric follow each other, each in order of the points
	Means    []Mean
	Bare     []string // metrics that no point has on both sides
	Old, New Side
	Points   int // that both sides have
	Renamed  int // of these, those that have other ids on the two sides, but the same parameters
	Alike    int // and those that have the same parameters but for ones that only one side knows
	Insecure bool
	LeftOut  int // records under insecure parameters, as there are others
	Machines []Difference
}

// Side is the records of one run.
type Side struct {
	Records record.Set // that are compared
	Failed  int        // attempts without a result
	Older   int        // records with the parameters of a later one
	Only    []string   // points that the other side lacks
	Own     []string   // parameters that no record of the other side has
}

// Row is one metric of one point on both sides.
type Row struct {
	Metric   record.Metric
	Point    string
	Old, New Sample
	Tested   bool
	P        float64  // of Mann and Whitney's test, if Tested
	Holm     float64  // P corrected for all tests of the report
	Reaches  bool     // whether samples of these sizes could differ significantly at all
	Machines []string // what differs between the machines of both sides
}

// Significant tells whether the row differs by more than chance.
func (r Row) Significant() bool { return r.Tested && r.Holm <= stats.Alpha }

// Sample is the values of one side.
type Sample struct {
	Values []float64
	stats.Summary
}

// Mean is the geometric mean of a metric over all points.
type Mean struct {
	Metric   record.Metric
	Old, New float64
}

// relative tells whether the change of a metric is a ratio. That of a fraction is a difference: 98 % are not 2 % less
// than 100 % to anyone who cares for errors.
func relative(m record.Metric) bool {
	return m.Unit != record.Fraction && m.Unit != record.Points && m.Unit != record.Bits
}

// Evaluate compares the records of two runs. Their order does not matter.
func Evaluate(old, new record.Set, o Options) Report {
	r := Report{Options: o}
	r.choose(old, new)
	pairs := r.pair()
	r.Points = len(pairs)
	sides := slices.Concat(r.Old.Records, r.New.Records)
	for _, m := range o.Metrics {
		r.compare(m.For(sides.QualityMetric()), pairs)
	}
	r.correct()
	r.Machines = differences(pairs)
	return r
}

// choose keeps the records that have a result: those under insecure parameters only if there are no others.
func (r *Report) choose(old, new record.Set) {
	var unsafeOld, unsafeNew record.Set
	r.Old.Records, unsafeOld, r.Old.Failed = old.Results()
	r.New.Records, unsafeNew, r.New.Failed = new.Results()
	n := len(unsafeOld) + len(unsafeNew)
	if len(r.Old.Records)+len(r.New.Records) > 0 {
		r.LeftOut = n
		return
	}
	r.Old.Records, r.New.Records, r.Insecure = unsafeOld, unsafeNew, n > 0
}

// compare adds the rows of a metric and their mean.
func (r *Report) compare(m record.Metric, pairs []pair) {
	first := len(r.Rows)
	for _, p := range pairs {
		before, sampled := r.sample(r.Old.Records, p.old, m.Name)
		after, _ := r.sample(r.New.Records, p.new, m.Name)
		if len(before) == 0 || len(after) == 0 {
			continue
		}
		row := Row{Metric: m, Point: p.name, Old: summarised(before), New: summarised(after), Tested: sampled, Machines: p.machines()}
		if sampled {
			row.P, _ = stats.MannWhitney(before, after) // the values are finite, and there are some
		}
		r.Rows = append(r.Rows, row)
	}
	rows := r.Rows[first:]
	if len(rows) == 0 {
		r.Bare = append(r.Bare, m.Name)
	}
	if len(rows) > 1 && relative(m) {
		r.Means = append(r.Means, mean(m, rows)...)
	}
}

// sample is the values of a point, and whether they are more than one measurement: repeats, or one of each value of Over.
func (r *Report) sample(side record.Set, of []*record.Record, metric string) (values []float64, sampled bool) {
	if len(r.Over) == 0 {
		if l := of[0].Latency; l != nil && metric == "latency.evaluate" {
			return l.Evaluate, true
		}
	}
	for _, rec := range of {
		if v, ok := side.Value(rec, metric); ok {
			values = append(values, v)
		}
	}
	return values, len(r.Over) > 0
}

func summarised(values []float64) Sample {
	s, _ := stats.Median(values) // the values are finite, and there are some
	return Sample{values, s}
}

// mean is none if a number is not above 0.
func mean(m record.Metric, rows []Row) []Mean {
	var old, new []float64
	for _, r := range rows {
		old, new = append(old, r.Old.Median), append(new, r.New.Median)
	}
	before, errOld := stats.GeometricMean(old)
	after, errNew := stats.GeometricMean(new)
	if errOld != nil || errNew != nil {
		return nil
	}
	return []Mean{{m, before, after}}
}

// correct adjusts the p of all rows. Adjusted p grow with each p: a row whose p would be too large even if all were the
// smallest that their samples allow cannot differ significantly, whatever is measured.
func (r *Report) correct() {
	var tested []int
	var p, least []float64
	for i, row := range r.Rows {
		if row.Tested {
			tested, p = append(tested, i), append(p, row.P)
			least = append(least, stats.LeastP(len(row.Old.Values), len(row.New.Values)))
		}
	}
	p, least = stats.Holm(p), stats.Holm(least)
	for k, i := range tested {
		r.Rows[i].Holm, r.Rows[i].Reaches = p[k], least[k] <= stats.Alpha
	}
}
