package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hepex/harness/record"
)

// names tells the points of an experiment apart by parameters.
type names struct {
	telling []string // label, if there are any, and enough parameters for no others to matter
	shared  []string // "path value" of those that all points have alike
}

// first are the parameters that tell points apart before others do.
var first = []string{"data.name", "network.type", "prune.scheme", "tile", "he.weights", "prune.ratio"}

// newNames leaves out the parameters that follow from others, as settings do that only one scheme has.
func newNames(records record.Set) names {
	all := map[string]bool{}
	labelled := false
	for _, r := range records {
		for name := range r.Params {
			all[name] = true
		}
		labelled = labelled || r.Label != ""
	}
	var n names
	if labelled {
		n.telling = append(n.telling, "label")
	}
	order := func(a, b string) int {
		i, j := slices.Index(first, a), slices.Index(first, b)
		if i < 0 || j < 0 {
			return cmp.Or(cmp.Compare(j, i), strings.Compare(a, b))
		}
		return cmp.Compare(i, j)
	}
	groups := make([]string, len(records)) // what the parameters so far say of each
	for _, name := range slices.SortedFunc(maps.Keys(all), order) {
		values, split := map[string]string{}, false
		for i, r := range records {
			text, _ := record.Text(r, name)
			before, known := values[groups[i]]
			split = split || known && before != text
			values[groups[i]] = text
		}
		if split {
			n.telling = append(n.telling, name)
			for i, r := range records {
				text, _ := record.Text(r, name)
				groups[i] += "\x00" + text
			}
		} else if text, ok := alike(records, name); ok {
			n.shared = append(n.shared, name+" "+text)
		}
	}
	return n
}

// alike gives the value that all records have for a parameter.
func alike(records record.Set, name string) (string, bool) {
	text, _ := record.Text(records[0], name)
	return text, !slices.ContainsFunc(records, func(r *record.Record) bool { other, _ := record.Text(r, name); return other != text })
}

// describe puts the parameters of a point in words: "p4e, ratio 0.8, tile 16x16x32". Of points that several seeds make, it leaves out
// the seeds.
func (n names) describe(of ...*record.Record) string {
	var words []string
	for _, name := range n.telling {
		text, ok := record.Text(of[0], name)
		differs := slices.ContainsFunc(of, func(r *record.Record) bool { other, _ := record.Text(r, name); return other != text })
		switch {
		case !ok, differs:
		case name == "label", name == "prune.scheme":
			words = append(words, text)
		default:
			words = append(words, record.ShortName(name)+" "+text)
		}
	}
	if len(words) == 0 {
		return "point " + of[0].Point
	}
	return strings.Join(words, ", ")
}
