package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A family is how far a transform lets words grow between stages. They are modulo 2^52: the upper 12 bits are garbage, which
// multipliers do not read.
//
//   - 50, for q < 2^50: to 4q forward, 2q backward; one number of every butterfly is reduced.
//   - 47, for q < 2^47: to 32q; nothing is reduced on the way forward.
type family int

func (f family) wide() bool { return f == 50 }

func transforms() {
	join := []Mem{ // the words of a pair of vectors, and units of two
		laneOrder("joinLow", 0, 8, 1, 9, 2, 10, 3, 11), laneOrder("joinHigh", 4, 12, 5, 13, 6, 14, 7, 15),
		laneOrder("joinUnitsLow", 0, 1, 8, 9, 2, 3, 10, 11), laneOrder("joinUnitsHigh", 4, 5, 12, 13, 6, 7, 14, 15),
	}
	part := []Mem{laneOrder("partEven", 0, 2, 4, 6, 8, 10, 12, 14), laneOrder("partOdd", 1, 3, 5, 7, 9, 11, 13, 15)}
	for _, f := range []family{47, 50} {
		for _, radix := range []int{8, 16} {
			forwardPass(f, radix, false)
			forwardPass(f, radix, true)
			backwardPass(f, radix, false)
			backwardPass(f, radix, true)
		}
		forwardTail(f, join)
		backwardTail(f, part)
	}
	folds()
}

// forward is (x, y) ← (x + w·y, x − w·y).
func (f family) forward(x, y Op, w factor, c Mem, t *temps) {
	p, s := t.next(), t.next()
	zero(p)
	high(w.quotient, w.broadcast, y, p)
	VMOVDQA64(negQ, s) // t − q, in [−q, q)
	low(w.w, w.broadcast, y, s)
	low(negQ, false, p, s)
	if f.wide() {
		p := t.next()
		VMOVDQA64(mask, p) // −1, so that x is in [q, 3q)
		high(c.Offset(cBarrett), true, x, p)
		low(negQ, false, p, x)
	}
	VPSUBQ(s, x, y)
	VPADDQ(s, x, x)
}

// backward is (x, y) ← (x + y, (x − y)·w); bound is a multiple of q that y stays below.
func (f family) backward(x, y, bound Op, w factor, c Mem, t *temps) {
	d, p := t.next(), t.next()
	VPSUBQ(y, x, d)
	VPADDQ(bound, d, d)
	VPADDQ(y, x, x)
	zero(p)
	high(w.quotient, w.broadcast, d, p)
	zero(y)
	low(w.w, w.broadcast, d, y)
	low(negQ, false, p, y)
	if f.wide() {
		barrett(x, c, t)
	}
}

// last is a butterfly whose outputs are divided by N and reduced: (x, y) ← ((x + y)·scale, (x − y)·w).
func (f family) last(x, y, bound Op, w, scale factor, c Mem, t *temps) {
	d, s := t.next(), t.next()
	VPSUBQ(y, x, d)
	VPADDQ(bound, d, d)
	VPADDQ(y, x, s)
	product(d, w, y, t.next())
	least(y, c, t)
	product(s, scale, x, t.next())
	least(x, c, t)
}

// load puts the constants of transforms into registers.
func (f family) load(back bool, c Mem) {
	VPBROADCASTQ(c.Offset(cNegQ), negQ)
	VPBROADCASTQ(c.Offset(cMask), mask)
	switch {
	case f.wide():
		VPBROADCASTQ(c.Offset(cTwoQ), twoQ)
	case back:
		VPBROADCASTQ(c.Offset(cFourQ), fourQ)
		VPBROADCASTQ(c.Offset(cEightQ), eightQ)
		VPBROADCASTQ(c.Offset(cSixteenQ), sixteenQ)
	}
}

// bound is what values stay below before a backward stage, counted since the last reduction.
func (f family) bound(stage int) Op {
	if f.wide() {
		return twoQ
	}
	return []VecPhysical{fourQ, eightQ, sixteenQ}[stage]
}

// strides gives the address of vector k, k < 16, of a block whose vectors lie so many bytes apart.
type strides struct{ one, three, five, seven GPVirtual }

func newStrides(bytes GPVirtual) strides {
	s := strides{bytes, GP64(), GP64(), GP64()}
	LEAQ(Mem{Base: bytes, Index: bytes, Scale: 2}, s.three)
	LEAQ(Mem{Base: bytes, Index: bytes, Scale: 4}, s.five)
	LEAQ(Mem{Base: s.three, Index: bytes, Scale: 4}, s.seven)
	return s
}

func (s strides) at(base, upper Register, k int) Mem {
	if k >= 8 {
		base, k = upper, k-8
	}
	switch k {
	case 0:
		return Mem{Base: base}
	case 1, 2, 4:
		return Mem{Base: base, Index: s.one, Scale: uint8(k)}
	case 3, 6:
		return Mem{Base: base, Index: s.three, Scale: uint8(k / 3)}
	case 5:
		return Mem{Base: base, Index: s.five, Scale: 1}
	}
	return Mem{Base: base, Index: s.seven, Scale: 1}
}

// block is the frame of a pass over one block of radix·stride words: a loop that loads a vector of each part, and stores it.
type block struct {
	radix    int
	s        strides
	dst, src Register
	table    Register
	left     GPVirtual
	t        *temps
}

func newBlock(radix int) *block {
	b := &block{radix: radix, dst: parameter("dst"), src: parameter("src"), table: parameter("table"), t: &temps{r: z[22:27]}}
	step := GP64()
	Load(Param("stride"), step)
	b.left = GP64()
	MOVQ(step, b.left)
	SHRQ(U8(3), b.left)
	SHLQ(U8(3), step)
	b.s = newStrides(step)
	return b
}

// roots keeps the first factors of the table in registers and reads the others from memory.
func (b *block) roots() []factor {
	inRegisters := 7 // radix 8: registers 8 to 21
	if b.radix == 16 {
		inRegisters = 3 // registers 16 to 21
	}
	var roots []factor
	for i := range b.radix - 1 {
		f := b.root(i)
		if i < inRegisters {
			w, quotient := z[b.radix+2*i], z[b.radix+2*i+1]
			VPBROADCASTQ(f.w, w)
			VPBROADCASTQ(f.quotient, quotient)
			f = factor{w, quotient, false}
		}
		roots = append(roots, f)
	}
	return roots
}

func (b *block) root(i int) factor {
	return factor{Mem{Base: b.table, Disp: 16 * i}, Mem{Base: b.table, Disp: 16*i + 8}, true}
}

func (b *block) each(loaded func(v VecPhysical), body func()) {
	Label("vector")
	upperIn, upperOut := b.src, b.dst
	if b.radix == 16 {
		in, out := GP64(), GP64()
		LEAQ(Mem{Base: b.src, Index: b.s.one, Scale: 8}, in)
		LEAQ(Mem{Base: b.dst, Index: b.s.one, Scale: 8}, out)
		upperIn, upperOut = in, out
	}
	for k := range b.radix {
		VMOVDQU64(b.s.at(b.src, upperIn, k), z[k])
		loaded(z[k])
	}
	body()
	for k := range b.radix {
		VMOVDQU64(z[k], b.s.at(b.dst, upperOut, k))
	}
	ADDQ(U8(64), b.src)
	ADDQ(U8(64), b.dst)
	DECQ(b.left)
	JNZ(LabelRef("vector"))
	end()
}

// forwardPass is log2(radix) stages. Family 47 adds the offset, one q for each stage of the transform, in its first pass.
// A centring pass takes words below another modulus p and subtracts p from those above half of it.
func forwardPass(f family, radix int, center bool) {
	name, signature := fmt.Sprintf("forward%d_%d", radix, f), "func(dst, src, table *uint64, stride int, c *uint64, offset uint64)"
	doc := "is a pass of the transform over one block of radix·stride words. The table has the factors of its stages, with quotients."
	if center {
		name, signature = fmt.Sprintf("forward%dCenter_%d", radix, f), "func(dst, src, table *uint64, stride int, c *uint64, offset, half, adjust uint64)"
		doc = "is the first pass, of words below another modulus: adjust is a multiple of q, less that modulus, for those above half."
	}
	begin(name, signature, doc)
	b := newBlock(radix)
	c := Mem{Base: parameter("c")}
	f.load(false, c)
	offset := z[28]
	if !f.wide() {
		VPBROADCASTQ(address("offset"), offset)
	}
	roots := b.roots()
	b.each(func(v VecPhysical) {
		if !center {
			return
		}
		VPCMPUQ_BCST(U8(6), address("half"), v, K1)
		VPADDQ_BCST(address("adjust"), v, K1, v)
		barrett(v, c, b.t)
	}, func() {
		if !f.wide() {
			for k := range radix / 2 {
				VPADDQ(offset, z[k], z[k])
			}
		}
		for h, first := radix/2, 0; h > 0; h /= 2 {
			for g := range radix / 2 / h {
				for k := range h {
					f.forward(z[2*h*g+k], z[2*h*g+k+h], roots[first+g], c, b.t)
				}
			}
			first += radix / 2 / h
		}
	})
}

// backwardPass undoes a forward pass; the last one also divides by N.
func backwardPass(f family, radix int, last bool) {
	name, doc := fmt.Sprintf("backward%d_%d", radix, f), "undoes a forward pass, with a table of inverse factors in the same order."
	if last {
		name, doc = fmt.Sprintf("backward%dLast_%d", radix, f), "undoes the first pass and divides by N: the table's last factor is 1/N, its first is multiplied by it."
	}
	begin(name, "func(dst, src, table *uint64, stride int, c *uint64)", doc)
	b := newBlock(radix)
	c := Mem{Base: parameter("c")}
	f.load(true, c)
	roots := b.roots()
	reduceEvery := 3 // stages of family 47 until values have grown from 4q to 32q
	if radix == 16 {
		reduceEvery = 2
	}
	b.each(func(VecPhysical) {}, func() {
		stage := 0
		for h := 1; h < radix; h *= 2 {
			groups := radix / 2 / h
			ends := last && h == radix/2
			bound := f.bound(stage % reduceEvery)
			for g := range groups {
				for k := range h {
					x, y := z[2*h*g+k], z[2*h*g+k+h]
					if ends {
						f.last(x, y, bound, roots[0], b.root(radix-1), c, b.t)
					} else {
						f.backward(x, y, bound, roots[groups-1+g], c, b.t)
					}
				}
			}
			stage++
			if f.wide() || ends || stage%reduceEvery != 0 {
				continue
			}
			for g := range groups { // what was added in each of these stages
				for k := range h >> (reduceEvery - 1) {
					barrett(z[2*h*g+k], c, b.t)
				}
			}
			if reduceEvery == 3 { // added in the last two: below 16q, 8q is allowed
				barrett(z[1], c, b.t)
			}
		}
	})
}
