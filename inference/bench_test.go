package inference

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// bench is a server with everything loaded, at 128-bit security.
type bench struct {
	server *Server
	input  *Batch
	model  *packing.Model
	tiles  int
}

func newBench(b *testing.B, dims []int, shape packing.Shape, encrypted bool) bench {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	m, err := packing.TilesOf(shape).Pack(networktest.Folded(rng, dims, 1, 1), nil)
	check(b, err)
	x := networktest.Samples(rng, shape.Batch, dims[0])
	_, profile, err := m.Simulate(x)
	check(b, err)
	lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Encrypted: encrypted})
	check(b, err)
	p, err := NewParameters(lit, false)
	check(b, err)
	client, err := NewClient(p, m.Layout)
	check(b, err)
	build := func() (*Model, ModelTimes, error) { return EncodeModel(p, m) }
	if encrypted {
		build = func() (*Model, ModelTimes, error) { return client.EncryptModel(m) }
	}
	model, _, err := build()
	check(b, err)
	input, err := client.Encrypt(x)
	check(b, err)
	keys, err := client.Keys(encrypted)
	check(b, err)
	server, err := NewServer(p, m.Layout, keys, model, 1)
	check(b, err)
	return bench{server, input, m, m.KeptTiles(0)}
}

// modes runs a benchmark for plain and for encrypted weights.
func modes(b *testing.B, dims []int, shape packing.Shape, f func(b *testing.B, s bench)) {
	for _, encrypted := range []bool{false, true} {
		b.Run(fmt.Sprintf("encrypted=%t", encrypted), func(b *testing.B) {
			s := newBench(b, dims, shape, encrypted)
			b.ReportAllocs()
			b.ResetTimer()
			f(b, s)
		})
	}
}

// BenchmarkProducts times the products of one row of tiles; ns/tile is the engine's unit of proportional cost.
func BenchmarkProducts(b *testing.B) {
	modes(b, []int{784, 8}, packing.Shape{In: 8, Out: 8, Batch: 64}, func(b *testing.B, s bench) {
		for b.Loop() {
			sum := make([]rowSum, 1)
			check(b, s.server.rowSums(0, 0, s.input.ciphertexts, sum, s.server.workers))
			s.server.pool.put(sum[0][0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*s.tiles), "ns/tile")
	})
}

// BenchmarkEvaluate times a whole network; rotations/op is its time in top-level rotations.
func BenchmarkEvaluate(b *testing.B) {
	modes(b, []int{784, 64, 10}, packing.Shape{In: 8, Out: 8, Batch: 64}, func(b *testing.B, s bench) {
		rotation := 0.0
		timer, err := NewRotationTimer(s.server.params)
		check(b, err)
		for b.Loop() {
			out, _, err := s.server.Evaluate(s.input)
			check(b, err)
			s.server.Recycle(out)
			b.StopTimer()
			rotation += timer.Seconds()
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/rotation, "rotations/op")
	})
}

// BenchmarkOneImage times a network on one image, and its layers.
func BenchmarkOneImage(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	dims := []int{784, 128, 128, 10}
	m, err := packing.OneImageIn(4096, false).Pack(networktest.Folded(rng, dims, 1, 1), nil)
	check(b, err)
	m.SetDelayed(false)
	p, err := NewParameters(Literal{LogN: 13, LogQ: []int{40, 30, 24, 31, 25, 22}, LogP: []int{42}, LogScale: 28}, false)
	check(b, err)
	benchLayers(b, newPartyOf(b, p, m, dims[0], false))
}

// BenchmarkLeNet times the LeNet of MOFHEI and Orion on one image: most of its time goes into reading keys and tiles.
func BenchmarkLeNet(b *testing.B) {
	m, err := packing.OneImageIn(16384, false).Pack(networktest.Random(rand.New(rand.NewPCG(1, 2)), networktest.LeNet(), 1, 1), nil)
	check(b, err)
	p, err := NewParameters(Literal{Ring: ConjugateInvariant, LogN: 14, LogQ: []int{50, 46, 50, 50, 25}, LogP: []int{50, 50}, LogScale: 27}, false)
	check(b, err)
	benchLayers(b, newPartyOf(b, p, m, networktest.LeNet().Axis(0).Size(), false))
}

// benchLayers times evaluations, and their layers, on one thread.
func benchLayers(b *testing.B, y party) *Server {
	server, input := y.server(b, 1)
	layers := make([]float64, len(y.layout.Layers))
	for b.Loop() {
		out, trace, err := server.Evaluate(input)
		check(b, err)
		server.Recycle(out)
		for i, s := range trace.Seconds {
			layers[i] += s
		}
	}
	for i, s := range layers {
		b.ReportMetric(1e3*s/float64(b.N), fmt.Sprintf("ms/layer%d", i+1))
	}
	return server
}

// BenchmarkKernels times the parts of an evaluation that hold a key switch or a division.
func BenchmarkKernels(b *testing.B) {
	p, err := NewParameters(Literal{LogN: 13, LogQ: []int{45, 40, 40, 40}, LogP: []int{49}, LogScale: 40}, false)
	check(b, err)
	k, err := newPriceBench(p, priceSteps)
	check(b, err)
	level := p.MaxLevel()
	x, product, low := k.random(1, level), k.random(2, level), k.random(1, level-1)
	outs := []*rlwe.Ciphertext{k.random(1, level), k.random(1, level), k.random(1, level), k.random(1, level)}
	ly := &packing.Layer{Level: level, Rotations: append([]int{0}, priceSteps...), Cols: 1}
	columns := newTiles(p, ly, 0, []bool{false, true, true, true, true}, false)
	for _, kernel := range []struct {
		name string
		run  func() error
	}{
		{"relinearize", func() error { return k.w.relinearize(product, outs[0], false) }},
		{"relinearize and rescale", func() error { return k.w.relinearize(product, low, true) }},
		{"rescale", func() error { k.w.rescale(x, low); return nil }},
		{"square", func() error { k.w.square(x, product); return nil }},
		{"sum stage of radix 5", func() error { return k.w.sumStage(x, 1, 5) }},
		{"4 rotations", func() error { return k.w.rotateInto(x, priceSteps, outs) }},
		{"4 diagonals", func() error { return k.w.diagonals(outs[0], []*rlwe.Ciphertext{x}, ly.Rotations, columns) }},
	} {
		b.Run(kernel.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(b, kernel.run())
			}
		})
	}
}

// BenchmarkSetUp times what comes before an evaluation: keys, the model, an input.
func BenchmarkSetUp(b *testing.B) {
	for _, encrypted := range []bool{false, true} {
		s := newBench(b, []int{784, 64, 10}, packing.Shape{In: 8, Out: 8, Batch: 64}, encrypted)
		p, layout := s.server.params, s.server.layout
		rng := rand.New(rand.NewPCG(1, 2))
		client, err := NewClient(p, layout)
		check(b, err)
		x := networktest.Samples(rng, 64, 784)
		for name, run := range map[string]func() error{
			"keys": func() error { _, err := client.Keys(encrypted); return err },
			"model": func() error {
				if encrypted {
					_, _, err := client.EncryptModel(s.model)
					return err
				}
				_, _, err := EncodeModel(p, s.model)
				return err
			},
			"input": func() error { _, err := client.Encrypt(x); return err },
		} {
			b.Run(fmt.Sprintf("%s/encrypted=%t", name, encrypted), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					check(b, run())
				}
			})
		}
	}
}

// BenchmarkDerive chooses parameters for the least that a network may ask for, as they are before it is trained.
func BenchmarkDerive(b *testing.B) {
	for name, choice := range map[string]packing.Choice{
		"tiles":     packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 64}),
		"one image": packing.OneImageIn(1<<13, false),
	} {
		b.Run(name, func(b *testing.B) {
			layout, err := choice.Layout(network.FullyConnected(784, 128, 128, 128, 128, 10))
			check(b, err)
			for b.Loop() {
				_, err := Derive(layout, packing.Profile{}, Wanted{Precision: 13})
				check(b, err)
			}
		})
	}
}
