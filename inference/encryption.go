package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// secret is a secret key, drawn by lattigo, limb by limb modulo Q·P in the domain of the transform.
type secret struct {
	q, p [][]uint64
}

func newSecret(p Parameters) *secret {
	sk := hefloat.NewKeyGenerator(p.Parameters).GenSecretKeyNew()
	p.RingQ().IMForm(sk.Value.Q, sk.Value.Q)
	p.RingP().IMForm(sk.Value.P, sk.Value.P)
	return &secret{sk.Value.Q.Coeffs, sk.Value.P.Coeffs}
}

// at is limb i of Q·P at a level.
func (s *secret) at(level, i int) []uint64 {
	if i <= level {
		return s.q[i]
	}
	return s.p[i-level-1]
}

// encryptor encrypts polynomials under a secret key: (−a·s + e + m, a). a, which everybody sees, is drawn from a seed, which is sent in
// its place; e is drawn by lattigo's Gaussian sampler from another, which never leaves. It is not safe for concurrent use.
type encryptor struct {
	params Parameters
	secret *secret
	public []kernels.Source // by limb
	gauss  *ring.GaussianSampler
	small  ring.Poly // an error modulo the first prime
	words  []uint64
}

func newEncryptor(p Parameters, s *secret) *encryptor {
	first := p.RingQ().AtLevel(0)
	gauss, err := ring.NewSampler(kernels.NewSource(), first, p.Xe(), false)
	if err != nil {
		panic(err) // the distribution is lattigo's default
	}
	public := make([]kernels.Source, p.rings.limbs(p.MaxLevel()))
	return &encryptor{p, s, public, gauss.(*ring.GaussianSampler), first.NewPoly(), kernels.Aligned(p.N())}
}

// clone can be used beside the encryptor, and draws from a source of its own.
func (e *encryptor) clone() *encryptor { return newEncryptor(e.params, e.secret) }

// errors draws an error: integers as words modulo 2^integerBits.
func (e *encryptor) errors() []uint64 {
	e.gauss.Read(e.small)
	q := e.params.Q()[0]
	for i, v := range e.small.Coeffs[0] {
		if v > q/2 {
			v -= q
		}
		e.words[i] = v & (1<<integerBits - 1)
	}
	return e.words
}

// renew draws a seed for so many limbs of what is encrypted next. In each limb all a come from one of its sources, in the order of use.
func (e *encryptor) renew(limbs int) kernels.Seed {
	seed := kernels.NewSeed()
	for i := range limbs {
		e.public[i] = seed.Source(i)
	}
	return seed
}

// zero writes limb i of an encryption of zero under a secret, all but its error: a is drawn, b = b − a·s.
func (e *encryptor) zero(i int, a, b, s []uint64, r kernels.Ring) {
	r.Uniform(a, e.public[i])
	r.MulSub(b, a, s, b)
}

// begin adds an error to what an encoder holds.
func (e *encryptor) begin(m *encoder) { m.add(e.errors()) }

// encrypt encrypts what an encoder holds.
func (e *encryptor) encrypt(m *encoder, level int, scale rlwe.Scale) (*rlwe.Ciphertext, kernels.Seed) {
	ct, seed := newCiphertext(e.params, 1, level, scale), e.renew(level+1)
	e.begin(m)
	for i := range level + 1 {
		b, a := ct.Value[0].Coeffs[i], ct.Value[1].Coeffs[i]
		m.limb(b, level, i)
		e.zero(i, a, b, e.secret.q[i], e.params.rings.q[i])
	}
	return ct, seed
}
