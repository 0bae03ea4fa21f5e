package kernels

import (
	mathrand "math/rand"
	"math/rand/v2"
)

// randSource lends a generator to math/big.
func randSource(rng *rand.Rand) *mathrand.Rand { return mathrand.New(mathrand.NewSource(rng.Int64())) }
