package network

import (
	"github.com/viterin/vek"
	"github.com/viterin/vek/vek32"
)

// The arithmetic of training on slices of one length that do not overlap. Each function rounds every value as the obvious loop does, on
// every processor, and is many times as fast where there are vectors to do it with. The library's quotients and roots are not used: it
// takes them from approximations of the processor, which round otherwise.

// block is how many values are worked on at once where several of these functions follow one another: few enough to stay in a cache.
const block = 2048

// add computes x += y.
func add[T float](x, y []T) {
	switch x := any(x).(type) {
	case []float32:
		vek32.Add_Inplace(x, any(y).([]float32))
	case []float64:
		vek.Add_Inplace(x, any(y).([]float64))
	}
}

// subtract computes x −= y.
func subtract[T float](x, y []T) {
	switch x := any(x).(type) {
	case []float32:
		vek32.Sub_Inplace(x, any(y).([]float32))
	case []float64:
		vek.Sub_Inplace(x, any(y).([]float64))
	}
}

// scaleBy computes x *= y.
func scaleBy[T float](x, y []T) {
	switch x := any(x).(type) {
	case []float32:
		vek32.Mul_Inplace(x, any(y).([]float32))
	case []float64:
		vek.Mul_Inplace(x, any(y).([]float64))
	}
}

// offset computes x += c.
func offset[T float](x []T, c T) {
	switch x := any(x).(type) {
	case []float32:
		vek32.AddNumber_Inplace(x, float32(c))
	case []float64:
		vek.AddNumber_Inplace(x, float64(c))
	}
}

// scale computes x *= c.
func scale[T float](x []T, c T) {
	switch x := any(x).(type) {
	case []float32:
		vek32.MulNumber_Inplace(x, float32(c))
	case []float64:
		vek.MulNumber_Inplace(x, float64(c))
	}
}

// inBlocks calls f for ranges that cover n values, all but the last of them of so many.
func inBlocks(n, values int, f func(first, last int)) {
	for first := 0; first < n; first += values {
		f(first, min(first+values, n))
	}
}

// addRows adds the rows of x to sums, one after the other.
func addRows[T float](sums, x []T) {
	for width := len(sums); len(x) > 0; x = x[width:] {
		add(sums, x[:width])
	}
}

// repeat fills dst with the values again and again.
func repeat[T float](dst, values []T) {
	n := copy(dst, values)
	for n < len(dst) {
		n += copy(dst[n:], dst[:min(n, max(1, block/len(values))*len(values))])
	}
}
