package packing

import (
	"testing"

	"hepex/network"
)

// BenchmarkPredictions times what searches ask thousands of times of a convolutional network: [conv 32 5, pool 2, conv 64 5, pool 2,
// dense 512, dense 10] on 28×28 inputs.
func BenchmarkPredictions(b *testing.B) {
	a := network.Architecture{
		Inputs: 28 * 28, Image: network.Axis{H: 28, W: 28, Channels: 1}, Hidden: []int{512}, Outputs: 10, Activation: "square",
		Conv: []network.Conv{
			{Filters: 32, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)},
			{Filters: 64, Kernel: network.Square(5), Stride: network.Square(1), Pool: network.Square(2)},
		},
	}
	g, err := a.Geometry()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []Choice{TilesOf(Shape{16, 16, 32}), TilesOf(Shape{4, 4, 512}), ScalarIn(8192)} {
		l, err := c.Layout(g)
		if err != nil {
			b.Fatal(err)
		}
		kept, arithmetic := l.Dense(), l.Typical()
		costs := l.Costs(arithmetic.Nominal(), arithmetic, false)
		for name, f := range map[string]func(){
			"layout": func() { _, _ = c.Layout(g) },
			"counts": func() { l.Counts(kept, false) },
			"costs":  func() { l.Costs(arithmetic.Nominal(), arithmetic, false) },
			"cost":   func() { costs.Of(kept) },
			"memory": func() { arithmetic.Memory(l, kept, false, 1) },
		} {
			b.Run(c.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}
