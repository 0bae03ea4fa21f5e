package inference

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// switcher does everything that takes a key switch: sums of rotations, relinearisations, and the divisions around
// them. A key switch has three parts: the decomposition of a polynomial into digits, the inner product of digits and
// key modulo Q·P, and the division by P. Rotations of one ciphertext share the first and, when they are added up, the
// last.
//
// A switcher has buffers of its own and is not safe for concurrent use. With more than one thread it splits its
// own work over limbs.
type switcher struct {
	params Parameters
	*rings
	threads int
	relin   *switchingKey
	rotate  map[int]*rotation // by steps to the left, from 0 to slots−1
	sources []source          // what is decomposed
	division
	lanes []*lane
	crew  *crew // while there is one
}

// source is a polynomial that is decomposed: its coefficients, and what base extensions of its digits share.
type source struct {
	poly   ring.Poly
	coeffs [][]uint64
	splits []*kernels.Split
}

// lane is what one goroutine needs for one limb.
type lane struct {
	digits  [][]uint64
	inputs  kernels.Inputs // digits in use
	product [3][]uint64    // of digits and key
	ahead   kernels.Ahead  // keys to come
	a, b    []uint64
	turned  [][]uint64 // rotated inputs
	rotated kernels.Inputs
}

// rotation is a Galois key with its permutation.
type rotation struct {
	key *switchingKey
	*kernels.Permutation
}

// order is 0 … n−1.
func order(n int) []int32 {
	index := make([]int32, n)
	for d := range index {
		index[d] = int32(d)
	}
	return index
}

func newSwitcher(p Parameters, keys *Keys, threads int) (*switcher, error) {
	r := p.rings
	s := &switcher{params: p, rings: r, threads: threads, relin: keys.relin, rotate: map[int]*rotation{}}
	s.rest = []remainder{s.newRemainder()}
	for _, step := range keys.steps() {
		permutation, err := newPermutation(p, p.GaloisElement(step))
		if err != nil {
			return nil, err
		}
		s.rotate[s.step(step)] = &rotation{keys.rotate[step], permutation}
	}
	for range threads {
		s.lanes = append(s.lanes, &lane{
			digits: newLimbs(r.n, r.digitCount(p.MaxLevel())), product: [3][]uint64(newLimbs(r.n, 3)),
			a: kernels.Aligned(r.n), b: kernels.Aligned(r.n),
		})
	}
	return s, nil
}

func (s *switcher) step(k int) int {
	n := s.params.MaxSlots()
	return (k%n + n) % n
}

// gather calls a crew for what follows, until it is dismissed.
func (s *switcher) gather() (dismiss func()) {
	if s.threads == 1 || s.crew != nil {
		return func() {}
	}
	s.crew = newCrew(s.lanes)
	return func() {
		s.crew.dismiss()
		s.crew = nil
	}
}

// each calls f for limbs 0 … n−1, with the buffers of its goroutine.
func (s *switcher) each(n int, f func(i int, l *lane)) { s.stages(&stage{n: n, do: f}) }

// stages does pieces of work that follow each other.
func (s *switcher) stages(all ...*stage) {
	if s.threads > 1 {
		defer s.gather()()
		if err := s.crew.do(all, s.lanes[0]); err != nil {
			panic(err) // which Evaluate turns into an error
		}
		return
	}
	for _, st := range all {
		for i := range st.n {
			st.do(i, s.lanes[0])
		}
	}
}

// decompose prepares a polynomial for digits.
func (s *switcher) decompose(level int, p ring.Poly) { s.decomposeAt(0, level, p) }

// decomposeAt keeps it beside others.
func (s *switcher) decomposeAt(at, level int, p ring.Poly) {
	for len(s.sources) <= at {
		s.sources = append(s.sources, s.newSource())
	}
	src := &s.sources[at]
	src.poly = p
	invert := &stage{n: level + 1, do: func(i int, _ *lane) { s.q[i].INTT(src.coeffs[i], p.Coeffs[i]) }}
	split := &stage{after: []*stage{invert}, do: func(d int, _ *lane) {
		if e, primes := s.extender(level, d); e != nil {
			e.Split(src.splits[d], src.coeffs[d*len(s.p):d*len(s.p)+primes])
		}
	}}
	if len(s.p) > 1 {
		split.n = s.digitCount(level)
	}
	s.stages(invert, split)
}

func (s *switcher) newSource() source {
	src := source{coeffs: newLimbs(s.n, len(s.q))}
	for _, byCount := range s.extenders {
		var split *kernels.Split
		if len(byCount) > 1 { // room for as many primes as the digit ever has
			split = byCount[len(byCount)-1].NewSplit(s.n)
		}
		src.splits = append(src.splits, split)
	}
	return src
}

// extender extends digit d at a level, nil if it has one prime.
func (s *switcher) extender(level, d int) (e *kernels.Extender, primes int) {
	primes = min(len(s.p), level+1-d*len(s.p))
	if primes == 1 {
		return nil, 1
	}
	return s.extenders[d][primes-1], primes
}

// limbDigits gives the digits of a source in limb i, transformed.
func (s *switcher) limbDigits(src *source, level, i int, l *lane) {
	r := s.at(level, i)
	l.inputs.Reset()
	for d := range s.digitCount(level) {
		digit := l.digits[d]
		e, _ := s.extender(level, d)
		first := d * len(s.p)
		switch {
		case i <= level && i/len(s.p) == d: // the polynomial itself
			digit = src.poly.Coeffs[i]
		case e == nil:
			r.NTTCenter(digit, src.coeffs[first], s.q[first].Modulus(), &l.ahead)
		default:
			target := i
			if i > level {
				target = len(s.q) + i - level - 1
			}
			e.Extend(src.splits[d], target, digit)
			r.NTT(digit, digit, &l.ahead)
		}
		l.inputs.Append(digit)
	}
}

// allDigits gives the digits in all limbs, one after the other: what a decomposition costs.
func (s *switcher) allDigits(level int) {
	s.each(s.limbs(level), func(i int, l *lane) { s.limbDigits(&s.sources[0], level, i, l) })
}

// multiply is the inner product of the digits in a lane with a key.
func (s *switcher) multiply(out *[3][]uint64, level, i int, l *lane, key *switchingKey, index []int32) {
	s.at(level, i).KeyProducts(out, &l.inputs, index, key.at(level, i), 0, s.n)
}

// relinearize brings a ciphertext of degree 2 to degree 1. Rescale divides it by its last modulus on the way.
func (s *switcher) relinearize(ct, out *rlwe.Ciphertext, rescale bool) error {
	if s.relin == nil {
		return fmt.Errorf("the relinearisation key is missing")
	}
	level := ct.Level()
	if s.relin.level < level {
		return fmt.Errorf("relinearisation: a key of level %d at level %d", s.relin.level, level)
	}
	s.decompose(level, ct.Value[2])
	index := order(s.digitCount(level))
	s.divide(&quotients{
		level: level, rescale: rescale, out: []*rlwe.Ciphertext{out}, keys: []*switchingKey{s.relin},
		digits: func(i int, l *lane) { s.limbDigits(&s.sources[0], level, i, l) },
		sum: func(i, _ int, l *lane, sum *sums) {
			s.multiply(&sum.total, level, i, l, s.relin, index)
			for c := range 2 {
				switch {
				case i > level:
				case rescale: // before the division: it is divided by the last modulus too
					s.q[i].ScaleAdd(sum.total[c], ct.Value[c].Coeffs[i], s.special[i])
				default:
					sum.plus[c] = ct.Value[c].Coeffs[i]
				}
			}
		},
	})
	return nil
}

func (s *switcher) rotation(step, level int) (*rotation, error) {
	r := s.rotate[s.step(step)]
	if r == nil {
		return nil, fmt.Errorf("the Galois key of rotation %d is missing", step)
	}
	if r.key.level < level {
		return nil, fmt.Errorf("rotation %d: a key of level %d at level %d", step, r.key.level, level)
	}
	return r, nil
}

func (s *switcher) rotations(steps []int, level int) ([]*rotation, error) {
	var all []*rotation
	for _, step := range steps {
		r, err := s.rotation(step, level)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func keysOf(rotations []*rotation) (keys []*switchingKey) {
	for _, r := range rotations {
		keys = append(keys, r.key)
	}
	return keys
}

// sumStage adds a ciphertext's rotations by step, 2·step, … (radix−1)·step to it.
func (s *switcher) sumStage(ct *rlwe.Ciphertext, step, radix int) error {
	level := ct.Level()
	var steps []int
	for k := 1; k < radix; k++ {
		steps = append(steps, k*step)
	}
	rotations, err := s.rotations(steps, level)
	if err != nil {
		return err
	}
	s.decompose(level, ct.Value[1])
	index := order(s.digitCount(level))
	s.divide(&quotients{
		level: level, out: []*rlwe.Ciphertext{ct}, keys: keysOf(rotations),
		digits: func(i int, l *lane) { s.limbDigits(&s.sources[0], level, i, l) },
		sum: func(i, _ int, l *lane, sum *sums) {
			r := s.at(level, i)
			for k, turn := range rotations {
				s.multiply(&l.product, level, i, l, turn.key, index)
				sum.addTurned(r, &l.product, turn, k == 0)
			}
			if i > level {
				return
			}
			c0 := ct.Value[0].Coeffs[i] // first components are rotated without a key
			r.PermuteAdd(sum.own, c0, c0, rotations[0].Permutation)
			for _, turn := range rotations[1:] {
				r.PermuteAdd(sum.own, sum.own, c0, turn.Permutation)
			}
			sum.plus = [2][]uint64{sum.own, ct.Value[1].Coeffs[i]}
		},
	})
	return nil
}

// addTurned adds a product with a rotation's key, rotated.
func (s *sums) addTurned(r kernels.Ring, product *[3][]uint64, turn *rotation, first bool) {
	for c := range 2 {
		if first {
			r.Permute(s.total[c], product[c], turn.Permutation)
		} else {
			r.PermuteAdd(s.total[c], s.total[c], product[c], turn.Permutation)
		}
	}
}

// rotateEach adds up ciphertexts, each rotated by its own steps: all of them share the division by P.
func (s *switcher) rotateEach(x []*rlwe.Ciphertext, steps []int, out *rlwe.Ciphertext) error {
	level := out.Level()
	var still, turned []*rlwe.Ciphertext
	var turns []*rotation
	for k, step := range steps {
		if step == 0 {
			still = append(still, x[k])
			continue
		}
		r, err := s.rotation(step, level)
		if err != nil {
			return err
		}
		turned, turns = append(turned, x[k]), append(turns, r)
	}
	if len(turned) == 0 {
		s.each(level+1, func(i int, _ *lane) { s.addLimb(out, still, i) })
		return nil
	}
	for k, ct := range turned {
		s.decomposeAt(k, level, ct.Value[1])
	}
	index := order(s.digitCount(level))
	s.divide(&quotients{
		level: level, out: []*rlwe.Ciphertext{out}, keys: keysOf(turns),
		digits: func(int, *lane) {},
		sum: func(i, _ int, l *lane, sum *sums) {
			r := s.at(level, i)
			for k, turn := range turns {
				s.limbDigits(&s.sources[k], level, i, l)
				s.multiply(&l.product, level, i, l, turn.key, index)
				sum.addTurned(r, &l.product, turn, k == 0)
			}
			if i > level {
				return
			}
			r.Permute(sum.own, turned[0].Value[0].Coeffs[i], turns[0].Permutation)
			for k, turn := range turns[1:] {
				r.PermuteAdd(sum.own, sum.own, turned[k+1].Value[0].Coeffs[i], turn.Permutation)
			}
			for _, ct := range still {
				r.Add(sum.own, sum.own, ct.Value[0].Coeffs[i])
			}
			sum.plus[0] = sum.own
			if len(still) > 0 {
				s.addLimb(out, still, i)
				sum.plus[1] = out.Value[1].Coeffs[i]
			}
		},
	})
	return nil
}

// addLimb adds up limb i of ciphertexts.
func (s *switcher) addLimb(out *rlwe.Ciphertext, x []*rlwe.Ciphertext, i int) {
	for c, v := range out.Value {
		copy(v.Coeffs[i], x[0].Value[c].Coeffs[i])
		for _, ct := range x[1:] {
			s.q[i].Add(v.Coeffs[i], v.Coeffs[i], ct.Value[c].Coeffs[i])
		}
	}
}

// rotateInto writes rotations of a ciphertext.
func (s *switcher) rotateInto(x *rlwe.Ciphertext, steps []int, out []*rlwe.Ciphertext) error {
	level := x.Level()
	rotations, err := s.rotations(steps, level)
	if err != nil {
		return err
	}
	s.decompose(level, x.Value[1])
	index := order(s.digitCount(level))
	s.divide(&quotients{
		level: level, out: out, keys: keysOf(rotations),
		digits: func(i int, l *lane) { s.limbDigits(&s.sources[0], level, i, l) },
		sum: func(i, k int, l *lane, sum *sums) {
			r, turn := s.at(level, i), rotations[k]
			s.multiply(&l.product, level, i, l, turn.key, index)
			for c := range 2 {
				r.Permute(sum.total[c], l.product[c], turn.Permutation)
			}
			if i <= level {
				r.Permute(sum.own, x.Value[0].Coeffs[i], turn.Permutation)
				sum.plus[0] = sum.own
			}
		},
	})
	return nil
}

// square squares a ciphertext.
func (s *switcher) square(ct, product *rlwe.Ciphertext) {
	s.each(ct.Level()+1, func(i int, _ *lane) {
		s.q[i].Square(product.Value[0].Coeffs[i], product.Value[1].Coeffs[i], product.Value[2].Coeffs[i], ct.Value[0].Coeffs[i], ct.Value[1].Coeffs[i])
	})
}
