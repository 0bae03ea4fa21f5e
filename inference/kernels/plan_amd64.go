package kernels

import (
	"unsafe"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// radixPlans are the passes of transforms before the last six stages, by degree.
var radixPlans = map[int][]int{
	1 << 9: {8}, 1 << 10: {16}, 1 << 12: {8, 8}, 1 << 13: {8, 16}, 1 << 14: {16, 16}, 1 << 15: {8, 8, 8}, 1 << 16: {8, 8, 16},
}

// plan has the tables of a transform: factors with quotients, in the order of their use.
type plan struct {
	radices           []int
	forward, backward [][]uint64 // by pass
	tail, head        []uint64   // of the six stages with strides 32 to 1
	fold              Factor     // of the conjugate-invariant ring
	unfold            [2]Factor
}

func newPlan(v *vector, r *ring.SubRing, radices []int) plan {
	front, back := plainRoots(r)
	p := plan{radices: radices}
	p.forward, p.tail = v.tables(front, radices)
	p.backward, p.head = v.tables(back, radices)
	inverse := ring.IMForm(r.NInv, r.Modulus, r.MRedConstant)
	if v.conjugate { // which divides last of all
		p.fold = v.Factor(front[1])
		p.unfold = [2]Factor{v.Factor(inverse), v.Factor(r.Modulus - Mul(back[1], inverse, r.Modulus))}
		return p
	}
	first := p.backward[0]
	last, one := v.Factor(Mul(first[0], inverse, r.Modulus)), v.Factor(inverse)
	first[0], first[1] = last.w, last.quotient
	p.backward[0] = append(first, one.w, one.quotient)
	return p
}

// plainRoots are lattigo's, out of Montgomery form.
func plainRoots(r *ring.SubRing) (front, back []uint64) {
	for i := range r.RootsForward {
		front = append(front, ring.IMForm(r.RootsForward[i], r.Modulus, r.MRedConstant))
		back = append(back, ring.IMForm(r.RootsBackward[i], r.Modulus, r.MRedConstant))
	}
	return front, back
}

// factors gives factor i of a stage with h blocks, and its quotient.
type factors[T any] func(h, i int) (w, quotient T)

// factorsOf has lattigo's roots: those of a stage with h blocks are h … 2h−1, or from 2h on in the conjugate-invariant ring.
func factorsOf[T any](roots []uint64, conjugate bool, prepare func(w uint64) (T, T)) factors[T] {
	return func(h, i int) (T, T) {
		if conjugate {
			h *= 2
		}
		return prepare(roots[h+i])
	}
}

// block lists the factors of the stages of a block, of m, from the one with m blocks on.
func (f factors[T]) block(t []T, m, b, radix int) []T {
	for h := 1; h < radix; h *= 2 {
		for g := range h {
			w, quotient := f(h*m, h*b+g)
			t = append(t, w, quotient)
		}
	}
	return t
}

// passes lists those of passes; m blocks are left.
func (f factors[T]) passes(radices []int) (passes [][]T, m int) {
	m = 1
	for _, radix := range radices {
		var t []T
		for b := range m {
			t = f.block(t, m, b, radix)
		}
		passes = append(passes, t)
		m *= radix
	}
	return passes, m
}

// pair lists, for a stage with h blocks in each of m, those of a pair of a block's vectors in turn, and then their quotients.
func (f factors[T]) pair(t []T, h, m, b, pair int) []T {
	var w, quotient []T
	for i := range h / 4 {
		x, y := f(h*m, h*b+h/8*(2*pair+i%2)+i/2)
		w, quotient = append(w, x), append(quotient, y)
	}
	return append(append(t, w...), quotient...)
}

// tables lays factors out.
func (v *vector) tables(roots []uint64, radices []int) (passes [][]uint64, tail []uint64) {
	f := factorsOf(roots, v.conjugate, func(w uint64) (uint64, uint64) {
		f := v.Factor(w)
		return f.w, f.quotient
	})
	passes, m := f.passes(radices)
	tail = Aligned(128 * m)[:0]
	for b := range m {
		tail = append(f.block(tail, m, b, 8), 0, 0)
		for h := 32; h >= 8; h /= 2 {
			for pair := range 4 {
				tail = f.pair(tail, h, m, b, pair)
			}
		}
	}
	return passes, tail
}

func (v *vector) NTT(dst, src []uint64, ahead *Ahead) {
	if v.conjugate {
		fold(&dst[0], &src[0], v.n, v.fold.w, v.fold.quotient, &v.c.q)
		dst[0] = src[0] // below q: all outputs are this number and what stages add
		src = dst
	}
	v.down(dst, src, 0, 1, 0, ahead)
}

func (v *vector) NTTCenter(dst, src []uint64, p uint64, ahead *Ahead) {
	if v.conjugate || !v.centres(p) {
		v.Center(dst, src, p)
		v.NTT(dst, dst, ahead)
		return
	}
	half, adjust := v.centring(p)
	radix := v.radices[0]
	stride := v.n / radix
	t := &v.forward[0][0]
	switch {
	case radix == 8 && v.wide:
		forward8Center_50(&dst[0], &src[0], t, stride, &v.c.q, v.offset, half, adjust)
	case radix == 8:
		forward8Center_47(&dst[0], &src[0], t, stride, &v.c.q, v.offset, half, adjust)
	case v.wide:
		forward16Center_50(&dst[0], &src[0], t, stride, &v.c.q, v.offset, half, adjust)
	default:
		forward16Center_47(&dst[0], &src[0], t, stride, &v.c.q, v.offset, half, adjust)
	}
	v.next(dst, 0, 1, 0, ahead)
}

// down does pass p of the forward transform on a block, one of m, and then, part by part, what follows: a part is in the
// first-level cache for all of it but the first pass.
func (v *vector) down(dst, src []uint64, p, m, block int, ahead *Ahead) {
	radix := v.radices[p]
	stride := v.n / m / radix
	t := &v.forward[p][2*(radix-1)*block]
	offset := uint64(0)
	if p == 0 {
		offset = v.offset
	}
	switch {
	case radix == 8 && v.wide:
		forward8_50(&dst[0], &src[0], t, stride, &v.c.q, offset)
	case radix == 8:
		forward8_47(&dst[0], &src[0], t, stride, &v.c.q, offset)
	case v.wide:
		forward16_50(&dst[0], &src[0], t, stride, &v.c.q, offset)
	default:
		forward16_47(&dst[0], &src[0], t, stride, &v.c.q, offset)
	}
	v.next(dst, p, m, block, ahead)
}

// next is what follows pass p on a block.
func (v *vector) next(x []uint64, p, m, block int, ahead *Ahead) {
	radix := v.radices[p]
	stride := v.n / m / radix
	if p == len(v.radices)-1 {
		blocks := v.n / 64 / m
		t := &v.tail[128*blocks*block]
		at, step := ahead.take(64*blocks, &v.c.q)
		if v.wide {
			forwardTail_50(&x[0], &x[0], t, blocks, &v.c.q, at, step)
		} else {
			forwardTail_47(&x[0], &x[0], t, blocks, &v.c.q, at, step)
		}
		return
	}
	for b := range radix {
		part := x[b*stride : (b+1)*stride]
		v.down(part, part, p+1, m*radix, radix*block+b, ahead)
	}
}

// Of a stream, a transform fetches fetchLine bytes for each fetchWords words of its own.
const (
	fetchLine  = 64
	fetchWords = 4
)

// take is where to fetch from while so many words are transformed, and in what steps; or idle, again and again.
func (a *Ahead) take(words int, idle *uint64) (*uint64, int) {
	if a == nil || a.next == len(a.streams) {
		return idle, 0
	}
	s := a.streams[a.next].data
	at := (*uint64)(unsafe.Pointer(&s[a.at]))
	if a.at += words / fetchWords * fetchLine; a.at >= len(s) {
		a.next, a.at = a.next+1, 0
	}
	return at, fetchLine
}

func (v *vector) INTT(dst, src []uint64) {
	v.up(dst[:v.n], src[:v.n], 0, 1, 0)
	if v.conjugate {
		unfold(&dst[0], &dst[0], v.n, &v.unfold[0].w, &v.c.q)
		if dst[0] *= 2; dst[0] >= v.c.q {
			dst[0] -= v.c.q
		}
	}
}

// up undoes down.
func (v *vector) up(dst, src []uint64, p, m, block int) {
	radix := v.radices[p]
	stride := v.n / m / radix
	if p == len(v.radices)-1 {
		blocks := v.n / 64 / m
		t := &v.head[128*blocks*block]
		if v.wide {
			backwardTail_50(&dst[0], &src[0], t, blocks, &v.c.q)
		} else {
			backwardTail_47(&dst[0], &src[0], t, blocks, &v.c.q)
		}
	} else {
		for b := range radix {
			v.up(dst[b*stride:(b+1)*stride], src[b*stride:(b+1)*stride], p+1, m*radix, radix*block+b)
		}
	}
	t := &v.backward[p][2*(radix-1)*block]
	last := p == 0 && !v.conjugate
	switch {
	case last && radix == 8 && v.wide:
		backward8Last_50(&dst[0], &dst[0], t, stride, &v.c.q)
	case last && radix == 8:
		backward8Last_47(&dst[0], &dst[0], t, stride, &v.c.q)
	case last && v.wide:
		backward16Last_50(&dst[0], &dst[0], t, stride, &v.c.q)
	case last:
		backward16Last_47(&dst[0], &dst[0], t, stride, &v.c.q)
	case radix == 8 && v.wide:
		backward8_50(&dst[0], &dst[0], t, stride, &v.c.q)
	case radix == 8:
		backward8_47(&dst[0], &dst[0], t, stride, &v.c.q)
	case v.wide:
		backward16_50(&dst[0], &dst[0], t, stride, &v.c.q)
	default:
		backward16_47(&dst[0], &dst[0], t, stride, &v.c.q)
	}
}
