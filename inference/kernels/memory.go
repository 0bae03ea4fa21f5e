package kernels

import (
	"sync"
	"unsafe"
)

// line is the size of a cache line: a vector across two lines costs twice.
const line = 64

// Aligned gives n words that start on a cache line.
func Aligned(n int) []uint64 {
	b := make([]uint64, n+line/8-1)
	skip := 0
	for uintptr(unsafe.Pointer(&b[skip]))%line != 0 {
		skip++
	}
	return b[skip : skip+n : skip+n]
}

// Arena gives memory to streams that are read one after the other: in one piece, and in huge pages where the system has them, as
// walks through page tables would keep memory waiting. What it does not have any more is allocated. It is safe for
// concurrent use.
type Arena struct {
	mu   sync.Mutex
	free []byte
}

// NewArena has room for streams of so many bytes in all, as StreamBytes counts them.
func NewArena(bytes, streams int) *Arena {
	a := &Arena{free: alignedBytes(bytes + streams*line)}
	preferHugePages(a.free)
	return a
}

func (a *Arena) take(n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n > len(a.free) {
		return alignedBytes(n)
	}
	b := a.free[:n:n]
	a.free = a.free[min((n+line-1)/line*line, len(a.free)):]
	return b
}

func alignedBytes(n int) []byte {
	words := Aligned((n + 7) / 8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
}
