package kernels

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a huge page on most machines: smaller pieces of memory cannot have one.
const hugePage = 2 << 20

// preferHugePages advises the system to back memory, of which nothing has been used yet, with huge pages. It may decline.
func preferHugePages(b []byte) {
	if len(b) < hugePage {
		return
	}
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (page - 1)
	_ = unix.Madvise(b[skip:skip+(len(b)-skip)/page*page], unix.MADV_HUGEPAGE)
}
