package inference

import (
	"slices"

	"hepex/inference/kernels"
)

// Kernels names the implementation of the arithmetic that this process runs on: "avx512-ifma", "avx2-fma" or "portable".
func Kernels() string { return kernels.Name() }

// Unserved lists the moduli, in bits, that the process's vector kernels do not serve: portable code computes with these.
func (p Parameters) Unserved() (bits []int) {
	if Kernels() == kernels.Portable {
		return nil
	}
	for i, r := range slices.Concat(p.rings.q, p.rings.p) {
		if !r.Vector() {
			bits = append(bits, slices.Concat(p.Literal.LogQ, p.Literal.LogP)[i])
		}
	}
	return bits
}
