package inference

import (
	"sync/atomic"

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

// divide computes quotients.
func (s *switcher) divide(q *quotients) {
	s.room(q)
	if s.threads > 1 {
		s.divideTogether(q)
		return
	}
	l := s.lanes[0]
	for j := range s.p {
		s.sumLimb(q, q.level+1+j, l, s.toRest)
	}
	for t := range s.splits(q) {
		s.splitRest(t)
	}
	if q.rescale {
		s.sumLimb(q, q.level, l, s.toLast)
	}
	for i := range q.end() + 1 {
		s.sumLimb(q, i, l, s.toQuotient)
	}
}

// divideTogether computes them on several threads, limb by limb: sums, those of P first, then quotients, each as soon as it can be.
func (s *switcher) divideTogether(q *quotients) {
	components, end, special := 2*len(q.out), q.end(), func(j int) int { return q.level + 1 + j }
	summed := make([]atomic.Bool, s.limbs(q.level))
	sum := func(i int, l *lane) {
		s.sumLimb(q, i, l, func(*quotients, int, int, *sums, *lane) {})
		summed[i].Store(true)
	}
	sumsP := &stage{n: len(s.p), limb: special, do: func(j int, l *lane) { sum(special(j), l) }}
	sumsQ := &stage{ // the one that is divided by comes first
		n: q.level + 1, limb: func(t int) int { return q.level - t }, do: func(t int, l *lane) { sum(q.level-t, l) },
	}
	rests := &stage{
		n: len(s.p) * components, limb: func(t int) int { return special(t / components) },
		ready: func(t int) bool { return summed[special(t/components)].Load() },
		do: func(t int, _ *lane) {
			j, c, k := t/components, t%2, t%components/2
			s.restOf(j, c, k, s.sumAt(q, special(j), k))
		},
	}
	splits := &stage{n: s.splits(q), after: []*stage{rests}, do: func(t int, _ *lane) { s.splitRest(t) }}
	lasts := &stage{
		limb: func(int) int { return q.level }, after: []*stage{rests, splits},
		ready: func(int) bool { return summed[q.level].Load() },
		do:    func(t int, l *lane) { s.lastOf(q.level, t%2, t/2, s.sumAt(q, q.level, t/2), l) },
	}
	if q.rescale {
		lasts.n = components
	}
	results := &stage{
		n: components * (end + 1), limb: func(t int) int { return end - t/components }, after: []*stage{rests, splits, lasts},
		ready: func(t int) bool { return summed[end-t/components].Load() },
		do: func(t int, l *lane) {
			i, c, k := end-t/components, t%2, t%components/2
			s.quotient(q, i, c, k, s.sumAt(q, i, k), l)
		},
	}
	s.stages(sumsP, sumsQ, rests, splits, lasts, results)
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
	for c := range 2 {
		s.restOf(i-q.level-1, c, k, sum)
	}
}

func (s *switcher) restOf(j, c, k int, sum *sums) { s.p[j].INTT(s.rest[k].p[c][j], sum.total[c]) }

// toLast is what the division by the last modulus of a level rounds away, after that by P.
func (s *switcher) toLast(q *quotients, i, k int, sum *sums, l *lane) {
	for c := range 2 {
		s.lastOf(i, c, k, sum, l)
	}
}

func (s *switcher) lastOf(i, c, k int, sum *sums, l *lane) {
	last := s.rest[k].last[c]
	s.q[i].INTT(last, sum.total[c])
	s.remainder(l.a, i, c, k)
	s.q[i].SubScale(last, last, l.a, s.inverseP[i])
}

func (s *switcher) toQuotient(q *quotients, i, k int, sum *sums, l *lane) {
	for c := range 2 {
		s.quotient(q, i, c, k, sum, l)
	}
}

// splits is how many remainders are prepared for extension, splitRest prepares one.
func (s *switcher) splits(q *quotients) int {
	if s.down == nil {
		return 0
	}
	return 2 * len(q.out)
}

func (s *switcher) splitRest(t int) { s.down.Split(s.rest[t/2].split[t%2], s.rest[t/2].p[t%2]) }

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
	invert := &stage{n: 2, limb: func(int) int { return level }, do: func(c int, _ *lane) { s.q[level].INTT(last[c], in.Value[c].Coeffs[level]) }}
	s.stages(invert, &stage{n: 2 * level, limb: func(t int) int { return t % level }, after: []*stage{invert}, do: func(t int, l *lane) {
		c, i := t/level, t%level
		s.q[i].NTTCenter(l.a, last[c], s.q[level].Modulus(), nil)
		s.q[i].SubScale(out.Value[c].Coeffs[i], in.Value[c].Coeffs[i], l.a, s.inverseQ[level][i])
	}})
}
