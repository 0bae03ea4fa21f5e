// Package plots turns records into figures and tables. It runs nothing: the same records give the
// same bytes, so that figures can be rebuilt, compared and committed.
//
// What it is opinionated about: attempts that failed are counted, never drawn; attempts under
// insecure parameters are drawn only when there are no others, and then the figure says so; attempts
// that differ only in a seed are one point, their mean, with whiskers from the least to the greatest;
// and points that differ in anything else are never averaged.
package plots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// Figure says what a figure shows. X and Y are metrics or numeric parameters. Rows, Series and Facet are
// parameters, several of them separated by commas, or empty: a series is a curve, a facet a panel. With
// Rows, which are in the order of the records, there are neither Y nor Series. A row is dots, or, where X is a metric that has
// parts (record.Parted), bars of these parts.
type Figure struct {
	ID, X, Y, Rows, Series, Facet string
	XAxis, YAxis                  Axis

	Title   string
	Width   float64            // in cm; 0: ColumnWidth for a single panel, PageWidth for several
	Where   []config.Condition // which points are shown: those for which all of them hold
	Labels  map[string]string  // what is written in the place of a value of a parameter or, on an axis, of a metric's name
	Markers bool               // no lines between points
	Pareto  bool               // the front of the points that no other one beats in both x and y
	Guide   Guide
	Bands   []Band
}

// The widths of a column and of the text of a page, in cm. Texts have 7 to 9 points at the width of the figure, whatever that is.
const ColumnWidth, PageWidth = 8.5, 17.5

// DefaultFigures are drawn for an experiment that names none: what pruning costs in quality and, if anything was evaluated,
// what it saves in time, and which points are worth their time. Where nothing is pruned, or all alike, it is a row for each setting. Records of random
// inputs have no quality to be drawn.
func DefaultFigures(records record.Set) []Figure {
	var figures []Figure
	timed := slices.ContainsFunc(records, func(r *record.Record) bool { return r.Latency != nil })
	judged := !slices.ContainsFunc(records, (*record.Record).Random) ||
		slices.ContainsFunc(records, func(r *record.Record) bool { return r.Quality != nil && !r.Random() })
	if rows := settings(records); rows != "" {
		if judged {
			figures = append(figures, Figure{ID: "quality", X: "quality.plain", Rows: rows, Width: PageWidth})
		}
		if timed {
			figures = append(figures, Figure{ID: "latency", X: "latency.evaluate", Rows: rows, Width: PageWidth})
		}
		return figures
	}
	if judged {
		figures = append(figures, Figure{ID: "quality", X: "tiles.density", Y: "quality.plain", Series: scheme, Facet: "tile"})
	}
	if timed {
		figures = append(figures, Figure{ID: "latency", X: "tiles.density", Y: "latency.evaluate", Series: scheme, Facet: "he.weights,tile", Guide: Proportional})
	}
	if judged && timed {
		figures = append(figures, Figure{ID: "front", X: "latency.evaluate", Y: "quality.plain", Series: scheme, Facet: "he.weights", Pareto: true})
	}
	return figures
}

// settings names the parameters in which records of one density differ, as rows of a figure; none if there are several densities, or more settings
// than a figure should have rows.
func settings(records record.Set) string {
	kept, _, _ := usable(records)
	var names []string
	for _, r := range kept {
		if r.Tiles == nil || r.Tiles.Density != kept[0].Tiles.Density {
			return ""
		}
		names = append(names, differences(kept[0], r)...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 || len(distinct(kept, names)) > maxSeries {
		return ""
	}
	return strings.Join(names, ",")
}

// Table says what a table shows: a row for each value of the parameters Rows, and for each value of
// the parameters Cols (or once, when there are none) a column for each metric of Cells. The title is what a caption begins with.
type Table struct {
	ID, Title, Rows, Cols string
	Cells                 []string
}

// scheme is the parameter whose value dense is the baseline of an experiment.
const scheme = "prune.scheme"

// seedless reports whether a parameter decides more than how the random numbers fall.
func seedless(name string) bool {
	return name != "seed" && !strings.HasSuffix(name, ".seed") && !strings.HasSuffix(name, "_seed")
}

// usable returns the records that figures and tables show. notes says what was left out and why;
// insecure, that there were only records under insecure parameters.
func usable(all record.Set) (kept record.Set, insecure bool, notes []string) {
	kept, unsafe, failed := all.Results()
	if failed > 0 {
		notes = append(notes, count(failed, "point")+" without a result left out.")
	}
	if len(kept) == 0 {
		return unsafe, len(unsafe) > 0, notes
	}
	if len(unsafe) > 0 {
		notes = append(notes, count(len(unsafe), "point")+" under insecure parameters left out.")
	}
	return kept, false, notes
}

// busyNote says how many of the records were measured on a busy machine, if one of the metrics depends on that.
func busyNote(records record.Set, shown ...record.Metric) []string {
	if n := records.Busy(); n > 0 && slices.ContainsFunc(shown, record.Metric.Timed) {
		return []string{fmt.Sprintf("%s measured on a busy machine: times are unreliable.", count(n, "point"))}
	}
	return nil
}

// sampleNote says of how many samples the metrics are that are of encrypted ones.
func sampleNote(records record.Set, shown ...record.Metric) []string {
	var names []string
	for _, m := range shown {
		if m.Sampled() && !slices.Contains(names, m.Label) {
			names = append(names, m.Label)
		}
	}
	var samples []int
	for _, r := range records {
		if r.Quality != nil && r.Quality.Samples > 0 {
			samples = append(samples, r.Quality.Samples)
		}
	}
	if len(names) == 0 || len(samples) == 0 {
		return nil
	}
	of := count(slices.Max(samples), "encrypted sample")
	if least := slices.Min(samples); least < slices.Max(samples) {
		of = fmt.Sprintf("%d to %s", least, of)
	}
	return []string{fmt.Sprintf("%s: of %s a point, not of the whole test set.", strings.Join(names, "; "), of)}
}

// ErrNone means that there are no records to show.
var ErrNone = errors.New("no records")

// ErrFailed means that there are records, but none with a result.
var ErrFailed = errors.New("none")

// noneUsable says why there is nothing to show.
func noneUsable(all record.Set) error {
	if len(all) == 0 {
		return ErrNone
	}
	return fmt.Errorf("%w of %s ended with a result", ErrFailed, count(len(all), "record"))
}

// metric finds the registered metric or the numeric parameter of that name.
func metric(name string, records record.Set) (record.Metric, error) {
	m, err := record.Lookup(name)
	if err == nil {
		return m.For(records.QualityMetric()), nil
	}
	for _, r := range records {
		if _, ok := record.Value(r, name); ok {
			words := strings.NewReplacer(".", " ", "_", " ").Replace(name)
			return record.Metric{Name: name, Label: strings.ToUpper(words[:1]) + words[1:]}, nil
		}
	}
	for _, r := range records {
		if _, ok := record.Text(r, name); ok {
			return record.Metric{}, fmt.Errorf("%s is not a number", name)
		}
	}
	return record.Metric{}, err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
