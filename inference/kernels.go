package inference

import "hepex/inference/kernels"

// Kernels names the implementation of the arithmetic that this process runs on: "avx512-ifma" or "portable".
func Kernels() string { return kernels.Name() }
