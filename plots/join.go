package plots

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/plotter"

	"hepex/harness/record"
)

// joined tells whether a line may connect points, or it would show values between them that no setting has: they differ, but for
// their seeds, in one number alone, which is x or what moves it. Numbers of the same section that rise or fall with that one, as a sweep
// in step has them, count as one with it. Dense networks, which have none of these, stay beside the line. Points at one x that differ in y
// leave no line that passes through all.
func joined(x string, pts []point) bool {
	pts = pruned(pts)
	for i := 1; i < len(pts); i++ { // in the order of x
		if a, b := pts[i-1], pts[i]; a.x.mean == b.x.mean && a.y.mean != b.y.mean {
			return false
		}
	}
	differ := differing(pts)
	if len(differ) == 0 {
		return true
	}
	leads := differ
	if slices.Contains(differ, x) {
		leads = []string{x}
	}
	return slices.ContainsFunc(leads, func(lead string) bool { return inStep(lead, differ, pts) })
}

// pruned leaves out dense networks, unless there is nothing else.
func pruned(pts []point) []point {
	kept := slices.DeleteFunc(slices.Clone(pts), func(pt point) bool { return isDense(pt.of[0]) })
	if len(kept) == 0 {
		return pts
	}
	return kept
}

// differing lists the parameters, but for seeds, in which points differ: those of which no value is at all of them. A point may have
// several, as records that give the same one are one point: a network evaluated with weights encrypted and plain has one accuracy.
func differing(pts []point) []string {
	names := make(map[string]bool)
	for _, pt := range pts {
		for _, r := range pt.of {
			for name := range r.Params {
				names[name] = seedless(name)
			}
		}
	}
	maps.DeleteFunc(names, func(name string, counts bool) bool {
		at := func(pt point, value string) bool {
			return slices.ContainsFunc(pt.of, func(r *record.Record) bool { v, _ := record.Text(r, name); return v == value })
		}
		return !counts || slices.ContainsFunc(pts[0].of, func(r *record.Record) bool {
			value, _ := record.Text(r, name)
			return !slices.ContainsFunc(pts, func(pt point) bool { return !at(pt, value) })
		})
	})
	return slices.Sorted(maps.Keys(names))
}

// differences lists the parameters, but for seeds, that a and b have in different values.
func differences(a, b *record.Record) []string {
	var found []string
	for _, params := range []map[string]any{a.Params, b.Params} {
		for name := range params {
			u, _ := record.Text(a, name)
			if v, _ := record.Text(b, name); u != v && seedless(name) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// inStep tells whether lead has another value at every point, and the other parameters rise or fall with it.
func inStep(lead string, params []string, pts []point) bool {
	section, _, _ := strings.Cut(lead, ".")
	pts = slices.Clone(pts)
	at := func(pt point, name string) float64 { v, _ := numeric(pt.of[0], name); return v }
	slices.SortFunc(pts, func(a, b point) int { return cmp.Compare(at(a, lead), at(b, lead)) })
	for _, name := range params {
		if other, _, _ := strings.Cut(name, "."); other != section {
			return false
		}
		rises, falls := true, true
		for i, pt := range pts {
			if _, ok := numeric(pt.of[0], name); !ok {
				return false
			}
			if i > 0 {
				before, now := at(pts[i-1], name), at(pt, name)
				rises, falls = rises && before <= now, falls && before >= now
				if name == lead && before == now {
					return false
				}
			}
		}
		if !rises && !falls {
			return false
		}
	}
	return true
}

// numeric reads a parameter that is a number, or a list of one, such as the size of a single layer.
func numeric(r *record.Record, name string) (float64, bool) {
	text, _ := record.Text(r, name)
	v, err := strconv.ParseFloat(strings.Trim(text, "[]"), 64)
	return v, err == nil
}

// line connects the points of a curve in the order of x.
func (cv curve) line() (xys plotter.XYs) {
	for _, pt := range pruned(cv.points) {
		xys = append(xys, plotter.XY{X: pt.x.mean, Y: pt.y.mean})
	}
	return slices.Compact(xys)
}
