package inference

import "golang.org/x/sys/cpu"

var hasVectors = cpu.X86.HasAVX2

//go:noescape
func addMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)

//go:noescape
func subMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)

// axpyVectors adds four multiples of vectors to acc, or subtracts them. The length is a multiple of 4, weights
// are below 2^32.
func axpyVectors(acc []uint64, x *[4][]uint64, w *[4]uint64, negative bool) {
	if negative {
		subMultiples(&acc[0], x, w, len(acc))
	} else {
		addMultiples(&acc[0], x, w, len(acc))
	}
}
