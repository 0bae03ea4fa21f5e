package kernels

import "unsafe"

// unpacking is how products spread 8 packed numbers over a vector. The generator knows the order of the fields.
type unpacking struct {
	order [8]uint64 // a byte for each byte: which one it is
	mask  uint64    // a bit for each byte that is not zero
	step  uint64    // bytes of 8 numbers
}

// unpackings by bytes a number.
var unpackings = func() (u [9]unpacking) {
	for _, b := range []int{4, 5, 6, 8} {
		u[b].step = uint64(8 * b)
		for i := range 8 {
			for j := range b {
				u[b].order[i] |= uint64(b*i+j) << (8 * j)
				u[b].mask |= 1 << (8*i + j)
			}
		}
	}
	return u
}()

func (v *vector) NewStream(a *Arena, terms, width int) *Stream {
	return newStream(a, v.n, terms, width, v.c.q)
}

func (v *vector) Put(s *Stream, term int, x ...[]uint64) {
	s.put(term, x, func(dst, x []uint64) { v.Scale(dst, x, v.toStream) })
}

func (v *vector) Get(s *Stream, term, number int, dst []uint64) {
	for i := 0; i < len(dst); i += 8 {
		unpack(dst[i:], s.at(term, number, i), s.bytes)
	}
	v.Scale(dst, dst, v.ofStream)
}

func (v *vector) KeyProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	keyProducts(&dst[0][start], &dst[1][start], &x.pointers[0], &index[0], 8*start, s.from(start), &unpackings[s.bytes].order[0], len(index), s.skip(index), v.terms, end-start, &v.c.q)
}

func (v *vector) PlainProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	plainProducts(&dst[0][start], &dst[1][start], &x.pointers[0], &index[0], 8*start, s.from(start), &unpackings[s.bytes].order[0], len(index), s.skip(index), v.terms, end-start, &v.c.q)
}

func (v *vector) CipherProducts(dst *[3][]uint64, x *Inputs, index []int32, s *Stream, start, end int) {
	cipherProducts(&dst[0][start], &dst[1][start], &dst[2][start], &x.pointers[0], &index[0], 8*start, s.from(start), &unpackings[s.bytes].order[0],
		len(index), s.skip(index), v.terms/2, end-start, &v.c.q)
}

// skip is how many bytes of terms follow those that are read.
func (s *Stream) skip(index []int32) int { return (s.terms - len(index)) * group * s.width * s.bytes }

// from is where a group of coefficients begins.
func (s *Stream) from(start int) *uint64 { return (*uint64)(unsafe.Pointer(&s.at(0, 0, start)[0])) }
