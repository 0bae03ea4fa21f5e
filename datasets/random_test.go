package datasets

import (
	"math"
	"slices"
	"testing"
)

// Any range of random samples is part of all of them, and the splits share none.
func TestRandom(t *testing.T) {
	r := NewRandom(Shape{Height: 5, Width: 4, Channels: 3}, 10)
	read := func(split Split, from, to int) []float32 {
		set, err := r.Read(split, from, to)
		if err != nil || set.Dim != 60 || set.Len() != to-from || set.Labels != nil || set.Target != nil {
			t.Fatalf("%v [%d,%d): %+v, %v", split, from, to, set, err)
		}
		return set.X
	}
	all := read(Train, 0, 1000)
	if !slices.Equal(read(Train, 7, 9), all[7*60:9*60]) || slices.Equal(read(Test, 0, 1), all[:60]) || slices.Equal(all[:60], all[60:120]) {
		t.Error("samples differ from those of another range, or are those of another split or number")
	}
	least, greatest := slices.Min(all), slices.Max(all)
	if values := ranges(all, 1)[0]; least < 0 || least > 1e-3 || greatest >= 1 || greatest < 0.999 ||
		math.Abs(values.Mean-0.5) > 0.01 || math.Abs(values.Deviation-math.Sqrt(1./12)) > 0.01 {
		t.Errorf("from %g to %g, %+v: want uniform in [0,1)", least, greatest, values)
	}
	for _, bad := range [][2]int{{-1, 1}, {2, 1}, {0, 10001}} {
		if _, err := r.Read(Test, bad[0], bad[1]); err == nil {
			t.Errorf("samples %v: no error", bad)
		}
	}
}

func TestRandomForm(t *testing.T) {
	shape := Shape{Height: 1, Width: 1, Channels: 4}
	sums := map[string]bool{}
	for outputs, classes := range map[int]int{1: 0, 2: 2, 256: 256, 257: 0} {
		r := NewRandom(shape, outputs)
		if f := r.Form(); f.Classes != classes || f.Outputs() != outputs || f.Shape != shape {
			t.Errorf("%d outputs: %+v", outputs, f)
		}
		sums[r.Checksum()] = true
	}
	if len(sums) != 4 {
		t.Error("two forms have one checksum")
	}
}
