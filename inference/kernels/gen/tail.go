package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

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

// tail is one of two blocks of 64 words that a round of the six stages with strides 32 to 1 works on, one a phase behind the
// other: one multiplies while the other shuffles, as the stages of a block alone wait for multiplications.
//
// Strides 32 to 8 are between vectors. For the others, vectors a and b are a pair that exchanges words before each stage, so that x
// and y meet: with words a0 to a7 and b0 to b7,
//
//	stride 4   a0 b0 a1 b1 a2 b2 a3 b3   a4 b4 a5 b5 a6 b6 a7 b7
//	stride 2   a0 b0 a4 b4 a1 b1 a5 b5   a2 b2 a6 b6 a3 b3 a7 b7
//	stride 1   a0 b0 a2 b2 a4 b4 a6 b6   a1 b1 a3 b3 a5 b5 a7 b7
//
// Factors, one for a and b each at stride 4, two at stride 2, then repeat, as loads do for nothing. A block's table has 128 words:
// 7 factors for strides 32, 16 and 8, two words unused, and for each pair vectors of factors for stride 1, halves for stride 2
// and quarters for stride 4.
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

// vector is the factors of a pair, in registers if they repeat.
func (b *tail) vector(stride, pair int) factor {
	at := Mem{Base: b.table, Disp: 1024 * b.number}
	switch stride {
	case 1:
		at.Disp += 128 + 128*pair
		return factor{at, at.Offset(64), false}
	case 2:
		at.Disp += 640 + 64*pair
		w, quotient := b.t.next(), b.t.next()
		VBROADCASTI64X4(at, w)
		VBROADCASTI64X4(at.Offset(32), quotient)
		return factor{w, quotient, false}
	}
	at.Disp += 896 + 32*pair
	w, quotient := b.t.next(), b.t.next()
	VBROADCASTI64X2(at, w)
	VBROADCASTI64X2(at.Offset(16), quotient)
	return factor{w, quotient, false}
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

// down is the forward stages of strides 32, 16 and 8.
func (b *tail) down() (p program) {
	for h, first := 4, 0; h > 0; h /= 2 {
		for g := range 4 / h {
			for k := range h {
				x, y, w := b.r[2*h*g+k], b.r[2*h*g+k+h], b.scalar(first+g)
				p.add(func() { b.f.forward(x, y, w, b.c, b.t) })
			}
		}
		first += 4 / h
	}
	return p
}

// up undoes down.
func (b *tail) up() (p program) {
	for stage := range 3 {
		h := 1 << stage
		for g := range 4 / h {
			for k := range h {
				x, y, w := b.r[2*h*g+k], b.r[2*h*g+k+h], b.scalar(4/h-1+g)
				p.add(func() { b.f.backward(x, y, b.f.bound(stage), w, b.c, b.t) })
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

// exchange takes each pair's vectors to others: first and second write one each, of which second may take a's place.
func (b *tail) exchange(first func(v, a, out VecPhysical), second func(v, a VecPhysical)) (p program) {
	for i := 0; i < 8; i += 2 {
		x, y, out := b.r[i], b.r[i+1], b.free
		p.add(func() {
			first(y, x, out)
			second(y, x)
		})
		b.r[i], b.r[i+1], b.free = out, x, y
	}
	return p
}

// permute exchanges by lane numbers of a, and from 8 on of b.
func (b *tail) permute(first, second VecPhysical) program {
	return b.exchange(func(v, a, out VecPhysical) {
		VMOVDQA64(first, out)
		VPERMI2Q(v, a, out)
	}, func(v, a VecPhysical) { VPERMT2Q(v, second, a) })
}

// unpack exchanges even and odd words.
func (b *tail) unpack() program {
	return b.exchange(func(v, a, out VecPhysical) { VPUNPCKLQDQ(v, a, out) }, func(v, a VecPhysical) { VPUNPCKHQDQ(v, a, a) })
}

// shuffle exchanges units of 128 bits: the even and the odd ones.
func (b *tail) shuffle() program {
	return b.exchange(func(v, a, out VecPhysical) { VSHUFI64X2(U8(0x88), v, a, out) }, func(v, a VecPhysical) { VSHUFI64X2(U8(0xdd), v, a, a) })
}

// pairDown is the forward stage of stride 4, 2 or 1, pairUp the backward one.
func (b *tail) pairDown(stride int) (p program) {
	for i := range 4 {
		x, y := b.r[2*i], b.r[2*i+1]
		p.add(func() { b.f.forward(x, y, b.vector(stride, i), b.c, b.t) })
	}
	return p
}

func (b *tail) pairUp(stride int) (p program) {
	for i := range 4 {
		x, y := b.r[2*i], b.r[2*i+1]
		p.add(func() {
			b.f.backward(x, y, b.f.bound(stride/2), b.vector(stride, i), b.c, b.t)
			if stride == 4 && !b.f.wide() {
				barrett(x, b.c, b.t)
			}
		})
	}
	return p
}

func (b *tail) reduce() (p program) {
	for _, v := range b.r {
		p.add(func() {
			barrett(v, b.c, b.t)
			leastMasked(v, b.c, b.t)
		})
	}
	return p
}

// prefetches is how many cache lines the forward tail asks for in a round of 128 words: as fast as memory gives them.
const prefetches = 32

// forwardTail is the last pass. It fetches what is read next, a part of a key for instance, into the second-level cache:
// multiplications leave the memory idle.
func forwardTail(f family, orders []Mem) {
	begin(fmt.Sprintf("forwardTail_%d", f), "func(dst, src, table *uint64, blocks int, c, ahead *uint64, step int)",
		"is the six stages with strides 32 to 1 on an even number of blocks of 64 words. It fetches from ahead on, 32 times a step of bytes for each two blocks.")
	ahead, step := parameter("ahead"), parameter("step")
	lanes := laneRegisters(orders)
	var phases [2][4]program
	blocks := tails(f, false, func(b *tail, phase *[4]program) {
		phase[0] = slices.Concat(b.load(), b.down())
		phase[1] = slices.Concat(b.permute(lanes[0], lanes[1]), b.pairDown(4), b.permute(lanes[2], lanes[3]))
		phase[2] = slices.Concat(b.pairDown(2), b.permute(lanes[2], lanes[3]), b.pairDown(1))
		phase[3] = slices.Concat(b.unpack(), b.reduce(), b.store())
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
func backwardTail(f family, orders []Mem) {
	begin(fmt.Sprintf("backwardTail_%d", f), "func(dst, src, table *uint64, blocks int, c *uint64)",
		"undoes the forward tail, with a table of inverse factors in the same order.")
	lanes := laneRegisters(orders)
	var phases [2][4]program
	blocks := tails(f, true, func(b *tail, phase *[4]program) {
		phase[0] = slices.Concat(b.load(), b.unpack(), b.pairUp(1))
		phase[1] = slices.Concat(b.shuffle(), b.pairUp(2), b.shuffle())
		phase[2] = slices.Concat(b.pairUp(4), b.permute(lanes[0], lanes[1]))
		phase[3] = slices.Concat(b.up(), b.store())
	}, &phases)
	tailLoop(blocks, &phases)
}

// laneOrder is a constant for each lane in memory: a permutation of them for instance.
func laneOrder(name string, order ...int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, lane := range order {
		DATA(8*i, U64(lane))
	}
	return m
}

// laneRegisters hold orders of lanes.
func laneRegisters(orders []Mem) []VecPhysical {
	r := z[23 : 23+len(orders)]
	for i, m := range orders {
		VMOVDQU64(m, r[i])
	}
	return r
}

// tailRegisters are those of a loop over blocks.
type tailRegisters struct{ dst, src, table, left Register }

func tails(f family, back bool, list func(*tail, *[4]program), phases *[2][4]program) tailRegisters {
	r := tailRegisters{parameter("dst"), parameter("src"), parameter("table"), parameter("blocks")}
	c := Mem{Base: parameter("c")}
	f.load(back, c)
	t := &temps{r: z[18:23]}
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
