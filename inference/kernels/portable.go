package kernels

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// portable is lattigo's Go code, and loops of the same kind where it has none. Factors and streams are in Montgomery form, with
// 2^64: any modulus below 2^61 will do.
type portable struct{ r *ring.SubRing }

func (p *portable) Modulus() uint64 { return p.r.Modulus }
func (p *portable) Vector() bool    { return false }

func (p *portable) NTT(dst, src []uint64, _ *Ahead) { p.r.NTT(src, dst) }
func (p *portable) INTT(dst, src []uint64)          { p.r.INTT(src, dst) }

func (p *portable) NTTCenter(dst, src []uint64, from uint64, _ *Ahead) {
	p.Center(dst, src, from)
	p.r.NTT(dst, dst)
}

func (p *portable) Add(dst, x, y []uint64) { p.r.Add(x, y, dst) }

func (p *portable) Center(dst, src []uint64, from uint64) {
	q, u := p.r.Modulus, p.r.BRedConstant[0]
	half := (from - 1) >> 1
	dst = dst[:len(src)]
	if from < q {
		for i, v := range src {
			if v > from>>1 {
				v += q - from
			}
			dst[i] = v
		}
		return
	}
	minus := q - half%q
	for i, v := range src {
		v += half
		if v >= from {
			v -= from
		}
		hi, _ := bits.Mul64(v, u)
		v -= hi * q
		if v >= q {
			v -= q
		}
		v += minus
		if v >= q {
			v -= q
		}
		dst[i] = v
	}
}

func (p *portable) Factor(w uint64) Factor {
	return Factor{w: ring.MForm(w, p.r.Modulus, p.r.BRedConstant)}
}

func (p *portable) Scale(dst, src []uint64, f Factor) { p.r.MulScalarMontgomery(src, f.w, dst) }

func (p *portable) ScaleAdd(dst, src []uint64, f Factor) {
	p.r.MulScalarMontgomeryThenAdd(src, f.w, dst)
}

func (p *portable) SubScale(dst, x, y []uint64, f Factor) {
	q, m := p.r.Modulus, p.r.MRedConstant
	y, dst = y[:len(x)], dst[:len(x)]
	for i, v := range x {
		dst[i] = ring.MRed(v+q-y[i], f.w, q, m)
	}
}

func (p *portable) SubScaleAdd(dst, x, y, z []uint64, f Factor) {
	q, m := p.r.Modulus, p.r.MRedConstant
	y, z, dst = y[:len(x)], z[:len(x)], dst[:len(x)]
	for i, v := range x {
		dst[i] = ring.CRed(ring.MRed(v+q-y[i], f.w, q, m)+z[i], q)
	}
}

func (p *portable) MulAdd(dst, x, y, z []uint64) {
	q, u := p.r.Modulus, p.r.BRedConstant
	for i, v := range x {
		dst[i] = ring.CRed(z[i]+ring.BRed(v, y[i], q, u), q)
	}
}

func (p *portable) MulSub(dst, x, y, z []uint64) {
	q, u := p.r.Modulus, p.r.BRedConstant
	for i, v := range x {
		dst[i] = ring.CRed(z[i]+q-ring.BRed(v, y[i], q, u), q)
	}
}

func (p *portable) Square(dst0, dst1, dst2, x0, x1 []uint64) {
	q, m, u := p.r.Modulus, p.r.MRedConstant, p.r.BRedConstant
	for i, v := range x0 {
		w := x1[i]
		a, b := ring.MForm(v, q, u), ring.MForm(w, q, u)
		dst0[i] = ring.MRed(a, v, q, m)
		middle := ring.MRed(a, w, q, m)
		dst1[i] = ring.CRed(2*middle, q)
		dst2[i] = ring.MRed(b, w, q, m)
	}
}

func (p *portable) Permute(dst, src []uint64, order *Permutation) {
	for i, at := range order.index {
		lanes, from := &order.lanes[at&7], src[at>>3&^7:]
		to := dst[8*i : 8*i+8]
		for j := range to {
			to[j] = from[lanes[j]]
		}
	}
}

func (p *portable) PermuteAdd(dst, x, src []uint64, order *Permutation) {
	q := p.r.Modulus
	for i, at := range order.index {
		lanes, from := &order.lanes[at&7], src[at>>3&^7:]
		to, add := dst[8*i:8*i+8], x[8*i:8*i+8]
		for j := range to {
			to[j] = ring.CRed(add[j]+from[lanes[j]], q)
		}
	}
}
