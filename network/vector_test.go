package network

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectors holds the arithmetic on slices against the obvious loops, bit for bit.
func TestVectors(t *testing.T) {
	t.Run("float32", testVectors[float32])
	t.Run("float64", testVectors[float64])
}

func testVectors[T float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			// From subnormal to overflowing products.
			x[i] = T(math.Ldexp(rng.NormFloat64(), rng.IntN(200)-140))
		}
		return x
	}
	for name, f := range map[string]struct {
		vector func(x, y []T, c T)
		loop   func(x, y, c T) T
	}{
		"add":      {func(x, y []T, _ T) { add(x, y) }, func(x, y, _ T) T { return x + y }},
		"subtract": {func(x, y []T, _ T) { subtract(x, y) }, func(x, y, _ T) T { return x - y }},
		"scaleBy":  {func(x, y []T, _ T) { scaleBy(x, y) }, func(x, y, _ T) T { return x * y }},
		"offset":   {func(x, _ []T, c T) { offset(x, c) }, func(x, _, c T) T { return x + c }},
		"scale":    {func(x, _ []T, c T) { scale(x, c) }, func(x, _, c T) T { return x * c }},
	} {
		for n := range 150 {
			at := rng.IntN(8) // of no particular alignment
			x, y, c := random(n + at)[at:], random(n), random(1)[0]
			want := make([]T, n)
			for i := range want {
				want[i] = f.loop(x[i], y[i], c)
			}
			f.vector(x, y, c)
			for i := range want {
				if math.Float64bits(float64(x[i])) != math.Float64bits(float64(want[i])) {
					t.Fatalf("%s of %d values: value %d is %g; want %g", name, n, i, x[i], want[i])
				}
			}
		}
	}
}

func TestRepeat(t *testing.T) {
	for _, c := range []struct{ n, values int }{{0, 1}, {1, 3}, {7, 3}, {9, 3}, {3 * block, 1}, {5*block + 1, 7}, {3 * block, 2 * block}} {
		values := make([]float32, c.values)
		for i := range values {
			values[i] = float32(i)
		}
		dst := make([]float32, c.n)
		repeat(dst, values)
		for i, v := range dst {
			if want := float32(i % c.values); v != want {
				t.Fatalf("%d values repeated to %d: value %d is %g; want %g", c.values, c.n, i, v, want)
			}
		}
	}
}
