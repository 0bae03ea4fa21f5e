package modelfile

import (
	"fmt"

	"hepex/network"
	"hepex/network/onnx"
)

// value is what a name of a graph stands for: a constant, or a polynomial in the outputs of the steps so far.
type value struct {
	constant *onnx.Tensor
	polynomial
	crop network.Size // lines at each edge of the grid that are cut off: a convolution must follow
	dims []int        // of a sample, before the crop
}

// number tells whether a value is the same for all inputs: a constant, or what was computed of constants.
func (v value) number() bool {
	return v.constant != nil || v.degree() == 0 && v.crop == (network.Size{})
}

// polynomial is c[0] + c[1]·x + c[2]·x², where x is what the steps up to number base give, channel by channel.
type polynomial struct {
	base int
	c    [3]coefficient
}

// coefficient is one number, or one for each channel if these differ; nil is 0. What all channels share is kept once, as flattening changes
// how many channels there are.
type coefficient []float64

// newCoefficient is that of one number, or of one for each channel.
func newCoefficient(values []float64) coefficient {
	if c := coefficient(values); !c.uniform() {
		return c
	}
	return values[:1]
}

func (c coefficient) at(i int) float64 {
	switch len(c) {
	case 0:
		return 0
	case 1:
		return c[0]
	}
	return c[i]
}

// zero tells whether all numbers are 0.
func (c coefficient) zero() bool { return c.all(0) }

// all tells whether all numbers are v.
func (c coefficient) all(v float64) bool {
	for i := range max(1, len(c)) {
		if c.at(i) != v {
			return false
		}
	}
	return true
}

// uniform tells whether all channels share the number.
func (c coefficient) uniform() bool { return c.all(c.at(0)) }

// combine is f of both, number by number.
func combine(a, b coefficient, f func(a, b float64) float64) coefficient {
	if a == nil && b == nil && f(0, 0) == 0 {
		return nil
	}
	out := make([]float64, max(1, len(a), len(b)))
	for i := range out {
		out[i] = f(a.at(i), b.at(i))
	}
	return newCoefficient(out)
}

func sum(a, b float64) float64     { return a + b }
func product(a, b float64) float64 { return a * b }

// identity is x itself.
func identity(base int) polynomial { return polynomial{base, [3]coefficient{1: {1}}} }

// isIdentity tells whether the polynomial is x itself.
func (p polynomial) isIdentity() bool { return p.c[0].zero() && p.c[1].all(1) && p.c[2].zero() }

func (p polynomial) degree() int {
	for d := 2; d > 0; d-- {
		if !p.c[d].zero() {
			return d
		}
	}
	return 0
}

// uniform tells whether the polynomial is the same for all channels.
func (p polynomial) uniform() bool { return p.c[0].uniform() && p.c[1].uniform() && p.c[2].uniform() }

// eval is the value of a uniform polynomial.
func (p polynomial) eval(x float64) float64 {
	return p.c[0].at(0) + x*(p.c[1].at(0)+x*p.c[2].at(0))
}

// plus is p + factor·q.
func (p polynomial) plus(q polynomial, factor float64) polynomial {
	for d := range p.c {
		p.c[d] = combine(p.c[d], q.c[d], func(a, b float64) float64 { return a + factor*b })
	}
	return p
}

// times is p·q, if its degree is at most 2.
func (p polynomial) times(q polynomial) (polynomial, error) {
	if n := p.degree() + q.degree(); n > 2 {
		return p, fmt.Errorf("a polynomial of degree %d: want at most 2", n)
	}
	out := polynomial{base: p.base}
	for i := range p.c {
		for j := range q.c {
			if i+j <= 2 {
				out.c[i+j] = combine(out.c[i+j], combine(p.c[i], q.c[j], product), sum)
			}
		}
	}
	return out, nil
}

// constantPolynomial is the polynomial of degree 0 with that value.
func constantPolynomial(base int, c coefficient) polynomial {
	return polynomial{base, [3]coefficient{c}}
}
