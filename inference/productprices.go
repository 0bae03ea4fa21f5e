package inference

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

// products prices the products of all levels, of integers and tiles, the highest level first.
func (b *priceBench) products(w Work, out *Priced) {
	nominal := b.p.Literal.arithmetic().Nominal()
	rates := map[Case]float64{}
	ats := slices.SortedFunc(maps.Keys(w.Counts), func(x, y packing.At) int { return cmp.Or(y.Level-x.Level, int(x.Op)-int(y.Op)) })
	for _, at := range ats {
		c := w.of(at)
		if c.Level != anyLevel {
			continue
		}
		if _, ok := rates[c]; !ok {
			set := func(op packing.Op, seconds float64) {
				of := c
				of.Op = op
				rates[of] = seconds / nominal(op, at.Level)
			}
			if c.Scene.Integer {
				b.scalars(at.Level, c.Scene, set)
			} else {
				b.tiles(at.Level, c.Scene, set)
			}
		}
		if rate, ok := rates[c]; ok {
			out.Ours[at], out.Floor[at] = rate*nominal(at.Op, at.Level), b.productFloor(at)
		}
	}
}

// productFloor is what lattigo's calls take.
func (b *priceBench) productFloor(at packing.At) float64 {
	r := b.p.RingQ().AtLevel(at.Level)
	x, y, z := b.random(0, at.Level).Value[0], b.random(0, at.Level).Value[0], b.random(0, at.Level).Value[0]
	switch at.Op {
	case packing.MulPlain:
		return 2 * clock(func() { r.MulCoeffsMontgomeryLazyThenAddLazy(x, y, z) })
	case packing.MulCipher:
		return 4 * clock(func() { r.MulCoeffsMontgomeryLazyThenAddLazy(x, y, z) })
	case packing.MulScalar:
		return 2 * clock(func() { r.MulScalarThenAdd(x, 77, z) })
	case packing.FinishRow:
		return 2 * clock(func() { r.Reduce(z, z) })
	}
	return 0
}

// tiles prices what sums of products with tiles consist of, in a limb as most are. Groups of rows that all read every input are
// timed, and groups whose rows read different ones: what differs between them is what a product and an input cost. So
// many groups follow each other that tiles and inputs come from where they come from in an evaluation: shared tiles from caches.
func (b *priceBench) tiles(level int, scene Scene, set func(packing.Op, float64)) {
	const rows = packing.RowsAtOnce
	limb := commonLimb(level)
	inputs := float64(scene.Inputs)
	all := b.rows(limb, scene, func(int, int) bool { return true })
	apart := b.rows(limb, scene, func(row, in int) bool { return in%rows == row })
	product := max(all-apart, 0) / ((rows - 1) * inputs)
	row := b.rowEnd(limb, scene)
	input := max(apart-inputs*product-rows*row, 0) / inputs

	set = b.inProportion(limb, level, set)
	op := packing.MulPlain
	if scene.Encrypted {
		op = packing.MulCipher
	}
	set(op, product)
	set(packing.ReadInput, input)
	set(packing.FinishRow, row)
}

// commonLimb is one as most are at a level: the first modulus may be larger than the others.
func commonLimb(level int) int { return min(level, 1) }

// inProportion sets prices of a level from those of one limb.
func (b *priceBench) inProportion(limb, level int, set func(packing.Op, float64)) func(packing.Op, float64) {
	whole := b.p.Literal.arithmetic()
	one := whole
	one.LogQ = whole.LogQ[limb : limb+1]
	ofLimb, ofLevel := one.Nominal(), whole.Nominal()
	return func(op packing.Op, seconds float64) { set(op, seconds*ofLevel(op, level)/ofLimb(op, 0)) }
}

// newRow is a row of random tiles in one limb, which becomes its first.
func (b *priceBench) newRow(limb int, scene Scene, inputs []int32) product {
	degree, width := 1, 1
	if scene.Encrypted {
		degree, width = 2, 2
	}
	r := b.p.rings.q[limb]
	bytes := kernels.StreamBytes(b.p.N(), len(inputs), width, r.Modulus())
	s := r.NewStream(kernels.NewArena(bytes, 1), len(inputs), width)
	content := slices.Repeat([][]uint64{b.limb(limb)}, width*putTerms)
	for term := 0; term < len(inputs); term += putTerms {
		r.Put(s, term, content[:width*min(putTerms, len(inputs)-term)]...)
	}
	return product{inputs, []*kernels.Stream{s}, newCiphertext(b.p, degree, 0, b.p.DefaultScale())}
}

// limb is a random polynomial.
func (b *priceBench) limb(i int) []uint64 {
	x, q := make([]uint64, b.p.N()), b.p.Q()[i]
	for k := range x {
		x[k] = b.rng.Uint64N(q)
	}
	return x
}

// rows times a group of rows that have a tile for the inputs that reads tells, as one of many.
func (b *priceBench) rows(limb int, scene Scene, reads func(row, in int) bool) float64 {
	type work struct {
		group  productGroup
		inputs kernels.Inputs
		size   int
	}
	var all []work
	content := b.limb(limb)
	for bytes := 0; bytes < scene.MiB<<20; {
		w := work{}
		for range scene.Inputs {
			ct := newCiphertext(b.p, 1, 0, b.p.DefaultScale())
			w.group.x = append(w.group.x, ct)
			for _, v := range ct.Value {
				copy(v.Coeffs[0], content)
				w.inputs.Append(v.Coeffs[0])
				bytes += 8 * b.p.N()
			}
		}
		for row := range packing.RowsAtOnce {
			var terms []int32
			for in := range scene.Inputs {
				if reads(row, in) {
					terms = append(terms, int32(in))
				}
			}
			if first := row - row%scene.Shared; first < row {
				first := w.group.rows[first]
				w.group.rows = append(w.group.rows, product{terms, first.limbs, newCiphertext(b.p, first.out.Degree(), 0, b.p.DefaultScale())})
				continue
			}
			w.group.rows = append(w.group.rows, b.newRow(limb, scene, terms))
			bytes += int(w.group.rows[row].limbs[0].Bytes())
		}
		w.size = blockSize(b.p.N(), w.group)
		all = append(all, w)
	}
	return typical(b.turns(len(all), func(i int) {
		w := &all[i]
		for start := 0; start < b.p.N(); start += w.size {
			for _, row := range w.group.rows {
				row.sum(b.p.rings.q[limb], &w.inputs, 0, start, start+w.size)
			}
		}
	}))
}

// turns times pieces of work that take turns, and sorts the times.
func (b *priceBench) turns(n int, f func(i int)) []float64 {
	for i := range n {
		f(i)
	}
	var times []float64
	for total := time.Duration(0); len(times) < minTurns*n || total < minTime; {
		for i := range n {
			start := processorTime()
			f(i)
			d := processorTime() - start
			times = append(times, d.Seconds())
			total += d
		}
	}
	slices.Sort(times)
	return times
}

// minTurns is how often each piece is timed at least.
const minTurns = 3

// rowEnd is what a row takes beside its products: one of two terms takes a product more than one of one.
func (b *priceBench) rowEnd(limb int, scene Scene) float64 {
	var inputs kernels.Inputs
	inputs.Append(b.limb(limb))
	inputs.Append(b.limb(limb))
	var times [2]float64
	for k, terms := range [][]int32{{0}, {0, 0}} {
		row := b.newRow(limb, scene, terms)
		times[k] = clock(func() { row.sum(b.p.rings.q[limb], &inputs, 0, 0, b.p.N()) })
	}
	return max(2*times[0]-times[1], 0)
}

// scalars times the arrangement of inputs that come from memory, and sums of them, in a limb as most are: rows with weights for all
// inputs, and more rows with few. What differs is what a weight costs, and what a row costs, whose output goes to memory: few weights hide behind it.
func (b *priceBench) scalars(level int, scene Scene, set func(packing.Op, float64)) {
	const rows, more = 64, 256
	inputs, limb := scene.Inputs, commonLimb(level)
	set = b.inProportion(limb, level, set)
	x, out, block := b.alike(inputs, limb), b.alike(more, limb), newBlock(b.p, inputs)
	tasks := slices.DeleteFunc(scalarTasks(b.p, limb, inputs), func(t scalarTask) bool { return t.limb != limb })
	cold := func(f func(r kernels.Ring, t *scalarTask)) float64 {
		return b.clockCold(scene.MiB, func() {
			for i := range tasks {
				f(b.p.rings.q[tasks[i].limb], &tasks[i])
			}
		}, func() {})
	}
	sums := func(n, length int) (seconds, weights float64) {
		layer, biases := b.scalarRows(n, length, inputs), slices.Repeat([][]uint64{make([]uint64, limb+1)}, n)
		return cold(func(r kernels.Ring, t *scalarTask) { t.sum(r, layer, inputs, out, biases, block) }), float64(n * length)
	}
	set(packing.ArrangeInput, cold(func(r kernels.Ring, t *scalarTask) { t.arrange(r, x, block) })/float64(inputs)) // first, as it fills the block
	long, all := sums(rows, inputs)
	short, few := sums(more, (inputs+more-1)/more)
	weight := max(more*long-rows*short, 0) / (more*all - rows*few) // long = all·weight + rows·row, short = few·weight + more·row
	set(packing.MulScalar, weight)
	set(packing.FinishRow, max(short-few*weight, 0)/more)
}

// alike is ciphertexts of the same random content. They are repeated when there are as many as caches can have nothing left of.
func (b *priceBench) alike(n, level int) []*rlwe.Ciphertext {
	all, content := make([]*rlwe.Ciphertext, n), b.random(1, level)
	distinct := max(1, int(mostSweep<<20/ciphertextBytes(b.p.Literal, level)))
	for i := range all {
		if i >= distinct {
			all[i] = all[i-distinct]
			continue
		}
		all[i] = newCiphertext(b.p, 1, level, b.p.DefaultScale())
		for c, v := range all[i].Value {
			v.CopyLvl(level, content.Value[c])
		}
	}
	return all
}

// scalarRows is rows of random weights for random inputs, half of them negative.
func (b *priceBench) scalarRows(n, length, inputs int) []scalarRow {
	rows := make([]scalarRow, n)
	for o := range rows {
		for k, i := range b.rng.Perm(inputs)[:length] {
			rows[o].Index = append(rows[o].Index, int32(i))
			rows[o].Weights = append(rows[o].Weights, uint32(1+b.rng.IntN(100)))
			if k < length/2 {
				rows[o].Negative++
			}
		}
	}
	return rows
}
