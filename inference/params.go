package inference

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// Literal names a CKKS parameter set: the ring degree 2^LogN, the bit lengths of the ciphertext moduli
// (LogQ[0] is the last one left) and of the special moduli for key switching, and the scale of inputs.
type Literal struct {
	LogN     int   `json:"log_n"`
	LogQ     []int `json:"log_q"`
	LogP     []int `json:"log_p"`
	LogScale int   `json:"log_scale"`
}

// Bits is the sum of the bit lengths of all moduli.
func (l Literal) Bits() int {
	n := 0
	for _, b := range append(append([]int{}, l.LogQ...), l.LogP...) {
		n += b
	}
	return n
}

// Parameters are checked CKKS parameters.
type Parameters struct {
	hefloat.Parameters
	Literal  Literal
	Insecure bool // below 128 bits, because the caller asked for it
}

// NewParameters finds primes for the literal. Parameters under 128-bit security are an error unless
// allowInsecure is set; Insecure tells whether they are.
func NewParameters(l Literal, allowInsecure bool) (Parameters, error) {
	p, err := hefloat.NewParametersFromLiteral(hefloat.ParametersLiteral{
		LogN: l.LogN, LogQ: l.LogQ, LogP: l.LogP, LogDefaultScale: l.LogScale,
	})
	if err != nil {
		return Parameters{}, fmt.Errorf("inference: parameters %+v: %w", l, err)
	}
	err = CheckSecurity(l.LogN, p.LogQP())
	if err != nil && !allowInsecure {
		return Parameters{}, fmt.Errorf("inference: %w", err)
	}
	return Parameters{Parameters: p, Literal: l, Insecure: err != nil}, nil
}

// MarshalJSON writes the literal; the primes follow from it.
func (p Parameters) MarshalJSON() ([]byte, error) { return json.Marshal(p.Literal) }

// Bounds on what is derived.
const (
	maxLogScale = 45 // keeps sums of products lazy for hundreds of terms
	maxLogPrime = 60 // lattigo's limit
	minHeadroom = 4  // bits of q0 above the scale, whatever the calibration says
	marginBits  = 2  // calibrated maxima may be exceeded this much
)

// Derive chooses parameters for a layout: the ring degree that the tile fills, one modulus per level, and
// the largest scale that 128-bit security leaves room for. The magnitudes come from packing's simulation
// on representative inputs; the last modulus is sized to hold the largest value that reaches level 0,
// so that nothing wraps. Precision is in bits, as a record defines it.
func Derive(layout *packing.Layout, mags packing.Magnitudes, precision float64) (Literal, error) {
	logN := bits.Len(uint(layout.Shape.Slots()))
	budget := int(MaxLogQP(logN))
	if budget == 0 {
		return Literal{}, fmt.Errorf("inference: tile %s fills a ring of log_n %d: 128-bit parameters need %d to %d, that is %d to %d slots",
			layout.Shape, logN, MinLogN, MaxLogN, 1<<(MinLogN-1), 1<<(MaxLogN-1))
	}
	need := minLogScale(layout, logN, precision)
	lit := fit(logN, budget, layout.Levels, headroom(mags[0]))
	if lit.LogScale >= need {
		return lit, nil
	}
	return Literal{}, fmt.Errorf("inference: tile %s: %d levels at %.0f bits of precision need moduli of %d bits each, but 128-bit security at log_n %d leaves %d; %s",
		layout.Shape, layout.Levels, precision, need, logN, max(lit.LogScale, 0), roomier(layout, mags, precision))
}

// fit spends the budget on levels+1 moduli and the special ones. Two special moduli make key switches
// cheaper; they are taken where the budget allows it without loss of scale.
func fit(logN, budget, levels, head int) Literal {
	for special := 2; special >= 1; special-- {
		scale := min((budget-head*(1+special))/(levels+1+special), maxLogScale, maxLogPrime-head)
		if special == 2 && (scale < maxLogScale || levels < 4) {
			continue
		}
		lit := Literal{LogN: logN, LogScale: scale, LogQ: []int{scale + head}}
		for range levels {
			lit.LogQ = append(lit.LogQ, scale)
		}
		for range special {
			lit.LogP = append(lit.LogP, scale+head)
		}
		return lit
	}
	panic("unreachable: one special modulus is always tried")
}

// headroom is how many bits q0 must exceed the scale to hold ±value.
func headroom(value float64) int {
	if value <= 0 {
		return minHeadroom
	}
	return max(minHeadroom, int(math.Ceil(math.Log2(value)))+1+marginBits)
}

// roomier names the smallest ring that would hold the layout's levels.
func roomier(layout *packing.Layout, mags packing.Magnitudes, precision float64) string {
	for logN := bits.Len(uint(layout.Shape.Slots())) + 1; logN <= MaxLogN; logN++ {
		lit := fit(logN, int(MaxLogQP(logN)), layout.Levels, headroom(mags[0]))
		if lit.LogScale >= minLogScale(layout, logN, precision) {
			return fmt.Sprintf("a tile of %d slots (log_n %d) would hold them", 1<<(logN-1), logN)
		}
	}
	return "no ring up to log_n 16 would hold them"
}

// CheckRange returns an error unless the chain has one modulus per level and every value of the simulation
// stays below the modulus at its level, with the margin of the derivation.
func (p Parameters) CheckRange(layout *packing.Layout, mags packing.Magnitudes) error {
	if p.MaxLevel() != layout.Levels {
		return fmt.Errorf("inference: log_q has %d moduli: the network needs %d (%d levels and the last one)", p.MaxLevel()+1, layout.Levels+1, layout.Levels)
	}
	if p.MaxSlots() != layout.Shape.Slots() {
		return fmt.Errorf("inference: log_n %d has %d slots: tile %s fills %d", p.LogN(), p.MaxSlots(), layout.Shape, layout.Shape.Slots())
	}
	scales := p.scales(layout)
	for i := range layout.Layers {
		if err := p.checkValue(layout.Layers[i].Level, scales[i].input, mags); err != nil {
			return err
		}
	}
	return p.checkValue(0, scales[len(scales)-1].output, mags)
}

func (p Parameters) checkValue(level int, scale rlwe.Scale, mags packing.Magnitudes) error {
	logQ := 0.0
	for _, q := range p.Q()[:level+1] {
		logQ += math.Log2(float64(q))
	}
	if need := math.Log2(scale.Float64()) + math.Log2(math.Max(mags[level], 1)) + 1; need > logQ {
		return fmt.Errorf("inference: values up to %.3g at level %d need a modulus of %.0f bits, but it has %.0f: the result would wrap; enlarge log_q[0] or lower log_scale",
			mags[level], level, math.Ceil(need), logQ)
	}
	return nil
}

// layerScales are the scales of a layer's ciphertexts. Weights and masks have the modulus that their
// product is rescaled by as their scale, so only the square changes the scale.
type layerScales struct{ input, output rlwe.Scale }

func (p Parameters) scales(layout *packing.Layout) []layerScales {
	out := make([]layerScales, len(layout.Layers))
	s := p.DefaultScale()
	for i, ly := range layout.Layers {
		out[i].input = s
		if ly.Square {
			level := ly.Level - 1
			if ly.Refill {
				level--
			}
			s = s.Mul(s).Div(rlwe.NewScale(p.Q()[level]))
		}
		out[i].output = s
	}
	return out
}

// minLogScale estimates the scale that a precision needs: a rescaling at ring degree N leaves an error of
// about N/2^scale in the worst slot, and every layer, with its sum and square, about doubles it. Measured
// networks of 1 to 4 layers had up to 2 bits more.
func minLogScale(layout *packing.Layout, logN int, precision float64) int {
	return int(math.Ceil(precision)) + logN + len(layout.Layers)
}
