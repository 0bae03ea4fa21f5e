package inference

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// wide is a block of 128-bit sums: products are added with all their bits and reduced once.
type wide struct{ hi, lo [wideBlock]uint64 }

// wideTerms is after how many products, each below q² with q < 2^61, the high words are reduced, so that a sum stays
// below q·2^64.
const wideTerms = 6

// wideBlock keeps the sums in the first-level cache.
const wideBlock = 256

// innerProduct is Σ_d a_d·b_d for n pairs of vectors; a, below q, is in Montgomery form. Values are below q, the result
// below 2q.
func innerProduct(out []uint64, n int, pair func(d int) (a, b []uint64), r *ring.SubRing) {
	q, m := r.Modulus, r.MRedConstant
	if n == 1 {
		a, b := pair(0)
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			hi, lo := bits.Mul64(a[i], b[i])
			h, _ := bits.Mul64(lo*m, q)
			out[i] = hi - h + q
		}
		return
	}
	var sum wide
	for start := 0; start < len(out); start += wideBlock {
		end := min(start+wideBlock, len(out))
		d := 2
		a0, b0 := pair(0)
		a1, b1 := pair(1)
		sum.set2(a0[start:end], b0[start:end], a1[start:end], b1[start:end])
		for ; d+1 < n; d += 2 {
			if d%wideTerms == 0 {
				sum.fold(r)
			}
			a0, b0 = pair(d)
			a1, b1 = pair(d + 1)
			sum.add2(a0[start:end], b0[start:end], a1[start:end], b1[start:end])
		}
		if d < n {
			a0, b0 = pair(d)
			sum.add(a0[start:end], b0[start:end])
		}
		sum.reduce(out[start:end], q, m)
	}
}

func (w *wide) set2(a0, b0, a1, b1 []uint64) {
	n := len(a0)
	if n > wideBlock {
		return
	}
	b0, a1, b1 = b0[:n], a1[:n], b1[:n]
	for i := range a0 {
		hi, lo := bits.Mul64(a0[i], b0[i])
		h, l := bits.Mul64(a1[i], b1[i])
		lo, carry := bits.Add64(lo, l, 0)
		w.lo[i] = lo
		w.hi[i], _ = bits.Add64(hi, h, carry)
	}
}

func (w *wide) add2(a0, b0, a1, b1 []uint64) {
	n := len(a0)
	if n > wideBlock {
		return
	}
	b0, a1, b1 = b0[:n], a1[:n], b1[:n]
	for i := range a0 {
		hi, lo := bits.Mul64(a0[i], b0[i])
		h, l := bits.Mul64(a1[i], b1[i])
		lo, carry := bits.Add64(lo, l, 0)
		hi, _ = bits.Add64(hi, h, carry)
		lo, carry = bits.Add64(lo, w.lo[i], 0)
		w.lo[i] = lo
		w.hi[i], _ = bits.Add64(hi, w.hi[i], carry)
	}
}

func (w *wide) add(a, b []uint64) {
	n := len(a)
	if n > wideBlock {
		return
	}
	b = b[:n]
	for i := range a {
		hi, lo := bits.Mul64(a[i], b[i])
		lo, carry := bits.Add64(lo, w.lo[i], 0)
		w.lo[i] = lo
		w.hi[i], _ = bits.Add64(hi, w.hi[i], carry)
	}
}

// fold reduces the high words: a multiple of q·2^64 changes nothing.
func (w *wide) fold(r *ring.SubRing) {
	for i, v := range w.hi {
		w.hi[i] = ring.BRedAdd(v, r.Modulus, r.BRedConstant)
	}
}

// reduce is the Montgomery reduction of sums below q·2^64, to values below 2q.
func (w *wide) reduce(out []uint64, q, m uint64) {
	if len(out) > wideBlock {
		return
	}
	for i := range out {
		h, _ := bits.Mul64(w.lo[i]*m, q)
		out[i] = w.hi[i] - h + q
	}
}
