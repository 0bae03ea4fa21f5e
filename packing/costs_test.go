package packing

import (
	"math"
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
)

// The costs of parts add up to the cost of the counts, and to no less than the memory that is predicted.
func TestCostsAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }
	for round := range 300 {
		var dims []int
		for range 2 + rng.IntN(4) {
			dims = append(dims, 1+rng.IntN(70))
		}
		in, out := 1<<rng.IntN(5), 1<<rng.IntN(5)
		g := network.FullyConnected(dims...)
		if rng.IntN(2) == 0 {
			g = networktest.Conv(rng, 6)
			dims = g.Channels()
		}
		l, err := TilesOf(Shape{in, out, MinSlots / in / out}).Layout(g)
		encrypted := rng.IntN(2) == 0
		if rng.IntN(3) == 0 {
			l, err = ScalarIn(MinSlots).Layout(g)
			encrypted = false
		}
		if err != nil {
			t.Fatal(err)
		}
		rescaleSomehow(t, rng, l)
		a := Arithmetic{LogN: 13, LogP: []int{46}}
		for range l.Levels + 1 {
			a.LogQ = append(a.LogQ, 25+rng.IntN(25))
		}
		kept := l.Dense()
		keep := rng.Float64()
		for _, rows := range kept {
			for _, row := range rows {
				for i := range row {
					row[i] = rng.Float64() < keep
				}
			}
		}
		prices := a.Nominal()
		got := l.Costs(prices, a, encrypted).Of(kept)
		if want := Total(l.Counts(kept, encrypted)).Cost(prices); !near(got.Seconds, want) {
			t.Fatalf("round %d, %s %v %s: %g s in parts, %g s by counts", round, l.Kind, dims, l.Shape, got.Seconds, want)
		}
		m := a.Memory(l, kept, encrypted, 1)
		if want := float64(m.Total()); got.Memory < want-1 { // rounded to whole bytes once
			t.Fatalf("round %d, %s %v %s: %g bytes in parts, %g predicted", round, l.Kind, dims, l.Shape, got.Memory, want)
		}
		upload := float64(a.Inputs(l))
		if encrypted {
			upload += float64(a.Weights(l, kept))
		}
		if !near(got.Upload, upload) {
			t.Fatalf("round %d, %s %v %s: %g bytes sent in parts, %g in all", round, l.Kind, dims, l.Shape, got.Upload, upload)
		}
	}
}

// rescaleSomehow chooses when a layout rescales.
func rescaleSomehow(t *testing.T, rng *rand.Rand, l *Layout) {
	t.Helper()
	r := Rescalings{Delays: rng.IntN(l.Squares() + 1)}
	for _, i := range l.Sums() {
		if rng.IntN(2) == 0 {
			r.SumsFirst = append(r.SumsFirst, i)
		}
	}
	if err := l.Rescale(r); err != nil {
		t.Fatal(err)
	}
}
