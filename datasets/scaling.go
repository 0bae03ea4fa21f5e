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
	o.Scaling = newScaling(kind, o.sets[Train].X, data.shape.Channels)
	if o.Targets > 0 {
		if kind != ScaleNone {
			kind = ScaleStandard
		}
		o.TargetScale = newScaling(kind, o.sets[Train].Target, o.Targets)
		for i, f := range o.TargetScale.Factor {
			if f == 0 {
				return fmt.Errorf("%s: target %d is always %g in the training split: want values that differ", o.Files[0], i+1, o.TargetScale.Offset[i])
			}
		}
	}
	for split := range o.sets {
		set := &o.sets[split]
		o.Scaling.apply(set.X)
		o.TargetScale.apply(set.Target)
		if data.bytes {
			continue
		}
		for _, values := range [][]float32{set.X, set.Target} {
			if i := slices.IndexFunc(values, beyond); i >= 0 {
				sample := i * set.Len() / len(values)
				return fmt.Errorf("%s: a value is %g after scaling by the training split: want values up to %g", data.parts[split].place(sample), values[i], largest)
			}
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
	for pixel := range slices.Chunk(values, channels) {
		for c, v := range pixel {
			r := &all[c]
			r.Least, r.Greatest = min(r.Least, float64(v)), max(r.Greatest, float64(v))
			r.Mean += float64(v)
		}
	}
	for c := range all {
		all[c].Mean /= n
	}
	for pixel := range slices.Chunk(values, channels) {
		for c, v := range pixel {
			d := float64(v) - all[c].Mean
			all[c].Deviation += mul(d, d)
		}
	}
	for c := range all {
		all[c].Deviation = math.Sqrt(all[c].Deviation / n)
	}
	return all
}

// Ranges are those of the inputs in the training split before scaling, by channel, and of what a regression should give. What was
// constant has its value alone.
func (o *Own) Ranges() (inputs, targets []Range) {
	inputs = ranges(o.sets[Train].X, o.Shape.Channels)
	if o.Targets > 0 {
		targets = ranges(o.sets[Train].Target, o.Targets)
	}
	o.Scaling.undo(inputs)
	o.TargetScale.undo(targets)
	return inputs, targets
}

// undo brings ranges back to the scale of before.
func (s Scaling) undo(ranges []Range) {
	for c := range s.Factor {
		r, factor := &ranges[c], s.Factor[c]
		if factor == 0 {
			factor = 1 // it is 0 at whatever scale
		}
		r.Least, r.Greatest, r.Mean = r.Least/factor+s.Offset[c], r.Greatest/factor+s.Offset[c], r.Mean/factor+s.Offset[c]
		r.Deviation /= factor
	}
}

func newScaling(kind string, values []float32, channels int) Scaling {
	s := Scaling{Kind: kind}
	switch kind {
	case ScaleNone:
		return s
	case scaleBytes:
		s.Offset, s.Factor = make([]float64, channels), slices.Repeat([]float64{1. / 255}, channels)
		return s
	}
	for _, r := range ranges(values, channels) {
		offset, unit := r.Mean, r.Deviation
		if kind == ScaleUnit {
			offset, unit = r.Least, r.Greatest-r.Least
		}
		factor := 1 / unit
		if r.Least == r.Greatest {
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
	for pixel := range slices.Chunk(values, len(s.Factor)) {
		for c, v := range pixel {
			pixel[c] = float32(mul(float64(v)-s.Offset[c], s.Factor[c]))
		}
	}
}
