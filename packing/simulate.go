package packing

import (
	"math"
	"slices"
)

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
	FloatError                          // rounding of floats, relative to what is rounded; of all layers under layer 0
)

// Profile is what representative samples show of the values and errors of an evaluation.
type Profile struct {
	Peaks  []float64          // by layer: largest |value| in any slot before the square, garbage included
	Means  []float64          // by layer: largest mean |value| over all slots, where the samples fill them; or nil
	Output float64            // largest |output|
	Errors map[Source]float64 // largest variance of an output, by source, for outputs as large as Output
}

// Bound is a bound on the coefficients of what a layer encodes at scale 1, before the square. A coefficient is the mean of
// the slots, each times a complex number of modulus 1.
func (p Profile) Bound(layer int) float64 {
	if p.Means == nil {
		return p.Peaks[layer]
	}
	return p.Means[layer]
}

// Scale is the profile with the values of each layer multiplied: peaks and means by factors of their own.
func (p Profile) Scale(peaks, means []float64) Profile {
	scale := func(values, by []float64) []float64 {
		var out []float64
		for i, v := range values {
			out = append(out, v*by[i])
		}
		return out
	}
	p.Peaks, p.Means = scale(p.Peaks, peaks), scale(p.Means, means)
	return p
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

// Outputs says how small the largest |output| of a batch may be: precision is relative to it. Samples whose outputs reach no more
// than Small stand for those of Least.
type Outputs struct{ Least, Small float64 }

// size is what the errors of a sample are relative to, by its largest output.
func (o Outputs) size(largest float64) float64 {
	if largest <= o.Small {
		return o.Least
	}
	return math.Max(largest, o.Least)
}

// Simulate evaluates the packed network on up to Batch samples slot by slot in float64, with the
// very rotations, masks and sums of the encrypted evaluation. It is the oracle of the layout, and its profile
// tells what the moduli must hold and how large the scales must be for just this batch.
func (m *Model) Simulate(samples [][]float64) ([][]float64, Profile, error) {
	r, err := m.simulate(samples)
	if err != nil {
		return nil, Profile{}, err
	}
	return r.outputs, r.relativeTo(func([]float64) float64 { return r.profile.Output }), nil
}

// Profile is that of all samples, simulated batch by batch, with errors relative to the outputs of each sample. A last batch is
// filled with the first samples again.
func (m *Model) Profile(samples [][]float64, o Outputs) (Profile, error) {
	var profile Profile
	for first := 0; first < len(samples); first += m.Batch {
		batch := samples[first:min(first+m.Batch, len(samples))]
		for !m.samplesAlone() && len(batch) < m.Batch {
			batch = append(batch[:len(batch):len(batch)], samples[:min(len(samples), m.Batch-len(batch))]...)
		}
		r, err := m.simulate(batch)
		if err != nil {
			return Profile{}, err
		}
		profile = profile.Merge(r.relativeTo(func(y []float64) float64 { return o.size(largest([][]float64{y})) }))
	}
	return profile, nil
}

// simulation is what came out of a batch.
type simulation struct {
	outputs [][]float64
	spread  map[Source][]float64 // by source and sample: the largest variance of an output
	profile Profile              // without errors
}

// relativeTo adds the errors to the profile, in proportion to the size that the outputs of each sample count with. Where all are zero,
// errors count as they are.
func (r *simulation) relativeTo(size func(outputs []float64) float64) Profile {
	p := r.profile
	p.Errors = map[Source]float64{}
	for s, spread := range r.spread {
		for b, v := range spread {
			if size := size(r.outputs[b]); size > 0 && p.Output > 0 {
				v *= p.Output / size * p.Output / size
			}
			p.Errors[s] = math.Max(p.Errors[s], v)
		}
	}
	return p
}

// simulate follows all slots, or where they are samples those of the given ones.
func (m *Model) simulate(samples [][]float64) (*simulation, error) {
	if err := m.checkSamples(samples); err != nil {
		return nil, err
	}
	slots := m.Slots
	if m.samplesAlone() {
		slots = len(samples)
	}
	x := make([]signal, m.Layers[0].Cols)
	for c := range x {
		x[c] = newSignal(slots)
		m.fill(x[c].value, c, samples)
		x[c].add(Source{0, InputError}, 1)
	}
	p := m.newProfile(len(samples))
	for i := range m.Layers {
		if m.Layers[i].Integer {
			x = m.simulateIntegers(i, x, &p)
		} else {
			x = m.simulateLayer(i, x, &p)
		}
	}
	return m.readOutputs(x, len(samples), p)
}

// newProfile is of a number of samples: the mean of slots says little if they do not fill the batch. Where slots are samples, few
// stand for all.
func (m *Model) newProfile(samples int) Profile {
	p := Profile{Peaks: make([]float64, len(m.Layers))}
	if samples == m.Batch || m.samplesAlone() {
		p.Means = make([]float64, len(m.Layers))
	}
	return p
}

// readOutputs decodes values and errors of the last layer's rows.
func (m *Model) readOutputs(x []signal, samples int, p Profile) (*simulation, error) {
	last := len(m.Layers) - 1
	values := make([][]float64, len(x))
	sources := map[Source]bool{}
	for r, row := range x {
		values[r] = row.value
		if row.value == nil {
			values[r] = m.BiasRow(last, r)
			p.note(last, values[r])
		}
		if row.value != nil {
			row.add(floats, floatsOf(row.value))
		}
		for s := range row.variance {
			sources[s] = true
		}
	}
	out, err := m.Output(values, samples)
	if err != nil {
		return nil, err
	}
	p.Output = largest(out)
	r := &simulation{out, map[Source][]float64{}, p}
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
			return nil, err
		}
		for _, v := range spread {
			r.spread[s] = append(r.spread[s], largest([][]float64{v}))
		}
	}
	return r, nil
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

func largest(rows [][]float64) float64 {
	v := 0.0
	for _, row := range rows {
		for _, x := range row {
			v = math.Max(v, math.Abs(x))
		}
	}
	return v
}

// pooled gives the inputs of a layer, sums of what comes where it pools.
func (m *Model) pooled(i int, x []signal) []signal {
	ly := &m.Layers[i]
	if ly.Pools == nil {
		return x
	}
	sums := make([]signal, ly.Ciphertexts())
	for col := range sums {
		for _, from := range ly.Pooled(col) {
			if x[from].value == nil {
				continue // a constant, which no weight reads
			}
			if sums[col].value == nil {
				sums[col] = newSignal(len(x[from].value))
			}
			sums[col].plus(x[from])
		}
		if i > 0 && m.Layers[i-1].Lazy && sums[col].value != nil {
			sums[col].add(Source{i - 1, SquareError}, 1)
		}
	}
	return sums
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

// simulateLayer returns one signal per row, an empty one for rows without a kept tile.
func (m *Model) simulateLayer(i int, x []signal, p *Profile) []signal {
	ly := &m.Layers[i]
	x = m.pooled(i, x)
	out := make([]signal, ly.Rows)
	for r := range out {
		if !m.HasRow(i, r) {
			continue
		}
		acc := m.products(i, r, x)
		p.note(i, acc.value)
		acc = acc.sum(ly.Sum, Source{i, SumError}, Source{i, SumSwitchError}, i, p)
		acc.addBias(m.BiasRow(i, r))
		p.note(i, acc.value)
		if ly.Mask {
			acc.keep(m.MaskRow(i), i)
			acc = acc.sum(ly.Refill, Source{i, RefillError}, Source{i, RefillSwitchError}, i, p)
		}
		if ly.Square {
			acc.square(i, ly)
		}
		out[r] = acc
	}
	return out
}

// products sums those of a row, giant by giant.
func (m *Model) products(i, r int, x []signal) signal {
	ly := &m.Layers[i]
	sums := make([]signal, ly.sums())
	for term, kept := range m.Kept[i][ly.Group(r)] {
		in := ly.Read(r, term)
		if !kept || in == Outside {
			continue
		}
		g := ly.Giant(term)
		if sums[g].value == nil {
			sums[g] = newSignal(m.Slots)
		}
		col, k := ly.Input(in)
		sums[g].addProduct(m.Tile(i, ly.Group(r), term), x[col], ly.Rotations[k], i)
	}
	if ly.Giants == nil {
		if sums[0].value == nil {
			sums[0] = newSignal(m.Slots)
		}
		sums[0].add(Source{i, SumError}, 1)
		return sums[0]
	}
	acc := newSignal(m.Slots)
	for g, sum := range sums {
		if sum.value == nil {
			continue
		}
		sum.add(Source{i, SumError}, 1)
		if ly.Giants[g] != 0 {
			sum.rotate(ly.Giants[g])
			sum.add(Source{i, SumSwitchError}, 1)
		}
		acc.plus(sum)
	}
	acc.add(Source{i, SumError}, 1) // the division that rotations share
	return acc
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
	weight, float := a.of(Source{layer, WeightError}), a.of(floats)
	var rotated []float64
	if rotation != 0 {
		rotated = a.of(Source{layer, DiagonalError})
	}
	at := func(s int) int { return ((s+rotation)%n + n) % n }
	for s, w := range tile {
		v := x.value[at(s)]
		a.value[s] += w * v
		weight[s] += v * v
		float[s] += w * w * v * v
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
