package inference

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// ErrPrecision means that no scale is large enough for the precision, in whatever ring.
var ErrPrecision = errors.New("the precision is too high")

// Bounds on what is derived.
const (
	maxLogScale = 45 // keeps sums of products lazy for hundreds of terms
	maxLogPrime = 60 // lattigo's limit
	minHeadroom = 4  // bits of q0 above the scale, whatever the samples show
)

// NoiseModel gives the errors of an evaluation in units of the error of a rescaling at ring degree 2^logN, for
// packing's simulation. A rescaling rounds to a polynomial whose coefficients, times a ternary secret, have
// variance (1 + 2N/3)/12; a fresh encryption has 3.2², an encoding 1/12. Slots see N/2 times that.
func NoiseModel(logN int, encryptedWeights bool) packing.Noise {
	n := math.Exp2(float64(logN))
	rescaling := (1 + 2*n/3) / 12
	noise := packing.Noise{Input: (3.2*3.2 + 1.0/12) / rescaling, Weight: 1.0 / 12 / rescaling, Switch: 1.5}
	if encryptedWeights {
		noise.Weight = noise.Input
	}
	return noise
}

// rescalingError is log2 of the standard deviation, in a slot, of the error of a rescaling, times the scale.
func rescalingError(logN int) float64 {
	n := math.Exp2(float64(logN))
	return math.Log2(math.Sqrt((1 + 2*n/3) / 12 * n / 2))
}

// LogN is the ring degree whose slots a tile fills.
func LogN(s packing.Shape) int { return bits.Len(uint(s.Slots())) }

// Derive chooses parameters for a layout: the ring degree that the tile fills, one modulus per level, and
// the largest scale that 128-bit security leaves room for. The profile comes from packing's simulation of
// representative samples (with NoiseModel): the last modulus is sized to hold the largest value that reaches
// level 0, and parameters are refused if the errors would exceed the precision, which is in bits as records
// define it. An empty profile stands for the least that any network needs.
func Derive(layout *packing.Layout, profile packing.Profile, precision float64) (Literal, error) {
	if finite := profile.Last + profile.Output + profile.Error; math.IsNaN(finite) || math.IsInf(finite, 0) {
		return Literal{}, errors.New("inference: values overflow: no parameters hold them")
	}
	logN := LogN(layout.Shape)
	if MaxLogQP(logN) == 0 {
		return Literal{}, fmt.Errorf("inference: tile %s fills a ring of log_n %d: 128-bit parameters need %d to %d, that is %d to %d slots",
			layout.Shape, logN, MinLogN, MaxLogN, 1<<(MinLogN-1), 1<<(MaxLogN-1))
	}
	head := headroom(layout, profile)
	need := minLogScale(profile, logN, precision)
	if most := min(maxLogScale, maxLogPrime-head); need > most {
		return Literal{}, fmt.Errorf("inference: %w: %.0f bits at log_n %d, with values up to %.3g, need a scale of %d bits; at most %d are possible",
			ErrPrecision, precision, logN, math.Max(profile.Last, profile.Output), need, most)
	}
	lit := fit(logN, layout.Levels, head)
	if lit.LogScale < need {
		return Literal{}, fmt.Errorf("inference: tile %s: %d levels at %.0f bits of precision need moduli of %d bits each, but 128-bit security at log_n %d leaves %d; %s",
			layout.Shape, layout.Levels, precision, need, logN, max(lit.LogScale, 0), roomier(layout, profile, precision))
	}
	return lit, nil
}

// fit spends what security allows on levels+1 moduli and the special ones. Two special moduli make key switches
// cheaper; they are taken where that costs no scale.
func fit(logN, levels, head int) Literal {
	budget := int(MaxLogQP(logN))
	special := 1
	scale := func(special int) int {
		return min((budget-head*(1+special))/(levels+1+special), maxLogScale, maxLogPrime-head)
	}
	if levels >= 4 && scale(2) == maxLogScale {
		special = 2
	}
	lit := Literal{LogN: logN, LogScale: scale(special), LogQ: []int{scale(special) + head}}
	for range levels {
		lit.LogQ = append(lit.LogQ, lit.LogScale)
	}
	for range special {
		lit.LogP = append(lit.LogP, lit.LogQ[0])
	}
	return lit
}

// headroom is how many bits q0 must exceed the scale to hold the values at level 0, positive and negative, with
// a margin for samples beyond those seen. The coefficients that must not wrap are bounded by the mean |slot|,
// so large batches, where a few outliers do no harm, need less of it.
func headroom(layout *packing.Layout, p packing.Profile) int {
	margin := 2
	if layout.Shape.Batch < 16 {
		margin = 3
	}
	return max(minHeadroom, int(math.Ceil(math.Log2(math.Max(p.Last, 1))))+1+margin)
}

// Errors beyond the standard deviation that the simulation finds.
const (
	worstDeviation = 5   // the largest of thousands of outputs, in standard deviations
	marginError    = 1.5 // bits, for what the model leaves out (measured: up to 0.5)
)

// minLogScale is the scale that a precision needs: the worst error, in rescalings, must stay below the largest
// output by that many bits.
func minLogScale(p packing.Profile, logN int, precision float64) int {
	if p.Error == 0 || p.Output == 0 {
		p = packing.Profile{Error: 1, Output: 1}
	}
	worst := rescalingError(logN) + math.Log2(worstDeviation*p.Error/p.Output)
	return int(math.Ceil(precision + worst + marginError))
}

// roomier names the smallest ring that would hold the layout's levels.
func roomier(layout *packing.Layout, p packing.Profile, precision float64) string {
	for logN := LogN(layout.Shape) + 1; logN <= MaxLogN; logN++ {
		if fit(logN, layout.Levels, headroom(layout, p)).LogScale >= minLogScale(p, logN, precision) {
			return fmt.Sprintf("a tile of %d slots (log_n %d) would hold them", 1<<(logN-1), logN)
		}
	}
	return fmt.Sprintf("no ring up to log_n %d would hold them", MaxLogN)
}

// fits returns an error unless the ring has the slots of a tile and the chain one modulus per rescaling.
func (p Parameters) fits(layout *packing.Layout) error {
	if p.MaxSlots() != layout.Shape.Slots() {
		return fmt.Errorf("inference: log_n %d has %d slots: tile %s fills %d", p.LogN(), p.MaxSlots(), layout.Shape, layout.Shape.Slots())
	}
	if p.MaxLevel() != layout.Levels {
		return fmt.Errorf("inference: log_q has %d moduli: want %d, one more than the %d levels of the network", p.MaxLevel()+1, layout.Levels+1, layout.Levels)
	}
	return nil
}

// CheckRange returns an error unless the parameters fit the layout and the last modulus holds the values that
// reach level 0. Only there can values wrap: before, everything is exact modulo the modulus of its level.
func (p Parameters) CheckRange(layout *packing.Layout, profile packing.Profile) error {
	if err := p.fits(layout); err != nil {
		return err
	}
	scales := p.scales(layout)
	need := math.Log2(scales[len(scales)-1].output.Float64()) + math.Log2(math.Max(profile.Last, 1)) + 1
	if have := math.Log2(float64(p.Q()[0])); !(need <= have) {
		return fmt.Errorf("inference: values up to %.3g at level 0 need a last modulus of %.0f bits, but it has %.0f: the result would wrap; enlarge log_q[0] or lower log_scale",
			profile.Last, math.Ceil(need), have)
	}
	return nil
}

// layerScales are the scales of a layer's ciphertexts. Weights and masks have the modulus that their
// product is rescaled by as their scale, so only the square changes the scale.
type layerScales struct{ input, output rlwe.Scale }

// tileScale is the scale of weights that are multiplied at a level, and of masks.
func (p Parameters) tileScale(level int) rlwe.Scale { return rlwe.NewScale(p.Q()[level]) }

// scales follow from parameters and layout, so they need not be sent with ciphertexts.
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
