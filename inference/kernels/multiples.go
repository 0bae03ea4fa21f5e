package kernels

import (
	"github.com/tuneinsight/lattigo/v5/ring"
)

// Row holds integer weights of one output. Ring.Multiples is Σ w·x + b for a block of MultiplesWords coefficients of
// each input, input i at i·MultiplesWords of x; the portable kernel also takes shorter blocks. Terms of negative weights come first.
type Row struct {
	Index    []int32
	Weights  []uint32 // absolute values, below 2^31
	Negative int      // terms
}

// MaxWeight bounds the weights of a row.
const MaxWeight = 1<<31 - 1

// portableMultiples is few enough coefficients for a sum to stay in the first-level cache, enough for the inputs' pages to be worth
// opening.
const portableMultiples = 1024

func (p *portable) MultiplesWords() int { return min(portableMultiples, p.r.N) }

// Multiples sums in 64-bit words that wrap: as signed numbers they are exact while Σ|w|·q stays below 2^62, with 1 counted
// for what was reduced before. Larger weights are multiplied modulo q.
func (p *portable) Multiples(dst, x []uint64, row *Row, b uint64) {
	q, n := p.r.Modulus, len(dst)
	limit := uint64(1<<62/q) - 1
	clear(dst)
	total := uint64(0)
	var four pending
	for k, i := range row.Index {
		in := x[int(i)*n : (int(i)+1)*n]
		w, negative := uint64(row.Weights[k]), k < row.Negative
		if total+w > limit {
			four.flush(dst)
			p.leastSigned(dst)
			total = 1
		}
		if w >= limit {
			four.flush(dst)
			p.mulScalarAdd(dst, in, w, negative)
			continue
		}
		total += w
		four.add(dst, in, w, negative)
	}
	four.flush(dst)
	p.leastSigned(dst)
	if b != 0 {
		for i, v := range dst {
			dst[i] = ring.CRed(v+b, q)
		}
	}
}

// leastSigned takes signed sums to the least residues.
func (p *portable) leastSigned(x []uint64) {
	q, u := p.r.Modulus, p.r.BRedConstant
	offset := q * (1 << 63 / q)
	for i, v := range x {
		x[i] = ring.BRedAdd(v+offset, q, u)
	}
}

// mulScalarAdd adds a multiple to numbers below q; what waits was added before.
func (p *portable) mulScalarAdd(dst, x []uint64, w uint64, negative bool) {
	q := p.r.Modulus
	if w %= q; negative && w != 0 {
		w = q - w
	}
	p.leastSigned(dst)
	f := p.Factor(w)
	for i, v := range x {
		dst[i] = ring.CRed(dst[i]+ring.MRed(v, f.w, q, p.r.MRedConstant), q)
	}
}

// pending collects multiples of one sign, so that four of them are added in one pass over the sum.
type pending struct {
	x        [4][]uint64
	w        [4]uint64
	n        int
	negative bool
}

func (p *pending) add(acc, x []uint64, w uint64, negative bool) {
	if negative != p.negative {
		p.flush(acc)
		p.negative = negative
	}
	p.x[p.n], p.w[p.n] = x, w
	if p.n++; p.n == len(p.x) {
		p.flush(acc)
	}
}

// flush adds what is pending, in words that wrap.
func (p *pending) flush(acc []uint64) {
	n := p.n
	p.n = 0
	if n == len(p.x) && hasAVX2 && len(acc)%4 == 0 {
		addFour(acc, p)
		return
	}
	for k := range n {
		if p.negative {
			p.w[k] = -p.w[k]
		}
	}
	size := len(acc)
	if n == len(p.x) {
		a, b, c, d := p.x[0][:size], p.x[1][:size], p.x[2][:size], p.x[3][:size]
		wa, wb, wc, wd := p.w[0], p.w[1], p.w[2], p.w[3]
		for i := range acc {
			acc[i] += a[i]*wa + b[i]*wb + c[i]*wc + d[i]*wd
		}
		return
	}
	for k := range n {
		a, w := p.x[k][:size], p.w[k]
		for i := range acc {
			acc[i] += a[i] * w
		}
	}
}
