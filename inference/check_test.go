package inference

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// Parameters given by hand are refused where they give too little, with what to enlarge, and what is predicted of others is kept, and not far
// below what they give.
func TestGivenParametersAreJudged(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	f := networktest.Folded(rng, []int{20, 12, 8}, 1, 1)
	m, err := packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 32}).Pack(f, nil)
	check(t, err)
	m.SetDelayed(false)
	x := networktest.Samples(rng, 32, 20)
	want, profile, err := m.Simulate(x)
	check(t, err)
	for _, c := range []struct {
		name         string
		scale        int
		logQ, logP   []int
		least, most  float64 // bits that the parameters give
		encrypted    bool
		sumsFirst    []int
		whatToChange string
	}{
		{"enough", 40, []int{50, 40, 40, 40}, []int{58}, 20, 32, false, nil, "log_scale"},
		{"encrypted", 40, []int{50, 40, 40, 40}, []int{50}, 18, 32, true, nil, "log_scale"},
		{"small scale", 28, []int{40, 28, 28, 28}, []int{50}, 6, 19, false, nil, "log_scale"},
		{"small special modulus", 40, []int{50, 40, 40, 40}, []int{32}, 6, 22, false, nil, "log_p"},
		{"two special moduli", 40, []int{50, 40, 40, 40}, []int{45, 46}, 20, 32, false, nil, "log_scale"},
		{"sums first", 28, []int{40, 28, 28, 28}, []int{50}, 6, 20, false, []int{0, 1}, "log_scale"},
		{"sums first, encrypted", 40, []int{50, 40, 40, 40}, []int{50}, 18, 33, true, []int{0, 1}, "log_scale"},
		{"sums first, small special modulus", 28, []int{40, 28, 28, 28}, []int{24}, 12, 20, false, []int{0, 1}, "log_scale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.SumFirst(c.sumsFirst)
			_, profile, err := m.Simulate(x)
			check(t, err)
			p, err := NewParameters(Literal{LogN: 10, LogQ: c.logQ, LogP: c.logP, LogScale: c.scale}, true)
			check(t, err)
			check(t, p.CheckRange(m.Layout, profile))
			got, _ := evaluate(t, p, m, c.encrypted, 1, x)
			bits := precision(want, got)
			predicted := 0.0
			for ; predicted < 60 && p.CheckPrecision(m.Layout, profile, Wanted{Precision: predicted + 0.5, Encrypted: c.encrypted}) == nil; predicted += 0.5 {
			}
			if predicted < c.least || predicted > c.most || bits < predicted || bits > predicted+6 {
				t.Errorf("%.1f bits predicted, %.1f given: want %g to %g", predicted, bits, c.least, c.most)
			}
			err = p.CheckPrecision(m.Layout, profile, Wanted{Precision: predicted + 2, Encrypted: c.encrypted})
			if !errors.Is(err, ErrPrecision) || !strings.Contains(err.Error(), c.whatToChange) {
				t.Errorf("%v: want %q in it", err, c.whatToChange)
			}
		})
	}
	m.SumFirst(nil)
	profile = profile.Scale([]float64{16, 16}, []float64{16, 16}) // values below 1 count as 1
	for i, room := range mustParameters(t, 40, []int{50, 40, 40, 40}, []int{50}).Room(m.Layout, profile) {
		by := []float64{1, 1}
		by[i] = math.Exp2(room - 0.01)
		check(t, mustParameters(t, 40, []int{50, 40, 40, 40}, []int{50}).CheckRange(m.Layout, profile.Scale(by, by)))
		by[i] = math.Exp2(room + 0.01)
		if mustParameters(t, 40, []int{50, 40, 40, 40}, []int{50}).CheckRange(m.Layout, profile.Scale(by, by)) == nil {
			t.Errorf("layer %d has room for more than %.2f bits", i, room)
		}
	}
}

func mustParameters(t *testing.T, scale int, logQ, logP []int) Parameters {
	t.Helper()
	p, err := NewParameters(Literal{LogN: 10, LogQ: logQ, LogP: logP, LogScale: scale}, true)
	check(t, err)
	return p
}

// Floats have 53 bits, of which transforms and sums take some: what is promised beyond 36 bits leaves them room.
func TestHighPrecisionLeavesRoomForFloats(t *testing.T) {
	measured := 0
	for round := range 4 {
		rng := rand.New(rand.NewPCG(22, uint64(round)))
		f := networktest.Folded(rng, []int{30, 12, 10}[round%2:], 1, 1)
		m, err := packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 256}).Pack(f, nil)
		check(t, err)
		x := networktest.Samples(rng, 64, f.Geometry().Axis(0).Size())
		_, profile, err := m.Simulate(x)
		check(t, err)
		for _, bits := range []float64{36, 40, 44} {
			lit, err := Derive(m.Layout, profile, Wanted{Precision: bits})
			if err != nil {
				t.Logf("%g bits: %v", bits, err)
				continue
			}
			p, err := NewParameters(lit, false)
			check(t, err)
			got, _ := evaluate(t, p, m, false, 2, x)
			measured++
			if have := precision(networktest.Forward(f, x), got); have < bits {
				t.Errorf("%g bits promised, %.1f reached with %+v", bits, have, lit)
			} else {
				t.Logf("%g bits promised, %.1f reached", bits, have)
			}
		}
	}
	if measured == 0 {
		t.Error("none was derived")
	}
	layout, err := packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 16}).Layout(network.FullyConnected(4, 2))
	check(t, err)
	profile := least(layout)
	profile.Errors[packing.Source{Kind: packing.FloatError}] = 1
	if _, err := Derive(layout, profile, Wanted{Precision: 50}); !errors.Is(err, ErrPrecision) || !strings.Contains(err.Error(), "floats") {
		t.Errorf("50 bits: %v", err)
	}
}

// The errors of an output, in standard deviations, exceed what is said as rarely as is said: of a real product of normal numbers, and of
// the real part of a complex one.
func TestDeviations(t *testing.T) {
	const probability, rounds = 1e-3, 400000
	rng := rand.New(rand.NewPCG(23, 1))
	for r, draw := range map[Ring]func() float64{
		ConjugateInvariant: func() float64 { return rng.NormFloat64() * rng.NormFloat64() },
		Standard: func() float64 {
			return (rng.NormFloat64()*rng.NormFloat64() - rng.NormFloat64()*rng.NormFloat64()) / math.Sqrt2
		},
	} {
		for _, terms := range []int{1, 4, 16} {
			most, exceeded := deviations(r, probability, terms), 0
			for range rounds / terms {
				sum := 0.0
				for range terms {
					sum += draw()
				}
				if math.Abs(sum) > most*math.Sqrt(float64(terms)) {
					exceeded++
				}
			}
			least := probability / 2
			if terms > 1 {
				least = 0 // a bound
			}
			if share := float64(exceeded) / float64(rounds/terms); share < least || share > probability*1.2 {
				t.Errorf("%s, %d terms: %.2f deviations are exceeded with probability %g: want about %g", r, terms, most, share, probability)
			}
		}
	}
}
