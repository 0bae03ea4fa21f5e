package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Offsets in kernels.floatConstants: vectors of four.
const (
	fQ       = 32 * iota // q
	fInverse             // 1/q
	fWords               // 2^52 + q
	fStart               // 2^(52+s), where sums of products start
	fModulus             // q, an integer
)

var y = [16]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}

// Registers that hold constants: q, 3·2^51, to which a small number is added to round it, and 2^52, whose lowest bits hold a small integer
// as a word does.
var floatQ, rounder, exponent = y[15], y[14], y[13]

// Constants in memory.
var roundTo, exponents, sums, ones, lanes Mem

func repeated(name string, bits uint64) Mem {
	return laneOrder(name, int(bits), int(bits), int(bits), int(bits))
}

func floats() {
	roundTo = repeated("roundTo", 0x4338000000000000)
	exponents = repeated("exponents", 0x4330000000000000)
	sums = repeated("sums", 0x45c8000000000000) // 3·2^92, where sums of multiples start
	ones = repeated("ones", 0x3ff0000000000000)
	lanes = laneOrder("laneBits", 1, 2, 4, 8)
	for _, radix := range []int{4, 8} {
		for _, from := range []source{words, centred, small, reduced} {
			floatForward(radix, from)
		}
		for _, wide := range []bool{false, true} {
			floatBackward(radix, wide, false)
			floatBackward(radix, wide, true)
		}
	}
	floatForwardTail()
	floatBackwardTail(false)
	floatBackwardTail(true)
	floatFolds()
	floatPointwise()
	floatPermutations()
	floatExtensions()
	floatMultiples()
	for _, f := range forms {
		f.floats()
	}
}

// floatConstants loads the pointer to a ring's constants and the registers that functions on floats want.
func floatConstants() Mem {
	c := Mem{Base: parameter("c")}
	VMOVUPD(c.Offset(fQ), floatQ)
	VMOVUPD(roundTo, rounder)
	VMOVUPD(exponents, exponent)
	return c
}

func floatTemps() *temps { return &temps{r: y[8:13]} }

// toFloat takes words below 2^52.
func toFloat(v Op) {
	VPOR(exponent, v, v)
	VSUBPD(exponent, v, v)
}

// toCentre takes words below another modulus to floats from −q/2 to q/2, those above half of it as negative.
func toCentre(v, half, modulus VecPhysical, c Mem, t *temps) {
	above := t.next()
	VPCMPGTQ(half, v, above)
	VANDPD(modulus, above, above)
	toFloat(v)
	VSUBPD(above, v, v)
	reduce(v, c, t)
}

// toWord takes floats above −q, below q and never −0, to words below q.
func toWord(x Op, c Mem, t *temps) {
	v := t.next()
	VBLENDVPD(x, c.Offset(fWords), exponent, v)
	VADDPD(x, v, x)
	VPXOR(exponent, x, x)
}

// reduce takes x to [−q/2, q/2], or hardly beyond.
func reduce(x Op, c Mem, t *temps) {
	v := t.next()
	VMOVAPD(rounder, v)
	VFMADD231PD(c.Offset(fInverse), x, v)
	VSUBPD(rounder, v, v)
	VFNMADD231PD(floatQ, v, x)
}

// times is h = x·w modulo q, for a factor w whose quotient is w/q: x is lost and so is the quotient.
func times(x, w, quotient, h Op) {
	VMULPD(w, x, h)
	VFMADD213PD(rounder, x, quotient)
	VSUBPD(rounder, quotient, quotient)
	VFMSUB213PD(h, w, x) // what h was rounded by
	VFNMADD231PD(floatQ, quotient, h)
	VADDPD(h, x, h)
}

// floatFactor broadcasts a factor and its quotient to temporaries.
func floatFactor(at Mem, t *temps) (w, quotient VecPhysical) {
	w, quotient = t.next(), t.next()
	VBROADCASTSD(at, w)
	VBROADCASTSD(at.Offset(8), quotient)
	return w, quotient
}

// floatDown is (x, y) ← (x + w·y, x − w·y), floatUp is (x, y) ← (x + y, (x − y)·w).
func floatDown(x, y, w, quotient VecPhysical, t *temps) {
	h := t.next()
	times(y, w, quotient, h)
	VSUBPD(h, x, y)
	VADDPD(h, x, x)
}

func floatUp(x, y, w, quotient VecPhysical, t *temps) {
	d := t.next()
	VSUBPD(y, x, d)
	VADDPD(y, x, x)
	times(d, w, quotient, y)
}

// A source is what a forward pass reads.
type source int

const (
	words   source = iota // below q
	centred               // words below another modulus
	small                 // floats that leave room for the pass's stages
	reduced               // floats to be reduced first
)

var sources = map[source]struct{ name, doc string }{
	words:   {"Words", "of words"},
	centred: {"Center", "of words below another modulus, those above half of it as negative"},
	small:   {"", "of floats that leave room for its stages"},
	reduced: {"Reduced", "of floats, which it reduces first"},
}

// floatBlock is block for vectors of four.
type floatBlock struct {
	radix    int
	s        strides
	dst, src Register
	table    Register
	left     GPVirtual
	c        Mem
	t        *temps
}

func newFloatBlock(radix int) *floatBlock {
	b := &floatBlock{radix: radix, dst: parameter("dst"), src: parameter("src"), table: parameter("table"), t: floatTemps()}
	step := GP64()
	Load(Param("stride"), step)
	b.left = GP64()
	MOVQ(step, b.left)
	SHRQ(U8(2), b.left)
	SHLQ(U8(3), step)
	b.s = newStrides(step)
	b.c = floatConstants()
	return b
}

func (b *floatBlock) factor(i int) (w, quotient VecPhysical) {
	return floatFactor(Mem{Base: b.table, Disp: 16 * i}, b.t)
}

func (b *floatBlock) each(body func()) {
	Label("vector")
	for k := range b.radix {
		VMOVUPD(b.s.at(b.src, b.src, k), y[k])
	}
	body()
	for k := range b.radix {
		VMOVUPD(y[k], b.s.at(b.dst, b.dst, k))
	}
	ADDQ(U8(32), b.src)
	ADDQ(U8(32), b.dst)
	DECQ(b.left)
	JNZ(LabelRef("vector"))
	end()
}

func floatForward(radix int, from source) {
	signature := "func(dst, src *uint64, table *float64, stride int, c *float64)"
	if from == centred {
		signature = "func(dst, src *uint64, table *float64, stride int, c *float64, half uint64, modulus float64)"
	}
	begin(fmt.Sprintf("floatForward%d%s", radix, sources[from].name), signature,
		"is a pass of the transform over one block of radix·stride numbers, "+sources[from].doc+", to floats. The table has the factors of its stages, with quotients.")
	b := newFloatBlock(radix)
	half, modulus := y[11], y[12]
	if from == centred {
		VPBROADCASTQ(address("half"), half)
		VBROADCASTSD(address("modulus"), modulus)
		b.t = &temps{r: y[8:11]}
	}
	b.each(func() {
		for k := range radix {
			switch from {
			case words:
				toFloat(y[k])
			case centred:
				toCentre(y[k], half, modulus, b.c, b.t)
			case reduced:
				reduce(y[k], b.c, b.t)
			}
		}
		for h, first := radix/2, 0; h > 0; h /= 2 {
			for g := range radix / 2 / h {
				for k := range h {
					w, quotient := b.factor(first + g)
					floatDown(y[2*h*g+k], y[2*h*g+k+h], w, quotient, b.t)
				}
			}
			first += radix / 2 / h
		}
	})
}

// floatBackward undoes a forward pass. Of the narrow ones only the first number grows past what the next pass takes; wide ones reduce
// what they read. The last one divides by N and gives words.
func floatBackward(radix int, wide, last bool) {
	name, doc := fmt.Sprintf("floatBackward%d", radix), "undoes a forward pass, with a table of inverse factors in the same order."
	if last {
		name, doc = name+"Words", "undoes the first pass, divides by N and gives words: the table's last factor is 1/N, its first is multiplied by it."
	}
	if wide {
		name, doc = name+"Reduced", doc+" It reduces what it reads."
	}
	begin(name, "func(dst, src *uint64, table *float64, stride int, c *float64)", doc)
	b := newFloatBlock(radix)
	b.each(func() {
		if wide {
			for k := range radix {
				reduce(y[k], b.c, b.t)
			}
		}
		for h := 1; h < radix; h *= 2 {
			groups := radix / 2 / h
			for g := range groups {
				for k := range h {
					x, z := y[2*h*g+k], y[2*h*g+k+h]
					w, quotient := b.factor(groups - 1 + g)
					floatUp(x, z, w, quotient, b.t)
					if last && groups == 1 {
						toWord(z, b.c, b.t)
						w, quotient = b.factor(radix - 1)
						v := b.t.next()
						VMOVAPD(x, v)
						times(v, w, quotient, x)
						toWord(x, b.c, b.t)
					}
				}
			}
		}
		if !wide && !last {
			reduce(y[0], b.c, b.t)
		}
	})
}

// floatTail is a loop over blocks of 32 numbers, eight vectors, for the five stages with strides 16 to 1. Strides 16, 8 and 4 are
// between vectors. For the others, vectors a and b are a pair that exchanges numbers before each stage, so that x and y meet:
//
//	stride 2   a0 b0 a1 b1   a2 b2 a3 b3
//	stride 1   a0 b0 a2 b2   a1 b1 a3 b3
//
// A block's table has 64 numbers: 7 factors for strides 16, 8 and 4, two numbers unused, and for each pair two factors for stride 2, which
// loads repeat, and four for stride 1, before their quotients.
type floatTail struct {
	dst, src, table, left Register
	c                     Mem
	t                     *temps
}

func newFloatTail() *floatTail {
	b := &floatTail{dst: parameter("dst"), src: parameter("src"), table: parameter("table"), left: parameter("blocks"), t: floatTemps()}
	b.c = floatConstants()
	return b
}

func (b *floatTail) each(body func()) {
	Label("block")
	for k := range 8 {
		VMOVUPD(Mem{Base: b.src, Disp: 32 * k}, y[k])
	}
	body()
	for k := range 8 {
		VMOVUPD(y[k], Mem{Base: b.dst, Disp: 32 * k})
	}
	ADDQ(U32(256), b.src)
	ADDQ(U32(256), b.dst)
	ADDQ(U32(512), b.table)
	DECQ(b.left)
	JNZ(LabelRef("block"))
	end()
}

func (b *floatTail) factor(i int) (w, quotient VecPhysical) {
	return floatFactor(Mem{Base: b.table, Disp: 16 * i}, b.t)
}

// pairs are the factors of a pair.
func (b *floatTail) pairs(stride, pair int) (w, quotient VecPhysical) {
	w, quotient = b.t.next(), b.t.next()
	at := Mem{Base: b.table, Disp: 128 + 96*pair}
	if stride == 2 {
		VBROADCASTF128(at, w)
		VBROADCASTF128(at.Offset(16), quotient)
	} else {
		VMOVUPD(at.Offset(32), w)
		VMOVUPD(at.Offset(64), quotient)
	}
	return w, quotient
}

// exchange takes a pair's vectors to others: even and odd numbers, or lower and upper halves.
func (b *floatTail) exchange(x, z VecPhysical, halves bool) {
	v := b.t.next()
	if halves {
		VPERM2F128(U8(0x20), z, x, v)
		VPERM2F128(U8(0x31), z, x, z)
	} else {
		VUNPCKLPD(z, x, v)
		VUNPCKHPD(z, x, z)
	}
	VMOVAPD(v, x)
}

func floatForwardTail() {
	begin("floatForwardTail", "func(dst, src *uint64, table *float64, blocks int, c *float64, ahead *uint64, step int)",
		"is the five stages with strides 16 to 1 on blocks of 32 floats, to words. It fetches from ahead on, 8 times a step of bytes for each block.")
	ahead, step := parameter("ahead"), parameter("step")
	fetch := func() {
		PREFETCHT1(Mem{Base: ahead})
		ADDQ(step, ahead)
	}
	b := newFloatTail()
	b.each(func() {
		for h, first := 4, 0; h > 0; h /= 2 {
			for g := range 4 / h {
				for k := range h {
					w, quotient := b.factor(first + g)
					floatDown(y[2*h*g+k], y[2*h*g+k+h], w, quotient, b.t)
				}
			}
			first += 4 / h
			fetch()
		}
		for i := range 4 {
			x, z := y[2*i], y[2*i+1]
			b.exchange(x, z, false)
			b.exchange(x, z, true)
			for _, stride := range []int{2, 1} {
				w, quotient := b.pairs(stride, i)
				floatDown(x, z, w, quotient, b.t)
				b.exchange(x, z, stride == 2)
			}
			for _, v := range []VecPhysical{x, z} {
				reduce(v, b.c, b.t)
				toWord(v, b.c, b.t)
			}
			fetch()
		}
		fetch()
	})
}

func floatBackwardTail(wide bool) {
	name, doc := "floatBackwardTail", "undoes the forward tail, with a table of inverse factors in the same order."
	if wide {
		name, doc = name+"Reduced", doc+" It reduces numbers after two stages."
	}
	begin(name, "func(dst, src *uint64, table *float64, blocks int, c *float64)", doc)
	b := newFloatTail()
	b.each(func() {
		for i := range 4 {
			x, z := y[2*i], y[2*i+1]
			toFloat(x)
			toFloat(z)
			for _, stride := range []int{1, 2} {
				b.exchange(x, z, stride == 2)
				w, quotient := b.pairs(stride, i)
				floatUp(x, z, w, quotient, b.t)
			}
			b.exchange(x, z, true)
			b.exchange(x, z, false)
			if wide {
				reduce(x, b.c, b.t)
				reduce(z, b.c, b.t)
			}
		}
		for h := 1; h < 8; h *= 2 {
			for g := range 4 / h {
				for k := range h {
					w, quotient := b.factor(4/h - 1 + g)
					floatUp(y[2*h*g+k], y[2*h*g+k+h], w, quotient, b.t)
				}
			}
		}
		if !wide {
			reduce(y[0], b.c, b.t)
		}
	})
}

// floatFolds are the stage of the conjugate-invariant ring that pairs j with n − j, and its inverse, from j = 1 on: four at once meet four that
// are reversed. The middle number is its own partner.
func floatFolds() {
	pairs := func(read func(v VecPhysical), body func(x, reversed VecPhysical)) {
		dst, src, n := parameter("dst"), parameter("src"), parameter("n")
		top, topOut := GP64(), GP64()
		LEAQ(Mem{Base: src, Index: n, Scale: 8, Disp: -32}, top)
		LEAQ(Mem{Base: dst, Index: n, Scale: 8, Disp: -32}, topOut)
		ADDQ(U8(8), src)
		ADDQ(U8(8), dst)
		SHRQ(U8(3), n)
		Label("pair")
		VMOVUPD(Mem{Base: src}, y[0])
		VPERMPD(U8(0x1b), Mem{Base: top}, y[1])
		read(y[0])
		read(y[1])
		body(y[0], y[1])
		VMOVUPD(y[2], Mem{Base: dst})
		VPERMPD(U8(0x1b), y[3], y[3])
		VMOVUPD(y[3], Mem{Base: topOut})
		ADDQ(U8(32), src)
		ADDQ(U8(32), dst)
		SUBQ(U8(32), top)
		SUBQ(U8(32), topOut)
		DECQ(n)
		JNZ(LabelRef("pair"))
		end()
	}
	t := floatTemps()
	product := func(x, w, quotient, h VecPhysical) { // keeps its operands
		v, c := t.next(), t.next()
		VMOVAPD(x, v)
		VMOVAPD(quotient, c)
		times(v, w, c, h)
	}

	begin("floatFold", "func(dst, src *uint64, n int, w, quotient float64, c *float64)",
		"is x, y ← x − w·y, y − w·x, of words, to floats, for pairs j, n−j but that of 0.")
	w, quotient := y[6], y[7]
	VBROADCASTSD(address("w"), w)
	VBROADCASTSD(address("quotient"), quotient)
	floatConstants()
	pairs(func(v VecPhysical) { toFloat(v) }, func(x, z VecPhysical) {
		product(z, w, quotient, y[4])
		VSUBPD(y[4], x, y[2])
		product(x, w, quotient, y[4])
		VSUBPD(y[4], z, y[3])
	})

	begin("floatUnfold", "func(dst, src *uint64, n int, factors *float64, c *float64)",
		"is x, y ← v·x + w·y, v·y + w·x, of floats, to words, for pairs j, n−j but that of 0; factors are v and w, with quotients.")
	factors := parameter("factors")
	for i := range 4 {
		VBROADCASTSD(Mem{Base: factors, Disp: 8 * i}, y[4+i])
	}
	c := floatConstants()
	pairs(func(VecPhysical) {}, func(x, z VecPhysical) {
		for i, v := range [][2]VecPhysical{{x, z}, {z, x}} {
			out, h := y[2+i], t.next()
			product(v[0], y[4], y[5], out)
			product(v[1], y[6], y[7], h)
			VADDPD(h, out, out)
			reduce(out, c, t)
			toWord(out, c, t)
		}
	})
}
