package packing

import (
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

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
// filled with the first samples again. Batches of one sample are many and small: they are simulated on all processors. Tiles for more samples
// than there are repeat them, which tells nothing.
func (m *Model) Profile(samples [][]float64, o Outputs) (Profile, error) {
	if m.Kind == Tiles && len(samples) < m.Batch {
		m = m.withBatch(max(1, len(samples)))
	}
	profiles := make([]Profile, ceilDiv(len(samples), m.Batch))
	var group errgroup.Group
	group.SetLimit(1)
	if m.Batch == 1 {
		group.SetLimit(runtime.GOMAXPROCS(0))
	}
	for i := range profiles {
		first := i * m.Batch
		batch := samples[first:min(first+m.Batch, len(samples))]
		for !m.samplesAlone() && len(batch) < m.Batch {
			batch = append(batch[:len(batch):len(batch)], samples[:min(len(samples), m.Batch-len(batch))]...)
		}
		group.Go(func() error {
			r, err := m.simulate(batch)
			if err == nil {
				profiles[i] = r.relativeTo(func(y []float64) float64 { return o.size(largest([][]float64{y})) })
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Profile{}, err
	}
	var profile Profile
	for _, p := range profiles {
		profile = profile.Merge(p)
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
		if m.Kind == OneImage || ly.SumFirst { // where it may be, in this layout or one of another size
			acc.add(Source{i, LateError}, 1)
		}
		acc.addBias(m.BiasRow(i, r))
		p.note(i, acc.value)
		if ly.Mask {
			acc.keep(m.MaskRow(i), i)
			acc = acc.sum(ly.Refill, Source{i, RefillError}, Source{i, RefillSwitchError}, i, p)
		}
		if ly.Square {
			acc.square(i, ly)
		}
		inputs := Source{i + 1, DiagonalError} // of the next layer: nothing is rescaled in between, so sums may be as large as they like
		acc = acc.sum(ly.PoolSum, inputs, inputs, i, nil)
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
		if ly.Giants[g] != 0 {
			sum.rotate(ly.Giants[g]) // the error of a key switch before a rescaling is divided by the modulus
		}
		acc.plus(sum)
	}
	acc.add(Source{i, SumError}, 1)
	return acc
}
