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

// add looks at a case: the points that its number is of, each with those that it is held against: by what chose it, by its metric, or by the
// expectation.
func (p *Pairs) add(e config.Expectation, records record.Set, ours, rivals []*record.Record) {
	names := []string{e.Metric.Name, e.By.Name}
	for _, c := range e.Where {
		names = append(names, c.Name)
	}
	for _, r := range ours {
		seen := map[*record.Record]bool{r: true}
		for _, name := range names {
			if rival, source := records.Rival(r, name); rival != nil && !seen[rival] && p.pair(r, rival, source) {
				seen[rival] = true
			}
		}
		for _, rival := range rivals {
			if e.Against != nil && !seen[rival] && p.pair(r, rival, e.Metric.Name) {
				seen[rival] = true
			}
		}
	}
}

// turned are metrics of evaluations, which may take turns.
var turned = []string{"latency.evaluate", "latency.evaluate_per_reference", "latency.per_image", "latency.throughput"}

// pair tells whether a metric is one of measured times or memory; then it looks at the two.
func (p *Pairs) pair(r, rival *record.Record, name string) bool {
	m, err := record.Lookup(name)
	if err != nil || !m.Timed() && m.Source() != "memory.peak_rss" {
		return false
	}
	p.All++
	if slices.Contains(turned, m.Source()) && !record.ByTurns(r, rival) {
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
	return true
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
		notes = append(notes, fmt.Sprintf("%s NOT MEASURED ALIKE: in %d of %d comparisons, a point is held against one of another %s.", r.ID, p.Unlike, p.All, strings.Join(p.Traits, ", ")))
	}
	if p := r.Pairs; p.Apart > 0 {
		notes = append(notes, fmt.Sprintf("%s: in %d of %d comparisons, the points did not take turns: the machine may have been slower for one of the two (measure.order).", r.ID, p.Apart, p.All))
	}
	return notes
}
