package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMannWhitney(t *testing.T) {
	large := func(shift float64) []float64 { // 60 values, above the limit of the exact test
		x := make([]float64, 60)
		for i := range x {
			x[i] = float64(i%20) + shift
		}
		return x
	}
	for _, c := range []struct {
		name string
		a, b []float64
		want float64
	}{
		// Both extreme orders of C(10, 5) = 252.
		{"apart", []float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 2. / 252},
		{"apart, other side", []float64{6, 7, 8, 9, 10}, []float64{5, 4, 3, 2, 1}, 2. / 252},
		// U = 1 of 9: 2·2/C(6, 3).
		{"one overlaps", []float64{1, 2, 4}, []float64{3, 5, 6}, 4. / 20},
		{"in between", []float64{1, 4}, []float64{2, 3}, 1},
		{"too few", []float64{1}, []float64{2}, 1},
		{"all equal", []float64{3, 3, 3}, []float64{3, 3}, 1},
		// U = 0.5, in 2 of the 20 orders of 1 2 3 3 4 5 there is one as small; both sides.
		{"a tie", []float64{1, 2, 3}, []float64{3, 4, 5}, 4. / 20},
		{"many, the same", large(0), large(0), 1},
	} {
		got, err := MannWhitney(c.a, c.b)
		if err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g, %v; want %g", c.name, got, err, c.want)
		}
	}
	// By hand: 20 values, each 3 times, against the same shifted by a half: no ties
	// between the samples, 40 of 3 within them. U = 9·(0+1+…+19) = 1710, σ² = 3600/12·(121 − 40·24/(120·119)).
	z := (1800 - 1710 - 0.5) / math.Sqrt(3600./12*(121-40*24/(120.*119)))
	if got, err := MannWhitney(large(0), large(0.5)); err != nil || math.Abs(got-math.Erfc(z/math.Sqrt2)) > 1e-9 {
		t.Errorf("many: %g, %v; want %g", got, err, math.Erfc(z/math.Sqrt2))
	}
	for _, bad := range [][]float64{nil, {math.NaN()}, {math.Inf(1), 1}} {
		if p, err := MannWhitney(bad, []float64{1, 2}); err == nil {
			t.Errorf("%v: %g, want an error", bad, p)
		}
	}
}

// Where both samples have one distribution, p is below 5 % in no more than 5 % of all cases.
func TestMannWhitneyRarelyFindsChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []struct{ a, b int }{{4, 4}, {5, 7}, {10, 10}} {
		const trials = 4000
		found := 0
		for range trials {
			a, b := make([]float64, n.a), make([]float64, n.b)
			for i := range a {
				a[i] = math.Round(8 * rng.ExpFloat64()) // some ties
			}
			for i := range b {
				b[i] = math.Round(8 * rng.ExpFloat64())
			}
			p, err := MannWhitney(a, b)
			if err != nil || p < 0 || p > 1 {
				t.Fatal(p, err)
			}
			if p <= Alpha {
				found++
			}
		}
		if share := float64(found) / trials; share > 0.06 {
			t.Errorf("%d and %d samples: differ in %.1f %% of cases", n.a, n.b, 100*share)
		}
	}
}

// The share of all ways to split the values in two samples of these sizes whose U is as far from its mean.
func TestMannWhitneyIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for trial := range 80 {
		a, b := make([]float64, 1+rng.IntN(5)), make([]float64, 1+rng.IntN(5))
		steps := []float64{4, 1e6}[trial%2] // with ties, and almost surely without
		for _, x := range [][]float64{a, b} {
			for i := range x {
				x[i] = math.Round(steps * rng.Float64())
			}
		}
		all := slices.Concat(a, b)
		distance := func(inA uint) float64 {
			u := -float64(len(a)*len(b)) / 2
			for i, v := range all {
				for j, w := range all {
					switch {
					case inA>>i&1 == 0 || inA>>j&1 == 1 || v < w:
					case v > w:
						u++
					default:
						u += 0.5
					}
				}
			}
			return math.Abs(u)
		}
		far, splits := 0, 0
		for inA := range uint(1) << len(all) {
			if bits.OnesCount(inA) == len(a) {
				splits++
				if distance(inA) >= distance(1<<len(a)-1) {
					far++
				}
			}
		}
		want := float64(far) / float64(splits)
		if got, err := MannWhitney(a, b); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%v, %v: %g, %v; want %g", a, b, got, err, want)
		}
	}
}

func TestLeastP(t *testing.T) {
	for n1 := 1; n1 <= 8; n1++ {
		for n2 := 1; n2 <= 8; n2++ {
			a, b := make([]float64, n1), make([]float64, n2)
			for i := range a {
				a[i] = float64(i)
			}
			for i := range b {
				b[i] = 100 + float64(i)
			}
			want, err := MannWhitney(a, b)
			if got := LeastP(n1, n2); err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("%d and %d: %g, the test gives %g, %v", n1, n2, got, want, err)
			}
		}
	}
}

func TestHolm(t *testing.T) {
	for _, c := range []struct {
		name    string
		p, want []float64
	}{
		{"none", nil, nil},
		{"one", []float64{0.03}, []float64{0.03}},
		{"in any order", []float64{0.04, 0.01, 0.03}, []float64{0.06, 0.03, 0.06}},
		{"never above 1", []float64{0.9, 0.6}, []float64{1, 1}},
		{"equal", []float64{0.02, 0.02}, []float64{0.04, 0.04}},
	} {
		got := Holm(c.p)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%s: %v: %v, want %v", c.name, c.p, got, c.want)
		}
	}
}

func TestGeometricMean(t *testing.T) {
	if got, err := GeometricMean([]float64{1, 2, 4}); err != nil || math.Abs(got-2) > 1e-12 {
		t.Error(got, err)
	}
	for _, bad := range [][]float64{nil, {0, 1}, {-1}, {math.NaN()}, {math.Inf(1)}} {
		if got, err := GeometricMean(bad); err == nil {
			t.Errorf("%v: %g, want an error", bad, got)
		}
	}
}
