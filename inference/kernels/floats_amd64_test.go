package kernels

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Floats are exact while they are integers below 2^53.
func TestFloatConstants(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*floats)
		if !ok {
			return
		}
		q := float64(p.q)
		s := math.Log2(v.c.start[0]) - 52
		for lane := range 4 {
			c := [...]float64{v.c.q[lane], v.c.inverse[lane], v.c.words[lane], v.c.start[lane], float64(v.c.modulus[lane])}
			if c != [...]float64{q, 1 / q, 1<<52 + q, math.Exp2(52 + s), q} {
				t.Errorf("lane %d: %v", lane, c)
			}
		}
		// The upper half of a sum, a multiple of 2^s, and its quotient by q; the lower half with what the upper leaves.
		n := float64(v.terms)
		if n*q*q > math.Exp2(52+s) || n*q > 1<<53 || n*math.Exp2(s-1)+4*q > 1<<53 || n < 4 {
			t.Errorf("%d products between reductions, by 2^%g", v.terms, s)
		}
		if v.wide != (bits.Len64(p.q) > LazyBits) {
			t.Errorf("wide %t", v.wide)
		}
		// What factors are applied to stays within 2^52, so that quotients are rounded to integers. A stage adds half of q and the
		// quotient's error; the first values are words, or what the stage of the conjugate-invariant ring leaves.
		climb := func(y float64, radices ...int) float64 {
			for _, radix := range radices {
				for range bits.Len(uint(radix)) - 1 {
					if y*q > 1<<52 {
						t.Errorf("wide %t: a factor is applied to %g·q", v.wide, y)
					}
					y += .5 + y*q*math.Exp2(-55)
				}
			}
			return y
		}
		last := len(v.radices) - 1
		if v.wide {
			climb(1, v.radices[0])
			for _, radix := range v.radices[1:last] {
				climb(.5, radix)
			}
			climb(.5, v.radices[last], 32)
		} else {
			climb(1.75, append(v.radices, 32)...)
		}
		// Backward, sums double; each number of a narrow pass but the first has been a product two stages ago at the most.
		backward := 4*q + 24
		if !v.wide {
			backward = max(32*q, 8*4*.75*q)
		}
		if backward > 1<<52 {
			t.Errorf("wide %t: back up to %g·q", v.wide, backward/q)
		}
		rng := rand.New(rand.NewPCG(6, p.q))
		for _, w := range []uint64{0, 1, p.q / 2, p.q/2 + 1, p.q - 1, rng.Uint64N(p.q)} {
			f, quotient := v.Factor(w).floats()
			if f > q/2 || f < -q/2 || v.number(f) != w || quotient != f/q {
				t.Errorf("factor %d of %d: %g, %g", w, p.q, f, quotient)
			}
		}
	})
}

// Sums of products are exact although each moves the lower half by as much as it can, the same way, for as many terms as there are between
// reductions.
func TestFloatProductsAtTheirBounds(t *testing.T) {
	wordwise(t, 9, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*floats)
		if !ok {
			return
		}
		unit := uint64(v.c.start[0] / (1 << 52)) // 2^s
		rng := rand.New(rand.NewPCG(7, p.q))
		var in Inputs
		x, y := make([]uint64, group), make([]uint64, group)
		for i := range x {
			for range 1 << 12 { // the remainder by 2^s nearest to its half, above or below
				a, b := p.q-1-rng.Uint64N(p.q/1024), p.q-1-rng.Uint64N(p.q/1024)
				distance := func(a, b uint64) uint64 {
					r := (a * b) & (unit - 1)
					if i%2 == 0 {
						return (r - unit/2) & (unit - 1)
					}
					return (unit/2 - 1 - r) & (unit - 1)
				}
				if distance(a, b) < distance(x[i], y[i]) || x[i] == 0 {
					x[i], y[i] = a, b
				}
			}
		}
		in.Append(x)
		for _, terms := range []int{v.terms - 1, v.terms, v.terms + 1, 2 * v.terms, 2*v.terms + 1} {
			s := newStream(&Arena{}, group, terms, 2, p.q)
			for k := range terms {
				v.Put(s, k, y, y)
			}
			dst := [3][]uint64{make([]uint64, group), make([]uint64, group)}
			v.KeyProducts(&dst, &in, make([]int32, terms), s, 0, group)
			for i := range x {
				want := word(x[i])
				want.Mul(want, word(y[i])).Mul(want, big.NewInt(int64(terms)))
				if want.Mod(want, word(p.q)); dst[0][i] != want.Uint64() || dst[1][i] != want.Uint64() {
					t.Fatalf("%d terms of %d·%d: %d and %d, want %d", terms, x[i], y[i], dst[0][i], dst[1][i], want)
				}
			}
		}
	})
}

// climb has the values of a block between two reductions: those of position p before stage s, of all stages, are those of two positions
// before the stage ahead of it.
type climb struct {
	q       float64
	factors [][][2]float64 // by stage and group, with quotients
	input   []float64
	rng     *rand.Rand
}

func (c *climb) times(y float64, factor [2]float64) float64 {
	const rounder = 3 << 51
	h := y * factor[0]
	quotient := math.FMA(y, factor[1], rounder) - rounder
	return math.FMA(-quotient, c.q, h) + math.FMA(y, factor[0], -h)
}

// stage gives what position p before stage s comes from: stride, and factor.
func (c *climb) stage(s, p int) (h int, factor [2]float64) {
	h = len(c.input) >> s
	return h, c.factors[s-1][p/(2*h)]
}

func (c *climb) value(s, p int) float64 {
	if s == 0 {
		return c.input[p]
	}
	h, factor := c.stage(s, p)
	x, t := c.value(s-1, p&^h), c.times(c.value(s-1, p|h), factor)
	if p&h == 0 {
		return x + t
	}
	return x - t
}

// climb makes that value as large as it finds, of a sign.
func (c *climb) climb(s, p int, sign float64) {
	if s == 0 {
		c.input[p] = sign * math.Floor(c.q/2-1e6)
		return
	}
	h, factor := c.stage(s, p)
	c.climb(s-1, p&^h, sign)
	if p&h != 0 {
		sign = -sign
	}
	second := p | h
	up := sign // of the second number: so that the quotient's error adds
	if math.FMA(factor[1], c.q, -factor[0]) > 0 {
		up = -sign
	}
	c.climb(s-1, second, up)
	leaf := second & (2*h - 1) // moves that number, and nothing else
	rest, best, most := c.value(s-1, second)-c.input[leaf], 0., -1.
	for range 4000 {
		v := up * math.Floor(c.q/2-1e6-c.rng.Float64()*c.q/200)
		if t := sign * c.times(rest+v, factor); t > most {
			best, most = v, t
		}
	}
	c.input[leaf] = best
}

// Forward, wide values are exact although each stage since the last reduction makes them larger.
func TestFloatsClimb(t *testing.T) {
	pairs(t, allLogN, func(t *testing.T, p *pair) {
		v, ok := p.vector.(*floats)
		if !ok || !v.wide {
			return
		}
		stages := bits.Len(uint(v.radices[len(v.radices)-1])) - 1 + 5
		size := 1 << stages
		for block := 0; block < p.n/size; block += max(1, p.n/size/8) {
			c := &climb{q: float64(p.q), input: make([]float64, size), rng: rand.New(rand.NewPCG(1, 2))}
			var roots [][]uint64
			for s := range stages {
				first := (p.n/size)<<s + block<<s
				if v.conjugate {
					first += (p.n / size) << s
				}
				var factors [][2]float64
				var row []uint64
				for g := range 1 << s {
					w := ring.IMForm(p.sub.RootsForward[first+g], p.q, p.sub.MRedConstant)
					f, quotient := v.factor(w)
					factors, row = append(factors, [2]float64{f, quotient}), append(row, w)
				}
				c.factors, roots = append(c.factors, factors), append(roots, row)
			}
			group := 0 // of the last stage, with the factor nearest to half of q
			for g, f := range c.factors[stages-1] {
				if math.Abs(f[1]) > math.Abs(c.factors[stages-1][group][1]) {
					group = g
				}
			}
			sign := -math.Copysign(1, c.factors[stages-1][group][1]) // negative products
			c.climb(stages-1, 2*group+1, sign)

			x := make([]uint64, size)
			for i, f := range c.input {
				x[i] = v.number(f)
			}
			for s := range stages {
				h := size / 2 >> s
				for i := range x {
					if i&h == 0 {
						w := Mul(x[i|h], roots[s][i/(2*h)], p.q)
						x[i], x[i|h] = (x[i]+w)%p.q, (x[i]+p.q-w)%p.q
					}
				}
			}
			want, in, got := Aligned(p.n), Aligned(p.n), Aligned(p.n)
			copy(want[size*block:], x)
			p.portable.INTT(in, want)
			p.vector.NTT(got, in, nil)
			same(t, fmt.Sprintf("block %d, up to %g·q", block, c.value(stages-1, 2*group+1)/c.q), got, want)
		}
	})
}

// Forward, values stay exact although one moves by half of q in each stage.
func TestFloatTransformsAtTheirBounds(t *testing.T) {
	for _, kernels := range supported(t) {
		if kernels != AVX2 {
			continue
		}
		for _, logN := range []int{15, 16} {
			for _, bound := range []int64{1 << 47, 1 << 48, 1 << 50} {
				p := newPair(t, kernels, logN, bound, false, nil)
				x, got, want := Aligned(p.n), Aligned(p.n), Aligned(p.n)
				for _, product := range []uint64{p.q / 2, p.q/2 + 1} { // nearest to 0, the most and the least
					for h := 1; h < p.n; h *= 2 {
						w := ring.IMForm(p.sub.RootsForward[h], p.q, p.sub.MRedConstant)
						x[p.n/2/h] = Mul(product, Inverse(w, p.q), p.q)
					}
					x[0] = p.q - 1
					p.portable.NTT(want, x, nil)
					p.vector.NTT(got, x, nil)
					same(t, p.name, got, want)
				}
			}
		}
	}
}
