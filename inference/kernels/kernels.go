package kernels

import (
	"os"
	"sync"

	"golang.org/x/sys/cpu"
)

// The implementations.
const (
	Portable = "portable"    // lattigo's Go code
	AVX512   = "avx512-ifma" // 52-bit multiplications, eight at once
)

// supported tells whether the processor has what the vector kernels need, and the system saves their registers.
var supported = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512IFMA && cpu.X86.HasAVX512VBMI

// Name names the implementation that this process uses where moduli and degrees allow: HEPEX_KERNELS=portable forces
// the portable one. It is settled once, as streams are good for one implementation only.
func Name() string { return name() }

var name = sync.OnceValue(choose)

func choose() string {
	if supported && os.Getenv("HEPEX_KERNELS") != Portable {
		return AVX512
	}
	return Portable
}
