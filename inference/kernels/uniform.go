package kernels

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Source is a source of random words: the key stream of AES-256 in counter mode, which the standard library computes with the
// processor's instructions at many times the speed of lattigo's hash. As long as its seed is secret, whoever tells its stream from
// random words breaks AES. A source is not safe for concurrent use.
type Source struct{ stream cipher.Stream }

// NewSource draws a key from the operating system.
func NewSource() Source { return NewSeed().Source(0) }

// Seed is what sources give all their words by: a key and a first counter.
type Seed [keyBytes + aes.BlockSize]byte

const keyBytes = 32

// NewSeed draws a seed from the operating system.
func NewSeed() (s Seed) {
	rand.Read(s[:]) // never fails
	return s
}

// Source is the n-th of a seed's 2^16 sources. They lie 2^112 blocks apart in one key stream.
func (s Seed) Source(n int) Source {
	block, err := aes.NewCipher(s[:keyBytes])
	if err != nil {
		panic(err) // the size is right
	}
	s[keyBytes] ^= byte(n >> 8)
	s[keyBytes+1] ^= byte(n)
	return Source{cipher.NewCTR(block, s[keyBytes:])}
}

// Read fills bytes; it never fails.
func (s Source) Read(b []byte) (int, error) {
	clear(b)
	s.stream.XORKeyStream(b, b)
	return len(b), nil
}

func (s Source) words(dst []uint64) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 8*len(dst))
	_, _ = s.Read(b)
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
}

// draw is how many random words are drawn at once.
const draw = 512

// uniform keeps those random words whose lowest bits are below q: rejection has no bias.
func uniform(dst []uint64, random Source, q uint64, reject func(dst, src []uint64, bits uint64) int) {
	var words [draw]uint64
	var kept [draw + 8]uint64
	mask := uint64(1)<<bits.Len64(q) - 1
	for len(dst) > 0 {
		random.words(words[:])
		n := reject(kept[:], words[:], mask)
		dst = dst[copy(dst, kept[:n]):]
	}
}

func (p *portable) Uniform(dst []uint64, random Source) {
	q := p.r.Modulus
	uniform(dst, random, q, func(dst, src []uint64, bits uint64) (n int) {
		for _, v := range src {
			if v &= bits; v < q {
				dst[n] = v
				n++
			}
		}
		return n
	})
}
