package kernels

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// floatConstants are what the assembly needs of a modulus, for each of four lanes. The generator knows the order of the fields.
type floatConstants struct {
	q, inverse [4]float64 // q, 1/q
	words      [4]float64 // 2^52 + q
	start      [4]float64 // of the upper half of a sum
	modulus    [4]uint64  // q
}

// floats is the AVX2 implementation. What it does not have is portable.
type floats struct {
	portable
	n         int
	c         floatConstants
	terms     int  // of products between reductions
	wide      bool // whether passes have to reduce what they read
	conjugate bool
	floatPlan
}

// floatPlan has the passes of transforms before the last five stages, and their factors with quotients in the order of their use.
type floatPlan struct {
	radices           []int
	forward, backward [][]float64 // by pass
	tail, head        []float64   // of the five stages with strides 16 to 1
	fold              [2]float64  // of the conjugate-invariant ring
	unfold            [4]float64
}

// floatRadices are the passes by degree. The last one has two stages: three, and the five that follow, would take wide values too far.
var floatRadices = map[int][]int{
	1 << 9: {4, 4}, 1 << 10: {8, 4}, 1 << 12: {8, 4, 4}, 1 << 13: {8, 8, 4}, 1 << 14: {8, 4, 4, 4}, 1 << 15: {8, 8, 4, 4}, 1 << 16: {8, 8, 8, 4},
}

// newFloats is nil for rings that the kernels do not serve.
func newFloats(r *ring.SubRing) Ring {
	q := r.Modulus
	radices, ok := floatRadices[r.N]
	if !ok || bits.Len64(q) > MaxBits {
		return nil
	}
	v := &floats{portable: portable{r}, n: r.N, wide: bits.Len64(q) > LazyBits, conjugate: r.Type() == ring.ConjugateInvariant}
	s := 0
	for size := 1; size < wordBits; size++ {
		if terms := productTerms(q, size); terms > v.terms {
			s, v.terms = size, terms
		}
	}
	for i := range 4 {
		v.c.q[i], v.c.inverse[i], v.c.words[i] = float64(q), 1/float64(q), 1<<wordBits+float64(q)
		v.c.start[i], v.c.modulus[i] = math.Ldexp(1, wordBits+s), q
	}
	v.floatPlan = v.newPlan(radices)
	return v
}

// productTerms is how many products of numbers below q a sum takes whose upper half holds multiples of 2^s: that half stays below 2^(53+s)
// and its quotient by q below 2^53, and the lower one, which each product may move by 2^(s−1), within 2^53 with an earlier remainder and what
// the upper half leaves, together less than 4q.
func productTerms(q uint64, s int) int {
	f := float64(q)
	upper := min(math.Ldexp(1, wordBits+s)/f/f, math.Ldexp(1, wordBits+1)/f)
	lower := math.Ldexp(math.Ldexp(1, wordBits+1)-4*f, 1-s)
	return int(min(upper, lower, 1<<12))
}

func (v *floats) Vector() bool { return true }

func (v *floats) newPlan(radices []int) floatPlan {
	r := v.r
	q := r.Modulus
	front, back := plainRoots(r)
	p := floatPlan{radices: radices}
	p.forward, p.tail = v.tables(front, radices)
	p.backward, p.head = v.tables(back, radices)
	inverse := ring.IMForm(r.NInv, q, r.MRedConstant)
	if v.conjugate { // which divides last of all
		p.fold[0], p.fold[1] = v.factor(front[1])
		p.unfold[0], p.unfold[1] = v.factor(inverse)
		p.unfold[2], p.unfold[3] = v.factor(q - Mul(back[1], inverse, q))
		return p
	}
	first := p.backward[0]
	first[0], first[1] = v.factor(Mul(v.number(first[0]), inverse, q))
	w, quotient := v.factor(inverse)
	p.backward[0] = append(first, w, quotient)
	return p
}

// factor is a number modulo q, nearest to 0, and its quotient by q.
func (v *floats) factor(w uint64) (float64, float64) {
	f := float64(w)
	if w > v.r.Modulus/2 {
		f -= v.c.q[0]
	}
	return f, f / v.c.q[0]
}

// number undoes factor.
func (v *floats) number(f float64) uint64 {
	if f < 0 {
		f += v.c.q[0]
	}
	return uint64(f)
}

// tables lays factors out.
func (v *floats) tables(roots []uint64, radices []int) (passes [][]float64, tail []float64) {
	f := factorsOf(roots, v.conjugate, v.factor)
	passes, m := f.passes(radices)
	words := Aligned(64 * m)
	tail = unsafe.Slice((*float64)(unsafe.Pointer(&words[0])), len(words))[:0]
	for b := range m {
		tail = append(f.block(tail, m, b, 8), 0, 0)
		for pair := range 4 {
			for h := 8; h <= 16; h *= 2 { // strides 2 and 1
				tail = f.pair(tail, h, m, b, pair)
			}
		}
	}
	return passes, tail
}

func (v *floats) NTT(dst, src []uint64, ahead *Ahead) {
	pass := v.pass(0, 1, 0)
	switch {
	case v.conjugate:
		first := src[0]
		floatFold(&dst[0], &src[0], v.n, v.fold[0], v.fold[1], &v.c.q[0])
		dst[0] = math.Float64bits(float64(first))
		v.down(dst, 0, 1, 0, ahead)
		return
	case pass.radix == 4:
		floatForward4Words(&dst[0], &src[0], pass.table, pass.stride, &v.c.q[0])
	default:
		floatForward8Words(&dst[0], &src[0], pass.table, pass.stride, &v.c.q[0])
	}
	v.next(dst, 0, 1, 0, ahead)
}

func (v *floats) NTTCenter(dst, src []uint64, p uint64, ahead *Ahead) {
	if v.conjugate || !v.centres(p) {
		v.Center(dst, src, p)
		v.NTT(dst, dst, ahead)
		return
	}
	pass := v.pass(0, 1, 0)
	if pass.radix == 4 {
		floatForward4Center(&dst[0], &src[0], pass.table, pass.stride, &v.c.q[0], p>>1, float64(p))
	} else {
		floatForward8Center(&dst[0], &src[0], pass.table, pass.stride, &v.c.q[0], p>>1, float64(p))
	}
	v.next(dst, 0, 1, 0, ahead)
}

// floatPass is a pass on one of m blocks.
type floatPass struct {
	radix, stride int
	table         *float64
}

func (v *floats) pass(p, m, block int) floatPass {
	radix := v.radices[p]
	return floatPass{radix, v.n / m / radix, &v.forward[p][2*(radix-1)*block]}
}

// down does pass p of the forward transform on a block of floats, one of m, and then, part by part, what follows: a part is in the
// first-level cache for all of it but the first pass.
func (v *floats) down(x []uint64, p, m, block int, ahead *Ahead) {
	pass := v.pass(p, m, block)
	switch {
	case pass.radix == 4 && v.wide:
		floatForward4Reduced(&x[0], &x[0], pass.table, pass.stride, &v.c.q[0])
	case pass.radix == 4:
		floatForward4(&x[0], &x[0], pass.table, pass.stride, &v.c.q[0])
	case v.wide:
		floatForward8Reduced(&x[0], &x[0], pass.table, pass.stride, &v.c.q[0])
	default:
		floatForward8(&x[0], &x[0], pass.table, pass.stride, &v.c.q[0])
	}
	v.next(x, p, m, block, ahead)
}

// next is what follows pass p on a block.
func (v *floats) next(x []uint64, p, m, block int, ahead *Ahead) {
	radix := v.radices[p]
	stride := v.n / m / radix
	if p == len(v.radices)-1 {
		blocks := v.n / 32 / m
		t := &v.tail[64*blocks*block]
		at, step := ahead.take(32*blocks, &v.c.modulus[0])
		floatForwardTail(&x[0], &x[0], t, blocks, &v.c.q[0], at, step)
		return
	}
	for b := range radix {
		v.down(x[b*stride:(b+1)*stride], p+1, m*radix, radix*block+b, ahead)
	}
}

func (v *floats) INTT(dst, src []uint64) {
	v.up(dst[:v.n], src[:v.n], 0, 1, 0)
	if v.conjugate {
		first := math.Float64frombits(dst[0])
		floatUnfold(&dst[0], &dst[0], v.n, &v.unfold[0], &v.c.q[0])
		first -= math.Floor(first/v.c.q[0]) * v.c.q[0] // exact: the quotient is small
		dst[0] = Mul(uint64(first), 2*v.number(v.unfold[0]), v.r.Modulus)
	}
}

// up undoes down.
func (v *floats) up(dst, src []uint64, p, m, block int) {
	radix := v.radices[p]
	stride := v.n / m / radix
	if p == len(v.radices)-1 {
		blocks := v.n / 32 / m
		t := &v.head[64*blocks*block]
		if v.wide {
			floatBackwardTailReduced(&dst[0], &src[0], t, blocks, &v.c.q[0])
		} else {
			floatBackwardTail(&dst[0], &src[0], t, blocks, &v.c.q[0])
		}
	} else {
		for b := range radix {
			v.up(dst[b*stride:(b+1)*stride], src[b*stride:(b+1)*stride], p+1, m*radix, radix*block+b)
		}
	}
	t := &v.backward[p][2*(radix-1)*block]
	last := p == 0 && !v.conjugate
	switch {
	case last && radix == 4 && v.wide:
		floatBackward4WordsReduced(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case last && radix == 4:
		floatBackward4Words(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case last && v.wide:
		floatBackward8WordsReduced(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case last:
		floatBackward8Words(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case radix == 4 && v.wide:
		floatBackward4Reduced(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case radix == 4:
		floatBackward4(&dst[0], &dst[0], t, stride, &v.c.q[0])
	case v.wide:
		floatBackward8Reduced(&dst[0], &dst[0], t, stride, &v.c.q[0])
	default:
		floatBackward8(&dst[0], &dst[0], t, stride, &v.c.q[0])
	}
}

// Factor has the bits of floats.
func (v *floats) Factor(w uint64) Factor {
	f, quotient := v.factor(w)
	return Factor{math.Float64bits(f), math.Float64bits(quotient)}
}

func (f Factor) floats() (w, quotient float64) {
	return math.Float64frombits(f.w), math.Float64frombits(f.quotient)
}

// centres tells whether numbers below p can be centred: they are exact as floats, and a word's lowest bits.
func (v *floats) centres(p uint64) bool { return p <= 1<<wordBits }

func (v *floats) Center(dst, src []uint64, p uint64) {
	if !v.centres(p) {
		v.portable.Center(dst, src, p)
		return
	}
	floatCenter(&dst[0], &src[0], len(dst), p>>1, float64(p), &v.c.q[0])
}

func (v *floats) Add(dst, x, y []uint64) { floatAdd(&dst[0], &x[0], &y[0], len(dst), &v.c.q[0]) }

func (v *floats) Scale(dst, src []uint64, f Factor) {
	w, quotient := f.floats()
	floatScale(&dst[0], &src[0], len(dst), w, quotient, &v.c.q[0])
}

func (v *floats) ScaleAdd(dst, src []uint64, f Factor) {
	w, quotient := f.floats()
	floatScaleAdd(&dst[0], &src[0], len(dst), w, quotient, &v.c.q[0])
}

func (v *floats) SubScale(dst, x, y []uint64, f Factor) {
	w, quotient := f.floats()
	floatSubScale(&dst[0], &x[0], &y[0], len(dst), w, quotient, &v.c.q[0])
}

func (v *floats) SubScaleAdd(dst, x, y, z []uint64, f Factor) {
	w, quotient := f.floats()
	floatSubScaleAdd(&dst[0], &x[0], &y[0], &z[0], len(dst), w, quotient, &v.c.q[0])
}

func (v *floats) MulAdd(dst, x, y, z []uint64) {
	floatMulAdd(&dst[0], &x[0], &y[0], &z[0], len(dst), &v.c.q[0])
}

func (v *floats) MulSub(dst, x, y, z []uint64) {
	floatMulSub(&dst[0], &x[0], &y[0], &z[0], len(dst), &v.c.q[0])
}

func (v *floats) Square(dst0, dst1, dst2, x0, x1 []uint64) {
	floatSquare(&dst0[0], &dst1[0], &dst2[0], &x0[0], &x1[0], len(x0), &v.c.q[0])
}

func (v *floats) Permute(dst, src []uint64, p *Permutation) {
	floatPermute(&dst[0], &src[0], &p.index[0], &p.halves[0][0], len(p.index))
}

func (v *floats) PermuteAdd(dst, x, src []uint64, p *Permutation) {
	floatPermuteAdd(&dst[0], &x[0], &src[0], &p.index[0], &p.halves[0][0], len(p.index), &v.c.q[0])
}

// Streams have numbers as they are.

func (v *floats) Put(s *Stream, term int, x ...[]uint64) {
	s.put(term, x, func(dst, x []uint64) { copy(dst, x) })
}

func (v *floats) Get(s *Stream, term, number int, dst []uint64) {
	for i := 0; i < len(dst); i += 8 {
		unpack(dst[i:], s.at(term, number, i), s.bytes)
	}
}

// floatUnpackings spread two packed numbers over each half of a vector, by bytes a number: which byte goes where, none with a number that
// has its upper bit set.
var floatUnpackings = func() (u [9][32]uint8) {
	for _, size := range []int{4, 5, 6, 8} {
		for i := range u[size] {
			if b := i % 8; b < size {
				u[size][i] = uint8(i/8%2*size + b)
			} else {
				u[size][i] = 1 << 7
			}
		}
	}
	return u
}()

func (v *floats) KeyProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	floatKeyProducts(&dst[0][0], &dst[1][0], &x.pointers[0], &index[0], 8*start, 8*end, s.from(start), &floatUnpackings[s.bytes][0], s.bytes, len(index), s.skip(index), v.terms, &v.c.q[0])
}

func (v *floats) PlainProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	floatPlainProducts(&dst[0][0], &dst[1][0], &x.pointers[0], &index[0], 8*start, 8*end, s.from(start), &floatUnpackings[s.bytes][0], s.bytes, len(index), s.skip(index), v.terms, &v.c.q[0])
}

func (v *floats) CipherProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	floatCipherProducts(&dst[0][0], &dst[1][0], &dst[2][0], &x.pointers[0], &index[0], 8*start, 8*end, s.from(start), &floatUnpackings[s.bytes][0], s.bytes, len(index), s.skip(index), v.terms/2, &v.c.q[0])
}

// What floatMultiples takes: so many coefficients, and terms, each of which adds less than 2^81 to the upper half and 2^40 to the lower one.
const (
	floatMultiplesWords = 16
	floatMultiplesTerms = 1 << 11
)

func (v *floats) MultiplesWords() int { return floatMultiplesWords }

func (v *floats) Multiples(dst, x []uint64, row *Row, b uint64) {
	if len(row.Index) > floatMultiplesTerms {
		v.portable.Multiples(dst, x, row, b)
		return
	}
	if len(row.Index) == 0 {
		for i := range dst {
			dst[i] = b
		}
		return
	}
	floatMultiples(&dst[0], &x[0], &row.Index[0], &row.Weights[0], row.Negative, len(row.Index)-row.Negative, float64(b), &v.c.q[0])
}
