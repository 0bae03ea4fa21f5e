package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/config"
)

// Header names the columns of Rows.
var Header = []string{"id", "metric", "what", "ours", "values", "paper", "verdict", "note"}

// Rows is a line for each expectation, and one for each group below those that have several.
func (r Report) Rows() [][]string {
	var rows [][]string
	for _, result := range r.Results {
		m := result.Of
		paper := m.Format(result.Paper.Low)
		if !result.Paper.Single() {
			paper += " … " + m.Format(result.Paper.High)
		}
		if result.Tolerance > 0 {
			paper += fmt.Sprintf(" (within %g %%)", 100*result.Tolerance)
		}
		rows = append(rows, []string{result.ID, m.Name, result.what(), result.ours(),
			fmt.Sprint(len(result.Values)), paper, string(result.Verdict), result.Note})
		if len(result.Groups) < 2 {
			continue
		}
		for _, g := range result.Groups {
			rows = append(rows, []string{"", "", "· " + g.Name, result.text(g), fmt.Sprint(len(g.Values)), "", "", ""})
		}
	}
	return rows
}

// ours is the number that is judged: of a single group with the interval, of several with the range of their means.
func (r Result) ours() string {
	switch len(r.Groups) {
	case 0:
		return "-"
	case 1:
		return r.text(r.Groups[0])
	}
	mean := func(g Group) float64 { return g.Interval.Mean }
	byMean := func(a, b Group) int { return cmp.Compare(mean(a), mean(b)) }
	low, high := slices.MinFunc(r.Groups, byMean), slices.MaxFunc(r.Groups, byMean)
	return fmt.Sprintf("%s (%s … %s)", r.Of.Format(r.Mean), r.Of.Format(mean(low)), r.Of.Format(mean(high)))
}

func (r Result) text(g Group) string {
	if len(g.Values) == 1 {
		return r.Of.Format(g.Interval.Mean)
	}
	return r.Of.FormatSpread(g.Interval.Mean, g.Interval.HalfWidth())
}

// what says whose metric is reduced: "joint: min, against hunter".
func (r Result) what() string {
	what := r.Reduce
	if ours := values(r.Where); ours != "" {
		what = ours + ": " + what
	}
	if r.Rival == nil {
		return what
	}
	rival := values(r.Against)
	if rival == "" {
		rival = all(r.Against)
	}
	return what + ", against " + rival
}

// values puts the parameters that the conditions fix in few words.
func values(conditions []config.Condition) string {
	var words []string
	for _, c := range conditions {
		switch {
		case c.Op != "":
		case c.Name == "prune.scheme":
			words = append(words, fmt.Sprint(c.Value))
		default:
			words = append(words, fmt.Sprintf("%s %v", c.Name[strings.LastIndexByte(c.Name, '.')+1:], c.Value))
		}
	}
	return strings.Join(words, ", ")
}

func all(conditions []config.Condition) string {
	var words []string
	for _, c := range conditions {
		words = append(words, c.String())
	}
	return strings.Join(words, " and ")
}

// Notes say how to read the rows, and what they lack.
func (r Report) Notes() []string {
	notes := []string{"ours: the mean of so many values, one for each group and value of over; it alone is judged. " +
		"± 95 % interval (Student's t) of the values of one group; of several: (least … greatest mean of a group)."}
	for _, result := range r.Results {
		if result.Rival != nil {
			notes[0] += " Against a rival: 1 − ours/theirs."
			break
		}
	}
	if r.LeftOut > 0 {
		notes = append(notes, fmt.Sprintf("%d points under insecure parameters left out.", r.LeftOut))
	}
	if r.Busy > 0 {
		notes = append(notes, fmt.Sprintf("%d points measured on a busy machine: their times are unreliable.", r.Busy))
	}
	for _, result := range r.Results {
		notes = append(notes, result.lacks()...)
	}
	return notes
}

// lacks says for which cases there is no number, and why.
func (r Result) lacks() []string {
	notes := r.sideLacks(r.Ours, r.Where, "")
	if r.Rival != nil {
		notes = append(notes, r.sideLacks(*r.Rival, r.Expectation.Rival(), " The dense network is not put in its place.")...)
	}
	if n := len(r.Undefined); n > 0 {
		notes = append(notes, fmt.Sprintf("%s: nothing to compare with: %s of the rival is not above 0%s.", r.ID, r.Metric.Name, r.cases(r.Undefined)))
	}
	return notes
}

func (r Result) sideLacks(s Side, conditions []config.Condition, remark string) []string {
	if s.Points == 0 {
		parameters := slices.DeleteFunc(slices.Clone(conditions), isMetric)
		if len(parameters) == 0 {
			return []string{r.ID + ": no point has a result."}
		}
		return []string{fmt.Sprintf("%s: no point with a result has %s.%s", r.ID, all(parameters), remark)}
	}
	var notes []string
	if len(s.Without) > 0 {
		notes = append(notes, fmt.Sprintf("%s: no point has %s%s.%s", r.ID, all(conditions), r.cases(s.Without), remark))
	}
	if len(s.Bare) > 0 {
		notes = append(notes, fmt.Sprintf("%s: points with %s have no %s%s.", r.ID, all(conditions), r.Metric.Name, r.cases(s.Bare)))
	}
	return notes
}

// cases lists some cases of all: " in 2 of 3 cases (train.seed 1; train.seed 2)".
func (r Result) cases(names []string) string {
	if r.Cases == 1 {
		return ""
	}
	const most = 4
	listed := strings.Join(names[:min(most, len(names))], "; ")
	if len(names) > most {
		listed += "; …"
	}
	return fmt.Sprintf(" in %d of %d cases (%s)", len(names), r.Cases, listed)
}
