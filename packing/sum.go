package packing

import (
	"slices"
	"sync"
)

// maxRadix bounds the number of rotations, and of keys, of a stage.
const maxRadix = 9

// newSum splits a sum of count slots into stages of least nominal cost, at a level in the middle of a chain: the best
// radices hardly depend on it. Count must have no prime factor above maxRadix.
func newSum(step, count int) Sum {
	radices, ok := radicesOf.Load(count)
	if !ok {
		stage, rotation := sumPrices()
		_, r := stages(count, stage, rotation)
		slices.Sort(r)
		slices.Reverse(r)
		radices, _ = radicesOf.LoadOrStore(count, r)
	}
	return Sum{Step: step, Radices: radices.([]int)}
}

var radicesOf sync.Map // []int by count: searches ask for few counts, millions of times

var sumPrices = sync.OnceValues(func() (stage, rotation float64) {
	p := Nominal(1)
	const level = 2
	return p(Decompose, level) + p(ModDown, level), p(RotateSum, level)
})

// stages is the least cost of a sum of n slots, and its radices; the cost is negative if there is no way.
func stages(n int, stage, rotation float64) (float64, []int) {
	if n == 1 {
		return 0, nil
	}
	best, radices := -1.0, []int(nil)
	for r := 2; r <= min(n, maxRadix); r++ {
		if n%r != 0 {
			continue
		}
		rest, more := stages(n/r, stage, rotation)
		if cost := rest + stage + float64(r-1)*rotation; rest >= 0 && (best < 0 || cost < best) {
			best, radices = cost, append(slices.Clone(more), r)
		}
	}
	return best, radices
}
