package kernels

import (
	"fmt"
	"os"
)

// Check tells whether HEPEX_KERNELS is usable: a value that names no implementation is an error; for one that this
// machine lacks, which leaves the portable one, there is a warning.
func Check() (warning string, err error) {
	const name = "HEPEX_KERNELS"
	switch v := os.Getenv(name); {
	case v != "" && v != Portable && v != AVX512:
		return "", fmt.Errorf("%s=%q: want %s or %s, or nothing for the faster that this machine has", name, v, Portable, AVX512)
	case v == AVX512 && !supported:
		return fmt.Sprintf("%s=%s: this machine has no AVX-512 IFMA: %s kernels compute", name, AVX512, Portable), nil
	}
	return "", nil
}
