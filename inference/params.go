package inference

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Ring names the ring of a parameter set.
type Ring string

// The rings. At degree N the standard one has N/2 slots, the conjugate-invariant one N, at nearly the same cost.
const (
	Standard           Ring = "standard"
	ConjugateInvariant Ring = "conjugate-invariant"
)

// Rings lists the rings.
var Rings = []Ring{Standard, ConjugateInvariant}

// LogN is the ring degree, as a power of two, that has the given number of slots.
func (r Ring) LogN(slots int) int {
	logN := 0
	for 1<<logN < slots {
		logN++
	}
	if r == ConjugateInvariant {
		return logN
	}
	return logN + 1
}

// Literal names a CKKS parameter set: the ring and its degree 2^LogN, the bit lengths of the ciphertext moduli
// (LogQ[0] is the last one left) and of the special moduli for key switching, and the scales.
type Literal struct {
	Ring     Ring  `json:"ring"` // "" is the standard ring
	LogN     int   `json:"log_n"`
	LogQ     []int `json:"log_q"`
	LogP     []int `json:"log_p"`
	LogScale int   `json:"log_scale"` // of inputs

	// LogScales are the scales after each layer's products are rescaled and, where there is a mask, after the
	// mask; nil stands for LogScale everywhere.
	LogScales []int `json:"log_scales"`
}

// Bits is the size of the largest modulus, log2(QP), as far as the literal tells.
func (l Literal) Bits() (sum int) {
	for _, b := range slices.Concat(l.LogQ, l.LogP) {
		sum += b
	}
	return sum
}

// scaleAfter is the scale after the n-th rescaling of products or of what a mask keeps.
func (l Literal) scaleAfter(n int) int {
	if n < len(l.LogScales) {
		return l.LogScales[n]
	}
	return l.LogScale
}

// Parameters are checked CKKS parameters.
type Parameters struct {
	hefloat.Parameters
	Literal  Literal
	Insecure bool // below 128 bits, because the caller asked for it
	rings    *rings
}

// NewParameters finds primes for the literal. Parameters under 128-bit security are an error unless
// allowInsecure is set; Insecure tells whether they are.
func NewParameters(l Literal, allowInsecure bool) (Parameters, error) {
	kind := ring.Standard
	switch l.Ring {
	case "":
		l.Ring = Standard
	case ConjugateInvariant:
		kind = ring.ConjugateInvariant
	case Standard:
	default:
		return Parameters{}, fmt.Errorf("inference: ring %q: want %s or %s", l.Ring, Standard, ConjugateInvariant)
	}
	q, err := primes(l, kind)
	if err != nil {
		return Parameters{}, err
	}
	p, err := hefloat.NewParametersFromLiteral(hefloat.ParametersLiteral{
		LogN: l.LogN, Q: q[:len(l.LogQ)], P: q[len(l.LogQ):], LogDefaultScale: l.LogScale, RingType: kind,
	})
	if err != nil {
		return Parameters{}, fmt.Errorf("inference: parameters %+v: %w", l, err)
	}
	err = CheckSecurity(l.LogN, p.LogQP())
	if err != nil && !allowInsecure {
		return Parameters{}, fmt.Errorf("inference: %w", err)
	}
	return Parameters{p, l, err != nil, newRings(p.RingQ(), p.RingP(), kernels.New)}, nil
}

// minLogN is the smallest ring that products of streams serve, whatever its security.
const minLogN = 5

// primes finds the largest primes of the given bit lengths that suit the ring, those of Q first. lattigo's own choice lies on both
// sides of the power of two, where vector kernels and packed words end.
func primes(l Literal, kind ring.Type) ([]uint64, error) {
	if l.LogN < minLogN || l.LogN > MaxLogN {
		return nil, fmt.Errorf("inference: parameters %+v: log_n %d: want %d to %d", l, l.LogN, minLogN, MaxLogN)
	}
	if len(l.LogQ) == 0 || len(l.LogP) == 0 {
		return nil, fmt.Errorf("inference: parameters %+v: want at least one ciphertext and one special modulus", l)
	}
	root := uint64(2) << l.LogN
	if kind == ring.ConjugateInvariant {
		root *= 2
	}
	generators := map[int]*ring.NTTFriendlyPrimesGenerator{}
	var all []uint64
	for _, b := range slices.Concat(l.LogQ, l.LogP) {
		if b < l.LogN+2 || b > maxLogPrime {
			return nil, fmt.Errorf("inference: parameters %+v: a modulus of %d bits: want %d to %d", l, b, l.LogN+2, maxLogPrime)
		}
		if generators[b] == nil {
			g := ring.NewNTTFriendlyPrimesGenerator(uint64(b), root)
			generators[b] = &g
		}
		prime, err := generators[b].NextDownstreamPrime()
		if err != nil || bits.Len64(prime) != b {
			return nil, fmt.Errorf("inference: parameters %+v: not enough primes of %d bits", l, b)
		}
		all = append(all, prime)
	}
	return all, nil
}

// scales are the scales of a layer's ciphertexts and of what they are multiplied with.
type scales struct {
	input  rlwe.Scale // of the products' inputs
	weight rlwe.Scale
	sum    rlwe.Scale // after the products' rescaling; of the bias
	mask   rlwe.Scale
	square rlwe.Scale // of what is squared
	output rlwe.Scale
}

// scales follow from parameters and layout, so they need not be sent with ciphertexts. Weights and masks get
// the scale that brings their product, rescaled, to exactly the scale that the parameters name.
func (p Parameters) scales(layout *packing.Layout) []scales {
	next := 0
	target := func() rlwe.Scale {
		next++
		return powerOfTwo(p.Literal.scaleAfter(next - 1))
	}
	prime := func(level int) rlwe.Scale { return rlwe.NewScale(p.Q()[level]) }
	out := make([]scales, len(layout.Layers))
	s := p.DefaultScale()
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		sc := scales{input: s}
		if ly.Integer {
			sc.weight = powerOfTwo(ly.Fraction)
			sc.sum = s.Mul(sc.weight)
		} else {
			sc.sum = target()
			sc.weight = sc.sum.Mul(prime(ly.Level)).Div(s)
		}
		sc.square = sc.sum
		if ly.Mask {
			sc.square = target()
			sc.mask = sc.square.Mul(prime(ly.SumLevel())).Div(sc.sum)
		}
		sc.output = sc.square
		if ly.Square {
			sc.output = sc.square.Mul(sc.square)
			if !ly.Delayed {
				sc.output = sc.output.Div(prime(ly.SquareLevel()))
			}
		}
		out[i], s = sc, sc.output
	}
	return out
}

func powerOfTwo(log int) rlwe.Scale {
	return rlwe.NewScale(math.Ldexp(1, log))
}

// fits returns an error unless the ring has the slots of a tile and the chain one modulus per rescaling.
func (p Parameters) fits(layout *packing.Layout) error {
	if p.MaxSlots() != layout.Slots {
		return fmt.Errorf("inference: log_n %d has %d slots in the %s ring: the layout fills %d", p.LogN(), p.MaxSlots(), p.Literal.Ring, layout.Slots)
	}
	if p.MaxLevel() != layout.Levels {
		return fmt.Errorf("inference: log_q has %d moduli: want %d, one more than the %d levels of the network", p.MaxLevel()+1, layout.Levels+1, layout.Levels)
	}
	return nil
}

func logScale(s rlwe.Scale) float64 { return math.Log2(s.Float64()) }
