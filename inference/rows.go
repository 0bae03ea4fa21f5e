package inference

import (
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// rowSum is the sum of a row's products: one for each giant that has a tile, or one; nothing if there is no product, or none yet.
type rowSum []*rlwe.Ciphertext

// rows computes the rows of a step: sums of products, which are then brought to their ends one by one. Rows without a tile
// are nil: nothing reads hidden ones, and outputs are their bias.
func (s *Server) rows(i int, step packing.Step, x []*rlwe.Ciphertext, workers []*worker) ([]*rlwe.Ciphertext, error) {
	rows, sums, sum, finish := make([]*rlwe.Ciphertext, step.Last-step.First), make([]rowSum, step.Last-step.First), s.rowSums, s.row
	if s.layout.Layers[i].Integer {
		sum, finish = s.scalarSums, s.scalarRow
	}
	if err := sum(i, step.First, x, sums, workers); err != nil {
		return nil, err
	}
	return rows, split(workers, len(rows), func(w *worker, r int) (err error) {
		rows[r], err = finish(w, i, step.First+r, x, sums[r])
		return err
	})
}

// split does pieces of work on all workers.
func split(workers []*worker, n int, do func(w *worker, k int) error) error {
	free := make(chan *worker, len(workers))
	for _, w := range workers {
		free <- w
	}
	return parallel(len(workers), n, func() func(int) error {
		w := <-free
		return func(k int) error { return do(w, k) }
	})
}

// rowSums sums the products of some rows, all but those that rotate inputs on the way. Rows without a kept tile stay nil.
func (s *Server) rowSums(i, first int, x []*rlwe.Ciphertext, rows []rowSum, workers []*worker) error {
	ly := &s.layout.Layers[i]
	if ly.Diagonals(s.model.Encrypted) {
		return nil
	}
	var groups []productGroup
	for start, n := 0, ly.RowsTogether(); start < len(rows); start += n {
		if group := s.productGroup(i, first+start, x, rows[start:min(start+n, len(rows))], workers[0].counts); len(group.rows) > 0 {
			groups = append(groups, group)
		}
	}
	if len(workers) == 1 {
		workers[0].sumProducts(groups)
		return nil
	}
	return sumProductsAtOnce(s.params, groups, len(workers))
}

// productGroup is the products of rows that are summed together, those with the same tiles one after the other, and counts them.
func (s *Server) productGroup(i, first int, x []*rlwe.Ciphertext, rows []rowSum, counts packing.Counts) (group productGroup) {
	ly := &s.layout.Layers[i]
	degree, op := 1, packing.MulPlain
	if s.model.Encrypted {
		degree, op = 2, packing.MulCipher
	}
	in := newGathering(x)
	groups := min(len(rows), ly.Groups())
	for g := range groups {
		for r := g; r < len(rows); r += groups {
			for _, t := range s.model.layers[i].groups[ly.Group(first+r)] {
				sum := s.pool.get(degree, ly.Level, s.scales[i].input)
				rows[r] = append(rows[r], sum)
				index, products := in.of(ly, first+r, t.terms)
				group.rows = append(group.rows, product{index, t.limbs, sum})
				counts.Add(op, ly.Level, products)
				counts.Add(packing.FinishRow, ly.Level, 1)
			}
		}
	}
	group.x = in.x
	counts.Add(packing.ReadInput, ly.Level, len(in.x))
	return group
}

// rotatedInputs gives the ciphertext of each input: as it came, or its rotations where rows share them.
func (s *Server) rotatedInputs(i int, x []*rlwe.Ciphertext, w *worker) ([]*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	if !ly.Rotates(s.model.Encrypted) {
		return x, nil
	}
	n := len(ly.Rotations)
	inputs := make([]*rlwe.Ciphertext, ly.Inputs())
	for col, ct := range x {
		var steps []int
		var outs []*rlwe.Ciphertext
		for k, step := range ly.Rotations {
			switch {
			case step == 0:
				inputs[col*n+k] = ct
			case ct != nil && s.reads(i, col*n+k):
				out := s.pool.get(1, ct.Level(), ct.Scale)
				inputs[col*n+k] = out
				steps, outs = append(steps, step), append(outs, out)
			}
		}
		if len(steps) == 0 {
			continue
		}
		if err := w.rotateInto(ct, steps, outs); err != nil {
			return nil, err
		}
		w.counts.Add(packing.Decompose, ly.Level, 1)
		w.counts.Add(packing.RotateInput, ly.Level, len(steps))
		w.counts.Add(packing.ModDown, ly.Level, len(steps))
	}
	return inputs, nil
}

// reads tells whether any row has a tile for an input.
func (s *Server) reads(i, input int) bool {
	return slices.ContainsFunc(s.model.layers[i].groups, func(row []tiles) bool {
		return slices.ContainsFunc(row, func(t tiles) bool { return slices.Contains(t.inputs, int32(input)) })
	})
}

func (s *Server) recycleRotated(ly *packing.Layer, inputs []*rlwe.Ciphertext) {
	for input, ct := range inputs {
		if _, k := ly.Input(input); ct != nil && ly.Rotations[k] != 0 {
			s.pool.put(ct)
		}
	}
}

// row brings one row of tiles, the group of outputs that share a ciphertext, from the sum of its products to its end.
func (s *Server) row(w *worker, i, r int, x []*rlwe.Ciphertext, sums rowSum) (*rlwe.Ciphertext, error) {
	ly, model, sc := &s.layout.Layers[i], &s.model.layers[i], s.scales[i]
	if ly.Diagonals(s.model.Encrypted) {
		acc, err := w.diagonalRow(ly, model.groups[r], x)
		if err != nil {
			return nil, err
		}
		if acc != nil {
			sums = rowSum{acc}
		}
	}
	if len(sums) == 0 {
		return nil, nil
	}
	acc := sums[0]
	if ly.Giants != nil {
		var err error
		if acc, err = w.giants(ly, model.groups[ly.Group(r)], sums); err != nil {
			return nil, err
		}
	}
	acc, err := w.total(acc, ly, sc.sum)
	if err != nil {
		return nil, err
	}
	w.addBias(acc, model.bias[r])
	if ly.Mask {
		var err error
		if acc, err = w.refill(acc, s.masks[i], ly.Refill, sc.square); err != nil {
			return nil, err
		}
	}
	if ly.Square {
		var err error
		if acc, err = w.squared(acc, ly, sc.output); err != nil {
			return nil, err
		}
	}
	return acc, w.addUp(acc, ly.PoolSum, packing.RotateSum)
}

// constant makes a ciphertext of a bias alone, for output rows all of whose tiles are pruned.
func (s *Server) constant(bias *rlwe.Ciphertext) *rlwe.Ciphertext {
	ct := s.pool.get(1, bias.Level(), bias.Scale)
	clearCiphertext(ct)
	for i, v := range bias.Value {
		ct.Value[i].CopyLvl(bias.Level(), v)
	}
	return ct
}
