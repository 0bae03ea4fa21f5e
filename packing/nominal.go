package packing

import (
	"math"
	"slices"
)

// Arithmetic is what nominal prices depend on: the ring, and the bit lengths of the ciphertext moduli, the last one
// left first, and of the special ones.
type Arithmetic struct {
	LogN       int
	Conjugate  bool // the conjugate-invariant ring
	LogQ, LogP []int
	Portable   bool // on kernels that serve moduli of all sizes, and all of them slowly

	cachedKeys bool // keys are read again and again
}

// Nominal gives prices of a ring of degree 2^13 whose moduli, of which that many are special, have 40 bits. They stand
// in where a choice comes before the moduli: radices, folds.
func Nominal(special int) Prices {
	a := Arithmetic{LogN: 13, LogP: make([]int, special)}
	for i := range a.LogP {
		a.LogP[i] = typicalBits
	}
	return a.Nominal()
}

const typicalBits = 40

// Nominal gives the seconds that primitives take on one core of one machine, a Zen 4 with 52-bit multipliers, whatever
// the machine that asks: they stand in for measured prices where a choice must be the same everywhere.
func (a Arithmetic) Nominal() Prices {
	k := len(a.LogP)
	special := make([]limb, k)
	for i, b := range a.LogP {
		special[i] = a.limb(b)
	}
	limbs := make([]limb, len(a.LogQ))
	for i, b := range a.LogQ {
		limbs[i] = a.limb(b)
	}
	if len(limbs) == 0 {
		limbs = slices.Repeat([]limb{a.limb(typicalBits)}, tabled)
	}
	price := func(op Op, level int) float64 {
		q := limbs[:min(level+1, len(limbs))]
		for len(q) <= level {
			q = append(q[:len(q):len(q)], a.limb(typicalBits))
		}
		return priced{q, special}.op(op)
	}
	table := make([][ops]float64, min(len(limbs), tabled))
	for level := range table {
		for op := range table[level] {
			table[level][op] = price(Op(op), level)
		}
	}
	return func(op Op, level int) float64 {
		if level < len(table) {
			return table[level][op]
		}
		return price(op, level)
	}
}

// tabled is how many levels at most have their prices computed beforehand: searches ask for them again and again.
const tabled = 8

// limb is what kernels take for one modulus, in seconds; key switches work on both polynomials of a ciphertext at once.
type limb struct {
	transform float64 // from coefficients
	invert    float64
	extend    float64 // bringing a residue of another modulus to this one, with its transform
	add       float64 // of polynomials
	rotate    float64 // permutation of a polynomial, added to another
	inner     float64 // a digit times a key
	finish    float64 // the end of a division, for a polynomial
	square    float64
	plain     float64 // a ciphertext times a plain tile, added
	cipher    float64 // times an encrypted tile
	scalar    float64 // times an integer
	read      float64 // a ciphertext from memory
	arrange   float64 // a ciphertext from memory, and back in another order
}

// limb prices a modulus of some bits, in seconds at degree 2^LogN.
func (a Arithmetic) limb(bits int) limb {
	const µs = 1e-6
	l := a.vectorLimb(bits)
	if a.Portable || bits > maxVectorBits {
		l = a.portableLimb()
	}
	n := math.Exp2(float64(a.LogN-13)) * µs
	for _, v := range []*float64{
		&l.transform, &l.invert, &l.extend, &l.add, &l.rotate, &l.inner, &l.finish, &l.square, &l.plain, &l.cipher, &l.scalar, &l.read, &l.arrange,
	} {
		*v *= n
	}
	return l
}

// maxVectorBits is the size of moduli that only portable code serves beyond.
const maxVectorBits = 50

// vectorLimb prices a modulus on vector kernels, in microseconds at degree 2^13, as measured. Those for moduli below 2^47 need
// fewest instructions. Tiles and keys come from memory, in as few whole bytes as hold a residue: a core that reads 18 GB/s
// waits for most of a key.
func (a Arithmetic) vectorLimb(bits int) limb {
	transform, vector := 9.3, 1.0
	bytes := float64(WordBytes(bits))
	if bits > 47 { // primes are below 2^bits
		transform, vector = 11.9, 1.1
	}
	transform *= a.degree()
	wait := 0.9 // for a byte of both numbers of a key
	if a.cachedKeys {
		wait = 0.375
	}
	return limb{
		transform: transform, invert: 0.92 * transform, extend: transform + 0.4*vector, add: 0.6 * vector, rotate: 1.3 * vector,
		inner: 0.2*vector + wait*bytes, finish: 2.5 * vector, square: 9.9 * vector, plain: 0.7*vector + 0.37*bytes,
		cipher: 1.8*vector + 1.4*bytes, scalar: 1.64 * vector,
		read: 7.3, arrange: 14.6,
	}
}

// portableLimb prices a modulus on portable code, which waits for multiplications whatever the size of numbers.
func (a Arithmetic) portableLimb() limb {
	transform := 88 * a.degree()
	return limb{
		transform: transform, invert: transform, extend: transform + 4, add: 5, rotate: 11, inner: 34, finish: 15, square: 65,
		plain: 29, cipher: 55, scalar: 2, read: 7.3, arrange: 14.6,
	}
}

// degree is what a transform takes in proportion to one of degree 2^13 in the standard ring, beyond the number of words.
func (a Arithmetic) degree() float64 {
	d := float64(a.LogN) / 13
	if a.Conjugate {
		d *= 1.2
	}
	return d
}

// priced prices operations on ciphertexts modulo q.
type priced struct{ q, special []limb }

// sum adds a price over limbs.
func sum(limbs []limb, price func(limb) float64) float64 {
	t := 0.0
	for _, l := range limbs {
		t += price(l)
	}
	return t
}

func (p priced) digits() float64 { return float64(ceilDiv(len(p.q), len(p.special))) }

// decompose inverts every residue and extends each digit to all other moduli.
func (p priced) decompose() float64 {
	d := p.digits()
	return sum(p.q, func(l limb) float64 { return l.invert + (d-1)*l.extend }) + sum(p.special, func(l limb) float64 { return d * l.extend })
}

// product is that of all digits with a key.
func (p priced) product() float64 {
	each := func(l limb) float64 { return p.digits() * l.inner }
	return sum(p.q, each) + sum(p.special, each)
}

// down divides both polynomials by the special moduli.
func (p priced) down() float64 {
	return 2*sum(p.special, func(l limb) float64 { return l.invert }) + 2*sum(p.q, func(l limb) float64 { return l.extend + l.finish })
}

// rescale divides both polynomials by the last modulus.
func (p priced) rescale() float64 {
	last := len(p.q) - 1
	return 2*p.q[last].invert + 2*sum(p.q[:last], func(l limb) float64 { return l.extend + l.finish })
}

// op prices a primitive.
func (p priced) op(op Op) float64 {
	switch op {
	case MulPlain, MulMask:
		return sum(p.q, func(l limb) float64 { return l.plain })
	case MulDiagonal:
		plain := func(l limb) float64 { return l.plain }
		return sum(p.q, plain) + sum(p.special, plain)
	case MulCipher:
		return sum(p.q, func(l limb) float64 { return l.cipher })
	case MulScalar:
		return sum(p.q, func(l limb) float64 { return l.scalar })
	case ReadInput:
		return sum(p.q, func(l limb) float64 { return l.read })
	case AddInput:
		return sum(p.q, func(l limb) float64 { return l.read + 2*l.add })
	case ArrangeInput:
		return sum(p.q, func(l limb) float64 { return l.arrange })
	case Square:
		return sum(p.q, func(l limb) float64 { return l.square })
	case Relinearize:
		return p.decompose() + p.product() + p.down()
	case Rescale:
		return p.rescale()
	case RelinearizeRescale: // both divisions in one pass, but for the last modulus
		last := p.q[len(p.q)-1]
		return p.decompose() + p.product() + p.down() + 2*(last.invert-last.finish)
	case Decompose:
		return p.decompose()
	case RotateDiagonal, RotateInput, RotateSum, RotateRefill:
		both := func(l limb) float64 { return 2 * l.rotate }
		return p.product() + sum(p.q, both) + sum(p.special, both) + sum(p.q, func(l limb) float64 { return l.rotate })
	case ModDown:
		return p.down()
	case FinishRow:
		return 2 * sum(p.q, func(l limb) float64 { return l.add })
	default: // AddBias
		return sum(p.q, func(l limb) float64 { return l.add })
	}
}
