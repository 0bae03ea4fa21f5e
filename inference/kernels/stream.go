package kernels

import "math/bits"

// Stream holds polynomials as products read them: for each 32 coefficients and each term, width numbers, one vector of 8 of each in
// turn. A number takes 4, 5, 6 or 8 bytes, as its modulus needs: products are bound by memory. Numbers are in the Montgomery form of
// the ring that made the stream.
//
// A key has a term for each digit, with two numbers a and b: KeyProducts is Σ x·a and Σ x·b. A row of plain tiles has one number t
// a term: PlainProducts is Σ x0·t and Σ x1·t for inputs (x0, x1). A row of encrypted tiles has two: CipherProducts
// is Σ x0·t0, Σ x0·t1 + x1·t0 and Σ x1·t1. All write coefficients start to end of dst; index names the input of each term; terms beyond it are left out.
type Stream struct {
	words               []uint64
	terms, width, bytes int
}

// group is how many coefficients of a term lie together.
const group = 32

// padding is how many words vector loads may read too many.
const padding = 8

func newStream(n, terms, width int, q uint64) *Stream {
	b := WordBytes(q)
	return &Stream{aligned(n/8*b*terms*width + padding), terms, width, b}
}

// WordBytes is how many bytes a number below q takes in a stream and in files.
func WordBytes(q uint64) int {
	switch n := (bits.Len64(q-1) + 7) / 8; {
	case n <= 4:
		return 4
	case n >= 7:
		return 8
	default:
		return n
	}
}

// Bytes is the memory of a stream.
func (s *Stream) Bytes() int64 { return int64(8 * (len(s.words) - padding)) }

// Terms is the number of terms.
func (s *Stream) Terms() int { return s.terms }

// Each calls f for every polynomial of the stream.
func (s *Stream) Each(f func(term, number int)) {
	for term := range s.terms {
		for number := range s.width {
			f(term, number)
		}
	}
}

// at is where 8 numbers lie.
func (s *Stream) at(term, number, coefficient int) []uint64 {
	i := (((coefficient/group)*s.terms+term)*(group/8)+coefficient%group/8)*s.width + number
	return s.words[i*s.bytes : (i+1)*s.bytes]
}

// pack writes 8 numbers of so many bytes as that many words, unpack reads them.
func pack(dst, x []uint64, bytes int) {
	x = x[:8]
	switch bytes {
	case 4:
		for i := range dst[:4] {
			dst[i] = x[2*i] | x[2*i+1]<<32
		}
	case 5:
		dst = dst[:5]
		dst[0] = x[0] | x[1]<<40
		dst[1] = x[1]>>24 | x[2]<<16 | x[3]<<56
		dst[2] = x[3]>>8 | x[4]<<32
		dst[3] = x[4]>>32 | x[5]<<8 | x[6]<<48
		dst[4] = x[6]>>16 | x[7]<<24
	case 6:
		for range 2 {
			dst[0] = x[0] | x[1]<<48
			dst[1] = x[1]>>16 | x[2]<<32
			dst[2] = x[2]>>32 | x[3]<<16
			dst, x = dst[3:], x[4:]
		}
	default:
		copy(dst, x)
	}
}

func unpack(dst, x []uint64, bytes int) {
	dst = dst[:8]
	switch bytes {
	case 4:
		for i, v := range x[:4] {
			dst[2*i], dst[2*i+1] = v&(1<<32-1), v>>32
		}
	case 5:
		const mask = 1<<40 - 1
		x = x[:5]
		dst[0], dst[1] = x[0]&mask, (x[0]>>40|x[1]<<24)&mask
		dst[2], dst[3] = x[1]>>16&mask, (x[1]>>56|x[2]<<8)&mask
		dst[4], dst[5] = (x[2]>>32|x[3]<<32)&mask, x[3]>>8&mask
		dst[6], dst[7] = (x[3]>>48|x[4]<<16)&mask, x[4]>>24
	case 6:
		const mask = 1<<48 - 1
		for range 2 {
			dst[0], dst[1] = x[0]&mask, (x[0]>>48|x[1]<<16)&mask
			dst[2], dst[3] = (x[1]>>32|x[2]<<32)&mask, x[2]>>16
			dst, x = dst[4:], x[3:]
		}
	default:
		copy(dst, x)
	}
}

// unpackGroup reads the numbers of a term for 32 coefficients.
func (s *Stream) unpackGroup(numbers *[2][group]uint64, term, coefficient int) {
	size := s.bytes * s.width
	first := (coefficient/group*s.terms + term) * (group / 8) * size
	words := s.words[first : first+group/8*size]
	for k := 0; k < group; k += 8 {
		for j := range s.width {
			unpack(numbers[j][k:k+8], words, s.bytes)
			words = words[s.bytes:]
		}
	}
}

// Pack writes numbers as bytes, little-endian, so many a number.
func Pack(dst []byte, x []uint64, bytes int) {
	for i, v := range x {
		for j := range bytes {
			dst[i*bytes+j] = byte(v >> (8 * j))
		}
	}
}

// Unpack reads what Pack wrote.
func Unpack(dst []uint64, x []byte, bytes int) {
	for i := range dst {
		v := uint64(0)
		for j := range bytes {
			v |= uint64(x[i*bytes+j]) << (8 * j)
		}
		dst[i] = v
	}
}

// Inputs are the polynomials that products read, those of a term together.
type Inputs struct {
	slices   [][]uint64
	pointers []*uint64
}

// Reset empties the list.
func (in *Inputs) Reset() { in.slices, in.pointers = in.slices[:0], in.pointers[:0] }

// Append adds a polynomial; nil stands for one that no term reads.
func (in *Inputs) Append(x []uint64) {
	in.slices = append(in.slices, x)
	if x == nil {
		in.pointers = append(in.pointers, nil)
	} else {
		in.pointers = append(in.pointers, &x[0])
	}
}
