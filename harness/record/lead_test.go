package record

import (
	"math"
	"testing"
)

// A lead is over the cheapest network without pruning that loses no more, at equal parameters.
func TestLead(t *testing.T) {
	point := func(scheme, tile string, share, lost float64) *Record {
		return &Record{
			Status: OK, Params: map[string]any{"prune.scheme": scheme, "tile": tile},
			Quality: &Quality{ValidationDegradation: lost}, Shares: &Shares{Evaluation: share, Memory: share, Upload: share},
		}
	}
	ours := point("joint", "a", 0.2, 0.01)
	all := Set{
		ours, point("dense", "a", 1, 0), point("small", "a", 0.4, 0.01), point("small", "a", 0.5, 0.005),
		point("small", "a", 0.1, 0.02), point("small", "b", 0.05, 0), point("p4e", "a", 0.1, 0),
	}
	if got, ok := all.Value(ours, "lead.evaluation"); !ok || math.Abs(got-0.5) > 1e-12 {
		t.Errorf("lead %g, %t: want 0.5", got, ok)
	}
	better := point("joint", "a", 0.2, -0.001)
	if _, ok := append(all, better).Value(better, "lead.memory"); ok {
		t.Error("a lead although no smaller network is as good")
	}
	if _, ok := all.Value(all[2], "lead.upload"); ok {
		t.Error("a small network has a lead")
	}
	if got, ok := all.Value(point("joint", "a", 0.8, 0.01), "lead.evaluation"); !ok || math.Abs(got+1) > 1e-12 {
		t.Errorf("lead %g, %t: want -1", got, ok)
	}
}
