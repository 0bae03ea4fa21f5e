package run

import (
	"slices"
	"testing"

	"hepex/harness/config"
	"hepex/harness/record"
)

func TestGroups(t *testing.T) {
	point := func(scheme, family, order string) Planned {
		p := Planned{Point: config.Point{Params: map[string]any{"prune.scheme": scheme, "train.seed": family}}}
		p.Spec.Measure = config.Measure{Encrypted: true, Order: order}
		return p
	}
	in := record.Interleaved
	points := []Planned{point("p3", "a", in), point("dense", "a", in), point("p3", "a", in), point("p4", "a", in), point("p4", "b", in), point("dense", "b", in),
		point("dense", "c", record.Sequential), point("p4", "c", record.Sequential), point("dense", "d", in)}
	peaks := []int64{10, 50, 10, 20, 10, 50, 50, 50, 50}
	for limit, want := range map[int64][]int{
		1000: {1, 1, 1, 1, 1, 1, 1, 1, 1},
		75:   {1, 2, 1, 1, 1, 1, 1, 1, 1}, // with 10 and 10, and with 20
		60:   {1, 3, 1, 1, 1, 1, 1, 1, 1},
		40:   {1, 3, 1, 1, 1, 1, 1, 1, 1}, // as an upper bound: where nothing fits beside it, it does not stay
	} {
		if got := Groups(points, peaks, limit); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}
