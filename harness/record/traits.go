package record

import (
	"cmp"
	"fmt"
	"strings"
	"time"
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

// ByTurns tells whether a and b were measured by turns for most of the time: both interleaved on one host, and at least half of a's evaluations
// while b's went on.
func ByTurns(a, b *Record) bool {
	if a.Order != b.Order || a.Order != Interleaved || a.Environment.Host != b.Environment.Host || len(b.Latency.EvaluateAt) == 0 {
		return false
	}
	after := func(r *Record, seconds float64) time.Time {
		return r.StartedAt.Add(time.Duration(seconds * float64(time.Second)))
	}
	last := len(b.Latency.EvaluateAt) - 1
	first, end := after(b, b.Latency.EvaluateAt[0]), after(b, b.Latency.EvaluateAt[last]+b.Latency.Evaluate[last])
	within := 0
	for _, at := range a.Latency.EvaluateAt {
		if t := after(a, at); !t.Before(first) && !t.After(end) {
			within++
		}
	}
	return within > 0 && 2*within >= len(a.Latency.EvaluateAt)
}
