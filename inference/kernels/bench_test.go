package kernels

import (
	"fmt"
	"testing"
)

// BenchmarkTransforms compares with lattigo, which does the same in ratio times as long.
func BenchmarkTransforms(b *testing.B) {
	kernels := supported(b)[0]
	for _, conjugate := range []bool{false, true} {
		for logN := 12; logN <= 15; logN++ {
			for _, size := range []int{46, 49} {
				p := newPair(b, kernels, logN, 1<<size, conjugate, nil)
				x := vectors(p.n, p.q, false)["random"]
				y := Aligned(p.n)
				for _, r := range []Ring{p.vector, p.portable} {
					name := fmt.Sprintf("conjugate=%t/logN=%d/bits=%d/vector=%t", conjugate, logN, size, r.Vector())
					b.Run("NTT/"+name, func(b *testing.B) {
						for b.Loop() {
							r.NTT(y, x, nil)
						}
					})
					b.Run("INTT/"+name, func(b *testing.B) {
						for b.Loop() {
							r.INTT(y, x)
						}
					})
				}
			}
		}
	}
}

// BenchmarkVectors times the other kernels on 2^13 words that lie in a cache.
func BenchmarkVectors(b *testing.B) {
	p := newPair(b, supported(b)[0], 13, 1<<46, false, nil)
	vs := vectors(p.n, p.q, false)
	x, y, z, dst := vs["random"], vs["other"], vs["edges"], Aligned(p.n)
	const terms = 4
	var in Inputs
	index := make([]int32, terms)
	for i := range terms {
		index[i] = int32(i)
	}
	for range 2 * terms {
		in.Append(append(Aligned(p.n)[:0], x...))
	}
	for _, r := range []Ring{p.vector, p.portable} {
		f := r.Factor(12345)
		one, two := r.NewStream(&Arena{}, terms, 1), r.NewStream(&Arena{}, terms, 2)
		outs := [3][]uint64{Aligned(p.n), Aligned(p.n), Aligned(p.n)}
		row := &Row{Negative: 50}
		for i := range 100 {
			row.Index, row.Weights = append(row.Index, int32(i)), append(row.Weights, 77)
		}
		inputs := make([]uint64, 100*r.MultiplesWords())
		for name, run := range map[string]func(){
			"Add":                  func() { r.Add(dst, x, y) },
			"Scale":                func() { r.Scale(dst, x, f) },
			"SubScaleAdd":          func() { r.SubScaleAdd(dst, x, y, z, f) },
			"MulAdd":               func() { r.MulAdd(dst, x, y, z) },
			"Center":               func() { r.Center(dst, x, 1<<40+15) },
			"NTTCenter":            func() { r.NTTCenter(dst, x, 1<<40+15, nil) },
			"Square":               func() { r.Square(outs[0], outs[1], outs[2], x, y) },
			"KeyProducts of 4":     func() { r.KeyProducts(&outs, &in, index, two, 0, p.n) },
			"PlainProducts of 4":   func() { r.PlainProducts(&outs, &in, index, one, 0, p.n) },
			"CipherProducts of 4":  func() { r.CipherProducts(&outs, &in, index, two, 0, p.n) },
			"100 Multiples, block": func() { r.Multiples(dst[:r.MultiplesWords()], inputs, row, 5) },
			"Uniform":              func() { r.Uniform(dst, Seed{}.Source(0)) },
			"Put":                  func() { r.Put(one, 1, x) },
			"Get":                  func() { r.Get(one, 1, 0, dst) },
		} {
			b.Run(fmt.Sprintf("%s/vector=%t", name, r.Vector()), func(b *testing.B) {
				for b.Loop() {
					run()
				}
			})
		}
	}
}
