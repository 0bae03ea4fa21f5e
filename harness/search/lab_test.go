package search

import (
	"errors"
	"testing"

	"hepex/harness/tune"
	"hepex/packing"
)

// The fastest way counts only if the network loses little enough in it.
func TestBestWay(t *testing.T) {
	way := func(kind packing.Kind, seconds float64) tune.Candidate {
		return tune.Candidate{Choice: packing.Choice{Kind: kind}, Seconds: seconds, Total: seconds}
	}
	ways := []tune.Candidate{way(packing.Scalar, 1), way(packing.Scalar, 2), way(packing.Tiles, 3), way(packing.OneImage, 4)}
	for _, c := range []struct {
		name          string
		scalar, tiles float64
		seconds, loss float64
		measured      int // layouts whose loss is asked for
		objective     tune.Objective
	}{
		{"the fastest", 0.01, 0, 1, 0.01, 1, tune.Latency},
		{"integers lose too much", 0.02, 0, 3, 0, 2, tune.Latency},
		{"nothing is good", 0.02, 0.03, 1, 0.02, 3, tune.Latency},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, asked := &Lab{Options: Options{Loss: 0.01, Objective: c.objective}}, 0
			got, err := l.best(ways, func(choice packing.Choice) (float64, error) {
				asked++
				if choice.Kind == packing.Scalar {
					return c.scalar, nil
				}
				return c.tiles, nil
			})
			if err != nil || got.Way.Seconds != c.seconds || got.Loss != c.loss || asked != c.measured {
				t.Errorf("%g s, loses %g, %d layouts asked for, %v; want %g s, %g, %d", got.Way.Seconds, got.Loss, asked, err, c.seconds, c.loss, c.measured)
			}
		})
	}
	broken := errors.New("cannot be read")
	if _, err := (&Lab{}).best(ways, func(packing.Choice) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("%v: want %v", err, broken)
	}
}
