package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hepex/harness/record"
	"hepex/harness/stats"
)

// Header names the columns of Texts.
var Header = []string{"metric", "point", "old", "new", "delta", "p", "n"}

// Texts is a line for each row, and one for each mean below the rows of its metric.
func (r Report) Texts() [][]string {
	var lines [][]string
	for i, row := range r.Rows {
		p := "-"
		if row.Tested {
			p = fmt.Sprintf("%.3f", row.Holm)
		}
		n := fmt.Sprint(len(row.Old.Values))
		if len(row.New.Values) != len(row.Old.Values) {
			n = fmt.Sprintf("%d+%d", len(row.Old.Values), len(row.New.Values))
		}
		delta := change(row.Metric, row.Old.Median, row.New.Median)
		switch {
		case !row.Tested || row.Significant():
		case row.Reaches:
			delta = "~"
		default:
			delta = "(" + delta + ")"
		}
		lines = append(lines, []string{row.Metric.Name, row.Point, row.text(row.Old), row.text(row.New), delta, p, n})
		if i+1 < len(r.Rows) && r.Rows[i+1].Metric.Name == row.Metric.Name {
			continue
		}
		for _, m := range r.Means {
			if m.Metric.Name == row.Metric.Name {
				lines = append(lines, []string{m.Metric.Name, "geometric mean", m.Metric.Format(m.Old), m.Metric.Format(m.New), change(m.Metric, m.Old, m.New), "", ""})
			}
		}
	}
	return lines
}

func (r Row) text(s Sample) string {
	if len(s.Values) == 1 {
		return r.Metric.Format(s.Median)
	}
	return r.Metric.FormatSpread(s.Median, (s.High-s.Low)/2)
}

// change is new against old: a ratio in percent, or a difference where ratios mislead.
func change(m record.Metric, old, new float64) string {
	sign := func(text string) string {
		if strings.HasPrefix(text, "-") {
			return text
		}
		return "+" + text
	}
	switch {
	case old == new:
		return "0"
	case !relative(m):
		if m.Unit == record.Fraction {
			m.Unit = record.Points
		}
		return sign(m.Format(new - old))
	case old == 0:
		return "?"
	}
	return sign(fmt.Sprintf("%.2f %%", 100*(new-old)/math.Abs(old)))
}

// Columns names those of Values.
var Columns = []string{"metric", "point", "old", "old low", "old high", "old n", "new", "new low", "new high", "new n",
	"difference", "ratio", "p", "p holm", "significant", "not alike"}

// Values is Texts for programs: recorded numbers, one line for each row, without means.
func (r Report) Values() [][]string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	side := func(s Sample) []string {
		return []string{number(s.Median), number(s.Low), number(s.High), fmt.Sprint(len(s.Values))}
	}
	var lines [][]string
	for _, row := range r.Rows {
		ratio, p, holm, significant := "", "", "", ""
		if row.Old.Median != 0 {
			ratio = number(row.New.Median / row.Old.Median)
		}
		if row.Tested {
			p, holm, significant = number(row.P), number(row.Holm), fmt.Sprint(row.Significant())
		}
		line := append([]string{row.Metric.Name, row.Point}, side(row.Old)...)
		line = append(append(line, side(row.New)...), number(row.New.Median-row.Old.Median), ratio, p, holm, significant, strings.Join(row.Machines, " "))
		lines = append(lines, line)
	}
	return lines
}

// Flags say what no reader of the numbers may miss.
func (r Report) Flags() []string {
	if len(r.Machines) == 0 {
		return nil
	}
	var words []string
	for _, d := range r.Machines {
		word := fmt.Sprintf("%s %s → %s", d.Name, orNone(d.Old), orNone(d.New))
		if d.Points < r.Points {
			word += fmt.Sprintf(" (%d of %d points)", d.Points, r.Points)
		}
		words = append(words, word)
	}
	return []string{"NOT MEASURED ALIKE: " + strings.Join(words, "; ") + ". Times and memory may differ for that reason too."}
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// Notes say how to read the rows, and what they lack; with all, also which points only one side has.
func (r Report) Notes(all bool) []string {
	var notes []string
	tested, lost := 0, 0
	for _, row := range r.Rows {
		if row.Tested {
			tested++
			if !row.Reaches {
				lost++
			}
		}
	}
	if tested > 0 {
		what := "repeats"
		switch {
		case slices.Equal(r.Over, []string{Run}):
			what = "runs"
		case len(r.Over) > 0:
			what = "points that differ in " + strings.Join(r.Over, ", ")
		}
		notes = append(notes, fmt.Sprintf("Medians ± half the 95 %% interval (the range below 6 values) of n %s; p: Mann–Whitney U, corrected for %s (Holm); ~: no significant difference (p > %.2f).",
			what, count(tested, "test"), stats.Alpha))
		if len(r.Over) == 0 {
			notes = append(notes, "Repeats of one process are tested as if independent; how processes differ from each other is not sampled, so that even a program against itself may differ significantly.")
		}
	}
	if lost > 0 {
		notes = append(notes, fmt.Sprintf("Too few values: whatever is measured, %d of %s cannot be significant (changes in brackets); %d on each side are enough.", lost, count(tested, "test"), enough(tested)))
	}
	if tested < len(r.Rows) {
		notes = append(notes, "Without p: one value on each side, no test.")
	}
	return append(notes, r.Lacks(all)...)
}

// Lacks say what is not compared, or not the same; with all, also which points only one side has.
func (r Report) Lacks(all bool) []string {
	notes := r.lacks()
	if old, now := distinct(r.Old.Records, commit), distinct(r.New.Records, commit); old != "" || now != "" {
		notes = append(notes, fmt.Sprintf("Commits: %s → %s.", old, now))
	}
	for _, s := range []struct {
		side Side
		name string
	}{{r.Old, "old"}, {r.New, "new"}} {
		if n := len(s.side.Only); n > 0 && !all {
			notes = append(notes, fmt.Sprintf("%s only in %s (--all lists them).", count(n, "point"), s.name))
		} else if n > 0 {
			notes = append(notes, fmt.Sprintf("Only in %s: %s.", s.name, strings.Join(s.side.Only, "; ")))
		}
	}
	return notes
}

func commit(r *record.Record) string {
	id := r.Environment.Commit
	id = id[:min(len(id), 12)]
	if r.Environment.Dirty {
		id += " (edited)"
	}
	return orNone(id)
}

// lacks says so of records and parameters.
func (r Report) lacks() []string {
	var notes []string
	add := func(n int, noun, text string) {
		if n > 0 {
			notes = append(notes, count(n, noun)+" "+text)
		}
	}
	for _, m := range r.Bare {
		notes = append(notes, "No point has "+m+" on both sides.")
	}
	if slices.ContainsFunc(r.Metrics, record.Metric.Timed) {
		add(r.Old.Records.Busy(), "point", "of old measured on a busy machine: times are unreliable, whatever p says.")
		add(r.New.Records.Busy(), "point", "of new measured on a busy machine: times are unreliable, whatever p says.")
	}
	add(r.Renamed, "point", "matched by parameters: the ids differ, as other versions of the program, or of the data, computed the two sides.")
	add(r.Alike, "point", "matched by the parameters that both sides have.")
	for _, s := range []struct {
		own  []string
		side string
	}{{r.Old.Own, "old"}, {r.New.Own, "new"}} {
		if len(s.own) > 0 {
			notes = append(notes, fmt.Sprintf("Parameters only in %s: %s.", s.side, strings.Join(s.own, ", ")))
		}
	}
	add(r.Old.Failed, "point", "of old without a result left out.")
	add(r.New.Failed, "point", "of new without a result left out.")
	add(r.LeftOut, "point", "under insecure parameters left out.")
	add(r.Old.Older+r.New.Older, "record", "left out, as there are others with the same parameters.")
	return notes
}

// enough is the size of both samples with which some test of so many can be significant.
func enough(tests int) int {
	n := 1
	for stats.LeastP(n, n)*float64(tests) > stats.Alpha {
		n++
	}
	return n
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
