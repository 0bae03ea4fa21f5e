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
	metric   record.Metric
	label    string
	factor   float64
	min, max float64
	log      bool
	down     bool // from top to bottom
	ticks    []plot.Tick
}

// Axis is what a figure says about one of its axes: its scale, linear or log, and its least and greatest value, in the
// unit of records. What it leaves out is chosen from the values.
type Axis struct {
	Scale string
	Range []float64
}

func (a Axis) check() error {
	switch {
	case a.Scale != "" && a.Scale != "linear" && a.Scale != "log":
		return fmt.Errorf("scale %s: want linear or log", a.Scale)
	case a.Range != nil && (len(a.Range) != 2 || !(a.Range[1]-a.Range[0] > 1e-9*max(math.Abs(a.Range[0]), math.Abs(a.Range[1])))):
		return fmt.Errorf("range %g: want the least value and a greater one", a.Range)
	case a.Scale == "log" && a.Range != nil && a.Range[0] <= 0:
		return fmt.Errorf("range %g: want values above 0 on a log axis", a.Range)
	}
	return nil
}

// holds reports whether the axis has a place for a value, within its range or beyond.
func (a Axis) holds(v float64) bool { return a.Scale != "log" || v > 0 }

// ends reports whether a given range ends before a value.
func (a Axis) ends(v float64) bool {
	return a.Range != nil && (v < a.Range[0] || v > a.Range[1])
}

// within lists those of some values that the axis has a place for.
func (a Axis) within(values ...float64) (held []float64) {
	for _, v := range values {
		if a.holds(v) {
			held = append(held, v)
		}
	}
	return held
}

// A log axis is used for positive times, sizes and counts that span more than this ratio.
const logSpan = 50

// newAxis chooses what is not given of the unit, the range and the ticks, for finite values, of which there must be one.
func newAxis(m record.Metric, given Axis, values []float64) (axis, error) {
	low, high := slices.Min(values), slices.Max(values)
	positive := low > 0
	if given.Range != nil {
		low, high = given.Range[0], given.Range[1]
	}
	if max(high, -low) > 1e100 {
		return axis{}, fmt.Errorf("%s from %g to %g does not fit an axis", m.Name, low, high)
	}
	factor, unit := m.Unit.Scale(max(math.Abs(low), math.Abs(high)))
	a := axis{metric: m, label: m.Label, factor: factor}
	if unit != "" {
		a.label += " (" + unit + ")"
	}
	low, high = low*factor, high*factor
	share := m.Unit == record.Fraction || m.Unit == record.Points
	a.log = given.Scale == "log" || given.Scale == "" && !share && positive && low > 0 && high/low >= logSpan
	switch {
	case a.log && low <= 0: // which has no end, and on which gonum panics
		return axis{}, fmt.Errorf("%s from %g does not fit a log axis", m.Name, low)
	case given.Range != nil:
		a.min, a.max = low, high
	case a.log:
		a.logRange(low, high)
	default:
		a.linearRange(low, high)
	}
	if m.Unit == record.Fraction && m.Better != record.Neither && low >= 0 && high <= 100 {
		a.max = min(a.max, 100)
	}
	if a.ticks = linearTicks(a.min, a.max); a.log {
		a.ticks = logTicks(a.min, a.max)
	}
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

// logRange reaches a little past the values.
func (a *axis) logRange(low, high float64) {
	pad := math.Pow(high/low, 0.06)
	if pad-1 <= 1e-9 || pad > 1.25 {
		pad = 1.25
	}
	a.min, a.max = low/pad, high*pad
}

// logTicks are numbered at 1, 2 and 5 times the powers of ten, in a short range at 3 and 7 times too, or with a longer range at 1 and 3 times,
// at the powers alone or at some of these. A range that is too short for that looks almost linear and has linear ticks.
func logTicks(low, high float64) []plot.Tick {
	numbered := map[float64]bool{1: true}
	switch span := high / low; {
	case span < 5:
		return linearTicks(low, high)
	case span < 8:
		numbered[2], numbered[3], numbered[5], numbered[7] = true, true, true, true
	case span < logSpan:
		numbered[2], numbered[5] = true, true
	case span < 800:
		numbered[3] = true
	}
	first, last := math.Floor(math.Log10(low)), math.Log10(high)
	every := math.Ceil((last - first) / 6)
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		for f := 1.0; f < 10; f++ {
			v := f * math.Pow(10, e)
			if v < low || v > high || every > 1 && f > 1 {
				continue
			}
			tick := plot.Tick{Value: v}
			if numbered[f] && math.Mod(e, every) == 0 {
				tick.Label = strconv.FormatFloat(v, 'g', 6, 64)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// scaled puts a span in the unit of the axis.
func (a axis) scaled(s span) span {
	s = s.times(a.factor)
	if a.log && s.low <= 0 {
		s.low = a.min / 2 // its whisker leaves the axis
	}
	return s
}

// has reports whether a value, in the unit of the axis, is within its range.
func (a axis) has(v float64) bool { return a.min <= v && v <= a.max }

// value prints a value that is in the unit of the axis.
func (a axis) value(v float64) string { return a.metric.Format(v / a.factor) }

// apply sets the axis of a plot.
func (a axis) apply(p *plot.Axis) {
	p.Min, p.Max, p.Tick.Marker = a.min, a.max, plot.ConstantTicks(a.ticks)
	switch {
	case a.log:
		p.Scale = plot.LogScale{}
	case a.down:
		p.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	}
}
