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
	if _, ok := from[0].(*floats); ok {
		return newFloatExtender(from, to)
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

// twoFloatPrimes is twoPrimes on floats.
type twoFloatPrimes struct {
	table   [6]float64
	targets [][6]float64
	sources [2]*floatConstants
	c       []*floatConstants
}

func newFloatExtender(from, to []Ring) extender {
	var source, target []*floats
	for i, r := range append(append([]Ring{}, from...), to...) {
		v, ok := r.(*floats)
		if !ok {
			return nil
		}
		if i < 2 {
			source = append(source, v)
		} else {
			target = append(target, v)
		}
	}
	e, t := &Extender{from: from}, &twoFloatPrimes{}
	for i, r := range source {
		q := r.Modulus()
		t.table[3*i] = float64(e.halfModulo(q))
		t.table[3*i+1], t.table[3*i+2] = r.factor(Inverse(e.others(i, q), q))
		t.sources[i] = &r.c
	}
	for _, r := range target {
		q := r.Modulus()
		offset := (q - e.halfModulo(q)) % q
		var row [6]float64
		row[0], row[1] = r.factor(e.others(0, q))
		row[2], row[3] = r.factor(e.others(1, q))
		row[4], _ = r.factor(offset)
		row[5], _ = r.factor((offset + q - e.others(-1, q)) % q)
		t.targets, t.c = append(t.targets, row), append(t.c, &r.c)
	}
	return t
}

func (t *twoFloatPrimes) split(s *Split, x [][]uint64) {
	floatSplit(&s.y[0][0], &s.y[1][0], &s.v[0], &x[0][0], &x[1][0], len(x[0]), &t.table[0], &t.sources[0].q[0], &t.sources[1].q[0])
}

func (t *twoFloatPrimes) extend(s *Split, i int, dst []uint64) {
	floatExtend(&dst[0], &s.y[0][0], &s.y[1][0], &s.v[0], len(dst), &t.targets[i][0], &t.c[i].q[0])
}
