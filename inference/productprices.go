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
func (b *priceBench) tiles(op packing.Op, level int, kept []bool) tiles {
	row := newTiles(b.p, &packing.Layer{Level: level, Rotations: []int{0}, Cols: len(kept)}, kept, op == packing.MulCipher)[0]
	for i, s := range row.limbs {
		limb := b.random(0, level).Value[0].Coeffs[i]
		same := slices.Repeat([][]uint64{limb}, s.Width())
		for term := range s.Terms() {
			b.p.rings.q[i].Put(s, term, same...)
		}
	}
	return row
}

// pricedInputs is how many inputs products are timed with.
const pricedInputs = 64

// products times a group of rows that all read every input, one whose rows read different ones, and one of one term a row: what
// differs between them is what a product and an input cost; the rest belongs to the row. Enough groups follow each other for
// tiles and inputs to come from memory, as they do in an evaluation.
func (b *priceBench) products(op packing.Op, level int, set func(packing.Op, float64, float64)) {
	const rows, inputs = packing.RowsAtOnce, pricedInputs
	all := b.rows(op, level, func(int, int) bool { return true })
	apart := b.rows(op, level, func(r, in int) bool { return in%rows == r })
	bare := b.rows(op, level, func(_, in int) bool { return in == 0 })
	perProduct := max(all-apart, 0) / ((rows - 1) * inputs)
	perRow := max(bare-rows*perProduct, 0) / rows
	perInput := max(apart-inputs*perProduct-rows*perRow, 0) / inputs

	degree := 1
	if op == packing.MulCipher {
		degree = 2
	}
	r := b.p.RingQ().AtLevel(level)
	x, y, z := b.random(0, level).Value[0], b.random(0, level).Value[0], b.random(0, level).Value[0]
	floor := clock(func() { r.MulCoeffsMontgomeryLazyThenAddLazy(x, y, z) })
	set(op, perProduct, float64(2*degree)*floor)
	set(packing.ReadInput, perInput, 0)
	set(packing.FinishRow, perRow, float64(degree+1)*clock(func() { r.Reduce(z, z) }))
}

// rows times a group of rows that have a tile for the inputs that reads tells.
func (b *priceBench) rows(op packing.Op, level int, reads func(row, in int) bool) float64 {
	degree := 1
	if op == packing.MulCipher {
		degree = 2
	}
	bytes, group := 0, func() (g []product) {
		for r := range packing.RowsAtOnce {
			kept := make([]bool, pricedInputs)
			for in := range kept {
				kept[in] = reads(r, in)
			}
			g = append(g, product{b.tiles(op, level, kept), newCiphertext(b.p, degree, level, b.p.DefaultScale())})
		}
		return g
	}
	var groups [][]product
	var inputs [][]*rlwe.Ciphertext
	for bytes < streamed {
		x := make([]*rlwe.Ciphertext, pricedInputs)
		for in := range x {
			x[in] = b.random(1, level)
		}
		g := group()
		for _, row := range g {
			bytes += len(row.terms) * degree * 8 * (level + 1) * b.p.N()
		}
		bytes += inputsRead(g, len(x)) * 16 * (level + 1) * b.p.N()
		groups, inputs = append(groups, g), append(inputs, x)
	}
	return clock(func() {
		for i, g := range groups {
			b.w.sumProducts([][]product{g}, inputs[i])
		}
	}) / float64(len(groups))
}

// scalars times layers whose rows have weights for all inputs, and for few: what differs is what a weight costs, the rest belongs
// to the inputs. Half of the weights are negative. The floor is lattigo's product with a scalar, added.
func (b *priceBench) scalars(level int, set func(packing.Op, float64, float64)) (err error) {
	const inputs, outputs, few = 256, 16, 16
	x, out, rows := make([]*rlwe.Ciphertext, inputs), make([]*rlwe.Ciphertext, outputs), make([]scalarRow, outputs)
	for i := range x {
		x[i] = b.random(1, level)
	}
	time := func(length int) float64 {
		for o := range rows {
			out[o] = hefloat.NewCiphertext(b.p.Parameters, 1, level)
			rows[o] = scalarRow{}
			for k, i := range b.rng.Perm(inputs)[:length] {
				rows[o].Index = append(rows[o].Index, int32(i))
				rows[o].Weights = append(rows[o].Weights, uint32(1+b.rng.IntN(100)))
				if k < length/2 {
					rows[o].Negative++
				}
			}
		}
		for k := range few * outputs { // every input is read
			rows[k/few].Index[k%few] = int32(k)
		}
		return b.clockCold(func() {
			if e := scalarLayer(b.p, rows, x, out, b.p.DefaultScale(), 1); e != nil {
				err = e
			}
		})
	}
	every, some := time(inputs), time(few)
	perWeight := max(every-some, 0) / ((inputs - few) * outputs)
	r := b.p.RingQ().AtLevel(level)
	floor := clock(func() {
		for _, ct := range x {
			for c, v := range ct.Value {
				r.MulScalarThenAdd(v, 77, out[0].Value[c])
			}
		}
	}) / inputs
	set(packing.MulScalar, perWeight, floor)
	set(packing.ArrangeInput, max(some-few*outputs*perWeight, 0)/inputs, 0)
	return err
}
