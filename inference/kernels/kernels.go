package kernels

import (
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/cpu"
)

// The implementations.
const (
	Portable = "portable"    // lattigo's Go code
	AVX2     = "avx2-fma"    // fused multiplications and additions of floats, four at once
	AVX512   = "avx512-ifma" // 52-bit multiplications, eight at once
)

// implementation is one of them: what it needs, and whether the processor has it and the system saves its registers.
type implementation struct {
	name, needs string
	supported   bool
}

// implementations from the fastest on.
var implementations = []implementation{
	{AVX512, "AVX-512 IFMA", cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512IFMA && cpu.X86.HasAVX512VBMI},
	{AVX2, "AVX2 and FMA", cpu.X86.HasAVX2 && cpu.X86.HasFMA},
	{Portable, "", true},
}

// Name names the implementation that this process uses where moduli and degrees allow: the fastest, or the fastest from the one on that
// HEPEX_KERNELS names. It is settled once, as streams are good for one implementation only.
func Name() string { return name() }

var name = sync.OnceValue(choose)

// choose takes the one that the environment names, or the next one that the processor has. Check tells of a name that there is not.
func choose() string {
	wanted := os.Getenv(variable)
	if !slices.ContainsFunc(implementations, func(k implementation) bool { return k.name == wanted }) {
		wanted = ""
	}
	for _, k := range implementations {
		if wanted == k.name {
			wanted = ""
		}
		if wanted == "" && k.supported {
			return k.name
		}
	}
	return Portable
}
