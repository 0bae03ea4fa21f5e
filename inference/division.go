package inference

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
)

// moduli holds the constants of divisions, in Montgomery form.
type moduli struct {
	special        []uint64   // P modulo each q
	inverseP       []uint64   // P⁻¹ modulo each q
	inverseQ       [][]uint64 // [l][i]: q_l⁻¹ modulo q_i, i < l
	inverseProduct [][]uint64 // [l][i]: (P·q_l)⁻¹ modulo q_i
}

func newModuli(p Parameters) moduli {
	q := p.RingQ().SubRings
	m := moduli{inverseQ: make([][]uint64, len(q)), inverseProduct: make([][]uint64, len(q))}
	product := func(r *ring.SubRing) uint64 { // Montgomery form of P
		v := ring.MForm(1, r.Modulus, r.BRedConstant)
		for _, prime := range p.P() {
			v = ring.MRed(v, ring.MForm(prime%r.Modulus, r.Modulus, r.BRedConstant), r.Modulus, r.MRedConstant)
		}
		return v
	}
	inverse := func(v uint64, r *ring.SubRing) uint64 {
		return ring.ModexpMontgomery(v, int(r.Modulus-2), r.Modulus, r.MRedConstant, r.BRedConstant)
	}
	for l, r := range q {
		m.special = append(m.special, product(r))
		m.inverseP = append(m.inverseP, inverse(product(r), r))
		for _, below := range q[:l] {
			v := ring.MForm(r.Modulus%below.Modulus, below.Modulus, below.BRedConstant)
			m.inverseQ[l] = append(m.inverseQ[l], inverse(v, below))
			m.inverseProduct[l] = append(m.inverseProduct[l], inverse(ring.MRed(v, product(below), below.Modulus, below.MRedConstant), below))
		}
	}
	return m
}

// divide writes the sum over Q·P divided by P to a ciphertext; with rescale also by the last modulus of its level.
func (s *switcher) divide(level int, out *rlwe.Ciphertext, rescale bool) {
	if s.params.PCount() == 1 {
		s.dividePrime(level, out, rescale)
		return
	}
	for c := range 2 {
		p := s.sum[c]
		target := out.Value[c]
		if rescale {
			target = s.down
		}
		s.extend.ModDownQPtoQNTT(level, s.params.MaxLevelP(), p.Q, p.P, target)
		if rescale {
			s.rescalePoly(target, level, out.Value[c])
		}
	}
}

// dividePrime divides the sum by the one special modulus, and by the level's own if asked to. What is rounded away,
// modulo P and then modulo the level's modulus, is subtracted before multiplying by the inverses; both remainders go
// through the same transform.
func (s *switcher) dividePrime(level int, out *rlwe.Ciphertext, rescale bool) {
	special := s.params.RingP().SubRings[0]
	n := level + 1
	if rescale {
		n = level
	}
	s.limbs(2, func(c int, l *lane) {
		rest, last := s.rest[c], s.last[c]
		special.Reduce(s.sum[c].P.Coeffs[0], rest)
		special.INTT(rest, rest)
		if rescale {
			top := s.ringAt(level, level)
			top.Reduce(s.sum[c].Q.Coeffs[level], last)
			top.INTT(last, last)
			center(rest, special.Modulus, l.a, top)
			subMul(last, l.a, s.moduli.inverseP[level], top)
		}
	})
	s.limbs(2*n, func(k int, l *lane) {
		c, i := k/n, k%n
		r := s.ringAt(level, i)
		center(s.rest[c], special.Modulus, l.a, r)
		inverse := s.moduli.inverseP[i]
		if rescale { // x/(P·q) − rest/(P·q) − last/q, so rest + P·last is what leaves
			inverse = s.moduli.inverseProduct[level][i]
			center(s.last[c], s.params.Q()[level], l.b, r)
			r.MulScalarMontgomery(l.b, s.moduli.special[i], l.b)
			r.Add(l.a, l.b, l.a)
		}
		r.NTTLazy(l.a, l.a)
		subMulLazy(s.sum[c].Q.Coeffs[i], l.a, inverse, r, out.Value[c].Coeffs[i])
	})
}

// rescale divides a ciphertext of any degree by the last modulus of its level.
func (s *switcher) rescale(in, out *rlwe.Ciphertext) {
	for c := range in.Value {
		s.rescalePoly(in.Value[c], in.Level(), out.Value[c])
	}
}

func (s *switcher) rescalePoly(in ring.Poly, level int, out ring.Poly) {
	last := s.last[0]
	s.ringAt(level, level).INTT(in.Coeffs[level], last)
	s.limbs(level, func(i int, l *lane) {
		r := s.ringAt(level, i)
		center(last, s.params.Q()[level], l.a, r)
		r.NTTLazy(l.a, l.a)
		subMulLazy(in.Coeffs[i], l.a, s.moduli.inverseQ[level][i], r, out.Coeffs[i])
	})
}

// center reduces coefficients modulo p, taken from −p/2 to p/2, modulo the ring's modulus.
func center(x []uint64, p uint64, out []uint64, r *ring.SubRing) {
	q, u := r.Modulus, r.BRedConstant
	half := p >> 1
	minus := q - half%q
	out = out[:len(x)]
	if p < q {
		for i, v := range x {
			if v > half {
				v += q - p
			}
			out[i] = v
		}
		return
	}
	u0 := u[0]
	for i, v := range x {
		v += half
		if v >= p {
			v -= p
		}
		hi, _ := bits.Mul64(v, u0)
		v -= hi * q
		if v >= q {
			v -= q
		}
		v += minus
		if v >= q {
			v -= q
		}
		out[i] = v
	}
}

// subMul is x ← (x − y)·c with c in Montgomery form, y below q.
func subMul(x, y []uint64, c uint64, r *ring.SubRing) {
	q, m := r.Modulus, r.MRedConstant
	y = y[:len(x)]
	for i, v := range x {
		x[i] = ring.MRed(v+q-y[i], c, q, m)
	}
}

// subMulLazy is out = (x − y)·c with c in Montgomery form, x below 4q and y, a lazy transform, below 8q; out is below q.
func subMulLazy(x, y []uint64, c uint64, r *ring.SubRing, out []uint64) {
	q, m := r.Modulus, r.MRedConstant
	eight := 8 * q
	y, out = y[:len(x)], out[:len(x)]
	for i, v := range x {
		hi, lo := bits.Mul64(v+eight-y[i], c)
		h, _ := bits.Mul64(lo*m, q)
		v = hi - h + q
		if v >= q {
			v -= q
		}
		out[i] = v
	}
}

// addLazy is x += y, unreduced.
func addLazy(x, y []uint64) {
	y = y[:len(x)]
	for i := range x {
		x[i] += y[i]
	}
}

// gatherAdd is sum[i] += x[index[i]], unreduced.
func gatherAdd(sum, x []uint64, index []uint32) {
	index = index[:len(sum)]
	for i := range sum {
		sum[i] += x[index[i]]
	}
}

// gatherMulAdd is sum[i] += x[index[i]]·w[i], reduced; w in Montgomery form, x below 4q.
func gatherMulAdd(sum, x []uint64, index []uint32, w []uint64, r *ring.SubRing) {
	q, m := r.Modulus, r.MRedConstant
	index, w = index[:len(sum)], w[:len(sum)]
	for i, s := range sum {
		hi, lo := bits.Mul64(x[index[i]], w[i])
		h, _ := bits.Mul64(lo*m, q)
		s += hi - h + q
		if s >= 2*q {
			s -= 2 * q
		}
		if s >= q {
			s -= q
		}
		sum[i] = s
	}
}
