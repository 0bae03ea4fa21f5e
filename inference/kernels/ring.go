package kernels

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Ring does arithmetic modulo one prime q on polynomials of N coefficients, in lattigo's order of values in the domain of the
// number-theoretic transform. Vectors hold numbers below q unless a method says otherwise, and so do all results, whichever
// implementation computes them. dst may be one of the operands, except in permutations. Lengths are multiples of
// 32, N for transforms. Methods may be called concurrently.
type Ring interface {
	Modulus() uint64
	Vector() bool // whether the vector kernels serve this ring

	// Transforms. A centred one takes numbers below p, from −p/2 to p/2, modulo q first.
	NTT(dst, src []uint64, ahead *Ahead)
	NTTCenter(dst, src []uint64, p uint64, ahead *Ahead)
	INTT(dst, src []uint64)

	Add(dst, x, y []uint64)
	Center(dst, src []uint64, p uint64)
	Scale(dst, src []uint64, f Factor)               // src·f
	ScaleAdd(dst, src []uint64, f Factor)            // dst + src·f
	SubScale(dst, x, y []uint64, f Factor)           // (x − y)·f
	SubScaleAdd(dst, x, y, z []uint64, f Factor)     // (x − y)·f + z
	MulAdd(dst, x, y, z []uint64)                    // z + x·y
	MulSub(dst, x, y, z []uint64)                    // z − x·y
	Square(dst0, dst1, dst2, x0, x1 []uint64)        // x0², 2·x0·x1, x1²
	Permute(dst, src []uint64, p *Permutation)       // π(src)
	PermuteAdd(dst, x, src []uint64, p *Permutation) // x + π(src)
	Factor(w uint64) Factor                          // of a number below q
	Uniform(dst []uint64, random Source)             // fills dst with numbers drawn from random words
	Multiples(dst, x []uint64, row *Row, b uint64)   // see Row
	MultiplesWords() int

	// Products with streams: see Stream.
	NewStream(a *Arena, terms, width int) *Stream
	Put(s *Stream, term int, x ...[]uint64) // from a term on, the numbers of a term together
	Get(s *Stream, term, number int, dst []uint64)
	KeyProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int)
	PlainProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int)  // leaves out terms with a negative index, as
	CipherProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) // this does
}

// New prepares a ring of lattigo's. The vector kernels serve degrees of 2^9, 2^10 and 2^12 to 2^16 and moduli below 2^50, best
// below 2^47, if this process uses them (Name).
func New(r *ring.SubRing) Ring {
	var v Ring
	switch Name() {
	case AVX512:
		v = newVector(r)
	case AVX2:
		v = newFloats(r)
	}
	if v == nil {
		v = &portable{r}
	}
	return v
}

// NewPortable is New with the portable implementation.
func NewPortable(r *ring.SubRing) Ring { return &portable{r} }

// Bounds on moduli, in bits.
const (
	MaxBits  = 50 // of the vector kernels
	LazyBits = 47 // of their faster transforms, with AVX-512 up to degree 2^15; 46 beyond
)

// Factor is a number modulo q, prepared to be multiplied with, in one implementation.
type Factor struct {
	w        uint64
	quotient uint64 // floor(w·2^52/q) or, as floats, w/q
}

// Inverse is x⁻¹ modulo q, for a prime q.
func Inverse(x, q uint64) uint64 {
	r := uint64(1)
	for n := q - 2; n > 0; n >>= 1 {
		if n&1 == 1 {
			r = Mul(r, x, q)
		}
		x = Mul(x, x, q)
	}
	return r
}

// Mul is x·y modulo q.
func Mul(x, y, q uint64) uint64 {
	hi, lo := bits.Mul64(x%q, y%q)
	_, r := bits.Div64(hi, lo, q)
	return r
}

// Ahead lists streams that transforms fetch into the cache, in the order of their use: the transforms of a key switch leave the
// memory idle that its products then wait for. Nil fetches nothing.
type Ahead struct {
	streams  []*Stream
	next, at int // the stream in hand, and how many of its bytes were fetched
}

// Reset empties the list.
func (a *Ahead) Reset() { a.streams, a.next, a.at = a.streams[:0], 0, 0 }

// Append adds a stream.
func (a *Ahead) Append(s *Stream) { a.streams = append(a.streams, s) }
