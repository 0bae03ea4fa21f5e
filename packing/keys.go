package packing

import "slices"

// KeyLevels are the levels that key switches happen at, at most: the sizes of the keys that an evaluation needs.
type KeyLevels struct {
	Relinearize int         // −1 if nothing multiplies ciphertexts
	Rotate      map[int]int // by rotation to the left, in slots
}

// KeyLevels lists the keys that an evaluation uses.
func (l *Layout) KeyLevels(encrypted bool) KeyLevels {
	k := KeyLevels{Relinearize: -1, Rotate: map[int]int{}}
	rotate := func(step, level int) {
		if step = (step%l.Slots + l.Slots) % l.Slots; step != 0 {
			k.Rotate[step] = max(k.Rotate[step], level)
		}
	}
	sum := func(s Sum, level int) {
		s.each(func(step, radix int) {
			for r := 1; r < radix; r++ {
				rotate(r*step, level)
			}
		})
	}
	for i := range l.Layers {
		ly := &l.Layers[i]
		if encrypted {
			k.Relinearize = max(k.Relinearize, ly.Level)
		}
		for _, step := range ly.Rotations {
			rotate(step, ly.Level)
		}
		for _, step := range ly.Giants {
			rotate(step, ly.Level)
		}
		sum(ly.Sum, ly.AddUpLevel())
		if ly.Mask {
			sum(ly.Refill, ly.SquareLevel())
		}
		if ly.Square {
			k.Relinearize = max(k.Relinearize, ly.SquareLevel())
		}
		sum(ly.PoolSum, ly.PoolLevel())
	}
	return k
}

// KeyLimbs is the number of polynomials modulo one prime that a key of a level consists of: two modulo all primes of
// its level, and the special ones, for each digit.
func KeyLimbs(level, special int) int { return 2 * ceilDiv(level+1, special) * (level + 1 + special) }

// Limbs is the number of such polynomials of all keys.
func (k KeyLevels) Limbs(special int) int {
	n := 0
	if k.Relinearize >= 0 {
		n = KeyLimbs(k.Relinearize, special)
	}
	for _, level := range k.Rotate {
		n += KeyLimbs(level, special)
	}
	return n
}

// KeyLimbSeconds is the nominal time to draw one of them, at degree 2^13.
const KeyLimbSeconds = 2e-4

// Keys are drawn and sent once and kept in memory, evaluations come again and again: an arrangement is charged with keys
// as if a set of them served that many evaluations, so that a few per cent of time do not buy a multiple of keys. Where
// keys need more memory than that they cost as much more as keeps them within it.
const (
	evaluationsPerKey = 2000
	maxKeyBytes       = 1 << 30
)

// keyLimbs counts the polynomials of a layer's own rotation keys.
func (ly *Layer) keyLimbs(special int) int {
	n := ly.Sum.Rotations()*KeyLimbs(ly.AddUpLevel(), special) + ly.PoolSum.Rotations()*KeyLimbs(ly.PoolLevel(), special)
	for _, step := range slices.Concat(ly.Rotations, ly.Giants) {
		if step != 0 {
			n += KeyLimbs(ly.Level, special)
		}
	}
	return n
}
