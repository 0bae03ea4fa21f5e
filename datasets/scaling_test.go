package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"hepex/datasets/npy"
)

// Scaling goes by the training split alone, and makes nothing of what is constant there.
func TestScalingGoesByTraining(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	train, test := "a,b,class\n", "a,b,class\n"
	for i := range 40 {
		train += fmt.Sprintf("%g,7,%d\n", rng.NormFloat64()*3+5, i%2)
		test += fmt.Sprintf("%g,8,%d\n", rng.NormFloat64()*900, i%2)
	}
	for _, kind := range []string{ScaleStandard, ScaleUnit} {
		f := ownFiles(t, map[string][]byte{"train.csv": []byte(train), "test.csv": []byte(test)}, labelled)
		f.Scale = kind
		own := mustLoad(t, f)
		x := mustRead(t, own, Train, 0, 40).X
		r := ranges(x, 2)
		if kind == ScaleUnit && (r[0].Least != 0 || r[0].Greatest != 1) || kind == ScaleStandard && math.Abs(r[0].Deviation-1) > 1e-6 {
			t.Errorf("%s: %+v", kind, r[0])
		}
		if r[1] != (Range{}) || own.Scaling.Factor[1] != 0 {
			t.Errorf("%s: constant column %+v, factor %g", kind, r[1], own.Scaling.Factor[1])
		}
	}
}

// Ranges are those of what the training file holds, whatever the scaling.
func TestRangesAreThoseOfTheFile(t *testing.T) {
	const train = "a,same,y\n2,7,-1\n4,7,1\n9,7,3\n"
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	for _, kind := range Scales() {
		own := mustLoad(t, ownFiles(t, map[string][]byte{"train.csv": []byte(train), "test.csv": []byte(train)}, func(f *Files) { f.Target, f.Scale = []string{"y"}, kind }))
		inputs, targets := own.Ranges()
		for i, want := range []Range{{2, 9, 5, math.Sqrt(26. / 3)}, {7, 7, 7, 0}, {-1, 3, 1, math.Sqrt(8. / 3)}} {
			if got := append(inputs, targets...)[i]; !near(got.Least, want.Least) || !near(got.Greatest, want.Greatest) || !near(got.Mean, want.Mean) || !near(got.Deviation, want.Deviation) {
				t.Errorf("%s: range %d is %+v: want %+v", kind, i, got, want)
			}
		}
	}
}

// What is not said follows from what the files hold; targets are standardised unless nothing is scaled.
func TestKindsOfScaling(t *testing.T) {
	table := map[string][]byte{"d.csv": csvOf(20)}
	rows := map[string][]byte{"d.npz": npzOf(t, map[string]npy.Array{"x_train": array(t, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 6, 1, 2)})}
	for _, c := range []struct {
		files                 map[string][]byte
		scale, inputs, target string
	}{
		{table, ScaleAuto, ScaleStandard, ScaleStandard},
		{table, ScaleUnit, ScaleUnit, ScaleStandard},
		{table, ScaleNone, ScaleNone, ScaleNone},
		{rows, ScaleAuto, ScaleUnit, ""}, // images, though of one row
	} {
		own := mustLoad(t, ownFiles(t, c.files, func(f *Files) {
			if f.Scale = c.scale; c.target != "" {
				f.Target = []string{"b"}
			}
		}))
		if own.Scaling.Kind != c.inputs || own.TargetScale.Kind != c.target {
			t.Errorf("%s: %s, targets %s: want %s, %s", c.scale, own.Scaling.Kind, own.TargetScale.Kind, c.inputs, c.target)
		}
	}
}
