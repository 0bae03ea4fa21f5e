package inference

import (
	"fmt"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"
)

// switcher does everything that takes a key switch: sums of rotations, relinearisations, and the divisions around
// them. A key switch has three parts: the decomposition of a polynomial into digits, the inner product of digits and
// key modulo Q·P, and the division by P. Rotations of one ciphertext share the first and, when they are added up, the
// last; what else is added is lifted to Q·P before the division, which costs one product.
//
// A switcher has buffers of its own and is not safe for concurrent use. With more than one thread it splits its
// own work over limbs.
type switcher struct {
	params  Parameters
	moduli  moduli
	threads int
	relin   *rlwe.GadgetCiphertext
	rotate  map[int]*rotation // by steps to the left, from 0 to slots−1
	extend  *ring.BasisExtender
	split   *ring.Decomposer

	digits []ringqp.Poly
	coeffs ring.Poly // of the polynomial that is decomposed
	sum    [2]ringqp.Poly
	rest   [2][]uint64 // coefficients of what a division by the special modulus rounds away, by component …
	last   [2][]uint64 // … and of what one by the last modulus does
	down   ring.Poly   // between two divisions
	lazy   int         // terms below 3q that a sum holds unreduced, besides one more
	lanes  []lane
}

// lane is what one goroutine needs for one limb.
type lane struct{ a, b []uint64 }

// rotation is a Galois key with its permutation of slots in the NTT domain.
type rotation struct {
	key   *rlwe.GadgetCiphertext
	index []uint32
}

func newSwitcher(p Parameters, set *rlwe.MemEvaluationKeySet, steps []int, threads int) (*switcher, error) {
	s := &switcher{params: p, moduli: newModuli(p), threads: threads, rotate: map[int]*rotation{}}
	if set.RelinearizationKey != nil {
		s.relin = &set.RelinearizationKey.GadgetCiphertext
	}
	for _, step := range steps {
		g := p.GaloisElement(step)
		key, ok := set.GaloisKeys[g]
		if !ok {
			return nil, fmt.Errorf("inference: the Galois key of rotation %d is missing", step)
		}
		index, err := ring.AutomorphismNTTIndex(p.N(), p.RingQ().NthRoot(), g)
		if err != nil {
			return nil, fmt.Errorf("inference: rotation %d: %w", step, err)
		}
		r := &rotation{key: &key.GadgetCiphertext, index: make([]uint32, len(index))}
		for i, v := range index {
			r.index[i] = uint32(v)
		}
		s.rotate[s.step(step)] = r
	}
	s.extend = ring.NewBasisExtender(p.RingQ(), p.RingP())
	s.split = ring.NewDecomposer(p.RingQ(), p.RingP())
	qp := p.RingQP()
	for range p.BaseRNSDecompositionVectorSize(p.MaxLevel(), p.MaxLevelP()) {
		s.digits = append(s.digits, qp.NewPoly())
	}
	s.coeffs = p.RingQ().NewPoly()
	for i := range 2 {
		s.sum[i] = qp.NewPoly()
		s.rest[i], s.last[i] = make([]uint64, p.N()), make([]uint64, p.N())
	}
	s.down = p.RingQ().NewPoly()
	s.lazy = int(^uint64(0)/(3*slices.Max(append(slices.Clone(p.Q()), p.P()...)))) - 1
	for range threads {
		s.lanes = append(s.lanes, lane{make([]uint64, p.N()), make([]uint64, p.N())})
	}
	return s, nil
}

func (s *switcher) step(k int) int {
	n := s.params.MaxSlots()
	return (k%n + n) % n
}

// limbs calls f for each of n limbs, with the buffers of its goroutine.
func (s *switcher) limbs(n int, f func(i int, l *lane)) {
	if s.threads == 1 {
		for i := range n {
			f(i, &s.lanes[0])
		}
		return
	}
	free := make(chan *lane, len(s.lanes))
	for i := range s.lanes {
		free <- &s.lanes[i]
	}
	if err := parallel(s.threads, n, func() func(int) error {
		l := <-free
		return func(i int) error { f(i, l); return nil }
	}); err != nil {
		panic(err) // a panic of a limb, for the row's own recovery
	}
}

// ringAt gives the ring of limb i of Q·P at a level.
func (s *switcher) ringAt(level, i int) *ring.SubRing {
	if i <= level {
		return s.params.RingQ().SubRings[i]
	}
	return s.params.RingP().SubRings[i-level-1]
}

// limbAt gives the coefficients of limb i of Q·P at a level.
func limbAt(p ringqp.Poly, level, i int) []uint64 {
	if i <= level {
		return p.Q.Coeffs[i]
	}
	return p.P.Coeffs[i-level-1]
}

// limbCount is the number of limbs of Q·P at a level.
func (s *switcher) limbCount(level int) int { return level + 1 + s.params.PCount() }

// decompose splits a polynomial at a level into digits.
func (s *switcher) decompose(c ring.Poly, level int) {
	s.limbs(level+1, func(i int, _ *lane) { s.ringAt(level, i).INTT(c.Coeffs[i], s.coeffs.Coeffs[i]) })
	special := s.params.PCount()
	if special == 1 {
		s.limbs(s.limbCount(level), func(i int, l *lane) {
			r := s.ringAt(level, i)
			for d := range level + 1 {
				out := limbAt(s.digits[d], level, i)
				if i == d {
					copy(out, c.Coeffs[i])
					continue
				}
				center(s.coeffs.Coeffs[d], s.params.Q()[d], l.a, r)
				r.NTT(l.a, out)
			}
		})
		return
	}
	for d := range s.digitCount(level) {
		digit := s.digits[d]
		s.split.DecomposeAndSplit(level, special-1, special, d, s.coeffs, digit.Q, digit.P)
		s.limbs(s.limbCount(level), func(i int, _ *lane) {
			limb := limbAt(digit, level, i)
			if i <= level && i/special == d {
				copy(limb, c.Coeffs[i])
				return
			}
			s.ringAt(level, i).NTT(limb, limb)
		})
	}
}

func (s *switcher) digitCount(level int) int {
	return s.params.BaseRNSDecompositionVectorSize(level, s.params.MaxLevelP())
}

// product is limb i of the inner product of the digits with component c of a key, below twice the modulus.
func (s *switcher) product(key *rlwe.GadgetCiphertext, c, level, i int, out []uint64) {
	r := s.ringAt(level, i)
	n := s.digitCount(level)
	if i > level { // a key may have more limbs of Q than the level: its P stands apart
		innerProduct(out, n, func(d int) ([]uint64, []uint64) {
			return key.Value[d][0][c].P.Coeffs[i-level-1], s.digits[d].P.Coeffs[i-level-1]
		}, r)
		return
	}
	innerProduct(out, n, func(d int) ([]uint64, []uint64) {
		return key.Value[d][0][c].Q.Coeffs[i], s.digits[d].Q.Coeffs[i]
	}, r)
}

// liftLimb multiplies limb i of a polynomial by P, so that a division by P gives it back: zero for limbs of P.
func (s *switcher) liftLimb(c ring.Poly, level, i int, out []uint64) {
	if i > level {
		clear(out)
		return
	}
	s.ringAt(level, i).MulScalarMontgomery(c.Coeffs[i], s.moduli.special[i], out)
}

// relinearize brings a ciphertext of degree 2 to degree 1. Rescale divides it by its last modulus on the way: one
// rounding and one transform of each limb for both divisions.
func (s *switcher) relinearize(ct, out *rlwe.Ciphertext, rescale bool) error {
	if s.relin == nil {
		return fmt.Errorf("the relinearisation key is missing")
	}
	level := ct.Level()
	if err := checkKey(s.relin, level); err != nil {
		return fmt.Errorf("relinearisation: %w", err)
	}
	s.decompose(ct.Value[2], level)
	s.limbs(s.limbCount(level), func(i int, l *lane) {
		for c := range 2 {
			sum := limbAt(s.sum[c], level, i)
			s.liftLimb(ct.Value[c], level, i, sum)
			s.product(s.relin, c, level, i, l.a)
			addLazy(sum, l.a)
		}
	})
	s.divide(level, out, rescale)
	return nil
}

func checkKey(key *rlwe.GadgetCiphertext, level int) error {
	if key.LevelQ() < level {
		return fmt.Errorf("a key of level %d at level %d", key.LevelQ(), level)
	}
	return nil
}

func (s *switcher) rotation(step, level int) (*rotation, error) {
	r := s.rotate[s.step(step)]
	if r == nil {
		return nil, fmt.Errorf("the Galois key of rotation %d is missing", step)
	}
	if err := checkKey(r.key, level); err != nil {
		return nil, fmt.Errorf("rotation %d: %w", step, err)
	}
	return r, nil
}

// sumStage adds a ciphertext's rotations by step, 2·step, … (radix−1)·step to it.
func (s *switcher) sumStage(ct *rlwe.Ciphertext, step, radix int) error {
	level := ct.Level()
	rotations := make([]*rotation, radix)
	for k := 1; k < radix; k++ {
		r, err := s.rotation(k*step, level)
		if err != nil {
			return err
		}
		rotations[k] = r
	}
	s.decompose(ct.Value[1], level)
	s.limbs(s.limbCount(level), func(i int, l *lane) { // all of a limb at once: it stays in the cache, and threads meet once
		r := s.ringAt(level, i)
		for c := range 2 {
			sum := limbAt(s.sum[c], level, i)
			s.liftLimb(ct.Value[c], level, i, sum)
			if c == 0 && i <= level { // the rotated parts of c0 join the first component before its permutation
				copy(l.b, sum)
			}
			for k := 1; k < radix; k++ {
				s.product(rotations[k].key, c, level, i, l.a)
				if c == 0 && i <= level {
					addLazy(l.a, l.b)
				}
				gatherAdd(sum, l.a, rotations[k].index)
				if k%s.lazy == 0 || k == radix-1 {
					r.Reduce(sum, sum)
				}
			}
		}
	})
	s.divide(level, ct, false)
	return nil
}

// rotateInto writes rotations of a ciphertext.
func (s *switcher) rotateInto(x *rlwe.Ciphertext, steps []int, out []*rlwe.Ciphertext) error {
	level := x.Level()
	s.decompose(x.Value[1], level)
	for k, step := range steps {
		r, err := s.rotation(step, level)
		if err != nil {
			return err
		}
		s.limbs(s.limbCount(level), func(i int, l *lane) {
			for c := range 2 {
				s.product(r.key, c, level, i, l.a)
				if c == 0 {
					s.liftLimb(x.Value[0], level, i, l.b)
					addLazy(l.a, l.b)
				}
				sum := limbAt(s.sum[c], level, i)
				clear(sum)
				gatherAdd(sum, l.a, r.index)
				s.ringAt(level, i).Reduce(sum, sum)
			}
		})
		s.divide(level, out[k], false)
	}
	return nil
}

// diagonals adds the products of rotated inputs with plain weights over Q·P, in Montgomery form, to acc. Weights
// without polynomials are dropped; rotation 0 needs no key switch.
func (s *switcher) diagonals(acc, x *rlwe.Ciphertext, rotations []int, weights []ringqp.Poly) error {
	level := x.Level()
	turned := make([]*rotation, len(rotations)) // nil for those that need no key switch
	switches := false
	for k, step := range rotations {
		if weights[k].Q.Coeffs == nil || step == 0 {
			continue
		}
		r, err := s.rotation(step, level)
		if err != nil {
			return err
		}
		turned[k], switches = r, true
	}
	s.limbs(level+1, func(i int, _ *lane) {
		for k := range rotations {
			if weights[k].Q.Coeffs == nil || turned[k] != nil {
				continue
			}
			for c := range 2 {
				s.ringAt(level, i).MulCoeffsMontgomeryThenAdd(x.Value[c].Coeffs[i], weights[k].Q.Coeffs[i], acc.Value[c].Coeffs[i])
			}
		}
	})
	if !switches {
		return nil
	}
	s.decompose(x.Value[1], level)
	s.limbs(s.limbCount(level), func(i int, l *lane) {
		for c := range 2 {
			sum := limbAt(s.sum[c], level, i)
			s.liftLimb(acc.Value[c], level, i, sum)
			if c == 0 {
				s.liftLimb(x.Value[0], level, i, l.b)
			}
			for k, r := range turned {
				if r == nil {
					continue
				}
				s.product(r.key, c, level, i, l.a)
				if c == 0 {
					addLazy(l.a, l.b)
				}
				gatherMulAdd(sum, l.a, r.index, limbAt(weights[k], level, i), s.ringAt(level, i))
			}
		}
	})
	s.divide(level, acc, false)
	return nil
}

// square squares and relinearises a ciphertext, and rescales it if asked to.
func (s *switcher) square(ct, product, out *rlwe.Ciphertext, rescale bool) error {
	s.limbs(ct.Level()+1, func(i int, l *lane) {
		r := s.params.RingQ().SubRings[i]
		c0, c1 := ct.Value[0].Coeffs[i], ct.Value[1].Coeffs[i]
		r.MForm(c0, l.a)
		r.MForm(c1, l.b)
		r.MulCoeffsMontgomery(l.b, c1, product.Value[2].Coeffs[i])
		r.MulCoeffsMontgomery(l.a, c1, l.b)
		r.Add(l.b, l.b, product.Value[1].Coeffs[i])
		r.MulCoeffsMontgomery(l.a, c0, product.Value[0].Coeffs[i])
	})
	return s.relinearize(product, out, rescale)
}
