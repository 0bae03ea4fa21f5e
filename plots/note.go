package plots

import (
	"fmt"
	"slices"
	"strings"

	"hepex/harness/record"
)

// note adds what a reader must know about the points. Only where times are shown does it matter how often they were measured;
// what a busy machine does to them is for busyNote.
func (c *chart) note(d *drawn, shown record.Set, timed bool) {
	if len(d.fig.Where) > 0 {
		c.notes = append(c.notes, "Only points with "+conditions(d.fig.Where)+".")
	}
	c.noteSeeds()
	beyond := 0
	for _, p := range c.panels {
		for _, cv := range p.curves {
			beyond += len(c.beyond(cv))
		}
	}
	if beyond > 0 {
		c.notes = append(c.notes, "Arrows: "+count(beyond, "point")+" beyond the axes.")
	}
	if differ := c.unlike(); len(differ) > 0 && !d.fig.Markers {
		text := "No line where points of a series differ in %s."
		if c.onSide {
			text = "Points of one row differ in %s."
		}
		c.notes = append(c.notes, fmt.Sprintf(text, strings.Join(differ, ", ")))
	}
	warned := 0
	for _, r := range shown {
		other := func(w string) bool {
			return !strings.HasPrefix(w, record.BusyWarning) && (timed || !strings.HasPrefix(w, record.RepeatsWarning))
		}
		if slices.ContainsFunc(r.Warnings, other) {
			warned++
		}
	}
	if warned > 0 {
		c.notes = append(c.notes, count(warned, "record")+" with warnings.")
	}
}

func (c *chart) noteSeeds() {
	var seeds []int
	for _, p := range c.panels {
		for _, cv := range p.curves {
			for _, pt := range cv.points {
				seeds = append(seeds, pt.seeds())
			}
		}
	}
	if slices.Max(seeds) == 1 {
		return
	}
	note := "Mean and range of " + reach(seeds) + " seeds"
	if c.onSide && c.parts == nil {
		note += ", which are hollow"
	}
	c.notes = append(c.notes, note+".")
}

// unlike lists the parameters in which points of one row differ, or those of one series that a line does not join.
func (c *chart) unlike() []string {
	var differ []string
	for _, p := range c.panels {
		for _, cv := range p.curves {
			switch {
			case c.onSide:
				differ = append(differ, differing(cv.points)...)
			case !cv.joined && !cv.baseline:
				differ = append(differ, differing(pruned(cv.points))...)
			}
		}
	}
	slices.Sort(differ)
	differ = slices.Compact(differ)
	if slices.Contains(differ, scheme) { // the other settings of pruning differ with it
		differ = slices.DeleteFunc(differ, func(name string) bool { return name != scheme && strings.HasPrefix(name, "prune.") })
	}
	return differ
}
