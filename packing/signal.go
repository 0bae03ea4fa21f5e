package packing

import "slices"

// signal is a simulated ciphertext: the value and, by source, the variance of the error in each slot.
type signal struct {
	value    []float64
	variance map[Source][]float64
}

func newSignal(slots int) signal { return signal{make([]float64, slots), map[Source][]float64{}} }

// of gives the variances of a source, to add to.
func (a signal) of(s Source) []float64 {
	if a.variance[s] == nil {
		a.variance[s] = make([]float64, len(a.value))
	}
	return a.variance[s]
}

// floats is the source of errors of floats.
var floats = Source{0, FloatError}

// floatsOf is the variance of a transform of slots: it spreads the errors of all of them evenly.
func floatsOf(slots []float64) float64 {
	sum := 0.0
	for _, v := range slots {
		sum += v * v
	}
	return sum / float64(len(slots))
}

// plus adds a ciphertext.
func (a signal) plus(x signal) {
	float := a.of(floats)
	for s, v := range x.value {
		a.value[s] += v
		float[s] += v * v
	}
	for source, variance := range x.variance {
		sum := a.of(source)
		for s, v := range variance {
			sum[s] += v
		}
	}
}

// rotate rotates to the left.
func (a signal) rotate(step int) {
	turn := func(v []float64) { copy(v, slices.Concat(v[step:], v[:step])) }
	turn(a.value)
	for _, variance := range a.variance {
		turn(variance)
	}
}

// addProduct adds the product of a tile with a ciphertext rotated to the left.
func (a signal) addProduct(tile []float64, x signal, rotation, layer int) {
	n := len(tile)
	turn := (rotation%n + n) % n
	weight, float := a.of(Source{layer, WeightError}), a.of(floats)
	var rotated []float64
	if rotation != 0 {
		rotated = a.of(Source{layer, DiagonalError})
	}
	for _, part := range [][2]int{{0, n - turn}, {n - turn, n}} { // which x has in one piece
		from, to := part[0], part[1]
		values, tile := x.value[(from+turn)%n:], tile[from:to]
		value, weight, float := a.value[from:to], weight[from:to], float[from:to]
		for s, w := range tile {
			v := values[s]
			value[s] += w * v
			weight[s] += v * v
			float[s] += w * w * v * v
		}
		if rotated != nil {
			for s, w := range tile {
				rotated[from+s] += w * w
			}
		}
		for source, variance := range x.variance {
			sum, variance := a.of(source)[from:to], variance[(from+turn)%n:]
			for s, w := range tile {
				if w != 0 {
					sum[s] += w * w * variance[s]
				}
			}
		}
	}
}

func (a signal) addBias(bias []float64) {
	float := a.of(floats)
	for s, v := range bias {
		a.value[s] += v
		float[s] += v * v
	}
}

// add adds an error to all slots.
func (a signal) add(source Source, variance float64) {
	v := a.of(source)
	for s := range v {
		v[s] += variance
	}
}

// keep multiplies with a mask and rescales.
func (a signal) keep(mask []float64, layer int) {
	err := a.of(Source{layer, MaskError})
	for s, v := range a.value {
		err[s] += v * v
	}
	for source, variance := range a.variance {
		if source == (Source{layer, MaskError}) {
			continue
		}
		for s, k := range mask {
			variance[s] *= k
		}
	}
	for s, k := range mask {
		a.value[s] *= k
	}
	a.add(Source{layer, RefillError}, 1)
}

// square squares and rescales.
func (a signal) square(layer int, ly *Layer) {
	for _, variance := range a.variance {
		for s, v := range a.value {
			variance[s] *= 4 * v * v
		}
	}
	for s, v := range a.value {
		a.value[s] = v * v
	}
	if !ly.Lazy { // else their sum is rescaled
		a.add(Source{layer, SquareError}, 1)
	}
}

// sum rotates and adds as the evaluation does, and notes the values if there is a profile to note them.
func (a signal) sum(sum Sum, rounding, switching Source, layer int, p *Profile) signal {
	sum.each(func(step, radix int) {
		b := newSignal(len(a.value))
		rotateAdd(b.value, a.value, step, radix)
		for s, variance := range a.variance {
			rotateAdd(b.of(s), variance, step, radix)
		}
		b.add(rounding, 1)
		b.add(switching, float64(radix-1))
		a = b
		if p != nil {
			p.note(layer, a.value)
		}
	})
	return a
}

// rotateAdd sets sum[s] = x[s] + x[s+step] + … of radix terms, cyclically.
func rotateAdd(sum, x []float64, step, radix int) {
	copy(sum, x)
	for k := 1; k < radix; k++ {
		shift := k * step % len(x)
		for s, v := range x[shift:] {
			sum[s] += v
		}
		for s, v := range x[:shift] {
			sum[len(x)-shift+s] += v
		}
	}
}
