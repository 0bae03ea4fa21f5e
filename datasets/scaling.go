package datasets

import (
	"fmt"
	"math"
	"slices"
)

// How inputs are scaled. What a regression should give is standardised unless scaling is none.
const (
	ScaleAuto     = "auto"     // bytes: divided by 255; rows of a table: standard; other grids: unit
	ScaleStandard = "standard" // mean 0, variance 1
	ScaleUnit     = "unit"     // least 0, greatest 1
	ScaleNone     = "none"

	scaleBytes = "bytes"
)

// Scales lists the values of Files.Scale.
func Scales() []string { return []string{ScaleAuto, ScaleStandard, ScaleUnit, ScaleNone} }

// Scaling makes (v − Offset)·Factor of a value v: for each channel of a sample, and of a table for each column. It goes by all samples of
// the training split, never by test samples. What is constant there becomes 0.
type Scaling struct {
	Kind   string    `json:"kind"` // standard, unit, bytes or none, which has neither offsets nor factors
	Offset []float64 `json:"offset,omitempty"`
	Factor []float64 `json:"factor,omitempty"`
	Ranges []Range   `json:"-"` // of the values before
}

// Range is what values of the training split are.
type Range struct{ Least, Greatest, Mean, Deviation float64 }

// scale brings all samples to scale.
func (o *Own) scale(data *raw, kind string) error {
	if kind == ScaleAuto {
		switch {
		case data.bytes:
			kind = scaleBytes
		case data.shape.Height == 1 && data.shape.Width == 1:
			kind = ScaleStandard
		default:
			kind = ScaleUnit
		}
	}
	o.Scaling = newScaling(kind, ranges(o.sets[Train].X, data.shape.Channels))
	if o.Targets > 0 {
		if kind != ScaleNone {
			kind = ScaleStandard
		}
		o.TargetScale = newScaling(kind, ranges(o.sets[Train].Target, o.Targets))
		for i, f := range o.TargetScale.Factor {
			if f == 0 {
				return fmt.Errorf("%s: target %d is always %g in the training split: want values that differ", o.Files[0], i+1, o.TargetScale.Offset[i])
			}
		}
	}
	for split := range o.sets {
		for _, values := range []struct {
			x []float32
			s Scaling
		}{{o.sets[split].X, o.Scaling}, {o.sets[split].Target, o.TargetScale}} {
			values.s.apply(values.x)
		}
		if i := slices.IndexFunc(o.sets[split].X, beyond); i >= 0 {
			return fmt.Errorf("%s: %v sample %d, value %d: %g after scaling by the training split: want values up to %g", data.parts[split].place(i/data.shape.Size()), Split(split), i/data.shape.Size(), i%data.shape.Size(), o.sets[split].X[i], largest)
		}
	}
	return nil
}

func beyond(v float32) bool { return plausible(float64(v)) != nil }

// ranges are those of each channel of values.
func ranges(values []float32, channels int) []Range {
	n := float64(len(values) / channels)
	all := make([]Range, channels)
	for c := range all {
		all[c] = Range{Least: math.Inf(1), Greatest: math.Inf(-1)}
	}
	for i, v := range values {
		r := &all[i%channels]
		r.Least, r.Greatest = min(r.Least, float64(v)), max(r.Greatest, float64(v))
		r.Mean += float64(v) / n
	}
	for i, v := range values {
		r := &all[i%channels]
		d := float64(v) - r.Mean
		r.Deviation += mul(d, d) / n
	}
	for c := range all {
		all[c].Deviation = math.Sqrt(all[c].Deviation)
	}
	return all
}

func newScaling(kind string, ranges []Range) Scaling {
	s := Scaling{Kind: kind, Ranges: ranges}
	if kind == ScaleNone {
		return s
	}
	for _, r := range ranges {
		offset, unit := 0., 255.
		switch kind {
		case ScaleStandard:
			offset, unit = r.Mean, r.Deviation
		case ScaleUnit:
			offset, unit = r.Least, r.Greatest-r.Least
		}
		factor := 1 / unit
		if r.Least == r.Greatest && kind != scaleBytes {
			offset, factor = r.Least, 0
		}
		s.Offset, s.Factor = append(s.Offset, offset), append(s.Factor, factor)
	}
	return s
}

// apply scales values in place.
func (s Scaling) apply(values []float32) {
	if len(s.Factor) == 0 {
		return
	}
	for i, v := range values {
		c := i % len(s.Factor)
		values[i] = float32(mul(float64(v)-s.Offset[c], s.Factor[c]))
	}
}
