package record

import (
	"maps"
	"slices"
	"strings"
)

// Alike finds for the parameters of each point the record that agrees with them in all that both have: other versions of the program
// know more parameters, or fewer, of the same point. What a program without a parameter did is the default now, so parameters that only one
// side has must be without effect: the default. Of records with equal parameters the latest with a result counts, or, if none has
// one, the latest. Where the match is not clear on both sides, there is none (nil).
func (s Set) Alike(points []map[string]any, without func(name string, value any) bool) []*Record {
	latest := map[string]*Record{}
	for _, r := range s {
		key := keyOf(r.Params, slices.Sorted(maps.Keys(r.Params)))
		known := latest[key]
		if known == nil || r.Status == OK && known.Status != OK || (r.Status == OK) == (known.Status == OK) && known.EndedAt.Before(r.EndedAt) {
			latest[key] = r
		}
	}
	var candidates []map[string]any
	var records []*Record
	for _, key := range slices.Sorted(maps.Keys(latest)) {
		candidates, records = append(candidates, latest[key].Params), append(records, latest[key])
	}
	of := make([][]int, len(points))       // records that agree, by point
	rivals := make([]int, len(candidates)) // points that agree, by record
	for names, mine := range byNames(points) {
		for others, theirs := range byNames(candidates) {
			shared := slices.DeleteFunc(strings.Split(names, "\n"), func(name string) bool { return !slices.Contains(strings.Split(others, "\n"), name) })
			agreed := func(name string, value any) bool { return slices.Contains(shared, name) || without(name, value) }
			byKey := map[string][]int{}
			for _, c := range theirs {
				if !allOf(candidates[c], agreed) {
					continue
				}
				key := keyOf(candidates[c], shared)
				byKey[key] = append(byKey[key], c)
			}
			for _, p := range mine {
				if !allOf(points[p], agreed) {
					continue
				}
				for _, c := range byKey[keyOf(points[p], shared)] {
					of[p] = append(of[p], c)
					rivals[c]++
				}
			}
		}
	}
	found := make([]*Record, len(points))
	for p, all := range of {
		if len(all) == 1 && rivals[all[0]] == 1 {
			found[p] = records[all[0]]
		}
	}
	return found
}

func allOf(params map[string]any, holds func(name string, value any) bool) bool {
	for name, value := range params {
		if !holds(name, value) {
			return false
		}
	}
	return true
}

// byNames groups parameters, by index, that have the same names.
func byNames(all []map[string]any) map[string][]int {
	groups := map[string][]int{}
	for i, params := range all {
		names := strings.Join(slices.Sorted(maps.Keys(params)), "\n")
		groups[names] = append(groups[names], i)
	}
	return groups
}

// keyOf is the same for equal values of these parameters.
func keyOf(params map[string]any, names []string) string {
	var values []string
	for _, name := range names {
		values = append(values, name, text(params[name]))
	}
	return strings.Join(values, "\x00")
}
