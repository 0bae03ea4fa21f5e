package inference

import (
	"fmt"
	"math"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"hepex/inference/kernels"
)

// encoder turns slots into polynomials: lattigo's inverse transform of slots, and this package's arithmetic for what follows.
// It holds one polynomial at a time, as integers until a limb is asked for, and is not safe for concurrent use.
type encoder struct {
	params Parameters
	*hefloat.Encoder
	slots []complex128
	words []uint64   // coefficients as words modulo 2^integerBits, if they fit …
	large [][]uint64 // … or modulo each prime
	noise []uint64   // to be added to large ones, as words
}

// floatBits is the precision of a float64. Left to itself, lattigo's encoder takes big floats for scales beyond it.
const floatBits = 53

func newEncoder(p Parameters) *encoder {
	return &encoder{params: p, Encoder: hefloat.NewEncoder(p.Parameters, floatBits), slots: make([]complex128, p.MaxSlots()), words: kernels.Aligned(p.N())}
}

// clone can be used beside the encoder.
func (e *encoder) clone() *encoder {
	return &encoder{params: e.params, Encoder: e.ShallowCopy(), slots: make([]complex128, len(e.slots)), words: kernels.Aligned(len(e.words))}
}

// integerBits is the size of integers, signs included, that centring brings to any modulus.
const integerBits = 50

// word is an integer, rounded, modulo 2^integerBits.
func word(v float64) uint64 { return uint64(int64(v)) & (1<<integerBits - 1) }

// encode takes slots at a scale, for polynomials at a level.
func (e *encoder) encode(slots []float64, scale rlwe.Scale, level int) error {
	clear(e.slots)
	for i, v := range slots {
		e.slots[i] = complex(v, 0)
	}
	if err := e.IFFT(e.slots, e.params.LogMaxSlots()); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	e.large, e.noise = nil, nil
	s, largest := scale.Float64(), 0.0
	integer := func(v float64) uint64 {
		v = math.RoundToEven(v * s)
		largest = max(largest, math.Abs(v))
		return word(v)
	}
	for i, v := range e.slots {
		e.words[i] = integer(real(v))
		if e.params.RingType() == ring.Standard {
			e.words[i+len(e.slots)] = integer(imag(v))
		}
	}
	if largest < 1<<(integerBits-2) { // with room for an error
		return nil
	}
	if !(largest <= math.MaxFloat64) {
		return fmt.Errorf("encode: not a number, or infinite")
	}
	q, p := newLimbs(e.params.N(), level+1), newLimbs(e.params.N(), e.params.PCount())
	for r, limbs := range map[*ring.Ring][][]uint64{e.params.RingQ().AtLevel(level): q, e.params.RingP(): p} {
		ckks.Complex128ToFixedPointCRT(r, e.slots, s, limbs)
		r.Reduce(ring.Poly{Coeffs: limbs}, ring.Poly{Coeffs: limbs}) // lattigo leaves some as they are
	}
	e.large = append(q, p...)
	for i, x := range e.large { // lattigo leaves numbers that its own transform takes, up to 2^61
		q := e.params.rings.at(level, i).Modulus()
		for k := range x {
			x[k] %= q
		}
	}
	return nil
}

// add adds integers, given as words, which must stay as they are until the last limb.
func (e *encoder) add(noise []uint64) {
	if e.large != nil {
		e.noise = noise
		return
	}
	for i, v := range noise {
		e.words[i] = (e.words[i] + v) & (1<<integerBits - 1)
	}
}

// limb writes the polynomial modulo a prime of Q·P, transformed.
func (e *encoder) limb(dst []uint64, level, i int) {
	r := e.params.rings.at(level, i)
	if e.large == nil {
		r.NTTCenter(dst, e.words, 1<<integerBits, nil)
		return
	}
	copy(dst, e.large[i])
	if e.noise != nil {
		r.Center(dst, e.noise, 1<<integerBits)
		r.Add(dst, dst, e.large[i])
	}
	r.NTT(dst, dst, nil)
}

// plaintext is the polynomial at a level, as a ciphertext of degree 0.
func (e *encoder) plaintext(level int, scale rlwe.Scale) *rlwe.Ciphertext {
	ct := newCiphertext(e.params, 0, level, scale)
	for i, limb := range ct.Value[0].Coeffs {
		e.limb(limb, level, i)
	}
	return ct
}
