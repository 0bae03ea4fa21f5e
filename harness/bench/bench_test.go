package bench

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/packing"
)

// random is a network with weights of the size that training gives.
func random(dims ...int) *network.Folded {
	rng := rand.New(rand.NewPCG(1, 1))
	f := &network.Folded{}
	for l, out := range dims[1:] {
		w := mat.NewDense(out, dims[l], nil)
		w.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() / math.Sqrt(float64(dims[l])) }, w)
		f.Layers = append(f.Layers, network.Affine{W: w, B: make([]float64, out)})
	}
	return f
}

func inputs(n, dim int) [][]float64 {
	rng := rand.New(rand.NewPCG(2, 2))
	x := make([][]float64, n)
	for b := range x {
		x[b] = make([]float64, dim)
		for i := range x[b] {
			x[b][i] = rng.Float64()
		}
	}
	return x
}

// A row proves itself, and has what targets are made of.
func TestMeasure(t *testing.T) {
	shape := packing.Shape{In: 8, Out: 8, Batch: 64}
	for _, encrypted := range []bool{false, true} {
		j := job{Name: "32-16-4", Folded: random(32, 16, 4), Choice: packing.Choice{Kind: packing.Tiles, Shape: shape, Encrypted: encrypted},
			Samples: inputs(64, 32), Precision: 13, Threads: 1}
		r, err := measure(&j)
		if err != nil {
			t.Fatal(err)
		}
		if r.Precision < 13 || r.Agreement != 1 || r.Batch != 64 || r.Tiles != 10 || r.Density != 1 { // 4×2 and 2×1
			t.Errorf("%d tiles, density %g, batch %d, %.1f bits, agreement %g", r.Tiles, r.Density, r.Batch, r.Precision, r.Agreement)
		}
		if r.R() != r.Seconds/r.Reference || !(r.R() > 0) || r.PeakRSS < r.ModelBytes+r.KeyBytes || r.KeyBytes <= 0 {
			t.Errorf("%g R, peak %d, model %d, keys %d", r.R(), r.PeakRSS, r.ModelBytes, r.KeyBytes)
		}
		if !(r.Keygen > 0 && r.EncodeModel > 0 && r.EncryptInput > 0) || (r.EncryptModel > 0) != encrypted {
			t.Errorf("encrypted %t: keys in %g, model in %g and %g, input in %g s", encrypted, r.Keygen, r.EncodeModel, r.EncryptModel, r.EncryptInput)
		}
	}
}

// A quarter of the tiles is a quarter, not what is left of it when rows go too.
func TestDropTiles(t *testing.T) {
	for _, shape := range tileShapes {
		f := dropTiles(random(784, 128, 10), shape, 0.25)
		m, err := packing.TilesOf(shape).Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(m.KeptTiles(0)+m.KeptTiles(1)) / float64(m.Layout.Tiles()); math.Abs(got-0.25) > 0.03 {
			t.Errorf("%s: density %g", shape, got)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		target Target
		want   string
		met    bool
	}{
		{Target{Got: 2}.atMost(2), "≤ 2", true},
		{Target{Got: 2.01}.atMost(2), "≤ 2", false},
		{Target{Got: 0.9}.atLeast(0.9), "≥ 0.9", true},
		{Target{Got: 0.89}.atLeast(0.9), "≥ 0.9", false},
		{Target{Got: math.NaN()}.atMost(2), "≤ 2", false},
		{Target{Got: 1}, "", false},
	} {
		if c.target.Want != c.want || c.target.Met != c.met {
			t.Errorf("%+v: want %q, met %t", c.target, c.want, c.met)
		}
	}
}

// A quarter of the tiles in 0.325 of the time: 0.675 saved, of 0.75.
func TestSaving(t *testing.T) {
	s := saving{
		&Row{Layout: packing.Tiles, Shape: "4x32x32", Weights: "plain", Tiles: 200, Density: 1, Seconds: 2, PeakRSS: 500 << 20},
		&Row{Tiles: 50, Density: 0.25, Seconds: 0.65, PeakRSS: 200 << 20},
	}
	if math.Abs(s.latency()-0.9) > 1e-12 || math.Abs(s.memory()-0.8) > 1e-12 {
		t.Errorf("saved %g of latency, %g of memory: want 0.9, 0.8", s.latency(), s.memory())
	}
	if s.where() != "tile 4x32x32, plain weights" || s.peaks() != "peak 500 → 200 MiB, 2048 KiB per tile" {
		t.Errorf("%q, %q", s.where(), s.peaks())
	}
}

// What holds for every row is judged over those of one thread.
func TestAllRows(t *testing.T) {
	row := func(threads int, seconds, predicted float64) *Row {
		return &Row{Threads: threads, Seconds: seconds, Predicted: predicted, Floor: 1, PeakRSS: 100, PredictedBytes: 104, Precision: 14, Reference: 0.5}
	}
	r := &runner{report: &Report{Rows: []*Row{row(1, 1, 1.02), row(1, 1.05, 1.05), row(1, 1, 1.25), row(2, 9, 1)}, Targets: []Target{{ID: "K2"}}}}
	got := map[string]Target{}
	for _, target := range r.judged().Targets {
		got[target.ID+" "+target.What] = target
	}
	for name, want := range map[string]struct {
		got float64
		met bool
	}{
		"E1 time / Σ count × lattigo primitive, median": {1, true},
		"E1 the same, worst":                            {1.05, true},
		"K8 predicted latency, median error":            {0.02, true},
		"K8 predicted latency, worst error":             {0.25, false},
		"K8 predicted peak memory, worst error":         {0.04, true},
	} {
		if g := got[name]; math.Abs(g.Got-want.got) > 1e-9 || g.Met != want.met {
			t.Errorf("%s: %+v, want %+v", name, g, want)
		}
	}
	if len(r.report.Targets) != 1 || r.report.Reference() != 0.5 {
		t.Errorf("%d targets: want those of rows in the copy alone; R %g", len(r.report.Targets), r.report.Reference())
	}
}
