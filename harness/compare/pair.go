package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/record"
)

// pair is the records of one point on both sides: one each, or those of several values of Over.
type pair struct {
	name     string
	values   []string // of its parameters
	alike    bool     // the sides differ in parameters that only one of them knows
	old, new []*record.Record
}

// pair finds the points of both sides. Parameters decide, not ids: these differ too when the same point was measured by
// another version of the packages that compute it.
func (r *Report) pair() []pair {
	r.Old.dedupe(r.New.Records)
	r.New.dedupe(r.Old.Records)
	names := parameters(slices.Concat(r.Old.Records, r.New.Records), r.Over)
	old, new := parameters(r.Old.Records, r.Over), parameters(r.New.Records, r.Over)
	r.Old.Own, r.New.Own = without(old, new), without(new, old)
	points := matchAlike(r.points(names), func(i int) bool {
		return slices.Contains(old, names[i]) && slices.Contains(new, names[i])
	})
	var keys [][]string
	for _, p := range points {
		keys = append(keys, p.values)
	}
	name := namer(names, keys)
	var pairs []pair
	for _, p := range points {
		p.name = name(p.values)
		switch {
		case p.new == nil:
			r.Old.Only = append(r.Old.Only, p.name)
		case p.old == nil:
			r.New.Only = append(r.New.Only, p.name)
		default:
			pairs = append(pairs, *p)
			switch {
			case p.alike:
				r.Alike++
			case !p.shareID():
				r.Renamed++
			}
		}
	}
	return pairs
}

// points is the records of both sides by the values of their parameters, in order of these.
func (r *Report) points(names []string) []*pair {
	byKey := map[string]*pair{}
	var points []*pair
	of := func(rec *record.Record) *pair {
		values := valuesOf(rec, names)
		id := strings.Join(values, "\x00")
		if byKey[id] == nil {
			byKey[id] = &pair{values: values}
			points = append(points, byKey[id])
		}
		return byKey[id]
	}
	for _, rec := range r.Old.Records {
		p := of(rec)
		p.old = append(p.old, rec)
	}
	for _, rec := range r.New.Records {
		p := of(rec)
		p.new = append(p.new, rec)
	}
	slices.SortFunc(points, func(a, b *pair) int { return slices.CompareFunc(a.values, b.values, record.CompareTexts) })
	return points
}

// matchAlike makes one of a point that only one side has and one that only the other has, if they agree in the
// parameters that both sides know and no other point agrees with them: a version of the program with one more parameter
// still measures the same points.
func matchAlike(points []*pair, shared func(i int) bool) []*pair {
	alike := map[string][]*pair{}
	id := func(p *pair) string {
		var values []string
		for i, v := range p.values {
			if shared(i) {
				values = append(values, v)
			}
		}
		return strings.Join(values, "\x00")
	}
	for _, p := range points {
		alike[id(p)] = append(alike[id(p)], p)
	}
	var matched []*pair
	for _, p := range points {
		group := alike[id(p)]
		switch {
		case len(group) != 2 || (group[0].old == nil) == (group[1].old == nil) || (group[0].new == nil) == (group[1].new == nil):
			matched = append(matched, p)
		case p == group[0]:
			matched = append(matched, merged(p, group[1]))
		}
	}
	return matched
}

// merged is two points of which each side has one; what one lacks, only the other's side knows.
func merged(a, b *pair) *pair {
	p := &pair{alike: true, old: slices.Concat(a.old, b.old), new: slices.Concat(a.new, b.new)}
	for i := range a.values {
		p.values = append(p.values, cmp.Or(a.values[i], b.values[i]))
	}
	return p
}

func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// dedupe keeps one record of those with the same parameters: one whose id the other side has, or else the latest.
func (s *Side) dedupe(other record.Set) {
	known := map[string]bool{}
	for _, rec := range other {
		known[rec.Point] = true
	}
	all := slices.Clone(s.Records)
	slices.SortStableFunc(all, func(a, b *record.Record) int { // the best first
		if known[a.Point] != known[b.Point] {
			if known[a.Point] {
				return -1
			}
			return 1
		}
		return cmp.Or(b.EndedAt.Compare(a.EndedAt), strings.Compare(a.Point, b.Point))
	})
	names := parameters(all, nil)
	seen := map[string]bool{}
	kept := all[:0:0]
	for _, rec := range all {
		if id := strings.Join(valuesOf(rec, names), "\x00"); !seen[id] {
			seen[id] = true
			kept = append(kept, rec)
		}
	}
	s.Older = len(all) - len(kept)
	s.Records = kept
}

func (p pair) shareID() bool {
	return slices.ContainsFunc(p.old, func(a *record.Record) bool {
		return slices.ContainsFunc(p.new, func(b *record.Record) bool { return a.Point == b.Point })
	})
}

// parameters are those of any record, but for some.
func parameters(records record.Set, without []string) []string {
	found := map[string]bool{}
	for _, rec := range records {
		for name := range rec.Params {
			found[name] = !slices.Contains(without, name)
		}
	}
	var names []string
	for name, wanted := range found {
		if wanted {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	return names
}

// rank puts the parameters first by which people know a point.
func rank(name string) int {
	known := []string{"prune.scheme", "prune.ratio", "tile", "he.weights"}
	if i := slices.Index(known, name); i >= 0 {
		return i
	}
	return len(known)
}

func valuesOf(rec *record.Record, names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i], _ = record.Text(rec, name)
	}
	return values
}

// namer names a point by the parameters in which points differ, in short: "p4e, ratio 0.8, tile 8x8x64". That a point lacks a
// parameter which is the same for all others tells nothing that its scheme does not, mostly.
func namer(names []string, keys [][]string) func(values []string) string {
	varying := func(orMissing bool) (which []int) {
		for i := range names {
			var values []string
			for _, k := range keys {
				if k[i] != "" || orMissing {
					values = append(values, k[i])
				}
			}
			slices.Sort(values)
			if len(slices.Compact(values)) > 1 {
				which = append(which, i)
			}
		}
		return which
	}
	name := naming(names, varying(false), false)
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[name(k)] || name(k) == onlyPoint && len(keys) > 1 {
			return naming(names, varying(true), true)
		}
		seen[name(k)] = true
	}
	return name
}

// onlyPoint is one that nothing tells from others.
const onlyPoint = "the only point"

// naming puts some of the values of a point in words, and, if asked, which of them it lacks.
func naming(names []string, which []int, lacking bool) func(values []string) string {
	times := map[string]int{}
	for _, i := range which {
		times[record.ShortName(names[i])]++
	}
	return func(values []string) string {
		var words []string
		for _, i := range which {
			name := record.ShortName(names[i])
			if times[name] > 1 {
				name = names[i]
			}
			switch {
			case values[i] == "" && lacking:
				words = append(words, "no "+name)
			case values[i] == "":
			case names[i] == "prune.scheme":
				words = append(words, values[i])
			default:
				words = append(words, fmt.Sprintf("%s %s", name, values[i]))
			}
		}
		if len(words) == 0 {
			return onlyPoint
		}
		return strings.Join(words, ", ")
	}
}
