package network

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkConvEpoch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, a := range map[string]Architecture{
		"lola":  {Image: Axis{28, 28, 1}, Conv: []Conv{{Filters: 5, Kernel: Square(5), Stride: Square(2), Padding: Square(1)}}, Hidden: []int{100}, Activation: "square"},
		"lenet": {Image: Axis{28, 28, 1}, Conv: []Conv{{Filters: 32, Kernel: Square(5), Stride: Square(1), Pool: Square(2)}, {Filters: 64, Kernel: Square(5), Stride: Square(1), Pool: Square(2)}}, Hidden: []int{512}, Activation: "quadratic", BatchNorm: true},
		"cifar": {Image: Axis{32, 32, 3}, Conv: []Conv{{Filters: 32, Kernel: Square(3), Stride: Square(1), Padding: Square(1), Pool: Square(2)}, {Filters: 64, Kernel: Square(3), Stride: Square(1), Padding: Square(1), Pool: Square(2)}, {Filters: 128, Kernel: Square(3), Stride: Square(1), Padding: Square(1), Pool: Square(2)}}, Activation: "quadratic", BatchNorm: true},
	} {
		b.Run(name, func(b *testing.B) {
			a.Inputs, a.Outputs = a.Image.Size(), 10
			const samples = 1280
			d := Data{X: make([]float32, samples*a.Inputs), Dim: a.Inputs, Labels: make([]uint8, samples)}
			for i := range d.X {
				d.X[i] = max(0, 5*rng.Float32()-4)
			}
			n, err := New(a, 1)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := Train(n, d, Options{Epochs: 1, Batch: 128, LR: 1e-4, Clip: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
