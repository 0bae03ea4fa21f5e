package inference

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"hepex/packing"
)

// worker evaluates rows with buffers of its own and counts every operation as it does it.
type worker struct {
	params Parameters
	pool   *pool
	*switcher
	counts packing.Counts
}

// accumulate adds the products of a row's kept tiles with their inputs: the inner loop of the engine. Tiles
// are in Montgomery form, and the sums stay unreduced in 64-bit words as long as they fit. It returns nil for
// a row without tiles; the result has degree 2 when the weights are encrypted.
func (w *worker) accumulate(tiles, x []*rlwe.Ciphertext, level int) (*rlwe.Ciphertext, error) {
	var acc *rlwe.Ciphertext
	kept := 0
	for c, tile := range tiles {
		if tile == nil {
			continue
		}
		if x[c] == nil {
			return nil, fmt.Errorf("tile column %d reads a constant row: the model was not simplified", c)
		}
		if acc == nil {
			acc = w.pool.get(1+tile.Degree(), level, tile.Scale)
		}
		kept++
	}
	if acc == nil {
		return nil, nil
	}
	limit := lazyTerms(w.params.Q()[:level+1])
	w.limbs(level+1, func(i int, _ *lane) {
		sumProducts(w.params.RingQ().SubRings[i], tiles, x, acc, i, limit)
	})
	op := packing.MulPlain
	if acc.Degree() == 2 {
		op = packing.MulCipher
	}
	w.counts.Add(op, level, kept)
	w.counts.Add(packing.FinishRow, level, 1)
	return acc, nil
}

// sumProducts is one limb of the sum of a row's products.
func sumProducts(r *ring.SubRing, tiles, x []*rlwe.Ciphertext, acc *rlwe.Ciphertext, limb, limit int) {
	terms := 0
	for c, tile := range tiles {
		if tile == nil {
			continue
		}
		if terms == 0 {
			firstProduct(r, tile, x[c], acc, limb)
			terms = 1 + tile.Degree()
			continue
		}
		if terms += 1 + tile.Degree(); terms > limit {
			reduceLimb(r, acc, limb)
			terms = 1 + 1 + tile.Degree()
		}
		for i, t := range tile.Value {
			for j, v := range x[c].Value {
				r.MulCoeffsMontgomeryLazyThenAddLazy(v.Coeffs[limb], t.Coeffs[limb], acc.Value[i+j].Coeffs[limb])
			}
		}
	}
	reduceLimb(r, acc, limb)
}

// firstProduct writes a product over whatever the sum held.
func firstProduct(r *ring.SubRing, tile, x, acc *rlwe.Ciphertext, limb int) {
	for i, t := range tile.Value {
		for j, v := range x.Value {
			a := acc.Value[i+j].Coeffs[limb]
			if i == 1 && j == 0 { // the middle polynomial has its first term already
				r.MulCoeffsMontgomeryLazyThenAddLazy(v.Coeffs[limb], t.Coeffs[limb], a)
			} else {
				r.MulCoeffsMontgomeryLazy(v.Coeffs[limb], t.Coeffs[limb], a)
			}
		}
	}
}

func reduceLimb(r *ring.SubRing, ct *rlwe.Ciphertext, limb int) {
	for _, v := range ct.Value {
		r.Reduce(v.Coeffs[limb], v.Coeffs[limb])
	}
}

// lazyTerms is how many products, each below 2q, a 64-bit word holds for the largest of the moduli.
func lazyTerms(moduli []uint64) int {
	n := ^uint64(0)
	for _, q := range moduli {
		n = min(n, ^uint64(0)/(2*q))
	}
	return int(min(n, 1<<30))
}

// diagonalRow is the sum of a row's products where inputs are rotated on the way.
func (w *worker) diagonalRow(ly *packing.Layer, weights []ringqp.Poly, x []*rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	n := len(ly.Rotations)
	var acc *rlwe.Ciphertext
	for col := range ly.Cols {
		terms := weights[col*n : (col+1)*n]
		still, rotated := 0, 0
		for k, t := range terms {
			switch {
			case t.Q.Coeffs == nil:
			case ly.Rotations[k] == 0:
				still++
			default:
				rotated++
			}
		}
		if still+rotated == 0 {
			continue
		}
		if x[col] == nil {
			return nil, fmt.Errorf("tile column %d reads a constant row: the model was not simplified", col)
		}
		if acc == nil {
			acc = w.pool.get(1, ly.Level, x[col].Scale)
			clearCiphertext(acc)
		}
		if err := w.diagonals(acc, x[col], ly.Rotations, terms); err != nil {
			return nil, err
		}
		w.counts.Add(packing.MulPlain, ly.Level, still)
		w.counts.Add(packing.MulDiagonal, ly.Level, rotated)
		w.counts.Add(packing.RotateDiagonal, ly.Level, rotated)
		if rotated > 0 {
			w.counts.Add(packing.Decompose, ly.Level, 1)
			w.counts.Add(packing.ModDown, ly.Level, 1)
		}
	}
	if acc != nil {
		w.counts.Add(packing.FinishRow, ly.Level, 1)
	}
	return acc, nil
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
	ringQ := w.params.RingQ().AtLevel(acc.Level())
	for i, v := range bias.Value {
		ringQ.Add(acc.Value[i], v, acc.Value[i])
	}
	w.counts.Add(packing.AddBias, acc.Level(), 1)
}

// refill keeps the completed sums of an inner layer and copies them for the next one.
func (w *worker) refill(ct, mask *rlwe.Ciphertext, sum packing.Sum, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	level := ct.Level()
	ringQ := w.params.RingQ().AtLevel(level)
	for _, v := range ct.Value {
		ringQ.MulCoeffsMontgomery(v, mask.Value[0], v)
	}
	w.counts.Add(packing.MulMask, level, 1)
	out, err := w.finish(ct, scale)
	if err != nil {
		return nil, err
	}
	return out, w.addUp(out, sum, packing.RotateRefill)
}

// squared squares a ciphertext, which is given back to the pool, and rescales it unless that is delayed.
func (w *worker) squared(ct *rlwe.Ciphertext, delayed bool, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	level := ct.Level()
	product := w.pool.get(2, level, scale)
	var out *rlwe.Ciphertext
	if delayed {
		out = w.pool.get(1, level, scale)
		w.counts.Add(packing.Relinearize, level, 1)
	} else {
		out = w.pool.get(1, level-1, scale)
		w.counts.Add(packing.RelinearizeRescale, level, 1)
	}
	w.counts.Add(packing.Square, level, 1)
	if err := w.square(ct, product, out, !delayed); err != nil {
		return nil, err
	}
	w.pool.put(product)
	w.pool.put(ct)
	return out, nil
}
