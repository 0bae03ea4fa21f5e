package compare

import (
	"slices"
	"strings"

	"hepex/harness/record"
)

// Difference is a trait that is not the same on both sides.
type Difference struct {
	Name     string
	Old, New string // its values
	Points   int    // in which it differs
}

// machines names the traits in which both sides of a point differ.
func (p pair) machines() []string {
	var names []string
	for _, t := range record.Traits {
		if distinct(p.old, t.Of) != distinct(p.new, t.Of) {
			names = append(names, t.Name)
		}
	}
	return names
}

// differences are those of all points together.
func differences(pairs []pair) []Difference {
	var found []Difference
	for _, t := range record.Traits {
		d := Difference{Name: t.Name}
		var old, new []*record.Record
		for _, p := range pairs {
			if distinct(p.old, t.Of) != distinct(p.new, t.Of) {
				d.Points++
				old, new = append(old, p.old...), append(new, p.new...)
			}
		}
		if d.Points > 0 {
			d.Old, d.New = distinct(old, t.Of), distinct(new, t.Of)
			found = append(found, d)
		}
	}
	return found
}

func distinct(records []*record.Record, of func(*record.Record) string) string {
	var values []string
	for _, r := range records {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return strings.Join(slices.Compact(values), " or ")
}
