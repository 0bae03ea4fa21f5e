package inference

import (
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// rings do the arithmetic of a parameter set, limb by limb, with the constants of divisions.
type rings struct {
	n    int
	q, p []kernels.Ring

	special        []kernels.Factor   // P modulo each q
	inverseP       []kernels.Factor   // P⁻¹ modulo each q
	inverseQ       [][]kernels.Factor // [l][i]: q_l⁻¹ modulo q_i, i < l
	inverseProduct [][]kernels.Factor // [l][i]: (P·q_l)⁻¹ modulo q_i

	extenders [][]*kernels.Extender // [d][k]: of digit d if it has k+1 primes, to all limbs; nil for one prime
	down      *kernels.Extender     // from P to each q; nil for one prime
}

func newRings(ringQ, ringP *ring.Ring, newRing func(*ring.SubRing) kernels.Ring) *rings {
	r := &rings{n: ringQ.N()}
	for _, s := range ringQ.SubRings {
		r.q = append(r.q, newRing(s))
	}
	for _, s := range ringP.SubRings {
		r.p = append(r.p, newRing(s))
	}
	for l, q := range r.q {
		m := q.Modulus()
		r.special = append(r.special, q.Factor(r.productP(m)))
		r.inverseP = append(r.inverseP, q.Factor(kernels.Inverse(r.productP(m), m)))
		var inverse, product []kernels.Factor
		for _, below := range r.q[:l] {
			b := below.Modulus()
			inverse = append(inverse, below.Factor(kernels.Inverse(m%b, b)))
			product = append(product, below.Factor(kernels.Inverse(kernels.Mul(m, r.productP(b), b), b)))
		}
		r.inverseQ, r.inverseProduct = append(r.inverseQ, inverse), append(r.inverseProduct, product)
	}
	if len(r.p) == 1 {
		return r
	}
	all := append(append([]kernels.Ring{}, r.q...), r.p...)
	for first := 0; first < len(r.q); first += len(r.p) {
		byCount := make([]*kernels.Extender, 1, len(r.p))
		for k := 2; k <= min(len(r.p), len(r.q)-first); k++ {
			byCount = append(byCount, kernels.NewExtender(r.q[first:first+k], all))
		}
		r.extenders = append(r.extenders, byCount)
	}
	r.down = kernels.NewExtender(r.p, r.q)
	return r
}

// productP is P modulo q.
func (r *rings) productP(q uint64) uint64 {
	v := uint64(1)
	for _, p := range r.p {
		v = kernels.Mul(v, p.Modulus(), q)
	}
	return v
}

// at gives the ring of limb i of Q·P at a level: those of Q come first.
func (r *rings) at(level, i int) kernels.Ring {
	if i <= level {
		return r.q[i]
	}
	return r.p[i-level-1]
}

// limbs is the number of limbs of Q·P at a level.
func (r *rings) limbs(level int) int { return level + 1 + len(r.p) }

// digitCount is the number of digits of a polynomial at a level, each of as many primes as there are special ones, or fewer for the last.
func (r *rings) digitCount(level int) int { return (level + len(r.p)) / len(r.p) }

// newLimbs is a polynomial of so many limbs.
func newLimbs(n, limbs int) [][]uint64 {
	p := make([][]uint64, limbs)
	for i := range p {
		p[i] = kernels.Aligned(n)
	}
	return p
}
