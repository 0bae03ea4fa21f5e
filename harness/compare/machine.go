package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/record"
)

// Difference is a trait of the machine, of how it was used or of what the program is built from, that is not the same on both
// sides.
type Difference struct {
	Name     string
	Old, New string // its values
	Points   int    // in which it differs
}

// traits decide how fast a point is and how its network comes out, beside its parameters.
var traits = []struct {
	name string
	of   func(*record.Record) string
}{
	{"host", func(r *record.Record) string { return r.Environment.Host }}, // two of one kind differ, too
	{"cpu", func(r *record.Record) string { return r.Environment.CPU }},
	{"kernels", func(r *record.Record) string { return r.Environment.Kernels }},
	{"blas", func(r *record.Record) string { return cmp.Or(r.Environment.BLAS, "gonum") }},
	{"cores", func(r *record.Record) string { return fmt.Sprint(r.Environment.Cores) }},
	{"ram", func(r *record.Record) string { // as printed: a reboot changes the last bytes
		return record.Metric{Unit: record.Bytes}.Format(float64(r.Environment.RAMBytes))
	}},
	{"kernel", func(r *record.Record) string { return r.Environment.Kernel }},
	{"threads", func(r *record.Record) string { return fmt.Sprint(r.Threads) }},
	{"gomaxprocs", func(r *record.Record) string { return fmt.Sprint(r.Environment.GOMAXPROCS) }},
	{"gogc", func(r *record.Record) string { return r.Environment.GOGC }},
	{"go", func(r *record.Record) string { return r.Environment.Go }},
	{"lattigo", lattigo},
	{"order", func(r *record.Record) string { return r.Order }},
}

// lattigo is the version of the module that computes; its path has the major version.
func lattigo(r *record.Record) string {
	for path, version := range r.Environment.Modules {
		if strings.HasPrefix(path, "github.com/tuneinsight/lattigo/") {
			return version
		}
	}
	return ""
}

// machines names the traits in which both sides of a point differ.
func (p pair) machines() []string {
	var names []string
	for _, t := range traits {
		if distinct(p.old, t.of) != distinct(p.new, t.of) {
			names = append(names, t.name)
		}
	}
	return names
}

// differences are those of all points together.
func differences(pairs []pair) []Difference {
	var found []Difference
	for _, t := range traits {
		d := Difference{Name: t.name}
		var old, new []*record.Record
		for _, p := range pairs {
			if distinct(p.old, t.of) != distinct(p.new, t.of) {
				d.Points++
				old, new = append(old, p.old...), append(new, p.new...)
			}
		}
		if d.Points > 0 {
			d.Old, d.New = distinct(old, t.of), distinct(new, t.of)
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
