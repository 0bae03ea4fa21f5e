package record

import (
	"cmp"
	"fmt"
	"strings"
)

// Trait is something of the machine, of how it was used or of what the program is built from, that decides how fast a point is and how its
// network comes out, beside its parameters.
type Trait struct {
	Name string
	Of   func(*Record) string
}

// Traits are those that are held against each other when records are compared.
var Traits = []Trait{
	{"host", func(r *Record) string { return r.Environment.Host }}, // two of one kind differ, too
	{"cpu", func(r *Record) string { return r.Environment.CPU }},
	{"kernels", func(r *Record) string { return r.Environment.Kernels }},
	{"blas", func(r *Record) string { return cmp.Or(r.Environment.BLAS, "gonum") }},
	{"cores", func(r *Record) string { return fmt.Sprint(r.Environment.Cores) }},
	{"ram", func(r *Record) string { // as printed: a reboot changes the last bytes
		return Metric{Unit: Bytes}.Format(float64(r.Environment.RAMBytes))
	}},
	{"kernel", func(r *Record) string { return r.Environment.Kernel }},
	{"threads", func(r *Record) string { return fmt.Sprint(r.Threads) }},
	{"gomaxprocs", func(r *Record) string { return fmt.Sprint(r.Environment.GOMAXPROCS) }},
	{"gogc", func(r *Record) string { return r.Environment.GOGC }},
	{"go", func(r *Record) string { return r.Environment.Go }},
	{"lattigo", lattigo},
	{"order", func(r *Record) string { return r.Order }},
}

// lattigo is the version of the module that computes; its path has the major version.
func lattigo(r *Record) string {
	for path, version := range r.Environment.Modules {
		if strings.HasPrefix(path, "github.com/tuneinsight/lattigo/") {
			return version
		}
	}
	return ""
}
