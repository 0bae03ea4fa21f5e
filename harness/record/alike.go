package record

import (
	"maps"
	"slices"
	"strings"
)

// Alike finds for the parameters of each point the record that agrees with them in all that both have: other versions of the program
// know more parameters, or fewer, of the same point. Of records with equal parameters the latest counts. Where the match is not clear on
// both sides, there is none (nil).
func (s Set) Alike(points []map[string]any) []*Record {
	latest := map[string]*Record{}
	for _, r := range s {
		key := keyOf(r.Params, slices.Sorted(maps.Keys(r.Params)))
		if known := latest[key]; known == nil || known.EndedAt.Before(r.EndedAt) {
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
			byKey := map[string][]int{}
			for _, c := range theirs {
				key := keyOf(candidates[c], shared)
				byKey[key] = append(byKey[key], c)
			}
			for _, p := range mine {
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
