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
	old, new []*record.Record
}

// pair finds the points of both sides. Parameters decide, not ids: these differ too when the same point was measured by
// another version of the packages that compute it.
func (r *Report) pair() []pair {
	r.Old.dedupe(r.New.Records)
	r.New.dedupe(r.Old.Records)
	names := parameters(slices.Concat(r.Old.Records, r.New.Records), r.Over)
	byKey := map[string]*pair{}
	var keys [][]string
	add := func(rec *record.Record) *pair {
		values := valuesOf(rec, names)
		id := strings.Join(values, "\x00")
		if byKey[id] == nil {
			byKey[id] = &pair{}
			keys = append(keys, values)
		}
		return byKey[id]
	}
	for _, rec := range r.Old.Records {
		p := add(rec)
		p.old = append(p.old, rec)
	}
	for _, rec := range r.New.Records {
		p := add(rec)
		p.new = append(p.new, rec)
	}
	slices.SortFunc(keys, func(a, b []string) int { return slices.CompareFunc(a, b, record.CompareTexts) })
	name := namer(names, keys)
	var pairs []pair
	for _, values := range keys {
		p := byKey[strings.Join(values, "\x00")]
		p.name = name(values)
		switch {
		case p.new == nil:
			r.Old.Only = append(r.Old.Only, p.name)
		case p.old == nil:
			r.New.Only = append(r.New.Only, p.name)
		default:
			pairs = append(pairs, *p)
			if !p.shareID() {
				r.Renamed++
			}
		}
	}
	return pairs
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
		if seen[name(k)] {
			return naming(names, varying(true), true)
		}
		seen[name(k)] = true
	}
	return name
}

// naming puts some of the values of a point in words, and, if asked, which of them it lacks.
func naming(names []string, which []int, lacking bool) func(values []string) string {
	last := func(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
	times := map[string]int{}
	for _, i := range which {
		times[last(names[i])]++
	}
	return func(values []string) string {
		var words []string
		for _, i := range which {
			name := last(names[i])
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
			return "the only point"
		}
		return strings.Join(words, ", ")
	}
}
