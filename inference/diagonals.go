package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
)

// diagonals sums a row's products with rotations of inputs, modulo Q·P and before the division by P, which all share. steps names
// the rotations that a column's terms choose from; one by 0 takes the input times P.
func (s *switcher) diagonals(out *rlwe.Ciphertext, x []*rlwe.Ciphertext, steps []int, columns []tiles) error {
	level := out.Level()
	turns := make([]*rotation, len(steps))
	var keys []*switchingKey
	turning := make([]bool, len(columns)) // which columns have a rotation
	for c, col := range columns {
		for _, t := range col.inputs {
			if steps[t] == 0 {
				continue
			}
			r, err := s.rotation(steps[t], level)
			if err != nil {
				return err
			}
			turns[t], turning[c] = r, true
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 {
		s.each(level+1, func(i int, l *lane) { s.stillColumns(out, x, columns, i, l) })
		return nil
	}
	for c, col := range columns {
		if turning[c] {
			s.decomposeAt(c, level, x[col.column].Value[1])
		}
	}
	index := order(s.digitCount(level))
	s.divide(&quotients{
		level: level, out: []*rlwe.Ciphertext{out}, keys: keys,
		digits: func(int, *lane) {},
		sum: func(i, _ int, l *lane, sum *sums) {
			for c, col := range columns {
				if turning[c] {
					s.limbDigits(&s.sources[c], level, i, l)
				}
				s.turnColumn(x[col.column], level, i, l, &col, turns, index)
				if c == 0 {
					s.at(level, i).PlainProducts(&sum.total, &l.rotated, order(len(col.inputs)), col.limbs[i], 0, s.n)
					continue
				}
				s.at(level, i).PlainProducts(&l.product, &l.rotated, order(len(col.inputs)), col.limbs[i], 0, s.n)
				for k := range 2 {
					s.at(level, i).Add(sum.total[k], sum.total[k], l.product[k])
				}
			}
		},
	})
	return nil
}

// turnColumn fills a lane with the rotations of an input that a column's terms read, in limb i.
func (s *switcher) turnColumn(x *rlwe.Ciphertext, level, i int, l *lane, col *tiles, turns []*rotation, index []int32) {
	r := s.at(level, i)
	for len(l.turned) < 2*len(col.inputs) {
		l.turned = append(l.turned, kernels.Aligned(s.n))
	}
	lifted := l.a // P·c0: zero modulo P
	if i <= level {
		r.Scale(lifted, x.Value[0].Coeffs[i], s.special[i])
	}
	l.rotated.Reset()
	for k, t := range col.inputs {
		c0, c1 := l.turned[2*k], l.turned[2*k+1]
		l.rotated.Append(c0)
		l.rotated.Append(c1)
		turn := turns[t]
		switch {
		case turn != nil:
			s.multiply(&l.product, level, i, l, turn.key, index)
			r.Permute(c0, l.product[0], turn.Permutation)
			r.Permute(c1, l.product[1], turn.Permutation)
			if i <= level {
				r.PermuteAdd(c0, c0, lifted, turn.Permutation)
			}
		case i <= level:
			r.Scale(c0, x.Value[0].Coeffs[i], s.special[i])
			r.Scale(c1, x.Value[1].Coeffs[i], s.special[i])
		default:
			clear(c0)
			clear(c1)
		}
	}
}

// stillColumns sums products without rotations.
func (s *switcher) stillColumns(out *rlwe.Ciphertext, x []*rlwe.Ciphertext, columns []tiles, i int, l *lane) {
	r := s.q[i]
	for c, col := range columns {
		l.rotated.Reset()
		for range col.inputs {
			l.rotated.Append(x[col.column].Value[0].Coeffs[i])
			l.rotated.Append(x[col.column].Value[1].Coeffs[i])
		}
		sum := [3][]uint64{out.Value[0].Coeffs[i], out.Value[1].Coeffs[i]}
		if c == 0 {
			r.PlainProducts(&sum, &l.rotated, order(len(col.inputs)), col.limbs[i], 0, s.n)
			continue
		}
		r.PlainProducts(&l.product, &l.rotated, order(len(col.inputs)), col.limbs[i], 0, s.n)
		for k := range 2 {
			r.Add(sum[k], sum[k], l.product[k])
		}
	}
}
