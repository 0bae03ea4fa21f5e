package kernels

import "math"

// twoPrimes extends from two moduli.
type twoPrimes struct {
	table   [12]uint64
	targets [][6]uint64
	c       []*constants
}

func newVectorExtender(from, to []Ring) extender {
	if len(from) != 2 {
		return nil
	}
	var source, target []*vector
	for i, r := range append(append([]Ring{}, from...), to...) {
		v, ok := r.(*vector)
		if !ok {
			return nil
		}
		if i < 2 {
			source = append(source, v)
		} else {
			target = append(target, v)
		}
	}
	e, t := &Extender{from: from}, &twoPrimes{}
	for i, r := range source {
		f := r.Factor(Inverse(e.others(i, r.c.q), r.c.q))
		copy(t.table[6*i:], []uint64{e.halfModulo(r.c.q), f.w, f.quotient, r.c.q, r.c.negQ, math.Float64bits(1 / float64(r.c.q))})
	}
	for _, r := range target {
		q := r.c.q
		a, b := r.Factor(e.others(0, q)), r.Factor(e.others(1, q))
		offset := (q - e.halfModulo(q)) % q
		t.targets = append(t.targets, [6]uint64{a.w, a.quotient, b.w, b.quotient, offset, (offset + q - e.others(-1, q)) % q})
		t.c = append(t.c, &r.c)
	}
	return t
}

func (t *twoPrimes) split(s *Split, x [][]uint64) {
	split(&s.y[0][0], &s.y[1][0], &s.v[0], &x[0][0], &x[1][0], len(x[0]), &t.table[0], &t.c[0].q)
}

func (t *twoPrimes) extend(s *Split, i int, dst []uint64) {
	extend(&dst[0], &s.y[0][0], &s.y[1][0], &s.v[0], len(dst), &t.targets[i][0], &t.c[i].q)
}
