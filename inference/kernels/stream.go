package kernels

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Stream holds polynomials as products read them: for each 32 coefficients and each term, width numbers, one vector of 8 of each in
// turn. A number takes 4, 5, 6 or 8 bytes, as its modulus needs: products are bound by memory. Numbers are in the form of the
// ring that made the stream.
//
// A key has a term for each digit, with two numbers a and b: KeyProducts is Σ x·a and Σ x·b. A row of plain tiles has one number t
// a term: PlainProducts is Σ x0·t and Σ x1·t for inputs (x0, x1). A row of encrypted tiles has two: CipherProducts
// is Σ x0·t0, Σ x0·t1 + x1·t0 and Σ x1·t1. All write coefficients start to end of dst; index names the input of each term; terms beyond it are left out.
type Stream struct {
	data                []byte // little-endian
	terms, width, bytes int
}

// group is how many coefficients of a term lie together.
const group = 32

// padding is how many bytes loads of packed numbers may read too many.
const padding = 64

func newStream(a *Arena, n, terms, width int, q uint64) *Stream {
	return &Stream{a.take(StreamBytes(n, terms, width, q)), terms, width, WordBytes(q)}
}

// StreamBytes is what a stream of n coefficients takes of an arena.
func StreamBytes(n, terms, width int, q uint64) int { return n*WordBytes(q)*terms*width + padding }

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
func (s *Stream) Bytes() int64 { return int64(len(s.data) - padding) }

// Terms is the number of terms.
func (s *Stream) Terms() int { return s.terms }

// Width is how many numbers a term has for a coefficient.
func (s *Stream) Width() int { return s.width }

// at is where 8 numbers lie, and what follows them.
func (s *Stream) at(term, number, coefficient int) []byte {
	i := (((coefficient/group)*s.terms+term)*(group/8)+coefficient%group/8)*s.width + number
	return s.data[8*i*s.bytes:]
}

// put packs polynomials, in the order that the stream has them: those of a few terms together, as each group of coefficients lies
// elsewhere.
func (s *Stream) put(term int, x [][]uint64, convert func(dst, x []uint64)) {
	var numbers [group]uint64
	var b [8*8 + 8]byte
	for at := 0; at < len(x[0]); at += group {
		for i, poly := range x {
			convert(numbers[:], poly[at:at+group])
			for k := 0; k < group; k += 8 {
				for j, v := range numbers[k : k+8] { // each overwrites what the one before wrote too many
					binary.LittleEndian.PutUint64(b[j*s.bytes:], v)
				}
				copy(s.at(term+i/s.width, i%s.width, at+k), b[:8*s.bytes])
			}
		}
	}
}

// unpack reads 8 numbers of so many bytes: after one check of the length, as checks of each word took half of the time.
func unpack(dst []uint64, b []byte, bytes int) {
	to, at, mask := (*[8]uint64)(dst), unsafe.Pointer(unsafe.SliceData(b[:7*bytes+8])), ^uint64(0)>>(64-8*bytes)
	to[0] = wordAt(at, 0) & mask
	to[1] = wordAt(at, bytes) & mask
	to[2] = wordAt(at, 2*bytes) & mask
	to[3] = wordAt(at, 3*bytes) & mask
	to[4] = wordAt(at, 4*bytes) & mask
	to[5] = wordAt(at, 5*bytes) & mask
	to[6] = wordAt(at, 6*bytes) & mask
	to[7] = wordAt(at, 7*bytes) & mask
}

func wordAt(at unsafe.Pointer, offset int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(at, offset))[:])
}

// unpackGroup reads the numbers of a term for 32 coefficients.
func (s *Stream) unpackGroup(numbers *[2][group]uint64, term, coefficient int) {
	b := s.at(term, 0, coefficient)
	for k := 0; k < group; k += 8 {
		for j := range s.width {
			unpack(numbers[j][k:k+8], b, s.bytes)
			b = b[8*s.bytes:]
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
