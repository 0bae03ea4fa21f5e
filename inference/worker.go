package inference

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/packing"
)

// worker evaluates rows with buffers of its own and counts every operation as it does it.
type worker struct {
	params Parameters
	eval   *hefloat.Evaluator
	counts packing.Counts
}

// accumulate adds the products of a row's kept tiles with their inputs: the inner loop of the engine. Tiles
// are in Montgomery form, and the sums stay unreduced in 64-bit words as long as they fit. It returns nil for
// a row without tiles; the result has degree 2 when the weights are encrypted.
func (w *worker) accumulate(tiles, x []*rlwe.Ciphertext, level int, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	var acc *rlwe.Ciphertext
	ringQ := w.params.RingQ().AtLevel(level)
	limit, terms := lazyTerms(w.params.Q()[:level+1]), 0
	for c, tile := range tiles {
		if tile == nil {
			continue
		}
		if x[c] == nil {
			return nil, fmt.Errorf("tile column %d reads a constant row: the model was not simplified", c)
		}
		if acc == nil {
			acc = hefloat.NewCiphertext(w.params.Parameters, 1+tile.Degree(), level)
			acc.Scale = scale.Mul(w.params.tileScale(level))
		} else {
			w.counts.Add++
		}
		if terms += 1 + tile.Degree(); terms > limit {
			reduce(ringQ, acc)
			terms = 1 + 1 + tile.Degree()
		}
		for i, t := range tile.Value {
			for j, v := range x[c].Value {
				ringQ.MulCoeffsMontgomeryLazyThenAddLazy(v, t, acc.Value[i+j])
			}
		}
		w.countTile(tile)
	}
	if acc != nil {
		reduce(ringQ, acc)
	}
	return acc, nil
}

func (w *worker) countTile(tile *rlwe.Ciphertext) {
	w.counts.TileMul++
	if tile.Degree() == 0 {
		w.counts.CtPtMul++
	} else {
		w.counts.CtCtMul++
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

func reduce(ringQ *ring.Ring, ct *rlwe.Ciphertext) {
	for _, v := range ct.Value {
		ringQ.Reduce(v, v)
	}
}

// relinearize brings a product of ciphertexts back to degree 1, in place. It comes before the rescaling: a
// rescaled degree-2 ciphertext has its rounding error multiplied by the square of the secret, which costs
// about 6 bits.
func (w *worker) relinearize(ct *rlwe.Ciphertext) error {
	w.counts.Relinearize++
	return w.eval.Relinearize(ct, ct)
}

// rescale divides by the modulus of the ciphertext's level. The result is a fresh ciphertext, so that the
// dropped limb's memory goes with the argument.
func (w *worker) rescale(ct *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	w.counts.Rescale++
	out := hefloat.NewCiphertext(w.params.Parameters, ct.Degree(), ct.Level()-1)
	return out, w.eval.Rescale(ct, out)
}

// sum adds Count slots that lie Step apart, in place, by rotations that double, and returns how many.
func (w *worker) sum(ct *rlwe.Ciphertext, sum packing.Sum) (int, error) {
	rotations := sum.Rotations()
	if rotations == 0 {
		return 0, nil
	}
	tmp := hefloat.NewCiphertext(w.params.Parameters, 1, ct.Level())
	for c := 1; c < sum.Count; c *= 2 {
		if err := w.eval.Rotate(ct, sum.Step*c, tmp); err != nil {
			return 0, err
		}
		w.add(ct, tmp)
		w.counts.Rotate++
	}
	return rotations, nil
}

// add adds a ciphertext or, at degree 0, a plaintext of the same level and scale.
func (w *worker) add(acc, x *rlwe.Ciphertext) {
	ringQ := w.params.RingQ().AtLevel(acc.Level())
	for i, v := range x.Value {
		ringQ.Add(acc.Value[i], v, acc.Value[i])
	}
	w.counts.Add++
}

// refill keeps the completed sums of an inner layer and copies them for the next one.
func (w *worker) refill(ct, mask *rlwe.Ciphertext, sum packing.Sum) (*rlwe.Ciphertext, error) {
	ringQ := w.params.RingQ().AtLevel(ct.Level())
	for _, v := range ct.Value {
		ringQ.MulCoeffsMontgomery(v, mask.Value[0], v)
	}
	ct.Scale = ct.Scale.Mul(mask.Scale)
	w.counts.CtPtMul++
	w.counts.MaskMul++
	out, err := w.rescale(ct)
	if err != nil {
		return nil, err
	}
	n, err := w.sum(out, sum)
	w.counts.RefillRotate += n
	return out, err
}

// square multiplies a ciphertext with itself.
func (w *worker) square(ct *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	out := hefloat.NewCiphertext(w.params.Parameters, 2, ct.Level())
	if err := w.eval.Mul(ct, ct, out); err != nil {
		return nil, err
	}
	w.counts.CtCtMul++
	w.counts.SquareMul++
	if err := w.relinearize(out); err != nil {
		return nil, err
	}
	return w.rescale(out)
}
