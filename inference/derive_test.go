package inference

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/inference/kernels"
	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		lit Literal
		ok  bool
	}{
		{Literal{Standard, 13, []int{45, 40, 40, 40}, []int{49}, 40, nil}, true},
		{Literal{Standard, 13, []int{50, 45, 45, 45}, []int{50}, 45, nil}, false},
		{Literal{Standard, 12, []int{45, 40}, []int{45}, 40, nil}, false},
		{Literal{Standard, 11, []int{30}, []int{20}, 30, nil}, false},
	} {
		_, err := NewParameters(c.lit, false)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v, want ok %t", c.lit, err, c.ok)
		}
		p, err := NewParameters(c.lit, true)
		if err != nil || p.Insecure == c.ok {
			t.Errorf("%+v allowed: insecure %t, %v", c.lit, p.Insecure, err)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	deep := make([]int, 24)
	for i := range deep {
		deep[i] = 9
	}
	with := func(peak, output float64) func(*packing.Layout) packing.Profile {
		return func(l *packing.Layout) packing.Profile {
			p := least(l)
			for i := range p.Peaks {
				p.Peaks[i] = peak
			}
			p.Output = output
			return p
		}
	}
	for name, c := range map[string]struct {
		dims      []int
		shape     packing.Shape
		profile   func(*packing.Layout) packing.Profile
		precision float64
		says      []string
	}{
		"too deep":          {[]int{784, 64, 32, 64, 784}, packing.Shape{In: 16, Out: 16, Batch: 8}, with(1, 1), 16, []string{"5 levels", "2048 slots (log_n 12)", "a tile shape of 8192 slots (log_n 14", "would hold"}},
		"too deep for all":  {deep, packing.Shape{In: 16, Out: 16, Batch: 128}, with(1, 1), 32, []string{"no ring"}},
		"small ring":        {[]int{4, 2}, packing.Shape{In: 2, Out: 2, Batch: 2}, with(1, 1), 16, []string{"slots"}},
		"too precise":       {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1, 1), 60, []string{"precision is too high"}},
		"values overflow":   {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(math.Inf(1), 1), 16, []string{"overflow"}},
		"values too large":  {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1e12, 1), 16, []string{"1e+12"}},
		"outputs too small": {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1, 1e-9), 16, []string{"precision"}},
	} {
		if testing.Short() && len(c.dims) == len(deep) {
			continue // a search over a long chain
		}
		layout, err := packing.TilesOf(c.shape).Layout(network.FullyConnected(c.dims...))
		check(t, err)
		lit, err := Derive(layout, c.profile(layout), Wanted{Precision: c.precision})
		if err == nil {
			t.Errorf("%s: derived %+v", name, lit)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %q: want %q in it", name, err, says)
			}
		}
	}
}

// Derived parameters reach the precision asked for, for networks of all layouts and sizes of weights, and need not
// be much better than asked.
func TestDerivedIsEnough(t *testing.T) {
	rounds := 16
	if testing.Short() {
		rounds = 4
	}
	worst, measured := math.Inf(1), 0
	for round := range rounds {
		rng := rand.New(rand.NewPCG(13, uint64(round)))
		dims := networktest.Dims(rng, 4, 30)
		f := networktest.SomeLinear(rng, networktest.Folded(rng, dims, 1, 1))
		for i := range f.Layers { // values far from 1 inside and at the end
			f.Layers[i].W.Scale(math.Exp2(4*rng.Float64()-2), f.Layers[i].W)
		}
		for _, encrypted := range []bool{false, true} {
			m := anyModel(t, rng, f, 12, encrypted)
			x := networktest.Samples(rng, min(m.Batch, 64), dims[0])
			_, profile, err := m.Simulate(x)
			check(t, err)
			const wanted = 12
			lit, err := Derive(m.Layout, profile, Wanted{Precision: wanted, Encrypted: encrypted})
			if err != nil {
				t.Logf("dims %v %s: %v", dims, m.Kind, err)
				continue
			}
			p, err := NewParameters(lit, false)
			check(t, err)
			check(t, p.CheckRange(m.Layout, profile))
			want, _, err := m.Simulate(x)
			check(t, err)
			got, _ := evaluate(t, p, m, encrypted, 1, x)
			bits := precision(want, got)
			worst = math.Min(worst, bits)
			measured++
			if bits < wanted {
				t.Errorf("dims %v %s %s encrypted %t: %.1f bits with %+v, profile %+v", dims, m.Kind, m.Shape, encrypted, bits, lit, profile)
			}
		}
	}
	t.Logf("asked for 12 bits, least %.1f in %d evaluations", worst, measured)
	if measured < rounds {
		t.Errorf("%d of %d evaluations fit: want half of them", measured, 2*rounds)
	}
}

// Where the bits do not suffice otherwise, slots are added up before products are rescaled, and the outputs are as precise as was asked for.
func TestSumsComeFirstWhereBitsAreFew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dims := []int{784, 128, 128, 10}
	f := networktest.Folded(rng, dims, 1, 1)
	x := networktest.Samples(rng, 1, dims[0])
	for _, c := range []struct {
		precision float64
		first     bool
	}{{12, false}, {16, true}} {
		m, err := packing.OneImageIn(4096, false).Pack(f, nil)
		check(t, err)
		_, profile, err := m.Simulate(x)
		check(t, err)
		lit, err := Derive(m.Layout, profile, Wanted{Precision: c.precision, Ring: Standard, Kernels: Reference})
		check(t, err)
		if got := m.Rescalings(); len(got.SumsFirst) > 0 != c.first {
			t.Errorf("%g bits: %+v: want sums first %t", c.precision, got, c.first)
		}
		p, err := NewParameters(lit, false)
		check(t, err)
		check(t, p.CheckPrecision(m.Layout, profile, Wanted{Precision: c.precision}))
		got, _ := evaluate(t, p, m, false, 1, x)
		if bits := precision(networktest.Forward(f, x), got); bits < c.precision {
			t.Errorf("%g bits: %.1f", c.precision, bits)
		}
	}
}

// A value that the last modulus cannot hold is refused when parameters are chosen, and held when they
// are derived.
func TestLargeValuesDoNotWrap(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{{W: mat.NewDense(1, 1, []float64{1000}), B: []float64{500}}}}
	m, err := packing.TilesOf(packing.Shape{In: 1, Out: 1, Batch: 4096}).Pack(f, nil)
	check(t, err)
	x := [][]float64{{1}, {0.25}, {-1}}
	_, profile, err := m.Simulate(x)
	check(t, err)
	narrow, err := NewParameters(Literal{Standard, 13, []int{45, 40}, []int{45}, 40, nil}, false)
	check(t, err)
	if err := narrow.CheckRange(m.Layout, profile); err == nil || !strings.Contains(err.Error(), "wrap") {
		t.Errorf("1500 at 5 bits of headroom: %v", err)
	}
	lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Encrypted: true})
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	check(t, p.CheckRange(m.Layout, profile))
	got, _ := evaluate(t, p, m, true, 1, x)
	if bits := precision([][]float64{{1500}, {750}, {-500}}, got); bits < 16 {
		t.Errorf("%.1f bits: %v", bits, got)
	}
}

// Four layers with a mask between them, at full size: the chain with the largest scales.
func TestDeepTilesAreExact(t *testing.T) {
	if testing.Short() {
		t.Skip("a ring of 2^14")
	}
	rng := rand.New(rand.NewPCG(31, 7))
	dims := []int{60, 40, 20, 40, 60}
	f := networktest.Folded(rng, dims, 1, 1)
	m, err := packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 64}).Pack(f, nil)
	check(t, err)
	x := networktest.Samples(rng, 64, dims[0])
	_, profile, err := m.Simulate(x)
	check(t, err)
	measured := 0
	for _, ring := range Rings {
		lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Ring: ring})
		if err != nil {
			t.Logf("%s: %v", ring, err)
			continue
		}
		p, err := NewParameters(lit, false)
		check(t, err)
		check(t, p.CheckRange(m.Layout, profile))
		got, _ := evaluate(t, p, m, false, 2, x)
		measured++
		bits := precision(networktest.Forward(f, x), got)
		t.Logf("%s: %.1f bits with %+v", ring, bits, lit)
		if bits < 16 {
			t.Errorf("%s: %.1f bits with %+v", ring, bits, lit)
		}
	}
	if measured == 0 {
		t.Error("no ring holds it")
	}
}

// The same question has one answer, whatever the order that maps are walked in.
func TestDeriveRepeats(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(7, 7)), []int{30, 12, 20, 5}, 1, 1)
	x := networktest.Samples(rand.New(rand.NewPCG(7, 8)), 1, 30)
	var first string
	for i := range 50 {
		m, err := packing.OneImageIn(4096, false).Pack(f, nil)
		check(t, err)
		_, profile, err := m.Simulate(x)
		check(t, err)
		lit, err := Derive(m.Layout, profile, Wanted{Precision: 12})
		check(t, err)
		got := fmt.Sprintf("%+v %v %v", lit, m.Layers, NominalCost(lit, m.Layout, m.Kept, false))
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("run %d: %s\nbefore: %s", i, got, first)
		}
	}
}

// Moduli that the fast kernels can work with are taken before any others, and a larger modulus only where nothing
// else gives the precision.
func TestModuliSuitTheKernels(t *testing.T) {
	layout, err := packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 32}).Layout(network.FullyConnected(64, 32, 10))
	check(t, err)
	fastest := float64(families[0])
	for _, c := range []struct{ precision, largest float64 }{{8, fastest}, {15, fastest}, {24, fastest}, {40, maxLogPrime}} {
		lit, err := Derive(layout, packing.Profile{}, Wanted{Precision: c.precision, Kernels: Reference})
		check(t, err)
		if largest := float64(slices.Max(append(lit.LogP, lit.LogQ...))); largest > c.largest || c.largest == maxLogPrime && largest <= fastest {
			t.Errorf("%g bits of precision: %+v: want moduli of at most %g bits", c.precision, lit, c.largest)
		}
	}
}

// On portable kernels, which take as long for small moduli as for large ones, there are fewer and larger ones.
func TestPortableKernelsGetFewModuli(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(7, 7)), []int{60, 24, 20, 5}, 1, 1)
	x := networktest.Samples(rand.New(rand.NewPCG(7, 8)), 1, 60)
	for _, precision := range []float64{13, 16} {
		var limbs, largest [2]int
		var costs [2]float64
		for i, on := range []string{Reference, kernels.Portable} {
			m, err := packing.OneImageIn(8192, false).Pack(f, nil)
			check(t, err)
			_, profile, err := m.Simulate(x)
			check(t, err)
			lit, err := Derive(m.Layout, profile, Wanted{Precision: precision, Ring: Standard, Kernels: on})
			check(t, err)
			moduli := slices.Concat(lit.LogQ, lit.LogP)
			limbs[i], largest[i] = len(moduli), slices.Max(moduli)
			costs[i] = Wanted{Kernels: kernels.Portable}.Cost(lit, m.Layout, m.Kept)
			t.Logf("%g bits, %s: %v | %v", precision, on, lit.LogQ, lit.LogP)
		}
		if limbs[1] >= limbs[0] || largest[1] <= kernels.MaxBits || costs[1] >= costs[0] {
			t.Errorf("%g bits: %d moduli of up to %d bits cost %g s on portable kernels, %d of up to %d for vector kernels %g",
				precision, limbs[1], largest[1], costs[1], limbs[0], largest[0], costs[0])
		}
	}
}
