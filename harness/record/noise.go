package record

import (
	"cmp"
	"strings"
)

// Noise is what disturbed the evaluations of a point, beside environment.load1, the load at its start.
type Noise struct {
	Load1End float64 `json:"load1_end"`
	Steal    float64 `json:"steal"`              // share of the processor time that was wanted but went to other guests of the host
	MHzLow   float64 `json:"mhz_low,omitempty"`  // the least and the greatest frequency of the fastest core, over all evaluations;
	MHzHigh  float64 `json:"mhz_high,omitempty"` // absent where the kernel does not tell
}

// BusyWarning starts the warning of a record whose times are unreliable.
const BusyWarning = "busy machine: "

// RepeatsWarning starts the warning of a record whose times were not measured as often as measure.repeats.ci takes.
const RepeatsWarning = "repeats: "

// Explained is a warning with what it means for who reads the numbers, where it speaks of settings only.
func Explained(warning string) string {
	if strings.HasPrefix(warning, RepeatsWarning) {
		return warning + " (medians hold, within wider intervals than asked for; an idle machine or more repeats narrow them)"
	}
	return warning
}

// ChanceWarning starts the warning of a record whose network learnt nothing, or whose quality is not known.
const ChanceWarning = "quality: "

// RandomWarning is that of a record without data.
const RandomWarning = ChanceWarning + "none, as there are no data: inputs are random, and the network's own answers to them stand for classes or targets; agreement, margin and precision hold for such inputs"

// RangeWarning starts the warning of a record whose moduli do not hold all values.
const RangeWarning = "range: "

// Alarming are the warnings that a run shows at once: of what makes a result worthless.
func (r *Record) Alarming() []string {
	var all []string
	for _, w := range r.Warnings {
		if strings.HasPrefix(w, ChanceWarning) || strings.HasPrefix(w, RangeWarning) {
			all = append(all, w)
		}
	}
	return all
}

// Busy tells whether the point was measured on a busy machine.
func (r *Record) Busy() bool {
	for _, w := range r.Warnings {
		if strings.HasPrefix(w, BusyWarning) {
			return true
		}
	}
	return false
}

// Busy counts the points that were measured on a busy machine.
func (s Set) Busy() int {
	n := 0
	for _, r := range s {
		if r.Busy() {
			n++
		}
	}
	return n
}

// Source is the name of the metric that a saving or a lead is of, and that of any other metric.
func (m Metric) Source() string { return cmp.Or(savedFrom[m.Name], leadFrom[m.Name], m.Name) }

// Timed tells whether a busy machine changes the values of the metric.
func (m Metric) Timed() bool {
	name := m.Source()
	return strings.HasPrefix(name, "latency.") || name == "predicted.evaluate_error" || name == "training.seconds"
}
