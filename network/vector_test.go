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
			x[i] = T(math.Ldexp(rng.NormFloat64(), rng.IntN(240)-140)) // products of float32 are subnormal to infinite
		}
		if n > 2 {
			x[rng.IntN(n)], x[rng.IntN(n)] = T(math.Inf(1)), T(math.Copysign(0, -1))
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
				if !same(x[i], want[i]) {
					t.Fatalf("%s of %d values: value %d is %g; want %g", name, n, i, x[i], want[i])
				}
			}
		}
	}
}

func same[T float](a, b T) bool {
	return a != a && b != b || math.Float64bits(float64(a)) == math.Float64bits(float64(b))
}

// TestAdam holds steps against the obvious loop, bit for bit, for parameters of several blocks.
func TestAdam(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, n := range []int{1, 7, block, 2*block + 3} {
		random := func() []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = rng.Float32()
			}
			return x
		}
		value, grad, m, v := random(), random(), random(), random()
		a := adam[float32]{scale: 0.7, rate: 0.01, boost: 1.5, decay: 0.001}
		want := make([]float32, n)
		for i, g := range grad {
			g *= a.scale
			mean := float32(beta1*m[i]) + float32((1-beta1)*g)
			square := float32(beta2*v[i]) + float32((1-beta2)*g*g)
			want[i] = value[i] - (float32(a.rate*mean)/(float32(math.Sqrt(float64(square*a.boost)))+epsilon) + float32(a.decay*value[i]))
		}
		a.update(value, grad, m, v)
		for i := range want {
			if !same(value[i], want[i]) {
				t.Fatalf("%d values: value %d is %g; want %g", n, i, value[i], want[i])
			}
		}
	}
}

// TestWideNorm holds the forward pass of batch norm against the obvious loops, bit for bit, also for more channels than a block.
func TestWideNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	for _, c := range []struct{ width, rows int }{{1, 9}, {5, 3000}, {block - 1, 3}, {block, 3}, {block + 500, 4}} {
		n := &Network{Inputs: c.width, Layers: []Layer{newBatchNorm(c.width)}}
		op := newTrainer[float32](n, 1).shards[0].ops[0]
		x := make([]float32, c.width*c.rows)
		for i := range x {
			x[i] = rng.Float32()
		}
		y := op.forward(x, c.rows)
		for j := range c.width {
			var mean, variance float32
			for i := j; i < len(x); i += c.width {
				mean += x[i]
			}
			mean /= float32(c.rows)
			for i := j; i < len(x); i += c.width {
				e := x[i] - mean
				variance += float32(e * e)
			}
			variance /= float32(c.rows)
			scale := float32(1 / math.Sqrt(float64(variance)+NormEpsilon))
			for i := j; i < len(x); i += c.width {
				if want := (x[i] - mean) * scale; !same(y[i], want) { // γ = 1, β = 0
					t.Fatalf("%d channels, %d rows: value %d is %g; want %g", c.width, c.rows, i, y[i], want)
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
