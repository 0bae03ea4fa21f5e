package kernels

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

func (p *portable) NewStream(a *Arena, terms, width int) *Stream {
	return newStream(a, p.r.N, terms, width, p.r.Modulus)
}

func (p *portable) Put(s *Stream, term int, x ...[]uint64) {
	s.put(term, x, func(dst, x []uint64) { p.r.MForm(x, dst) })
}

func (p *portable) Get(s *Stream, term, number int, dst []uint64) {
	for i := 0; i < len(dst); i += 8 {
		unpack(dst[i:], s.at(term, number, i), s.bytes)
	}
	p.r.IMForm(dst, dst)
}

// wide is a group of 128-bit sums: products are added with all their bits and reduced once.
type wide struct{ hi, lo [group]uint64 }

// wideTerms is after how many products, each below q² with q < 2^61, the high words are reduced to below q: as 6q² < q·2^64, a
// sum stays below 2q·2^64.
const wideTerms = 6

// add2 adds two products: sums are read and written once for both.
func (w *wide) add2(a0, b0, a1, b1 []uint64) {
	a0, b0, a1, b1 = a0[:group], b0[:group], a1[:group], b1[:group]
	for i, v := range a0 {
		hi, lo := bits.Mul64(v, b0[i])
		h, l := bits.Mul64(a1[i], b1[i])
		lo, carry := bits.Add64(lo, l, 0)
		hi, _ = bits.Add64(hi, h, carry)
		lo, carry = bits.Add64(lo, w.lo[i], 0)
		w.lo[i] = lo
		w.hi[i], _ = bits.Add64(hi, w.hi[i], carry)
	}
}

// set2 is add2 to nothing, set1 one product alone.
func (w *wide) set2(a0, b0, a1, b1 []uint64) {
	a0, b0, a1, b1 = a0[:group], b0[:group], a1[:group], b1[:group]
	for i, v := range a0 {
		hi, lo := bits.Mul64(v, b0[i])
		h, l := bits.Mul64(a1[i], b1[i])
		lo, carry := bits.Add64(lo, l, 0)
		w.lo[i] = lo
		w.hi[i], _ = bits.Add64(hi, h, carry)
	}
}

func (w *wide) set1(a, b []uint64) {
	a, b = a[:group], b[:group]
	for i, v := range a {
		w.hi[i], w.lo[i] = bits.Mul64(v, b[i])
	}
}

// fold reduces the high words: a multiple of q·2^64 changes nothing.
func (w *wide) fold(r *ring.SubRing) {
	for i, v := range w.hi {
		w.hi[i] = ring.BRedAdd(v, r.Modulus, r.BRedConstant)
	}
}

// reduce is the Montgomery reduction of sums below 2q·2^64.
func (w *wide) reduce(dst []uint64, r *ring.SubRing) {
	q, m := r.Modulus, r.MRedConstant
	dst = dst[:group]
	for i := range dst {
		h, _ := bits.Mul64(w.lo[i]*m, q)
		dst[i] = ring.CRed(ring.CRed(w.hi[i], q)-h+q, q)
	}
}

// products sums, for each of the outputs, the products of inputs and numbers that meet in it, two terms at a time. Terms with a
// negative index are left out.
func (p *portable) products(dst *[3][]uint64, x *Inputs, inputs int, index []int32, s *Stream, start, end int, meet [][3]int) {
	var numbers [2][2][group]uint64 // of two terms
	var sums [3]wide
	var zero [group]uint64
	outputs := meet[len(meet)-1][2] + 1
	terms := make([]int, 0, len(index))
	for term, i := range index {
		if i >= 0 {
			terms = append(terms, term)
		}
	}
	for at := start; at < end; at += group {
		var added [3]int
		for k := 0; k < len(terms); k += 2 {
			s.unpackGroup(&numbers[0], terms[k], at)
			pair := k+1 < len(terms)
			if pair {
				s.unpackGroup(&numbers[1], terms[k+1], at)
			}
			for _, m := range meet {
				sum, n := &sums[m[2]], &added[m[2]]
				first, second := x.slices[int(index[terms[k]])*inputs+m[0]][at:], zero[:]
				if pair {
					second = x.slices[int(index[terms[k+1]])*inputs+m[0]][at:]
				}
				switch {
				case *n == 0 && !pair:
					sum.set1(first, numbers[0][m[1]][:])
				case *n == 0:
					sum.set2(first, numbers[0][m[1]][:], second, numbers[1][m[1]][:])
				case *n+2 > wideTerms:
					sum.fold(p.r)
					*n = 0
					fallthrough
				default:
					sum.add2(first, numbers[0][m[1]][:], second, numbers[1][m[1]][:])
				}
				*n += 2
			}
		}
		for out := range outputs {
			sums[out].reduce(dst[out][at:], p.r)
		}
	}
}

func (p *portable) KeyProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	p.products(dst, x, 1, index, s, start, end, [][3]int{{0, 0, 0}, {0, 1, 1}})
}

func (p *portable) PlainProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	p.products(dst, x, 2, index, s, start, end, [][3]int{{0, 0, 0}, {1, 0, 1}})
}

func (p *portable) CipherProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	p.products(dst, x, 2, index, s, start, end, [][3]int{{0, 0, 0}, {0, 1, 1}, {1, 0, 1}, {1, 1, 2}})
}
