package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A family is how a transform keeps words between stages.
//
//   - 50, for q < 2^50: true values, below 4q; one output of every butterfly is reduced.
//   - 47, for q < 2^47: values modulo 2^52 (the upper 12 bits are garbage, which multipliers do not read) that may grow to
//     32q: nothing is reduced on the way forward.
type family int

func (f family) wide() bool { return f == 50 }

func transforms() {
	for _, f := range []family{47, 50} {
		for _, radix := range []int{8, 16} {
			forwardPass(f, radix, false)
			forwardPass(f, radix, true)
			backwardPass(f, radix, false)
			backwardPass(f, radix, true)
		}
		forwardTail(f)
		backwardTail(f)
	}
	fold()
}

// forward is (x, y) ← (x + w·y, x − w·y).
func (f family) forward(x, y Op, w factor, t *temps) {
	p, s := t.next(), t.next()
	zero(p)
	high(w.quotient, w.broadcast, y, p)
	if !f.wide() { // t − q, in [−q, q)
		VMOVDQA64(negQ, s)
		low(w.w, w.broadcast, y, s)
		low(negQ, false, p, s)
		VPSUBQ(s, x, y)
		VPADDQ(s, x, x)
		return
	}
	zero(s)
	low(w.w, w.broadcast, y, s)
	low(negQ, false, p, s)
	VPSUBQ(twoQ, x, p)
	VPMINUQ(p, x, x)
	VPANDQ(mask, s, s)
	VPSUBQ(s, x, y)
	VPADDQ(s, x, x)
	VPADDQ(twoQ, y, y)
}

// backward is (x, y) ← (x + y, (x − y)·w); bound is a multiple of q that y stays below.
func (f family) backward(x, y, bound Op, w factor, t *temps) {
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
		VPSUBQ(twoQ, x, p)
		VPMINUQ(p, x, x)
		VPANDQ(mask, y, y)
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
		if f.wide() {
			VPANDQ(mask, v, v)
		}
	}, func() {
		if !f.wide() {
			for k := range radix / 2 {
				VPADDQ(offset, z[k], z[k])
			}
		}
		for h, first := radix/2, 0; h > 0; h /= 2 {
			for g := range radix / 2 / h {
				for k := range h {
					f.forward(z[2*h*g+k], z[2*h*g+k+h], roots[first+g], b.t)
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
						f.backward(x, y, bound, roots[groups-1+g], b.t)
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

// program is a list of things to emit, so that two of them can be interleaved. Registers are settled when they are listed.
type program []func()

func (p *program) add(f func()) { *p = append(*p, f) }

func (p program) emit() {
	for _, f := range p {
		f()
	}
}

// interleave emits two programs evenly.
func interleave(a, b program) {
	for i, j := 0, 0; i < len(a) || j < len(b); {
		if j == len(b) || i < len(a) && i*len(b) <= j*len(a) {
			a[i]()
			i++
		} else {
			b[j]()
			j++
		}
	}
}

func shuffle(imm uint64) func(b, a, out Op) {
	return func(b, a, out Op) { VSHUFI64X2(U8(imm), b, a, out) }
}

// transpose transposes 8 vectors of 8 words.
func transpose(r *[8]VecPhysical, free *VecPhysical) (p program) {
	pair := func(i, j int, first, second func(b, a, out Op)) {
		a, b, out := r[i], r[j], *free
		p.add(func() { first(b, a, out); second(b, a, b) })
		r[i], *free = out, a
	}
	for i := 0; i < 8; i += 2 {
		pair(i, i+1, func(b, a, out Op) { VPUNPCKLQDQ(b, a, out) }, func(b, a, out Op) { VPUNPCKHQDQ(b, a, out) })
	}
	for _, i := range []int{0, 1, 4, 5} { // units of 128 bits
		pair(i, i+2, shuffle(0x44), shuffle(0xee))
	}
	for i := range 4 {
		pair(i, i+4, shuffle(0x88), shuffle(0xdd))
	}
	r[2], r[3], r[4], r[5] = r[4], r[5], r[2], r[3]
	return p
}

// tail is one of two blocks of 64 words that a round of the six stages with strides 32 to 1 works on, one a phase behind the
// other: one multiplies while the other shuffles, as the stages of a block alone wait for multiplications. A block's table has
// 128 words: 7 factors for strides 32, 16 and 8, two words unused, and vectors of factors for strides 4, 2 and 1.
type tail struct {
	f        family
	number   int
	r        [8]VecPhysical
	free     VecPhysical
	dst, src Register
	table    Register
	c        Mem
	t        *temps
}

func (b *tail) scalar(i int) factor {
	at := Mem{Base: b.table, Disp: 1024*b.number + 16*i}
	return factor{at, at.Offset(8), true}
}

func (b *tail) vector(i int) factor {
	at := Mem{Base: b.table, Disp: 1024*b.number + 128 + 128*i}
	return factor{at, at.Offset(64), false}
}

func (b *tail) load() (p program) {
	for k, v := range b.r {
		p.add(func() { VMOVDQU64(Mem{Base: b.src, Disp: 512*b.number + 64*k}, v) })
	}
	return p
}

func (b *tail) store() (p program) {
	for k, v := range b.r {
		p.add(func() { VMOVDQU64(v, Mem{Base: b.dst, Disp: 512*b.number + 64*k}) })
	}
	return p
}

func (b *tail) transpose() program { return transpose(&b.r, &b.free) }

// down is three forward stages, up three backward ones.
func (b *tail) down(root func(i int) factor) (p program) {
	for h, first := 4, 0; h > 0; h /= 2 {
		for g := range 4 / h {
			for k := range h {
				x, y, w := b.r[2*h*g+k], b.r[2*h*g+k+h], root(first+g)
				p.add(func() { b.f.forward(x, y, w, b.t) })
			}
		}
		first += 4 / h
	}
	return p
}

func (b *tail) up(root func(i int) factor) (p program) {
	for stage := range 3 {
		h := 1 << stage
		for g := range 4 / h {
			for k := range h {
				x, y, w := b.r[2*h*g+k], b.r[2*h*g+k+h], root(4/h-1+g)
				p.add(func() { b.f.backward(x, y, b.f.bound(stage), w, b.t) })
			}
		}
	}
	if !b.f.wide() {
		for _, v := range b.r[:2] {
			p.add(func() { barrett(v, b.c, b.t) })
		}
	}
	return p
}

func (b *tail) reduce() (p program) {
	for _, v := range b.r {
		p.add(func() {
			if b.f.wide() {
				below2q(v, b.t)
				least(v, b.c, b.t)
			} else {
				barrett(v, b.c, b.t)
				leastMasked(v, b.c, b.t)
			}
		})
	}
	return p
}

// prefetches is how many cache lines the forward tail asks for in a round of 128 words: as fast as memory gives them.
const prefetches = 32

// forwardTail is the last pass. It fetches what is read next, a part of a key for instance, into the second-level cache:
// multiplications leave the memory idle.
func forwardTail(f family) {
	begin(fmt.Sprintf("forwardTail_%d", f), "func(dst, src, table *uint64, blocks int, c, ahead *uint64, step int)",
		"is the six stages with strides 32 to 1 on an even number of blocks of 64 words. It fetches from ahead on, 32 times a step of bytes for each two blocks.")
	ahead, step := parameter("ahead"), parameter("step")
	var phases [2][4]program
	blocks := tails(f, false, func(b *tail, phase *[4]program) {
		phase[0] = append(b.load(), b.down(b.scalar)...)
		phase[1] = b.transpose()
		phase[2] = append(b.down(b.vector), b.reduce()...)
		phase[3] = append(b.transpose(), b.store()...)
	}, &phases)
	for k := range prefetches { // evenly over the phases
		p := &phases[k%2][k/2%4]
		at := (k / 8 * 5) % len(*p)
		*p = slices.Insert(*p, at, func() {
			PREFETCHT1(Mem{Base: ahead})
			ADDQ(step, ahead)
		})
	}
	tailLoop(blocks, &phases)
}

// backwardTail is the first pass of the inverse.
func backwardTail(f family) {
	begin(fmt.Sprintf("backwardTail_%d", f), "func(dst, src, table *uint64, blocks int, c *uint64)",
		"undoes the forward tail, with a table of inverse factors in the same order.")
	var phases [2][4]program
	blocks := tails(f, true, func(b *tail, phase *[4]program) {
		phase[0] = append(b.load(), b.transpose()...)
		phase[1] = b.up(b.vector)
		phase[2] = b.transpose()
		phase[3] = append(b.up(b.scalar), b.store()...)
	}, &phases)
	tailLoop(blocks, &phases)
}

// tailRegisters are those of a loop over blocks.
type tailRegisters struct{ dst, src, table, left Register }

func tails(f family, back bool, list func(*tail, *[4]program), phases *[2][4]program) tailRegisters {
	r := tailRegisters{parameter("dst"), parameter("src"), parameter("table"), parameter("blocks")}
	c := Mem{Base: parameter("c")}
	f.load(back, c)
	t := &temps{r: z[18:27]}
	for i := range phases {
		b := &tail{f: f, number: i, r: [8]VecPhysical(z[8*i : 8*i+8]), free: z[16+i], dst: r.dst, src: r.src, table: r.table, c: c, t: t}
		list(b, &phases[i])
	}
	return r
}

func tailLoop(r tailRegisters, phases *[2][4]program) {
	Label("block")
	phases[0][0].emit()
	for i := range 3 {
		interleave(phases[0][i+1], phases[1][i])
	}
	phases[1][3].emit()
	ADDQ(U32(1024), r.src)
	ADDQ(U32(1024), r.dst)
	ADDQ(U32(2048), r.table)
	SUBQ(U8(2), r.left)
	JNZ(LabelRef("block"))
	end()
}

// fold is the stage of the conjugate-invariant ring that pairs j with N−j.
func fold() {
	reverse := GLOBL("reverse", RODATA|NOPTR)
	for i := range 8 {
		DATA(8*i, U64(7-i))
	}
	begin("foldPairs", "func(dst, src *uint64, n, vectors int, w, quotient uint64, c *uint64)",
		"is x, y ← x − w·y, y − w·x, reduced, for vectors of 8 pairs, from pair (1, n−1) on.")
	dst, src, n, left := parameter("dst"), parameter("src"), parameter("n"), parameter("vectors")
	f := given(z[26], z[27])
	c := constants()
	VMOVDQU64(reverse, z[25])
	t := &temps{r: z[8:12]}
	top, topOut := GP64(), GP64()
	LEAQ(Mem{Base: src, Index: n, Scale: 8, Disp: -64}, top)
	LEAQ(Mem{Base: dst, Index: n, Scale: 8, Disp: -64}, topOut)
	Label("pair")
	VMOVDQU64(Mem{Base: src, Disp: 8}, z[0])
	VPERMQ(Mem{Base: top}, z[25], z[1])
	product(z[1], f, z[2], z[4])
	product(z[0], f, z[3], z[5])
	for i := range 2 {
		VPADDQ(twoQ, z[i], z[i])
		VPSUBQ(z[2+i], z[i], z[i])
		below2q(z[i], t)
		least(z[i], c, t)
	}
	VPERMQ(z[1], z[25], z[1])
	VMOVDQU64(z[0], Mem{Base: dst, Disp: 8})
	VMOVDQU64(z[1], Mem{Base: topOut})
	ADDQ(U8(64), src)
	ADDQ(U8(64), dst)
	SUBQ(U8(64), top)
	SUBQ(U8(64), topOut)
	DECQ(left)
	JNZ(LabelRef("pair"))
	end()
}
