package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// worker evaluates rows with buffers of its own and counts every operation as it does it.
type worker struct {
	params Parameters
	pool   *pool
	*switcher
	counts packing.Counts
}

// diagonalRow is the sum of a row's products where inputs are rotated on the way.
func (w *worker) diagonalRow(ly *packing.Layer, row []tiles, x []*rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	if len(row) == 0 {
		return nil, nil
	}
	rotated := 0
	for _, col := range row {
		turns := 0
		for _, t := range col.inputs {
			if ly.Rotations[t] != 0 {
				turns++
			}
		}
		w.counts.Add(packing.MulPlain, ly.Level, len(col.inputs)-turns)
		w.counts.Add(packing.MulDiagonal, ly.Level, turns)
		w.counts.Add(packing.RotateDiagonal, ly.Level, turns)
		if turns > 0 {
			w.counts.Add(packing.Decompose, ly.Level, 1)
		}
		rotated += turns
	}
	if rotated > 0 {
		w.counts.Add(packing.ModDown, ly.Level, 1)
	}
	w.counts.Add(packing.FinishRow, ly.Level, 1)
	acc := w.pool.get(1, ly.Level, x[row[0].column].Scale)
	return acc, w.diagonals(acc, x, ly.Rotations, row)
}

func clearCiphertext(ct *rlwe.Ciphertext) {
	for _, v := range ct.Value {
		for _, limb := range v.Coeffs {
			clear(limb)
		}
	}
}

// finish relinearises a row's products where weights are encrypted, and rescales them. Relinearisation comes first: a
// rescaled degree-2 ciphertext has its rounding error multiplied by the square of the secret, which costs
// about 6 bits.
func (w *worker) finish(acc *rlwe.Ciphertext, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	level := acc.Level()
	out := w.pool.get(1, level-1, scale)
	if acc.Degree() == 2 {
		w.counts.Add(packing.RelinearizeRescale, level, 1)
		if err := w.relinearize(acc, out, true); err != nil {
			return nil, err
		}
	} else {
		w.counts.Add(packing.Rescale, level, 1)
		w.rescale(acc, out)
	}
	w.pool.put(acc)
	return out, nil
}

// total adds up the slots of a row's products and rescales them, in the order of the layer.
func (w *worker) total(acc *rlwe.Ciphertext, ly *packing.Layer, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	if !ly.SumFirst {
		acc, err := w.finish(acc, scale)
		if err != nil {
			return nil, err
		}
		return acc, w.addUp(acc, ly.Sum, packing.RotateSum)
	}
	acc, err := w.degree1(acc)
	if err != nil {
		return nil, err
	}
	if err := w.addUp(acc, ly.Sum, packing.RotateSum); err != nil {
		return nil, err
	}
	return w.finish(acc, scale)
}

// degree1 relinearises products with encrypted weights, which are given back to the pool.
func (w *worker) degree1(acc *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	if acc.Degree() < 2 {
		return acc, nil
	}
	w.counts.Add(packing.Relinearize, acc.Level(), 1)
	out := w.pool.get(1, acc.Level(), acc.Scale)
	if err := w.relinearize(acc, out, false); err != nil {
		return nil, err
	}
	w.pool.put(acc)
	return out, nil
}

// giants adds up a row's sums, relinearised where weights are encrypted, each rotated by the giant of its tiles.
func (w *worker) giants(ly *packing.Layer, row []tiles, sums rowSum) (*rlwe.Ciphertext, error) {
	level := sums[0].Level()
	for k, sum := range sums {
		linear, err := w.degree1(sum)
		if err != nil {
			return nil, err
		}
		sums[k] = linear
	}
	var steps []int
	rotated := 0
	for _, t := range row {
		step := ly.Giants[t.giant]
		steps = append(steps, step)
		if step != 0 {
			rotated++
		}
	}
	out := w.pool.get(1, level, sums[0].Scale)
	if err := w.rotateEach(sums, steps, out); err != nil {
		return nil, err
	}
	for _, sum := range sums {
		w.pool.put(sum)
	}
	w.counts.Add(packing.Decompose, level, rotated)
	w.counts.Add(packing.RotateSum, level, rotated)
	if rotated > 0 {
		w.counts.Add(packing.ModDown, level, 1)
	}
	return out, nil
}

// addUp sums slots, in place.
func (w *worker) addUp(ct *rlwe.Ciphertext, sum packing.Sum, rotate packing.Op) error {
	step := sum.Step
	for _, radix := range sum.Radices {
		if err := w.sumStage(ct, step, radix); err != nil {
			return err
		}
		step *= radix
	}
	level := ct.Level()
	w.counts.Add(packing.Decompose, level, len(sum.Radices))
	w.counts.Add(rotate, level, sum.Rotations())
	w.counts.Add(packing.ModDown, level, len(sum.Radices))
	return nil
}

// addBias adds a ciphertext or, at degree 0, a plaintext of the same level and scale.
func (w *worker) addBias(acc, bias *rlwe.Ciphertext) {
	w.addTo(acc, bias)
	w.counts.Add(packing.AddBias, acc.Level(), 1)
}

// addTo adds a ciphertext of at least the level of sum.
func (w *worker) addTo(sum, ct *rlwe.Ciphertext) {
	for c, v := range ct.Value {
		for i := range sum.Level() + 1 {
			w.q[i].Add(sum.Value[c].Coeffs[i], sum.Value[c].Coeffs[i], v.Coeffs[i])
		}
	}
}

// refill keeps the completed sums of an inner layer and copies them for the next one.
func (w *worker) refill(ct *rlwe.Ciphertext, mask tiles, sum packing.Sum, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	level := ct.Level()
	w.sumProducts([]productGroup{{[]product{{[]int32{0}, mask.limbs, ct}}, []*rlwe.Ciphertext{ct}}})
	w.counts.Add(packing.MulMask, level, 1)
	out, err := w.finish(ct, scale)
	if err != nil {
		return nil, err
	}
	return out, w.addUp(out, sum, packing.RotateRefill)
}

// squared squares a ciphertext of a layer's outputs, which is given back to the pool, and relinearises it unless the layer leaves that to
// the next.
func (w *worker) squared(ct *rlwe.Ciphertext, ly *packing.Layer, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	product := w.pool.get(2, ct.Level(), scale)
	w.counts.Add(packing.Square, ct.Level(), 1)
	w.square(ct, product)
	if ly.Lazy {
		w.pool.put(ct)
		return product, nil
	}
	w.counts.Add(ly.Relinearizes(), ct.Level(), 1)
	out, err := w.linear(product, ly)
	w.pool.put(ct)
	return out, err
}

// linear relinearises squares of a layer, or sums of them, which are given back to the pool, and rescales them unless that is delayed.
func (w *worker) linear(product *rlwe.Ciphertext, ly *packing.Layer) (*rlwe.Ciphertext, error) {
	level := product.Level()
	if !ly.Delayed {
		level--
	}
	out := w.pool.get(1, level, product.Scale)
	if err := w.relinearize(product, out, !ly.Delayed); err != nil {
		return nil, err
	}
	w.pool.put(product)
	return out, nil
}
