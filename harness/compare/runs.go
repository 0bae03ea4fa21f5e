package compare

import (
	"maps"

	"hepex/harness/record"
)

// Run is the parameter by which several runs of one side are told apart.
const Run = "run"

// Runs is several runs of the same experiment by the same program as one side: with Run among the parameters of
// Options.Over, each run of a point is one value of its sample, which then holds how processes differ from each other.
func Runs(runs []record.Set) record.Set {
	var all record.Set
	for i, set := range runs {
		for _, rec := range set {
			one := *rec
			one.Params = maps.Clone(rec.Params)
			one.Params[Run] = i + 1
			all = append(all, &one)
		}
	}
	return all
}
