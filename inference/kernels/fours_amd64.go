package kernels

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

//go:noescape
func addMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)

//go:noescape
func subMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)

// addFour adds four multiples to acc, or subtracts them. The length is a multiple of 4, weights are below 2^32.
func addFour(acc []uint64, p *pending) {
	if p.negative {
		subMultiples(&acc[0], &p.x, &p.w, len(acc))
	} else {
		addMultiples(&acc[0], &p.x, &p.w, len(acc))
	}
}
