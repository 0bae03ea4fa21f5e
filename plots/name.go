package plots

import (
	"slices"
	"strings"

	"hepex/harness/record"
)

// naming puts the values of parameters in words.
type naming struct {
	params []string
	labels map[string]string // what is written in the place of a value
	absent map[string]string // what is written of a parameter that a record lacks
}

// newNaming names keys of the records.
func newNaming(params []string, labels map[string]string, records record.Set) naming {
	n := naming{params, labels, make(map[string]string)}
	for i, name := range params {
		without := slices.DeleteFunc(slices.Clone(records), func(r *record.Record) bool { return key(r, params)[i] != "" })
		n.absent[name] = absent(name, without, slices.Contains(params, scheme))
	}
	return n
}

// absent says of a parameter which schemes it does not apply to, if these are few and not named anyway.
func absent(name string, without record.Set, named bool) string {
	if name == "label" {
		return "no label"
	}
	text := record.ShortName(name) + " n/a"
	if found := distinct(without, []string{scheme}); !named && 0 < len(found) && len(found) <= 3 {
		text += " (" + strings.Join(slices.Concat(found...), ", ") + ")"
	}
	return text
}

// of names a key: "p4e, weights plain, tile 16x16x32". Nobody asks of a scheme that is named what it does not know.
func (n naming) of(values []string) string {
	named := slices.Contains(n.params, scheme)
	var parts []string
	for i, name := range n.params {
		label, labelled := n.labels[values[i]]
		switch {
		case labelled:
			parts = append(parts, label)
		case values[i] == "" && named && strings.HasPrefix(name, "prune."):
		case values[i] == "":
			parts = append(parts, n.absent[name])
		case name == scheme || name == "label":
			parts = append(parts, values[i])
		default:
			parts = append(parts, record.ShortName(name)+" "+values[i])
		}
	}
	return strings.Join(parts, ", ")
}

// row is of, but the bare value of a single parameter.
func (n naming) row(values []string) string {
	if len(n.params) == 1 && values[0] != "" && n.labels[values[0]] == "" {
		return values[0]
	}
	return n.of(values)
}
