package kernels

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// constants are what the assembly needs of a modulus. The generator knows the order of the fields.
type constants struct {
	q, negQ               uint64 // q, 2^52 − q
	twoQ                  uint64
	barrett               uint64 // floor(2^52/q)
	mask                  uint64 // 2^52 − 1
	montgomery            uint64 // −q⁻¹ modulo 2^52
	radix                 Factor // 2^52 modulo q
	fourQ, eightQ, sixteQ uint64
	lift                  uint64 // a multiple of q near 2^51
}

// vector is the AVX-512 implementation.
type vector struct {
	portable  portable // for numbers modulo primes that are too large
	n         int
	c         constants
	terms     int // of products between reductions
	offset    uint64
	wide      bool // family 50: the offsets of family 47 do not fit
	conjugate bool
	toStream  Factor
	ofStream  Factor
	plan
}

// wordBits is the size of the processor's multiplications.
const wordBits = 52

// newVector is nil for rings that the kernels do not serve.
func newVector(r *ring.SubRing) Ring {
	q := r.Modulus
	radices, ok := radixPlans[r.N]
	if !ok || bits.Len64(q) > MaxBits {
		return nil
	}
	stages := uint64(bits.Len(uint(r.N)) - 1)
	v := &vector{portable: portable{r}, n: r.N, wide: (2*stages+2)*q >= 1<<wordBits, offset: stages * q, conjugate: r.Type() == ring.ConjugateInvariant}
	v.c = constants{
		q: q, negQ: 1<<wordBits - q, twoQ: 2 * q, barrett: 1 << wordBits / q, mask: 1<<wordBits - 1,
		fourQ: 4 * q, eightQ: 8 * q, sixteQ: 16 * q, lift: 1 << (wordBits - 1) / q * q,
	}
	v.c.montgomery = -r.MRedConstant & v.c.mask
	v.c.radix = v.Factor((1 << wordBits) % q)
	v.toStream = v.c.radix
	v.ofStream = v.Factor(Inverse(v.toStream.w, q))
	// hi, below 2q after a reduction, ends below 2q + T·q²/2^52 + q, and lo below (T + 1)·2^52: with 2^52/q ≥ 4, T is at least 4.
	v.terms = int(min((1<<wordBits/q-3)*(1<<wordBits/q), 1<<12-2))
	v.plan = newPlan(v, r, radices)
	return v
}

func (v *vector) Modulus() uint64 { return v.c.q }
func (v *vector) Vector() bool    { return true }

func (v *vector) Factor(w uint64) Factor {
	hi, lo := bits.Mul64(w, 1<<wordBits)
	quotient, _ := bits.Div64(hi, lo, v.c.q)
	return Factor{w, quotient}
}

func (v *vector) Add(dst, x, y []uint64) { add(&dst[0], &x[0], &y[0], len(dst), &v.c.q) }

// centring gives what centred functions take: the largest number that is not negative, and what is added to larger ones.
func (v *vector) centring(p uint64) (half, adjust uint64) {
	return p >> 1, (p+v.c.q-1)/v.c.q*v.c.q - p
}

// centres tells whether numbers below p can be centred: their sum with a modulus is a word.
func (v *vector) centres(p uint64) bool { return p <= 1<<(wordBits-1) }

func (v *vector) Center(dst, src []uint64, p uint64) {
	if !v.centres(p) {
		v.portable.Center(dst, src, p)
		return
	}
	half, adjust := v.centring(p)
	center(&dst[0], &src[0], len(dst), half, adjust, &v.c.q)
}

func (v *vector) Scale(dst, src []uint64, f Factor) {
	scale(&dst[0], &src[0], len(dst), f.w, f.quotient, &v.c.q)
}

func (v *vector) ScaleAdd(dst, src []uint64, f Factor) {
	scaleAdd(&dst[0], &src[0], len(dst), f.w, f.quotient, &v.c.q)
}

func (v *vector) SubScale(dst, x, y []uint64, f Factor) {
	subScale(&dst[0], &x[0], &y[0], len(dst), f.w, f.quotient, &v.c.q)
}

func (v *vector) SubScaleAdd(dst, x, y, z []uint64, f Factor) {
	subScaleAdd(&dst[0], &x[0], &y[0], &z[0], len(dst), f.w, f.quotient, &v.c.q)
}

func (v *vector) MulAdd(dst, x, y, z []uint64) {
	mulAdd(&dst[0], &x[0], &y[0], &z[0], len(dst), &v.c.q)
}

func (v *vector) MulSub(dst, x, y, z []uint64) {
	mulSub(&dst[0], &x[0], &y[0], &z[0], len(dst), &v.c.q)
}

func (v *vector) Square(dst0, dst1, dst2, x0, x1 []uint64) {
	square(&dst0[0], &dst1[0], &dst2[0], &x0[0], &x1[0], len(x0), &v.c.q)
}

func (v *vector) Permute(dst, src []uint64, p *Permutation) {
	permute(&dst[0], &src[0], &p.index[0], &p.lanes[0][0], len(p.index))
}

func (v *vector) PermuteAdd(dst, x, src []uint64, p *Permutation) {
	permuteAdd(&dst[0], &x[0], &src[0], &p.index[0], &p.lanes[0][0], len(p.index), &v.c.q)
}

// vectorMultiples is how many coefficients a sum of multiples keeps in registers.
const vectorMultiples = 64

func (v *vector) MultiplesWords() int { return vectorMultiples }

// multiplesTerms is how many terms of one sign a sum of signed halves takes: each adds less than 2^52 to the lower one.
const multiplesTerms = 1<<(63-wordBits) - 1

func (v *vector) Multiples(dst, x []uint64, row *Row, b uint64) {
	if max(row.Negative, len(row.Index)-row.Negative) > multiplesTerms {
		v.portable.Multiples(dst, x, row, b)
		return
	}
	if len(row.Index) == 0 {
		for i := range dst {
			dst[i] = b
		}
		return
	}
	multiples(&dst[0], &x[0], &row.Index[0], &row.Weights[0], row.Negative, len(row.Index)-row.Negative, b, &v.c.q)
}

func (v *vector) Uniform(dst []uint64, random Source) {
	uniform(dst, random, v.c.q, func(dst, src []uint64, bits uint64) int {
		return reject(&dst[0], &src[0], len(src), bits, &v.c.q)
	})
}
