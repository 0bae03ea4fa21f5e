package inference

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// A second convolution that reads its inputs unfolded, from two ciphertexts of which one takes fewer rotations, with giant steps and a
// pooling between slots, gives what the plain network does. The operations are those counted before, and so is the memory.
func TestUnfoldedConvolution(t *testing.T) {
	conv := func(filters, kernel int) network.Conv {
		return network.Conv{Filters: filters, Kernel: network.Square(kernel), Stride: network.Square(1), Pool: network.Square(2)}
	}
	a := network.Architecture{
		Inputs: 144, Image: network.Axis{H: 12, W: 12, Channels: 1}, Conv: []network.Conv{conv(9, 3), conv(4, 2)}, Hidden: []int{6}, Outputs: 3,
		Activation: "square",
	}
	g, err := a.Geometry()
	check(t, err)
	rng := rand.New(rand.NewPCG(43, 44))
	f, x := networktest.Random(rng, g, 1, 1), networktest.Samples(rng, 1, a.Inputs)
	for _, encrypted := range []bool{false, true} {
		m, err := packing.OneImageIn(1<<(testLogN-1), encrypted).Pack(f, nil)
		check(t, err)
		if second := m.Layers[1]; second.Turns == nil || second.Giants == nil || second.PoolSum.Count() != 4 {
			t.Fatalf("encrypted %t: turns %v, giants %v, a sum of %d: the test shows little", encrypted, second.Turns, second.Giants, second.PoolSum.Count())
		}
		p, err := NewParameters(smallLiteral(m.Layout), true)
		check(t, err)
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("encrypted %t, %d threads", encrypted, threads), func(t *testing.T) {
				got, trace := evaluate(t, p, m, encrypted, threads, x)
				if bits := precision(networktest.Forward(f, x), got); bits < 12 { // 13.4 to 15 by the draw of the noise; a wrong slot leaves none
					t.Errorf("%.1f bits", bits)
				}
				for i, counted := range m.Counts(m.Kept, encrypted) {
					if !counted.Equal(trace.Counts[i]) {
						t.Errorf("layer %d: %v ran, %v were counted", i, trace.Counts[i], counted)
					}
				}
				server, input := newPartyOf(t, p, m, a.Inputs, encrypted).server(t, threads)
				_, _, err := server.Evaluate(input)
				check(t, err)
				if got, want := server.pool.allocated, m.PeakLimbs(m.Kept, encrypted, threads); got > want || threads == 1 && got < want {
					t.Errorf("%d polynomials, foreseen %d", got, want)
				}
			})
		}
	}
}
