package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// Pairs tell how well the numbers of an expectation compare: those in which the time or memory of a point is held against another's.
type Pairs struct {
	All    int
	Apart  int      // of times that were not measured by turns
	Unlike int      // measured on different machines, or by different programs
	Traits []string // in which those differ
}

// add looks at a case: the points that its number is of and, where the expectation names a rival, that one's.
func (p *Pairs) add(e config.Expectation, records record.Set, ours, rivals []*record.Record) {
	for _, r := range ours {
		if e.Against != nil {
			for _, rival := range rivals {
				p.pair(r, rival, e.Metric.Name)
			}
		} else if rival, source := records.Rival(r, e.Metric.Name); rival != nil && rival != r {
			p.pair(r, rival, source)
		}
	}
}

func (p *Pairs) pair(r, rival *record.Record, name string) {
	m, err := record.Lookup(name)
	timed := err == nil && m.Timed()
	if !timed && name != "memory.peak_rss" {
		return
	}
	p.All++
	if timed && !record.ByTurns(r, rival) {
		p.Apart++
	}
	var differ []string
	for _, t := range slices.Concat(record.Traits, programs) {
		if !slices.Contains(asAsked, t.Name) && t.Of(r) != t.Of(rival) {
			differ = append(differ, t.Name)
		}
	}
	if len(differ) > 0 {
		p.Unlike++
		p.Traits = append(p.Traits, differ...)
		slices.Sort(p.Traits)
		p.Traits = slices.Compact(p.Traits)
	}
}

// asAsked are traits that the config decides, or that Apart tells more of.
var asAsked = []string{"threads", "gomaxprocs", "order"}

// programs are traits beyond those of a comparison of programs. Older records do not have the program itself.
var programs = []record.Trait{{Name: "program", Of: func(r *record.Record) string {
	return cmp.Or(r.Environment.Binary, r.Environment.Commit)
}}}

// alike says what differs between the measurements of points that are held against each other.
func (r Result) alike() []string {
	var notes []string
	if p := r.Pairs; p.Unlike > 0 {
		notes = append(notes, fmt.Sprintf("%s NOT MEASURED ALIKE: %d of %d points are held against one of another %s.", r.ID, p.Unlike, p.All, strings.Join(p.Traits, ", ")))
	}
	if p := r.Pairs; p.Apart > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d of %d points did not take turns with what they are held against: the machine may have been slower for one of the two (measure.order).", r.ID, p.Apart, p.All))
	}
	return notes
}
