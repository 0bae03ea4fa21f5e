package kernels

import (
	"math"
	"math/bits"

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
	half     []uint64 // h modulo q_i
	inverse  []uint64 // (Q/q_i)⁻¹ modulo q_i
	parts    [][]uint64
	product  []uint64 // Q, by target
	offset   []uint64 // −h, by target
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
	for i, r := range from {
		q := r.Modulus()
		e.half = append(e.half, e.halfModulo(q))
		e.inverse = append(e.inverse, Inverse(e.others(i, q), q))
	}
	for _, r := range to {
		q := r.Modulus()
		var parts []uint64
		for i := range from {
			parts = append(parts, e.others(i, q))
		}
		e.parts = append(e.parts, parts)
		e.product = append(e.product, e.others(-1, q))
		e.offset = append(e.offset, (q-e.halfModulo(q))%q)
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
	for k := range x[0] {
		sum := 0.0
		for i, r := range e.from {
			q := r.Modulus()
			y := Mul((x[i][k]+e.half[i])%q, e.inverse[i], q)
			s.y[i][k] = y
			if i == 0 {
				sum = float64(y) * (1 / float64(q))
			} else {
				sum = math.FMA(float64(y), 1/float64(q), sum)
			}
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
	q := e.to[i].Modulus()
	u := ring.BRedConstant(q)
	for k := range dst {
		hi, lo := bits.Mul64(uint64(s.v[k]), q-e.product[i])
		lo, carry := bits.Add64(lo, e.offset[i], 0)
		hi += carry
		_, v := bits.Div64(hi%q, lo, q)
		for j, part := range e.parts[i] {
			v = ring.CRed(v+ring.BRed(ring.BRedAdd(s.y[j][k], q, u), part, q, u), q)
		}
		dst[k] = v
	}
}
