package kernels

import "math/bits"

// Stream holds polynomials as products read them: for each 32 coefficients and each term, width numbers, one vector of 8 of each in
// turn. A number takes 4, 5, 6 or 8 bytes, as its modulus needs: products are bound by memory. Numbers are in the Montgomery form of
// the ring that made the stream.
//
// A key has a term for each digit, with two numbers a and b: KeyProducts is Σ x·a and Σ x·b. A row of plain tiles has one number t
// a term: PlainProducts is Σ x0·t and Σ x1·t for inputs (x0, x1). A row of encrypted tiles has two: CipherProducts
// is Σ x0·t0, Σ x0·t1 + x1·t0 and Σ x1·t1. All write coefficients start to end of dst; index names the input of each term.
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

// at is where 8 numbers lie.
func (s *Stream) at(term, number, coefficient int) []uint64 {
	i := (((coefficient/group)*s.terms+term)*(group/8)+coefficient%group/8)*s.width + number
	return s.words[i*s.bytes : (i+1)*s.bytes]
}

// pack writes 8 numbers of so many bytes as that many words, unpack reads them.
func pack(dst, x []uint64, bytes int) {
	var word uint64
	used, i := 0, 0
	for _, v := range x[:8] {
		word |= v << used
		if used += 8 * bytes; used >= 64 {
			dst[i] = word
			i++
			used -= 64
			word = v >> (8*bytes - used)
		}
	}
}

func unpack(dst, x []uint64, bytes int) {
	mask := ^uint64(0) >> (64 - 8*bytes)
	i, shift := 0, 0
	for k := range dst[:8] {
		v := x[i] >> shift
		if shift += 8 * bytes; shift >= 64 {
			i++
			shift -= 64
			if shift > 0 {
				v |= x[i] << (8*bytes - shift)
			}
		}
		dst[k] = v & mask
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
