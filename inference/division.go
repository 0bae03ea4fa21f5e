package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
)

// division has the buffers of divisions by P.
type division struct {
	sums []sums
	rest []remainder // of each result
}

// sums are a limb of what is divided by P, and of what is added after the division.
type sums struct {
	total [3][]uint64 // both components; the third is not used
	plus  [2][]uint64 // nil for nothing
	own   []uint64    // room for one of them
}

// remainder is what a division rounds away, in coefficients and by component: modulo each prime of P, and modulo the level's own
// prime if that is divided by too.
type remainder struct {
	p     [2][][]uint64
	split [2]*kernels.Split
	last  [2][]uint64
}

// quotients describes ciphertexts that are sums modulo Q·P, divided by P: limb by limb, so that what is computed of a limb is
// still in the cache when it is divided, the limbs of P first. Rescale divides by the last modulus of the level as well.
type quotients struct {
	level   int
	rescale bool
	out     []*rlwe.Ciphertext
	keys    []*switchingKey                    // in the order of their use, to be fetched
	digits  func(i int, l *lane)               // prepares limb i for all sums
	sum     func(i, k int, l *lane, sum *sums) // limb i for out[k]; plus is nil before
}

// divide computes quotients. Threads take limbs, in two steps: all sums, then all quotients.
func (s *switcher) divide(q *quotients) {
	count, special := len(q.out), len(s.p)
	s.room(q)
	n := q.end() + 1
	if s.threads == 1 {
		l := s.lanes[0]
		for j := range special {
			s.sumLimb(q, q.level+1+j, l, s.toRest)
		}
		s.splitRests(count)
		if q.rescale {
			s.sumLimb(q, q.level, l, s.toLast)
		}
		for i := range n {
			s.sumLimb(q, i, l, s.toQuotient)
		}
		return
	}
	s.each(s.limbs(q.level), func(t int, l *lane) {
		if t < special {
			s.sumLimb(q, q.level+1+t, l, s.toRest)
		} else {
			s.sumLimb(q, t-special, l, func(*quotients, int, int, *sums, *lane) {})
		}
	})
	s.splitRests(count)
	if q.rescale {
		s.each(count, func(k int, l *lane) { s.toLast(q, q.level, k, s.sumAt(q, q.level, k), l) })
	}
	s.each(2*n*count, func(t int, l *lane) {
		c, i, k := t%2, t/2%n, t/2/n
		s.quotient(q, i, c, k, s.sumAt(q, i, k), l)
	})
}

// room makes sure of the buffers.
func (s *switcher) room(q *quotients) {
	kept := 1
	if s.threads > 1 {
		kept = s.limbs(q.level) * len(q.out)
	}
	for len(s.sums) < kept {
		b := newLimbs(s.n, 3)
		s.sums = append(s.sums, sums{total: [3][]uint64{b[0], b[1]}, own: b[2]})
	}
	for len(s.rest) < len(q.out) {
		s.rest = append(s.rest, s.newRemainder())
	}
}

func (s *switcher) newRemainder() (r remainder) {
	for c := range 2 {
		r.p[c], r.last[c] = newLimbs(s.n, len(s.p)), kernels.Aligned(s.n)
		if s.down != nil {
			r.split[c] = s.down.NewSplit(s.n)
		}
	}
	return r
}

// sumAt is where limb i of the sum for a result is kept: a single thread divides each at once.
func (s *switcher) sumAt(q *quotients, i, k int) *sums {
	if s.threads == 1 {
		return &s.sums[0]
	}
	return &s.sums[i*len(q.out)+k]
}

// sumLimb computes limb i of all sums, and what comes of them.
func (s *switcher) sumLimb(q *quotients, i int, l *lane, then func(q *quotients, i, k int, sum *sums, l *lane)) {
	q.fetch(i, l)
	q.digits(i, l)
	for k := range q.out {
		sum := s.sumAt(q, i, k)
		sum.plus = [2][]uint64{}
		if q.sum(i, k, l, sum); k == len(q.out)-1 && i != q.end() {
			q.fetch(q.next(i, s.limbs(q.level)), l)
		}
		then(q, i, k, sum, l)
	}
}

// fetch has transforms fetch the keys' limb i.
func (q *quotients) fetch(i int, l *lane) {
	l.ahead.Reset()
	for _, key := range q.keys {
		l.ahead.Append(key.at(q.level, i))
	}
}

// end is the limb that comes last.
func (q *quotients) end() int {
	if q.rescale {
		return q.level - 1
	}
	return q.level
}

// next is the limb that a single thread works on after limb i of so many.
func (q *quotients) next(i, limbs int) int {
	switch {
	case i == limbs-1 && q.rescale:
		return q.level
	case i == limbs-1, i == q.level && q.rescale:
		return 0
	}
	return i + 1
}

func (s *switcher) toRest(q *quotients, i, k int, sum *sums, _ *lane) {
	j := i - q.level - 1
	for c := range 2 {
		s.p[j].INTT(s.rest[k].p[c][j], sum.total[c])
	}
}

// toLast is what the division by the last modulus of a level rounds away, after that by P.
func (s *switcher) toLast(q *quotients, i, k int, sum *sums, l *lane) {
	for c := range 2 {
		last := s.rest[k].last[c]
		s.q[i].INTT(last, sum.total[c])
		s.remainder(l.a, i, c, k)
		s.q[i].SubScale(last, last, l.a, s.inverseP[i])
	}
}

func (s *switcher) toQuotient(q *quotients, i, k int, sum *sums, l *lane) {
	for c := range 2 {
		s.quotient(q, i, c, k, sum, l)
	}
}

func (s *switcher) splitRests(count int) {
	if s.down == nil {
		return
	}
	for k := range count {
		for c := range 2 {
			s.down.Split(s.rest[k].split[c], s.rest[k].p[c])
		}
	}
}

// remainder writes what the division by P rounds away, modulo q_i.
func (s *switcher) remainder(out []uint64, i, c, k int) {
	if s.down == nil {
		s.q[i].Center(out, s.rest[k].p[c][0], s.p[0].Modulus())
	} else {
		s.down.Extend(s.rest[k].split[c], i, out)
	}
}

// quotient divides component c of limb i. With both divisions, x/(P·q) − rest/(P·q) − last/q, so rest + P·last is what
// leaves: one transform for both.
func (s *switcher) quotient(q *quotients, i, c, k int, sum *sums, l *lane) {
	r, inverse := s.q[i], s.inverseP[i]
	switch {
	case q.rescale:
		s.remainder(l.a, i, c, k)
		r.Center(l.b, s.rest[k].last[c], s.q[q.level].Modulus())
		r.ScaleAdd(l.a, l.b, s.special[i])
		r.NTT(l.a, l.a, &l.ahead)
		inverse = s.inverseProduct[q.level][i]
	case s.down == nil:
		r.NTTCenter(l.a, s.rest[k].p[c][0], s.p[0].Modulus(), &l.ahead)
	default:
		s.remainder(l.a, i, c, k)
		r.NTT(l.a, l.a, &l.ahead)
	}
	out := q.out[k].Value[c].Coeffs[i]
	if plus := sum.plus[c]; plus != nil {
		r.SubScaleAdd(out, sum.total[c], l.a, plus, inverse)
	} else {
		r.SubScale(out, sum.total[c], l.a, inverse)
	}
}

// rescale divides a ciphertext of degree 1 by the last modulus of its level.
func (s *switcher) rescale(in, out *rlwe.Ciphertext) {
	level := in.Level()
	last := &s.rest[0].last
	s.each(2, func(c int, _ *lane) { s.q[level].INTT(last[c], in.Value[c].Coeffs[level]) })
	s.each(2*level, func(t int, l *lane) {
		c, i := t/level, t%level
		s.q[i].NTTCenter(l.a, last[c], s.q[level].Modulus(), nil)
		s.q[i].SubScale(out.Value[c].Coeffs[i], in.Value[c].Coeffs[i], l.a, s.inverseQ[level][i])
	})
}
