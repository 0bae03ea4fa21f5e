package kernels

import (
	"math"
	"slices"
)

// twoPrimes extends from two moduli.
type twoPrimes struct {
	table   [12]uint64
	targets [][6]uint64
	c       []*constants
}

func newVectorExtender(from, to []Ring) extender {
	if v, ok := only[*vector](from, to); ok {
		return newTwoPrimes(v[:2], v[2:])
	}
	if v, ok := only[*floats](from, to); ok {
		return newTwoFloatPrimes(v[:2], v[2:])
	}
	return nil
}

// only gives the rings if they are two and others, all of one implementation.
func only[R Ring](from, to []Ring) (all []R, ok bool) {
	for _, r := range slices.Concat(from, to) {
		v, ok := r.(R)
		if !ok {
			return nil, false
		}
		all = append(all, v)
	}
	return all, len(from) == 2
}

// sourcesOf is an extender that knows what it extends from.
func sourcesOf[R Ring](source []R) *Extender { return &Extender{from: []Ring{source[0], source[1]}} }

func newTwoPrimes(source, target []*vector) *twoPrimes {
	e, t := sourcesOf(source), &twoPrimes{}
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

func newTwoFloatPrimes(source, target []*floats) *twoFloatPrimes {
	e, t := sourcesOf(source), &twoFloatPrimes{}
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
