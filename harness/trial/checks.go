package trial

import (
	"fmt"

	"hepex/harness/config"
	"hepex/pruning"
)

// Checks are the answers that Check gave. The points of a sweep mostly differ in what it does not look at, and it takes
// milliseconds.
type Checks map[string]answer

type answer struct {
	path string
	err  error
}

// Check is Check, done once for all points that are alike to it.
func (c Checks) Check(s config.Spec) (path string, err error) {
	key := fmt.Sprint(s.Data.Form(), s.Network, s.Tile, s.Layout, s.HE, s.Measure.Encrypted, s.Prune.Scheme, s.Prune.Target, s.Prune.Steps)
	if s.Prune.Replaces() || pruning.Whole(s.Prune.Budget) {
		key += fmt.Sprint(s.Prune)
	}
	a, known := c[key]
	if !known {
		a.path, a.err = Check(s)
		c[key] = a
	}
	return a.path, a.err
}
