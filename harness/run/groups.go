package run

import (
	"slices"

	"hepex/harness/machine"
	"hepex/harness/record"
)

// memoryShare is what of the machine's memory points that take turns may use together, if nothing else is said.
const memoryShare = 0.6

// turnMemory is what points that take turns may use together, in bytes: the least of the limits, of which 0 is none.
func turnMemory(limits ...int64) int64 {
	limits = slices.DeleteFunc(limits, func(limit int64) bool { return limit <= 0 })
	if len(limits) == 0 {
		return int64(memoryShare * float64(machine.Environment().RAMBytes))
	}
	return slices.Min(limits)
}

// Groups tells how many groups each point is measured in that takes turns, by the peaks of their memory and the limit of the config: an
// unpruned network with each of those that the others of its family make, where memory does not hold all of them, the others with one.
func Groups(points []Planned, peaks []int64, limit int64) []int {
	limit = turnMemory(limit)
	groups := slices.Repeat([]int{1}, len(points))
	for base, p := range points {
		if !takesTurns(p) || !record.Dense(p.Params) {
			continue
		}
		used, n := peaks[base], 0
		for i, other := range points {
			if i == base || !takesTurns(other) || !related(p, other) {
				continue
			}
			if used += peaks[i]; n == 0 || used > limit {
				used = peaks[base] + peaks[i]
				n++
			}
		}
		groups[base] = max(1, n)
	}
	return groups
}
