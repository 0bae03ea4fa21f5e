package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Merged counts points of a sweep that are one with a point before: they differ in nothing, or in keys that they do not read.
type Merged struct {
	Points  int
	Scheme  string
	Ignored []string // dotted paths
}

func (m Merged) String() string {
	if len(m.Ignored) == 0 {
		return fmt.Sprintf("%d merged: equal to points before", m.Points)
	}
	return fmt.Sprintf("%d merged: %s ignores %s", m.Points, m.Scheme, strings.Join(m.Ignored, ", "))
}

// merge gives the points without those that are one with a point before, and counts these.
func merge(all []Point) (points []Point, merged []Merged) {
	index := map[string]int{}
	for _, p := range all {
		id := fingerprint(p.Params)
		i, known := index[id]
		if !known {
			index[id] = len(points)
			points = append(points, p)
			continue
		}
		m := newMerged(p.given, points[i].given)
		if points[i].Label == "" && p.Label != "" {
			points[i].Label = p.Label
			if len(m.Ignored) == 0 {
				continue // named, not repeated
			}
		}
		merged = m.addTo(merged)
	}
	return points, merged
}

// fingerprint is the same for equal params only: fmt sorts the keys of maps, and values have no spaces but in lists.
func fingerprint(params map[string]any) string { return fmt.Sprint(params) }

// newMerged is a point with what is given of it, which is one with another.
func newMerged(given, other Spec) Merged {
	m := Merged{Points: 1, Scheme: given.Prune.Scheme}
	for _, f := range fields {
		if !covered(f.path, notParams) && !reflect.DeepEqual(f.get(&given), f.get(&other)) {
			m.Ignored = append(m.Ignored, f.path)
		}
	}
	return m
}

// addTo counts points together that are merged for the same reason.
func (m Merged) addTo(all []Merged) []Merged {
	for i, known := range all {
		if slices.Equal(known.Ignored, m.Ignored) && (known.Scheme == m.Scheme || len(m.Ignored) == 0) {
			all[i].Points += m.Points
			return all
		}
	}
	return append(all, m)
}

// Unread are the settings of pruning that are given, but that the scheme of no point reads.
func (c *Config) Unread() []string {
	var paths []string
	for _, f := range fields {
		given := func(p Point) bool { return p.Gives(f.path) }
		read := func(p Point) bool { _, ok := p.Params[f.path]; return ok }
		if strings.HasPrefix(f.path, "prune.") && slices.ContainsFunc(c.Points, given) && !slices.ContainsFunc(c.Points, read) {
			paths = append(paths, f.path)
		}
	}
	return paths
}
