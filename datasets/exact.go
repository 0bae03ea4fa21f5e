package datasets

import (
	"math"
	"math/rand/v2"
)

// Drawn sets must be the same on every machine, to the last bit. IEEE 754 fixes +, −, ×, ÷ and √, but a
// compiler may fuse a product with a sum that follows (arm64, or amd64 from GOAMD64=v3 on), and math.Exp,
// math.Sin and rand's NormFloat64 are built so, or differently per processor. So drawing uses these five alone,
// and mul for every product that is then added to something, except by powers of two, which are exact.

// mul is a·b rounded by itself: Go never fuses across an explicit conversion.
func mul(a, b float64) float64 { return float64(a * b) }

// sine is sin(2π·turns) to within 4e-6.
func sine(turns float64) float64 {
	t := turns - math.RoundToEven(turns)
	switch {
	case t > .25:
		t = .5 - t
	case t < -.25:
		t = -.5 - t
	}
	x := mul(2*math.Pi, t)
	x2 := mul(x, x)
	return mul(x, 1-mul(x2, 1./6-mul(x2, 1./120-mul(x2, 1./5040-mul(x2, 1./362880)))))
}

// exp is eˣ to within 2 % for |x| < 0.7, which covers the scales that occur.
func exp(x float64) float64 {
	return 1 + mul(x, 1+mul(x, 1./2+mul(x, 1./6)))
}

// normal is a nearly normal number of mean 0 and standard deviation 1: twelve uniform ones, summed.
func normal(rng *rand.Rand) float64 {
	sum := -6.0
	for range 12 {
		sum += rng.Float64()
	}
	return sum
}

// between is uniform in [low,high).
func between(rng *rand.Rand, low, high float64) float64 {
	return low + mul(high-low, rng.Float64())
}
