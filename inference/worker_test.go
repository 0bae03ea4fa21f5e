package inference

import (
	"fmt"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// The same network must get the same parameters and scales: if this changes, raise Version.
func TestGoldenParameters(t *testing.T) {
	layout, err := packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 32}).Layout(network.FullyConnected(784, 128, 128, 10))
	check(t, err)
	profile := least(layout)
	profile.Peaks, profile.Output = []float64{10, 20, 30}, 25
	lit, err := Derive(layout, profile, Wanted{Precision: 16})
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	scales := p.scales(layout)
	got := fmt.Sprintf("%+v %.6f", lit, logScale(scales[len(scales)-1].weight))
	const want = "{Ring:conjugate-invariant LogN:13 LogQ:[41 41 34 33 23] LogP:[42] LogScale:28 LogScales:[30 49 27 34]} 21.000000"
	if got != want {
		t.Errorf("got %s\nwant %s\nif inference was meant to change, raise inference.Version", got, want)
	}
}
