package kernels

import "unsafe"

// Aligned gives n words that start on a cache line: a vector across two lines costs twice.
func Aligned(n int) []uint64 { return aligned(n) }

func aligned(n int) []uint64 {
	b := make([]uint64, n+7)
	skip := 0
	for uintptr(unsafe.Pointer(&b[skip]))%64 != 0 {
		skip++
	}
	return b[skip : skip+n : skip+n]
}
