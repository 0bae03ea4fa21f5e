package inference

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// What crosses between client and server is read by somebody who knows the parameters. So only coefficients are
// sent, and seeds of those that were drawn, little-endian and in as few bytes as their modulus allows, behind a short header: sizes, levels and scales follow from parameters and layout,
// and nothing that is read takes more memory than the layout allows.

// fingerprint tells parameter sets apart: the ring, all moduli and scales.
func (p Parameters) fingerprint() (f [8]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %v ", p.Literal.Ring, p.Literal.LogScale, p.Literal.LogScales)
	for _, moduli := range [][]uint64{{uint64(p.N())}, p.Q(), p.P()} {
		_ = binary.Write(h, binary.LittleEndian, moduli)
	}
	copy(f[:], h.Sum(nil))
	return f
}

// writer counts bytes and remembers the first error.
type writer struct {
	w      *bufio.Writer
	limb   []byte
	n      int64
	err    error
	params Parameters
}

// newWriter begins an object with a mark of its kind and the fingerprint of the parameters.
func newWriter(w io.Writer, p Parameters, kind string) *writer {
	out := &writer{w: bufio.NewWriterSize(w, 1<<16), limb: make([]byte, 8*p.N()), params: p}
	f := p.fingerprint()
	out.bytes([]byte(kind))
	out.bytes(f[:])
	return out
}

func (w *writer) bytes(b []byte) {
	if w.err == nil {
		var n int
		n, w.err = w.w.Write(b)
		w.n += int64(n)
	}
}

func (w *writer) number(v uint64) { w.bytes(binary.LittleEndian.AppendUint64(nil, v)) }

func (w *writer) poly(p ring.Poly) {
	for i, limb := range p.Coeffs {
		w.numbers(limb, w.params.Q()[i])
	}
}

// numbers writes numbers below a modulus, as few bytes each as it allows.
func (w *writer) numbers(x []uint64, modulus uint64) {
	b := kernels.WordBytes(modulus)
	kernels.Pack(w.limb[:b*len(x)], x, b)
	w.bytes(w.limb[:b*len(x)])
}

// stream writes a stream of limb i of Q·P at a level, polynomial by polynomial: of ciphertexts, the first of two.
func (w *writer) stream(s *kernels.Stream, level, i int) {
	r := w.params.rings.at(level, i)
	x := make([]uint64, w.params.N())
	for term := range s.Terms() {
		r.Get(s, term, 0, x)
		w.numbers(x, r.Modulus())
	}
}

// fresh writes a ciphertext as it was encrypted: its first polynomial, and a seed in the place of the second.
func (w *writer) fresh(ct *rlwe.Ciphertext, seed kernels.Seed) {
	w.bytes(seed[:])
	w.poly(ct.Value[0])
}

func (w *writer) close() (int64, error) {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.n, w.err
}

// reader counts bytes and remembers the first error.
type reader struct {
	r      io.Reader
	limb   []byte
	terms  [][]uint64 // of a stream
	n      int64
	err    error
	params Parameters
}

// newReader checks that the object is of the kind and of the parameters expected.
func newReader(r io.Reader, p Parameters, kind string) *reader {
	in := &reader{r: r, limb: make([]byte, 8*p.N()), params: p}
	got := make([]byte, len(kind)+8)
	in.bytes(got)
	f := p.fingerprint()
	if in.err == nil && string(got[:len(kind)]) != kind {
		in.err = fmt.Errorf("not %s, or of another version of hepex", strings.TrimSpace(kind))
	}
	if in.err == nil && string(got[len(kind):]) != string(f[:]) {
		in.err = errors.New("made with other parameters")
	}
	return in
}

func (r *reader) bytes(b []byte) {
	if r.err == nil {
		var n int
		n, r.err = io.ReadFull(r.r, b)
		r.n += int64(n)
	}
}

// fail remembers an error, unless there was one.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// number reads a number that may be at most most.
func (r *reader) number(what string, most uint64) uint64 {
	var b [8]byte
	r.bytes(b[:])
	v := binary.LittleEndian.Uint64(b[:])
	if r.err == nil && v > most {
		r.err = fmt.Errorf("%s is %d: want at most %d", what, v, most)
	}
	return v
}

// poly fills a polynomial modulo the first primes of Q.
func (r *reader) poly(p ring.Poly) {
	for i, limb := range p.Coeffs {
		r.numbers(limb, r.params.Q()[i])
	}
}

// numbers reads numbers below a modulus.
func (r *reader) numbers(x []uint64, modulus uint64) {
	b := kernels.WordBytes(modulus)
	r.bytes(r.limb[:b*len(x)])
	if r.err != nil {
		return
	}
	kernels.Unpack(x, r.limb[:b*len(x)], b)
	for _, v := range x {
		if v >= modulus {
			r.err = errors.New("a coefficient exceeds its modulus")
			return
		}
	}
}

// seed reads a seed.
func (r *reader) seed() (s kernels.Seed) {
	r.bytes(s[:])
	return s
}

// stream fills a stream of limb i of Q·P at a level. The second polynomials of ciphertexts are drawn from a seed.
func (r *reader) stream(s *kernels.Stream, level, i int, seed kernels.Seed) {
	at := r.params.rings.at(level, i)
	var source kernels.Source
	if s.Width() > 1 {
		source = seed.Source(i)
	}
	for len(r.terms) < min(putTerms, s.Terms())*s.Width() {
		r.terms = append(r.terms, kernels.Aligned(r.params.N()))
	}
	for term := 0; term < s.Terms() && r.err == nil; term += putTerms {
		some := r.terms[:min(putTerms, s.Terms()-term)*s.Width()]
		for n, v := range some {
			if n%s.Width() == 0 {
				r.numbers(v, at.Modulus())
			} else {
				at.Uniform(v, source)
			}
		}
		if r.err == nil {
			at.Put(s, term, some...)
		}
	}
}

// putTerms is how many terms are put into a stream together: as many as fill a page with each group of coefficients.
const putTerms = 16

// fresh reads what a writer's fresh wrote.
func (r *reader) fresh(level int, scale rlwe.Scale) (*rlwe.Ciphertext, kernels.Seed) {
	if r.err != nil {
		return nil, kernels.Seed{}
	}
	ct, seed := newCiphertext(r.params, 1, level, scale), r.seed()
	r.poly(ct.Value[0])
	for i, a := range ct.Value[1].Coeffs {
		r.params.rings.q[i].Uniform(a, seed.Source(i))
	}
	return ct, seed
}

// element reads a ciphertext, or at degree 0 an encoded plaintext.
func (r *reader) element(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	if r.err != nil {
		return nil
	}
	ct := newCiphertext(r.params, degree, level, scale)
	for _, v := range ct.Value {
		r.poly(v)
	}
	return ct
}

func (r *reader) close(what string) (int64, error) {
	if r.err == io.EOF && r.n > 0 {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err != nil {
		return r.n, fmt.Errorf("inference: read %s: %w", what, r.err)
	}
	return r.n, nil
}
