package packing

import (
	"slices"
	"sync"
)

// maxRadix bounds the number of rotations, and of keys, of a stage.
const maxRadix = 9

// newSum splits a sum of count slots into stages of least nominal cost, at a level in the middle of a chain: the best
// radices hardly depend on it, but on whether the keys serve many rows and are found in a cache, or come from memory once.
// Count must have no prime factor above maxRadix.
func newSum(step, count int, cached bool) Sum {
	key := sumKey{count, cached}
	radices, ok := radicesOf.Load(key)
	if !ok {
		p := Arithmetic{LogN: 13, LogP: []int{typicalBits}, cachedKeys: cached}.Nominal()
		const level = 2
		_, r := stages(count, p(Decompose, level)+p(ModDown, level), p(RotateSum, level))
		slices.Sort(r)
		slices.Reverse(r)
		radices, _ = radicesOf.LoadOrStore(key, r)
	}
	return Sum{Step: step, Radices: radices.([]int)}
}

var radicesOf sync.Map // []int by sumKey: searches ask for few counts, millions of times

type sumKey struct {
	count  int
	cached bool
}

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
