package inference

import (
	"math"

	"hepex/packing"
)

// Deviations of what is drawn: the error of a fresh ciphertext, and the rounding to integers.
const (
	errorVariance    = 3.2 * 3.2
	roundingVariance = 1.0 / 12
	constantVariance = 1.0 / 4 // of a constant, which all slots share: no more than the largest error
	secretVariance   = 2.0 / 3 // of a uniform ternary coefficient
)

// noise gives variances in a slot, at scale 1, of what adds error in a ring: a slot is a sum over all
// coefficients, which the conjugate-invariant ring counts twice.
type noise struct{ slot, secret float64 }

func newNoise(r Ring, logN int) noise {
	n := math.Exp2(float64(logN))
	if r == ConjugateInvariant {
		return noise{2 * n, 2 * n * secretVariance}
	}
	return noise{n / 2, n * secretVariance}
}

// float is that of floats in proportion to the squares of values: each is rounded in every stage of its transforms.
func (n noise) float() float64 {
	const unit = 1.0 / (1 << floatBits)
	return unit * unit * math.Log2(n.slot)
}

// encoding is the variance of an encoded plaintext, fresh that of an encrypted one.
func (n noise) encoding() float64 { return n.slot * roundingVariance }
func (n noise) fresh() float64    { return n.slot * (roundingVariance + errorVariance) }

// rounding is that of a rescaling, or of a division by the special moduli: both polynomials are rounded, and one
// of them meets the secret.
func (n noise) rounding() float64 { return n.slot * roundingVariance * (1 + n.secret) }

// keySwitch is that of a key switch before its rounding. Its digits, uniform modulo their moduli, meet the error of the
// key and are divided by the special moduli.
func (n noise) keySwitch(d digitSum) float64 {
	return d.total() * n.slot * roundingVariance * n.secret / secretVariance * errorVariance
}

// digitSum adds up squares of digits in proportion to the product of the special moduli, of logP bits together. A digit is
// taken modulo the product of as many moduli.
type digitSum struct {
	special, logP int

	whole float64 // of digits with all their moduli
	last  int     // bits of the one that has not
	count int     // its moduli
}

// add adds the next modulus, of some bits.
func (d *digitSum) add(bits int) {
	d.last += bits
	if d.count++; d.count == d.special {
		d.whole, d.last, d.count = d.total(), 0, 0
	}
}

func (d *digitSum) total() float64 {
	if d.count == 0 {
		return d.whole
	}
	return d.whole + exp2(2*(d.last-d.logP))
}

// exp2 is 2ⁿ, where that is a normal number: math.Ldexp, faster.
func exp2(n int) float64 {
	const bias, least, most = 1023, -1022, 1023
	if n < least || n > most {
		return math.Ldexp(1, n)
	}
	return math.Float64frombits(uint64(n+bias) << 52)
}

// weightVariance is that of weights.
func (n noise) weight(encrypted bool) float64 {
	if encrypted {
		return n.fresh()
	}
	return n.encoding()
}

// setNoise sets what the steps of a chain add to the errors of outputs.
func (c *chain) setNoise(n noise, layout *packing.Layout, p packing.Profile, encrypted bool) {
	c.noise = n
	c.weight = n.weight(encrypted)
	c.bias = c.weight
	if bits := lastBits(layout); bits > 0 {
		c.bias = math.Ldexp(constantVariance, -2*bits)
	}
	c.float = n.float() * p.Errors[packing.Source{Kind: packing.FloatError}]
}

// least is a profile of a network that asks for little: before training, it stands for what any network needs.
func least(layout *packing.Layout) packing.Profile {
	p := packing.Profile{Output: 1, Errors: map[packing.Source]float64{{Layer: 0, Kind: packing.InputError}: 1}}
	for i := range layout.Layers {
		p.Peaks = append(p.Peaks, 1)
		for _, k := range []packing.SourceKind{packing.WeightError, packing.SumError, packing.SumSwitchError, packing.LateError} {
			p.Errors[packing.Source{Layer: i, Kind: k}] = 1
		}
		if layout.Layers[i].Mask {
			p.Errors[packing.Source{Layer: i, Kind: packing.RefillError}] = 1
		}
		if layout.Layers[i].Square {
			p.Errors[packing.Source{Layer: i, Kind: packing.SquareError}] = 1
		}
	}
	return p
}
