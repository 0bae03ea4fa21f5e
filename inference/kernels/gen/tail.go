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
				p.add(func() { b.f.forward(x, y, w, b.c, b.t) })
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
