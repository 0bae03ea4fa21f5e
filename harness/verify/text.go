package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// Header names the columns of Rows.
var Header = []string{"id", "metric", "what", "ours", "values", "paper or goal", "verdict", "note"}

// Rows is a line for each expectation, and one for each group below those that have several.
func (r Report) Rows() [][]string {
	var rows [][]string
	for _, result := range r.Results {
		verdict := string(result.Verdict)
		if holds, _ := result.Parts(); len(holds) > 0 {
			verdict += " (in part)"
		}
		rows = append(rows, []string{result.ID, result.Of.Name, result.what(), result.ours(),
			result.count(), result.wanted(), verdict, result.note()})
		if len(result.Groups) < 2 {
			continue
		}
		for _, g := range result.Groups {
			rows = append(rows, []string{"", "", "· " + g.Name, result.text(g), fmt.Sprint(len(g.Values)), "", string(g.Verdict), ""})
		}
	}
	return rows
}

// wanted is the number or range that ours is held against.
func (r Result) wanted() string {
	text := r.Of.Format(r.Paper.Low)
	switch {
	case !r.Paper.Single():
		text += " … " + r.Of.Format(r.Paper.High)
	case r.Goal && r.Of.Better == record.Lower:
		text = "≤ " + text
	case r.Goal && r.Of.Better == record.Higher:
		text = "≥ " + text
	}
	if r.Goal {
		text = "goal " + text
	}
	if r.Tolerance > 0 {
		text += fmt.Sprintf(" (within %g %%)", 100*r.Tolerance)
	}
	return text
}

// note is the remark of the config, and where the number is from.
func (r Result) note() string {
	if r.Source == "" {
		return r.Note
	}
	source := "read: " + r.Source
	if r.Measured {
		source = "measured: " + r.Source
	}
	if r.Note == "" {
		return source
	}
	return r.Note + "; " + source
}

// count is how many numbers there are, and of how many if some lack.
func (r Result) count() string {
	if len(r.Values) == r.Cases {
		return fmt.Sprint(r.Cases)
	}
	return fmt.Sprintf("%d of %d", len(r.Values), r.Cases)
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
	if r.By.Name != "" {
		what = "of " + what + " " + record.ShortName(r.By.Name)
	}
	if ours := values(r.Where); ours != "" {
		what = ours + ": " + what
	}
	if r.Rival == nil {
		return what
	}
	return what + ", against " + values(r.Against)
}

var signs = strings.NewReplacer("<=", "≤", ">=", "≥", "==", "=")

// values puts the conditions in few words.
func values(conditions []config.Condition) string {
	var words []string
	for _, c := range conditions {
		short := c
		short.Name = record.ShortName(c.Name)
		if c.Name == "prune.scheme" {
			words = append(words, fmt.Sprint(c.Value))
		} else {
			words = append(words, signs.Replace(short.String()))
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

// reading says how to read the rows.
const reading = "ours: the mean of all values; there is one for each seed (or what else over names) of each group, such as a tile shape, " +
	"and this mean alone decides. ±: the 95 % interval over the seeds of a group (Student's t). Several groups have a line each, with the verdict on its own mean; " +
	"the least and the greatest of their means are in brackets."

// Notes say how to read the rows, and what they lack.
func (r Report) Notes() []string {
	notes := []string{reading}
	if slices.ContainsFunc(r.Results, func(result Result) bool { return result.Rival != nil }) {
		notes[0] += " Against a rival, a value is 1 − ours/theirs."
	}
	if r.LeftOut > 0 {
		notes = append(notes, count(r.LeftOut, "point", "points")+" under insecure parameters left out.")
	}
	if r.Busy > 0 {
		notes = append(notes, count(r.Busy, "point", "points")+" measured on a busy machine: times are unreliable.")
	}
	for _, result := range r.Results {
		notes = append(notes, result.lacks()...)
		notes = append(notes, result.failures()...)
		notes = append(notes, result.differs()...)
		notes = append(notes, result.alike()...)
	}
	return notes
}

// failures says how many points gave no result, which the best of the others may not make up for.
func (r Result) failures() []string {
	var notes []string
	note := func(s *Side, of string) {
		if s != nil && s.Failed > 0 && s.Points > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s%s failed: the number is of the others.", r.ID, count(s.Failed, "point", "points"), of))
		}
	}
	note(&r.Ours, "")
	note(r.Rival, " of the rival")
	return notes
}

// differs says which of several numbers are not as the mean of all is, and which points to look at.
func (r Result) differs() []string {
	var notes []string
	if holds, misses := r.Parts(); len(holds) > 0 {
		notes = append(notes, fmt.Sprintf("%s holds for %s; not for %s.", r.ID, strings.Join(holds, "; "), strings.Join(misses, "; ")))
	}
	if len(r.Outside) > 0 {
		notes = append(notes, fmt.Sprintf("%s: by themselves, %d of %d values would be missed (%s).", r.ID, len(r.Outside), len(r.Values), some(r.Outside)))
	}
	if r.Room > 0 && r.judge(r.Mean) != r.exactly() {
		notes = append(notes, fmt.Sprintf("%s: %s may be off by half a tile, for no whole number of tiles gives a share exactly.", r.ID, r.Of.Name))
	}
	if len(r.Beyond) > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s of some samples beyond what their moduli hold (range.beyond): %s.", r.ID, count(len(r.Beyond), "point has values", "points have values"), some(r.Beyond)))
	}
	return notes
}

// exactly is the verdict without room for half a tile.
func (r Result) exactly() Verdict {
	r.Room = 0
	return r.judge(r.Mean)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// some lists the first of the names.
func some(names []string) string {
	const most = 4
	listed := strings.Join(names[:min(most, len(names))], "; ")
	if n := len(names) - most; n > 0 {
		listed += fmt.Sprintf("; and %d more", n)
	}
	return listed
}

// lacks says for which cases there is no number, and why: reasons enough for the verdict.
func (r Result) lacks() []string {
	reasons := r.sideLacks(r.Ours, r.Where, ", while the rival meets its own conditions", "")
	if r.Rival != nil {
		reasons = append(reasons, r.sideLacks(*r.Rival, r.Expectation.Rival(), ", while ours meets its own conditions",
			" The dense network is not put in its place.")...)
	}
	if len(r.Undefined) > 0 {
		reasons = append(reasons, fmt.Sprintf("nothing to compare with: %s of the rival is not above 0%s.", r.Metric.Name, r.cases(r.Undefined)))
	}
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%s %s: %s", r.ID, r.Verdict, reason)
	}
	return reasons
}

func (r Result) sideLacks(s Side, conditions []config.Condition, other, remark string) []string {
	parameters := slices.DeleteFunc(slices.Clone(conditions), config.Condition.IsMetric)
	if s.Points == 0 {
		if len(parameters) == 0 {
			return []string{"no point has a result."}
		}
		return []string{fmt.Sprintf("no point with a result has %s.%s", all(parameters), remark)}
	}
	var reasons []string
	if len(s.Missing) > 0 {
		reasons = append(reasons, fmt.Sprintf("no point with a result has %s%s.%s", all(parameters), r.cases(s.Missing), remark))
	}
	if len(s.Without) > 0 {
		reasons = append(reasons, fmt.Sprintf("no point has %s%s.%s", all(conditions), r.cases(s.Without), remark))
	}
	if len(s.Behind) > 0 {
		reasons = append(reasons, fmt.Sprintf("no point has %s%s%s.%s", all(conditions), r.cases(s.Behind), other, remark))
	}
	if len(s.Bare) > 0 {
		reasons = append(reasons, fmt.Sprintf("points with %s have no %s%s.", all(conditions), r.Metric.Name, r.cases(s.Bare)))
	}
	return reasons
}

// cases lists some cases of all: " in 2 of 3 cases (train.seed 1; train.seed 2)".
func (r Result) cases(names []string) string {
	if r.Cases == 1 {
		return ""
	}
	return fmt.Sprintf(" in %d of %d cases (%s)", len(names), r.Cases, some(names))
}
