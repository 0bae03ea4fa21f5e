package network

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

// The moments are those of Forward, of the samples asked for and no others.
func TestInputMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20 {
		n := randomNetwork(rng)
		outputs, _ := n.check()
		const all, samples = 1100, 1050 // more than a shard takes at once
		d := Data{Dim: n.Inputs, Labels: make([]uint8, all)}
		for range all * n.Inputs {
			d.X = append(d.X, float32(rng.NormFloat64()))
		}
		if rng.IntN(2) == 0 {
			d.Labels, d.Target = nil, make([]float32, all*outputs)
		}
		got, err := InputMoments(n, d, samples)
		if err != nil || len(got) != len(n.Dense()) {
			t.Fatalf("%d layers, %v: want %d", len(got), err, len(n.Dense()))
		}
		x := mat.NewDense(samples, n.Inputs, widen(d.X[:samples*n.Inputs]))
		layer := 0
		for _, l := range n.Layers {
			if l, ok := l.(*Dense); ok {
				want := make([]float64, len(got[layer]))
				slowWindow(l.window(), func(inputs []int) {
					for k, i := range inputs {
						if i >= 0 {
							column := mat.NewVecDense(samples, mat.Col(nil, i, x))
							want[k] += mat.Dot(column, column) / samples
						}
					}
				})
				for i, v := range got[layer] {
					want := want[i]
					if math.Abs(v-want) > 1e-9*want {
						t.Fatalf("layer %d, input %d: %g, want %g", layer, i, v, want)
					}
				}
				layer++
			}
			x = l.forward(mat.DenseCopyOf(x))
		}
	}
}

func TestInputMomentsAreDeterministic(t *testing.T) {
	n, _ := New(Architecture{Inputs: 2, Hidden: []int{16, 16}, Outputs: 3, Activation: "quadratic", BatchNorm: true}, 1)
	run := func(procs int) [][]float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m, err := InputMoments(n, rings(3000, 1), 3000)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := run(1)
	for _, procs := range []int{2, 5} {
		if diff := cmp.Diff(want, run(procs)); diff != "" {
			t.Errorf("GOMAXPROCS %d changes the result:\n%s", procs, diff)
		}
	}
}

func TestInputMomentsRefused(t *testing.T) {
	n, _ := New(Architecture{Inputs: 2, Outputs: 3, Activation: "square"}, 1)
	for samples, want := range map[int]string{0: "first 0 samples: want 1 to 5", 6: "first 6 samples"} {
		_, err := InputMoments(n, rings(5, 1), samples)
		wantError(t, err, want)
	}
	_, err := InputMoments(n, Data{}, 1)
	wantError(t, err, "network: moments: samples of 0 values")
	big := &Network{Inputs: 1}
	for range 6 {
		big.Layers = append(big.Layers, &Dense{In: 1, Out: 1, W: []float32{1e38}, B: []float32{0}}, &Quadratic{A: 1})
	}
	_, err = InputMoments(big, Data{X: []float32{1}, Dim: 1}, 1)
	wantError(t, err, "want finite values")
	if m, err := InputMoments(n, rings(5, 1), 1); err != nil || len(m) != 1 {
		t.Errorf("one sample, fewer than shards: %v, %v", m, err)
	}
}
