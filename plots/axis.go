package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"

	"hepex/harness/record"
)

// axis is a range in printed units, with its ticks. Factor takes recorded values to printed ones.
type axis struct {
	label    string
	factor   float64
	min, max float64
	log      bool
	ticks    []plot.Tick
}

// A log axis is used for positive times, sizes and counts that span more than this ratio.
const logSpan = 50

// newAxis chooses the unit, the range and the ticks for finite values, of which there must be one.
func newAxis(m record.Metric, values []float64) (axis, error) {
	low, high := slices.Min(values), slices.Max(values)
	if max(high, -low) > 1e100 {
		return axis{}, fmt.Errorf("%s from %g to %g does not fit an axis", m.Name, low, high)
	}
	factor, unit := m.Unit.Scale(max(math.Abs(low), math.Abs(high)))
	a := axis{label: m.Label, factor: factor}
	if unit != "" {
		a.label += " (" + unit + ")"
	}
	low, high = low*factor, high*factor
	if share := m.Unit == record.Fraction || m.Unit == record.Points; !share && low > 0 && high/low >= logSpan {
		a.logRange(low, high)
		return a, nil
	}
	a.linearRange(low, high)
	if m.Unit == record.Fraction && m.Better != record.Neither && low >= 0 && high <= 100 {
		a.max = min(a.max, 100)
	}
	a.ticks = linearTicks(a.min, a.max)
	return a, nil
}

// linearRange starts at zero when the values come near enough to it for that to cost little space, and
// a little below when one is zero, for it to stand clear of the frame.
func (a *axis) linearRange(low, high float64) {
	pad := 0.06 * (high - low)
	if pad <= 1e-9*max(math.Abs(low), math.Abs(high)) {
		pad = 0.1 * math.Abs(high)
	}
	if pad == 0 {
		pad = 1
	}
	a.min, a.max = low-pad, high+pad
	if low >= 0 && (low <= 0.4*high || a.min < 0) {
		a.min = 0
	}
	if low == 0 {
		a.min = -0.5 * pad
	}
}

// linearTicks are at round steps, about five of them.
func linearTicks(low, high float64) []plot.Tick {
	rough := (high - low) / 5
	scale := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * scale
	for _, s := range []float64{1, 2, 5} {
		if s*scale >= 0.8*rough {
			step = s * scale
			break
		}
	}
	last := int(math.Floor(math.Log10(step) + 1e-9)) // the power of ten of the last digit that matters
	size := max(math.Abs(low), math.Abs(high))
	var ticks []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step; i++ {
		v := i*step + 0 // which makes 0 of -0
		label := strconv.FormatFloat(v, 'f', max(0, -last), 64)
		if size >= 1e6 || size < 1e-3 {
			label = strconv.FormatFloat(v, 'g', int(math.Log10(size))-last+2, 64)
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// logRange reaches a little past the values. Its ticks are numbered at 1 and 3 times the powers of ten,
// at the powers alone when there are many, and at some of these when there are very many.
func (a *axis) logRange(low, high float64) {
	a.log, a.min, a.max = true, low/1.25, high*1.25
	first, last := math.Floor(math.Log10(a.min)), math.Log10(a.max)
	every := math.Ceil((last - first) / 6)
	for e := first; e <= last; e++ {
		for f := 1.0; f < 10; f++ {
			v := f * math.Pow(10, e)
			if v < a.min || v > a.max || every > 1 && f > 1 {
				continue
			}
			tick := plot.Tick{Value: v}
			if f == 1 && math.Mod(e, every) == 0 || f == 3 && high/low <= 500 {
				tick.Label = strconv.FormatFloat(v, 'g', 6, 64)
			}
			a.ticks = append(a.ticks, tick)
		}
	}
}

// apply sets the axis of a plot.
func (a axis) apply(p *plot.Axis) {
	p.Min, p.Max, p.Tick.Marker = a.min, a.max, plot.ConstantTicks(a.ticks)
	if a.log {
		p.Scale = plot.LogScale{}
	}
}
