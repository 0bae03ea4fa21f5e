package inference

import (
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// convNetwork is two conv layers with 32 and 64 filters of 5×5, each followed by pooling, and two dense ones, on 16×16 inputs.
func convNetwork(t testing.TB) network.Geometry {
	t.Helper()
	const size = 16
	a := network.Architecture{
		Inputs: size * size, Image: network.Axis{H: size, W: size, Channels: 1}, Hidden: []int{64}, Outputs: 10, Activation: "square",
		Conv: []network.Conv{
			{Filters: 32, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)},
			{Filters: 64, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)},
		},
	}
	g, err := a.Geometry()
	check(t, err)
	return g
}

// BenchmarkConv times a convolutional network, and its layers; MiB is what the server's pool has allocated. The rings are small enough
// for their levels to be fewer than security would want.
func BenchmarkConv(b *testing.B) {
	for _, c := range []struct {
		name   string
		choice packing.Choice
		keep   float64
	}{
		{"tiles", packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 16}), 1},
		{"tiles, encrypted", packing.Choice{Kind: packing.Tiles, Shape: packing.Shape{In: 16, Out: 16, Batch: 16}, Encrypted: true}, 1},
		{"scalar", packing.ScalarIn(4096), 1},
		{"scalar, pruned", packing.ScalarIn(4096), 0.1},
	} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			g := convNetwork(b)
			m, err := c.choice.Pack(networktest.Random(rng, g, c.keep, 1), nil)
			check(b, err)
			lit := smallLiteral(m.Layout)
			for i, bits := range lit.LogQ {
				lit.LogQ[i] = min(bits, 50) // so that vector kernels serve them
			}
			lit.LogN, lit.LogP = 13, []int{50}
			p, err := NewParameters(lit, true)
			check(b, err)
			server := benchLayers(b, newPartyOf(b, p, m, g.Axis(0).Size(), c.choice.Encrypted))
			b.ReportMetric(float64(8*server.pool.allocated<<lit.LogN>>20), "MiB")
		})
	}
}
