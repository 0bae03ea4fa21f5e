package kernels

import (
	"math"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Extender takes numbers modulo Q = q_0·q_1·…, known modulo each of these, from −Q/2 to Q/2, to other moduli. With
// h = floor(Q/2), y_i = (x + h)·(Q/q_i)⁻¹ modulo q_i and v = floor(Σ y_i/q_i),
//
//	x = Σ y_i·Q/q_i − v·Q − h.
//
// v is computed with floats: within about 2^-50·Q of ±Q/2 the sign may be either, and both are right.
type Extender struct {
	from, to []Ring
	fast     extender
	sources  []extendFrom
	targets  []extendTo
}

// extendFrom has what a modulus q_i needs: h, and (Q/q_i)⁻¹ in Montgomery form.
type extendFrom struct {
	q, montgomery uint64
	half, inverse uint64
	reciprocal    float64 // 1/q_i
}

// extendTo has what a target needs: Q/q_i in Montgomery form, and −v·Q − h for each v.
type extendTo struct {
	q, montgomery uint64
	parts, offset []uint64
}

// extender is an implementation for special cases.
type extender interface {
	split(s *Split, x [][]uint64)
	extend(s *Split, i int, dst []uint64)
}

// Split is what all extensions of a polynomial share.
type Split struct {
	y [][]uint64
	v []uint8
}

// NewSplit has room for a polynomial of n coefficients.
func (e *Extender) NewSplit(n int) *Split {
	s := &Split{v: make([]uint8, n)}
	for range e.from {
		s.y = append(s.y, Aligned(n))
	}
	return s
}

// NewExtender prepares extensions.
func NewExtender(from, to []Ring) *Extender {
	e := &Extender{from: from, to: to, fast: newVectorExtender(from, to)}
	form := func(v, q uint64) uint64 { return ring.MForm(v, q, ring.BRedConstant(q)) }
	for i, r := range from {
		q := r.Modulus()
		e.sources = append(e.sources, extendFrom{q, ring.MRedConstant(q), e.halfModulo(q), form(Inverse(e.others(i, q), q), q), 1 / float64(q)})
	}
	for _, r := range to {
		q := r.Modulus()
		t := extendTo{q: q, montgomery: ring.MRedConstant(q)}
		for i := range from {
			t.parts = append(t.parts, form(e.others(i, q), q))
		}
		v := (q - e.halfModulo(q)) % q
		for range len(from) + 1 {
			t.offset = append(t.offset, v)
			v = (v + q - e.others(-1, q)) % q
		}
		e.targets = append(e.targets, t)
	}
	return e
}

// others is the product of all moduli but q_i, modulo q.
func (e *Extender) others(i int, q uint64) uint64 {
	v := uint64(1)
	for j, r := range e.from {
		if j != i {
			v = Mul(v, r.Modulus(), q)
		}
	}
	return v
}

// halfModulo is (Q − 1)/2 modulo an odd q.
func (e *Extender) halfModulo(q uint64) uint64 {
	return Mul((e.others(-1, q)+q-1)%q, (q+1)/2, q)
}

// Split prepares a polynomial given modulo each q_i, in coefficients.
func (e *Extender) Split(s *Split, x [][]uint64) {
	if e.fast != nil {
		e.fast.split(s, x)
		return
	}
	for i, src := range e.sources {
		y := s.y[i]
		for k, v := range x[i] {
			y[k] = ring.MRed(ring.CRed(v+src.half, src.q), src.inverse, src.q, src.montgomery)
		}
	}
	for k := range s.v {
		sum := float64(s.y[0][k]) * e.sources[0].reciprocal
		for i, src := range e.sources[1:] {
			sum = math.FMA(float64(s.y[i+1][k]), src.reciprocal, sum)
		}
		s.v[k] = uint8(sum)
	}
}

// Extend gives it modulo the i-th target.
func (e *Extender) Extend(s *Split, i int, dst []uint64) {
	if e.fast != nil {
		e.fast.extend(s, i, dst)
		return
	}
	t := &e.targets[i]
	for k := range dst {
		dst[k] = t.offset[s.v[k]]
	}
	for j, part := range t.parts {
		y := s.y[j][:len(dst)]
		for k, v := range dst {
			dst[k] = ring.CRed(v+ring.MRed(y[k], part, t.q, t.montgomery), t.q)
		}
	}
}
