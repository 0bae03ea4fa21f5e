package record

import (
	"math"
	"strconv"
)

// Unit is what a metric is recorded in. Records keep it exact; it is scaled only for print.
type Unit string

// The units of metrics.
const (
	Number   Unit = ""         // a count, or a number on the scale of the data
	Fraction Unit = "fraction" // printed in percent
	Points   Unit = "points"   // a difference of fractions, printed in percentage points
	Seconds  Unit = "s"
	Bytes    Unit = "B"
	Bits     Unit = "bits"
)

// Scale returns the factor and the unit's name with which values up to max are printed: 0.012 s as
// 12 ms. Number has no unit name.
func (u Unit) Scale(max float64) (factor float64, name string) {
	size := math.Abs(max)
	switch u {
	case Fraction:
		return 100, "%"
	case Points:
		return 100, "points"
	case Seconds:
		switch {
		case size > 0 && size < 1e-3:
			return 1e6, "µs"
		case size > 0 && size < 1:
			return 1e3, "ms"
		}
	case Bytes:
		const kibi = 1024
		switch {
		case size >= kibi*kibi*kibi:
			return 1. / (kibi * kibi * kibi), "GiB"
		case size >= kibi*kibi:
			return 1. / (kibi * kibi), "MiB"
		case size >= kibi:
			return 1. / kibi, "KiB"
		}
	}
	return 1, string(u)
}

// Format prints a value with its unit, for people: "98.27 %", "12.3 ms", "1.25 GiB".
func (m Metric) Format(v float64) string {
	factor, unit := m.Unit.Scale(v)
	return withUnit(m.digits(v*factor, v*factor, 3), unit)
}

// FormatSpread prints a mean and the half range around it in one unit: "12.34 ± 0.40 ms".
func (m Metric) FormatSpread(mean, half float64) string {
	factor, unit := m.Unit.Scale(mean)
	return withUnit(m.digits(mean*factor, mean*factor, 4)+" ± "+m.digits(half*factor, mean*factor, 4), unit)
}

func withUnit(number, unit string) string {
	if unit == "" {
		return number
	}
	return number + " " + unit
}

// digits prints an already scaled v with the decimals that give a value of the given size so many
// significant digits. Some units have decimals of their own.
func (m Metric) digits(v, size float64, significant int) string {
	switch m.Unit {
	case Fraction, Points:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case Bits:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case Number:
		whole := size == math.Trunc(size) && v == math.Trunc(v)
		if large := math.Abs(size) >= 1e4; (whole || large) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', 0, 64) // 12346, rather than 1.235e+04
		}
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	if size == 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	decimals := significant - 1 - int(math.Floor(math.Log10(math.Abs(size))))
	return strconv.FormatFloat(v, 'f', min(max(decimals, 0), 3), 64)
}

// formatFloat writes v in the fewest digits that read back as v.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
