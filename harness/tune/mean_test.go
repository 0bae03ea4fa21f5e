package tune

import (
	"testing"

	"hepex/packing"
)

// Times of seeds are averaged, memory is that of the worst, and what was priced for some seeds only is no mean of all.
func TestMean(t *testing.T) {
	a, b := packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 256}), packing.ScalarIn(4096)
	of := func(c packing.Choice, seconds float64, model int64, measured bool) Candidate {
		return Candidate{Choice: c, Seconds: seconds, Total: 2 * seconds, PerImage: seconds / 4, Memory: packing.Memory{Model: model}, Upload: model, Measured: measured}
	}
	got := Mean([][]Candidate{
		{of(a, 1, 10, true), of(b, 9, 1, true), of(packing.ScalarIn(8192), 1, 1, false)},
		{of(b, 1, 1, false), of(a, 3, 30, true)},
	})
	if len(got) != 1 || got[0].Choice != a || got[0].Seconds != 2 || got[0].Total != 4 || got[0].PerImage != 0.5 || got[0].Memory.Total() != 30 || got[0].Upload != 30 {
		t.Errorf("%+v: want the mean of the tiles alone", got)
	}
	if one := Mean([][]Candidate{{of(a, 1, 10, true), of(b, 9, 1, true)}}); len(one) != 2 || one[1].Seconds != 9 {
		t.Errorf("of one network: %+v", one)
	}
	if none := Mean(nil); none != nil {
		t.Errorf("of none: %+v", none)
	}
}
