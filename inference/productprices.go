package inference

import (
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// streamed is how much memory products go through, so that they are timed as in a model larger than any cache.
const streamed = 64 << 20

// tiles are random, in a row.
func (b *priceBench) tiles(op packing.Op, level, terms int) tiles {
	kept := make([]bool, terms)
	for i := range kept {
		kept[i] = true
	}
	row := newTiles(b.p, &packing.Layer{Level: level, Rotations: []int{0}, Cols: terms}, kept, op == packing.MulCipher)[0]
	for i, s := range row.limbs {
		limb := b.random(0, level).Value[0].Coeffs[i]
		same := slices.Repeat([][]uint64{limb}, s.Width())
		for term := range terms {
			b.p.rings.q[i].Put(s, term, same...)
		}
	}
	return row
}

// products times rows as long as those of the layers to be priced, and as many as there are up to streamed, against rows of one term:
// the difference is what a product costs, the rest belongs to the row.
func (b *priceBench) products(op packing.Op, level int, counts packing.Counts, set func(packing.Op, float64, float64)) {
	degree := 1
	if op == packing.MulCipher {
		degree = 2
	}
	rows := max(1, counts[packing.At{Op: packing.FinishRow, Level: level}])
	terms := max(1, counts[packing.At{Op: op, Level: level}]/rows)
	rows = min(rows, max(1, streamed/(8*degree*terms*(level+1)*b.p.N())))
	time := func(terms int) float64 {
		var all []product
		var x []*rlwe.Ciphertext
		for range terms {
			x = append(x, b.random(1, level))
		}
		for range rows {
			all = append(all, product{b.tiles(op, level, terms), newCiphertext(b.p, degree, level, b.p.DefaultScale())})
		}
		return clock(func() {
			for first := 0; first < rows; first += rowsAtOnce(1) {
				b.w.sumProducts(all[first:min(first+rowsAtOnce(1), rows)], x)
			}
		}) / float64(rows)
	}
	row, one := time(terms), 0.0
	if terms > 1 {
		one = time(1)
	}
	per := max(row-one, 0) / float64(max(terms-1, 1))
	r := b.p.RingQ().AtLevel(level)
	x, y, z := b.random(0, level).Value[0], b.random(0, level).Value[0], b.random(0, level).Value[0]
	floor := clock(func() { r.MulCoeffsMontgomeryLazyThenAddLazy(x, y, z) })
	set(op, max(per, 0), float64(2*degree)*floor)
	set(packing.FinishRow, max(row-per*float64(terms), 0), float64(degree+1)*clock(func() { r.Reduce(z, z) }))
}

// scalars times a layer whose rows have as many weights as those of the layers to be priced, up to a number that shows
// how inputs are shared between rows; half of its weights are negative. The floor is lattigo's product with a scalar,
// added.
func (b *priceBench) scalars(level, length int) (ours, floor float64, err error) {
	const inputs, outputs = 256, 16
	length = min(max(length, 1), inputs)
	x, out, rows := make([]*rlwe.Ciphertext, inputs), make([]*rlwe.Ciphertext, outputs), make([]scalarRow, outputs)
	for i := range x {
		x[i] = b.random(1, level)
	}
	for o := range rows {
		out[o] = hefloat.NewCiphertext(b.p.Parameters, 1, level)
		for k, i := range b.rng.Perm(inputs)[:length] {
			rows[o].Index = append(rows[o].Index, int32(i))
			rows[o].Weights = append(rows[o].Weights, uint32(1+b.rng.IntN(100)))
			if k < length/2 {
				rows[o].Negative++
			}
		}
	}
	ours = b.clockCold(func() { err = scalarLayer(b.p, rows, x, out, b.p.DefaultScale(), 1) }) / float64(length*outputs)
	r := b.p.RingQ().AtLevel(level)
	floor = clock(func() {
		for _, ct := range x {
			for c, v := range ct.Value {
				r.MulScalarThenAdd(v, 77, out[0].Value[c])
			}
		}
	}) / inputs
	return ours, floor, err
}
