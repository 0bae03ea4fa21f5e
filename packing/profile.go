package packing

import (
	"math"
)

// Source is a place where an evaluation adds error. Errors are kept by source, in units of the error that the
// source adds to a slot: what that is depends on parameters, which are chosen once a simulation has shown how
// much each source matters.
type Source struct {
	Layer int
	Kind  SourceKind
}

// SourceKind says what adds an error.
type SourceKind uint8

// The kinds of sources.
const (
	InputError        SourceKind = iota // fresh inputs; of layer 0
	WeightError                         // weights of a layer, times the values that they multiply
	MaskError                           // a mask, times the values that it keeps
	SumError                            // rounding after the products: rescaling, and the ends of key switches; all before the rescaling where the sum is first
	SumSwitchError                      // key switches of the sum
	LateError                           // the rounding of a rescaling that comes after the sum
	RefillError                         // rounding after the mask
	RefillSwitchError                   // key switches of the copies
	SquareError                         // rescaling a square, unless delayed
	DiagonalError                       // key switches of a layer's inputs
	FloatError                          // rounding of floats, relative to what is rounded; of all layers under layer 0
)

// Profile is what representative samples show of the values and errors of an evaluation.
type Profile struct {
	Peaks  []float64          // by layer: largest |value| in any slot before the square, garbage included
	Means  []float64          // by layer: largest mean |value| over all slots, where the samples fill them; or nil
	Output float64            // largest |output|
	Errors map[Source]float64 // largest variance of an output, by source, for outputs as large as Output
}

// Bound is a bound on the coefficients of what a layer encodes at scale 1, before the square. A coefficient is the mean of
// the slots, each times a complex number of modulus 1.
func (p Profile) Bound(layer int) float64 {
	if p.Means == nil {
		return p.Peaks[layer]
	}
	return p.Means[layer]
}

// Scale is the profile with the values of each layer multiplied: peaks and means by factors of their own.
func (p Profile) Scale(peaks, means []float64) Profile {
	scale := func(values, by []float64) []float64 {
		var out []float64
		for i, v := range values {
			out = append(out, v*by[i])
		}
		return out
	}
	p.Peaks, p.Means = scale(p.Peaks, peaks), scale(p.Means, means)
	return p
}

// Merge takes the larger of both in everything. Errors count in proportion to the outputs that they are added to, so that
// the precision of a batch of small outputs suffices too.
func (p Profile) Merge(q Profile) Profile {
	if p.Peaks == nil {
		return q
	}
	m := Profile{Output: math.Max(p.Output, q.Output), Errors: map[Source]float64{}}
	for i := range p.Peaks {
		m.Peaks = append(m.Peaks, math.Max(p.Peaks[i], q.Peaks[i]))
		if p.Means != nil && q.Means != nil {
			m.Means = append(m.Means, math.Max(p.Means[i], q.Means[i]))
		}
	}
	for _, part := range []Profile{p, q} {
		larger := 1.0
		if part.Output > 0 {
			larger = m.Output / part.Output
		}
		for s, v := range part.Errors {
			m.Errors[s] = math.Max(m.Errors[s], v*larger*larger)
		}
	}
	return m
}

// Outputs says how small the largest |output| of a batch may be: precision is relative to it. Samples whose outputs reach no more
// than Small stand for those of Least.
type Outputs struct{ Least, Small float64 }

// size is what the errors of a sample are relative to, by its largest output.
func (o Outputs) size(largest float64) float64 {
	if largest <= o.Small {
		return o.Least
	}
	return math.Max(largest, o.Least)
}

// note takes the values of a ciphertext of a layer into account.
func (p *Profile) note(layer int, values []float64) {
	total := 0.0
	for _, v := range values {
		p.Peaks[layer] = math.Max(p.Peaks[layer], math.Abs(v))
		total += math.Abs(v)
	}
	if p.Means != nil {
		p.Means[layer] = math.Max(p.Means[layer], total/float64(len(values)))
	}
}
