package kernels

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

func (p *portable) NewStream(terms, width int) *Stream {
	return newStream(p.r.N, terms, width, p.r.Modulus)
}

func (p *portable) Put(s *Stream, term, number int, x []uint64) {
	var v [group]uint64
	for i := 0; i < len(x); i += group {
		p.r.MForm(x[i:i+group], v[:])
		for k := 0; k < group; k += 8 {
			pack(s.at(term, number, i+k), v[k:], s.bytes)
		}
	}
}

func (p *portable) Get(s *Stream, term, number int, dst []uint64) {
	for i := 0; i < len(dst); i += 8 {
		unpack(dst[i:], s.at(term, number, i), s.bytes)
	}
	p.r.IMForm(dst, dst)
}

// wide is a group of 128-bit sums: products are added with all their bits and reduced once.
type wide struct {
	hi, lo [group]uint64
	terms  int
}

// wideTerms is after how many products, each below q² with q < 2^61, the high words are reduced, so that a sum stays
// below q·2^64.
const wideTerms = 6

func (w *wide) add(x, y []uint64, r *ring.SubRing) {
	if w.terms == wideTerms {
		for i, v := range w.hi {
			w.hi[i] = ring.BRedAdd(v, r.Modulus, r.BRedConstant) // a multiple of q·2^64 changes nothing
		}
		w.terms = 1
	}
	w.terms++
	x, y = x[:group], y[:group]
	for i, v := range x {
		hi, lo := bits.Mul64(v, y[i])
		var carry uint64
		w.lo[i], carry = bits.Add64(w.lo[i], lo, 0)
		w.hi[i], _ = bits.Add64(w.hi[i], hi, carry)
	}
}

// reduce is the Montgomery reduction.
func (w *wide) reduce(dst []uint64, r *ring.SubRing) {
	q, m := r.Modulus, r.MRedConstant
	for i := range dst[:group] {
		h, _ := bits.Mul64(w.lo[i]*m, q)
		v := w.hi[i] - h + q
		dst[i] = ring.BRedAdd(v, q, r.BRedConstant)
	}
	*w = wide{}
}

// products sums, for each of the outputs, the products of inputs and numbers that meet in it.
func (p *portable) products(dst *[3][]uint64, x *Inputs, inputs int, index []int32, s *Stream, start, end int, meet [][3]int) {
	var sums [3]wide
	var numbers [2][group]uint64
	for at := start; at < end; at += group {
		for term, i := range index {
			for j := range s.width {
				for k := 0; k < group; k += 8 {
					unpack(numbers[j][k:], s.at(term, j, at+k), s.bytes)
				}
			}
			for _, m := range meet {
				sums[m[2]].add(x.slices[int(i)*inputs+m[0]][at:], numbers[m[1]][:], p.r)
			}
		}
		for out := range meet[len(meet)-1][2] + 1 {
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
