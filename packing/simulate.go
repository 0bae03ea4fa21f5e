package packing

import "math"

// Source is a place where an evaluation adds error. Errors are kept by source, in units of the error that the
// source adds to a slot: what that is depends on parameters, which are chosen once a simulation has shown how
// much each source matters.
type Source struct {
	Layer int
	Kind  SourceKind
}

// SourceKind says what adds an error.
type SourceKind uint8

// The kinds of sources.
const (
	InputError        SourceKind = iota // fresh inputs; of layer 0
	WeightError                         // weights of a layer, times the values that they multiply
	MaskError                           // a mask, times the values that it keeps
	SumError                            // rounding after the products: rescaling, and the ends of key switches
	SumSwitchError                      // key switches of the sum
	RefillError                         // rounding after the mask
	RefillSwitchError                   // key switches of the copies
	SquareError                         // rescaling a square, unless delayed
	DiagonalError                       // key switches of a layer's inputs
)

// Profile is what representative samples show of the values and errors of an evaluation.
type Profile struct {
	Peaks  []float64          // by layer: largest |value| in any slot before the square, garbage included
	Means  []float64          // by layer: largest mean |value| over all slots, where the samples fill them; or nil
	Output float64            // largest |output|
	Errors map[Source]float64 // largest variance of an output, by source
}

// Bound is a bound on the coefficients of what a layer encodes at scale 1, before the square. A coefficient is the mean of
// the slots, each times a complex number of modulus 1.
func (p Profile) Bound(layer int) float64 {
	if p.Means == nil {
		return p.Peaks[layer]
	}
	return p.Means[layer]
}

// Merge takes the larger of both in everything. Errors count in proportion to the outputs that they are added to, so that
// the precision of a batch of small outputs suffices too.
func (p Profile) Merge(q Profile) Profile {
	if p.Peaks == nil {
		return q
	}
	m := Profile{Output: math.Max(p.Output, q.Output), Errors: map[Source]float64{}}
	for i := range p.Peaks {
		m.Peaks = append(m.Peaks, math.Max(p.Peaks[i], q.Peaks[i]))
		if p.Means != nil && q.Means != nil {
			m.Means = append(m.Means, math.Max(p.Means[i], q.Means[i]))
		}
	}
	for _, part := range []Profile{p, q} {
		larger := 1.0
		if part.Output > 0 {
			larger = m.Output / part.Output
		}
		for s, v := range part.Errors {
			m.Errors[s] = math.Max(m.Errors[s], v*larger*larger)
		}
	}
	return m
}

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

// Simulate evaluates the packed network on up to Batch samples slot by slot in float64, with the
// very rotations, masks and sums of the encrypted evaluation. It is the oracle of the layout, and its profile
// tells what the moduli must hold and how large the scales must be.
func (m *Model) Simulate(samples [][]float64) ([][]float64, Profile, error) {
	if m.Kind == Scalar {
		return m.simulateScalar(samples)
	}
	cols, err := m.Input(samples)
	if err != nil {
		return nil, Profile{}, err
	}
	x := make([]signal, len(cols))
	for c, values := range cols {
		x[c] = newSignal(m.Slots)
		x[c].value = values
		x[c].add(Source{0, InputError}, 1)
	}
	p := m.newProfile(len(samples))
	for i := range m.Layers {
		x = m.simulateLayer(i, x, &p)
	}
	return m.readOutputs(x, len(samples), p)
}

// newProfile is of a number of samples: the mean of slots says little if they do not fill the batch.
func (m *Model) newProfile(samples int) Profile {
	p := Profile{Peaks: make([]float64, len(m.Layers)), Errors: map[Source]float64{}}
	if samples == m.Batch {
		p.Means = make([]float64, len(m.Layers))
	}
	return p
}

// readOutputs decodes values and errors of the last layer's rows.
func (m *Model) readOutputs(x []signal, samples int, p Profile) ([][]float64, Profile, error) {
	last := len(m.Layers) - 1
	values := make([][]float64, len(x))
	sources := map[Source]bool{}
	for r, row := range x {
		values[r] = row.value
		if row.value == nil {
			values[r] = m.BiasRow(last, r)
			p.note(last, values[r])
		}
		for s := range row.variance {
			sources[s] = true
		}
	}
	out, err := m.Output(values, samples)
	if err != nil {
		return nil, Profile{}, err
	}
	p.Output = largest(out)
	none := make([]float64, m.Slots)
	for s := range sources {
		rows := make([][]float64, len(x))
		for r, row := range x {
			if rows[r] = row.variance[s]; rows[r] == nil {
				rows[r] = none
			}
		}
		spread, err := m.Output(rows, samples)
		if err != nil {
			return nil, Profile{}, err
		}
		p.Errors[s] = largest(spread)
	}
	return out, p, nil
}

func largest(rows [][]float64) float64 {
	v := 0.0
	for _, row := range rows {
		for _, x := range row {
			v = math.Max(v, math.Abs(x))
		}
	}
	return v
}

// simulateLayer returns one signal per row, an empty one for rows without a kept tile.
func (m *Model) simulateLayer(i int, x []signal, p *Profile) []signal {
	ly := &m.Layers[i]
	out := make([]signal, ly.Rows)
	for r := range out {
		if !m.HasRow(i, r) {
			continue
		}
		acc := newSignal(m.Slots)
		for term, kept := range m.Kept[i][r] {
			if kept {
				col, k := term/len(ly.Rotations), term%len(ly.Rotations)
				acc.addProduct(m.Tile(i, r, term), x[col], ly.Rotations[k], i)
			}
		}
		acc.add(Source{i, SumError}, 1)
		p.note(i, acc.value)
		acc = acc.sum(ly.Sum, Source{i, SumError}, Source{i, SumSwitchError}, i, p)
		for s, v := range m.BiasRow(i, r) {
			acc.value[s] += v
		}
		p.note(i, acc.value)
		if ly.Mask {
			acc.keep(m.MaskRow(i), i)
			acc = acc.sum(ly.Refill, Source{i, RefillError}, Source{i, RefillSwitchError}, i, p)
		}
		if ly.Square {
			acc.square(i)
		}
		out[r] = acc
	}
	return out
}

// addProduct adds the product of a tile with a ciphertext rotated to the left.
func (a signal) addProduct(tile []float64, x signal, rotation, layer int) {
	n := len(tile)
	weight := a.of(Source{layer, WeightError})
	var rotated []float64
	if rotation != 0 {
		rotated = a.of(Source{layer, DiagonalError})
	}
	at := func(s int) int { return ((s+rotation)%n + n) % n }
	for s, w := range tile {
		v := x.value[at(s)]
		a.value[s] += w * v
		weight[s] += v * v
		if rotated != nil {
			rotated[s] += w * w
		}
	}
	for source, variance := range x.variance {
		sum := a.of(source)
		for s, w := range tile {
			if w != 0 {
				sum[s] += w * w * variance[at(s)]
			}
		}
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
func (a signal) square(layer int) {
	for _, variance := range a.variance {
		for s, v := range a.value {
			variance[s] *= 4 * v * v
		}
	}
	for s, v := range a.value {
		a.value[s] = v * v
	}
	a.add(Source{layer, SquareError}, 1)
}

// sum rotates and adds as the evaluation does.
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
		p.note(layer, a.value)
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

// note takes the values of a ciphertext of a layer into account.
func (p *Profile) note(layer int, values []float64) {
	total := 0.0
	for _, v := range values {
		p.Peaks[layer] = math.Max(p.Peaks[layer], math.Abs(v))
		total += math.Abs(v)
	}
	if p.Means != nil {
		p.Means[layer] = math.Max(p.Means[layer], total/float64(len(values)))
	}
}
