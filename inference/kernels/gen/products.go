package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A form of products of streams: how many polynomials each term reads, how many numbers for each word it finds in the stream,
// and which of them meet in which output.
type form struct {
	name          string
	inputs, width int
	outputs       int
	meet          [][3]int // input, number of the stream, output
	doc           string
}

var forms = []form{
	{"keyProducts", 1, 2, 2, [][3]int{{0, 0, 0}, {0, 1, 1}}, "is dst0 = Σ x·a, dst1 = Σ x·b"},
	{"plainProducts", 2, 1, 2, [][3]int{{0, 0, 0}, {1, 0, 1}}, "is dst0 = Σ x0·t, dst1 = Σ x1·t"},
	{"cipherProducts", 2, 2, 3, [][3]int{{0, 0, 0}, {0, 1, 1}, {1, 0, 1}, {1, 1, 2}}, "is dst0 = Σ x0·t0, dst1 = Σ x0·t1 + x1·t0, dst2 = Σ x1·t1"},
}

// outside tells whether terms may be left out: those of weights, which may lie in the padding of a convolution.
func (f form) outside() bool { return f.inputs == 2 }

// streamAhead is how many bytes ahead of use a stream is fetched, into the first-level cache.
const streamAhead = 4096

// inputAhead is how many bytes ahead of use inputs are fetched.
const inputAhead = 512

// fetch asks for what a stream has next. Least is computed with plain tiles, so that memory bounds their products; fetched into the first-level
// cache, they would keep its few buffers from the inputs.
func (f form) fetch(at Mem) {
	if f.inputs > f.width {
		PREFETCHT1(at.Offset(2 * streamAhead))
		return
	}
	PREFETCHT0(at.Offset(streamAhead))
}

func products() {
	for _, f := range forms {
		f.emit()
	}
}

// montgomery reduces lo + 2^52·hi, divided by 2^52, to a word below q, in lo.
func montgomery(lo, hi Op, c Mem, t *temps) {
	m := t.next()
	zero(m)
	low(c.Offset(cMontgomery), true, lo, m) // −lo/q
	low(c.Offset(cQ), true, m, lo)          // a multiple of 2^52
	high(c.Offset(cQ), true, m, hi)
	VPSRLQ(U8(52), lo, lo)
	VPADDQ(hi, lo, lo)
	barrett(lo, c, t)
	leastMasked(lo, c, t)
}

// Offsets in kernels.unpacking.
const (
	unpackOrder = 0
	unpackMask  = 64
	unpackBytes = 72
)

// emit writes the function. A step sums 4 vectors over all terms; after each limit of them, the halves are reduced so that they
// stay below 2^52 and 2^64. Packed numbers are spread by a permutation of bytes; up to 32 bytes too many are read.
func (f form) emit() {
	outs := []string{"dst0", "dst1", "dst2"}[:f.outputs]
	signature := "func(" + strings.Join(outs, ", ") + " *uint64, x **uint64, index *int32, start int, stream, unpack *uint64, terms, skip, limit, words int, c *uint64)"
	doc := f.doc + ", divided by 2^52 and reduced. Terms read the polynomials of x that the index names, from byte start on. After each 32 words, skip bytes of the stream are left out."
	if f.outside() {
		doc += " Terms with a negative index are left out with their part of the stream."
	}
	begin(f.name, signature, doc)
	var dst []Register
	for _, out := range outs {
		dst = append(dst, parameter(out))
	}
	r := newTermRegisters()
	words := parameter("words")
	c := Mem{Base: parameter("c")}
	VPBROADCASTQ(c.Offset(cNegQ), negQ)
	VPBROADCASTQ(c.Offset(cMask), mask)

	free := &temps{r: z[8*f.outputs : 29]}
	Label("vectors")
	for i := range 8 * f.outputs {
		zero(z[i])
	}
	f.terms(r, c, free)
	for out, base := range dst {
		for k := range 4 {
			montgomery(half(out, 0, k), half(out, 1, k), c, free)
			VMOVDQU64(half(out, 0, k), at(base, k))
		}
	}
	for _, base := range dst {
		ADDQ(U32(256), base)
	}
	ADDQ(U32(256), r.offset)
	skip := GP64()
	Load(Param("skip"), skip)
	ADDQ(skip, r.stream)
	SUBQ(U8(32), words)
	JNZ(LabelRef("vectors"))
	end()
}

// half is the register of the lower or upper half of sum k of an output.
func half(out, upper, k int) VecPhysical { return z[8*out+4*upper+k] }

// terms sums all terms, at most a limit of them between reductions.
func (f form) terms(r termRegisters, c Mem, free *temps) {
	left, some := GP64(), GP64()
	Load(Param("index"), r.index)
	Load(Param("terms"), left)
	Label("chunk")
	Load(Param("limit"), some)
	CMPQ(left, some)
	CMOVQLT(left, some)
	SUBQ(some, left)
	Label("term")
	MOVLQSX(Mem{Base: r.index}, r.i)
	if f.outside() {
		TESTQ(r.i, r.i)
		JS(LabelRef("outside"))
	}
	f.term(r, free)
	Label("next")
	ADDQ(U8(4), r.index)
	DECQ(some)
	JNZ(LabelRef("term"))
	TESTQ(left, left)
	JZ(LabelRef("finish"))
	for out := range f.outputs {
		for k := range 4 {
			lo, hi := half(out, 0, k), half(out, 1, k)
			v := free.next()
			VPSRLQ(U8(52), lo, v)
			VPADDQ(v, hi, hi)
			VPANDQ(mask, lo, lo)
			barrett(hi, c, free)
			VPANDQ(mask, hi, hi)
		}
	}
	JMP(LabelRef("chunk"))
	if f.outside() {
		Label("outside")
		for range f.width {
			LEAQ(Mem{Base: r.stream, Index: r.advance, Scale: 4}, r.stream.(GPVirtual))
		}
		JMP(LabelRef("next"))
	}
	Label("finish")
}

type termRegisters struct {
	x, stream       Register
	order           VecPhysical
	index, i        GPVirtual
	first, second   GPVirtual // pointers to inputs
	offset, advance GPVirtual
}

func newTermRegisters() termRegisters {
	r := termRegisters{
		x: parameter("x"), stream: parameter("stream"), order: z[30], index: GP64(), i: GP64(), first: GP64(), second: GP64(), offset: GP64(), advance: GP64(),
	}
	unpack := parameter("unpack")
	VMOVDQU64(Mem{Base: unpack, Disp: unpackOrder}, r.order)
	KMOVQ(Mem{Base: unpack, Disp: unpackMask}, K2)
	MOVQ(Mem{Base: unpack, Disp: unpackBytes}, r.advance)
	Load(Param("start"), r.offset)
	return r
}

func (f form) term(r termRegisters, free *temps) {
	if f.inputs == 2 {
		ADDQ(r.i, r.i)
		MOVQ(Mem{Base: r.x, Index: r.i, Scale: 8, Disp: 8}, r.second)
	}
	MOVQ(Mem{Base: r.x, Index: r.i, Scale: 8}, r.first)
	for k := range 4 {
		var x, t []VecPhysical
		for i := range f.inputs {
			v := free.next()
			at := Mem{Base: []Register{r.first, r.second}[i], Index: r.offset, Scale: 1, Disp: 64 * k}
			if f.inputs == 2 { // too many streams for the processor's own prefetching
				PREFETCHT0(at.Offset(inputAhead))
			}
			VMOVDQU64(at, v)
			x = append(x, v)
		}
		for range f.width {
			v := free.next()
			f.fetch(Mem{Base: r.stream})
			VMOVDQU64(Mem{Base: r.stream}, v)
			ADDQ(r.advance, r.stream)
			VPERMB_Z(v, r.order, K2, v)
			t = append(t, v)
		}
		for _, m := range f.meet {
			low(t[m[1]], false, x[m[0]], half(m[2], 0, k))
			high(t[m[1]], false, x[m[0]], half(m[2], 1, k))
		}
	}
}

// multiples emits sums of integer multiples: exact as pairs of signed halves.
func multiples() {
	begin("multiples", "func(dst, x *uint64, index *int32, w *uint32, negative, positive int, bias uint64, c *uint64)",
		"is 64 words of dst = bias − Σ w·x + Σ w·x, over so many negative and then positive terms, reduced. Input i has its 64 words at 64·i; weights are below 2^31.")
	dst, x, index, w := parameter("dst"), parameter("x"), parameter("index"), parameter("w")
	c := Mem{Base: parameter("c")}
	negative := parameter("negative")
	for i := range 16 {
		zero(z[i])
	}
	multiplesLoop("minus", x, index, w, negative)
	zero(z[17])
	for k := range 16 {
		VPSUBQ(z[k], z[17], z[k])
	}
	multiplesLoop("plus", x, index, w, parameter("positive"))
	VPBROADCASTQ(c.Offset(cNegQ), negQ)
	VPBROADCASTQ(c.Offset(cMask), mask)
	VPBROADCASTQ(c.Offset(cTwoQ), twoQ)
	radix := radixFactor(c)
	VPBROADCASTQ(address("bias"), z[28])
	t := &temps{r: z[17:24]}
	VPBROADCASTQ(c.Offset(cLift), z[25])
	for k := range 8 {
		lo, hi := z[k], z[8+k]
		v := t.next()
		VPSRAQ(U8(52), lo, v)
		VPADDQ(v, hi, hi)
		VPADDQ(z[25], hi, hi) // a multiple of q that makes it positive
		VPANDQ(mask, lo, lo)
		v = t.next()
		product(hi, radix, v, t.next())
		barrett(lo, c, t)
		VPANDQ(mask, lo, lo)
		VPADDQ(v, lo, lo)
		below2q(lo, t)
		VPADDQ(z[28], lo, lo)
		below2q(lo, t)
		least(lo, c, t)
		VMOVDQU64(lo, at(dst, k))
	}
	end()
}

// multiplesLoop adds n terms to the halves in z0–z7 and z8–z15.
func multiplesLoop(name string, x, index, w, n Register) {
	TESTQ(n, n)
	JZ(LabelRef(name + "Done"))
	Label(name)
	i, weight := GP64(), GP64()
	MOVLQSX(Mem{Base: index}, i)
	SHLQ(U8(9), i)
	MOVL(Mem{Base: w}, weight.As32())
	VPBROADCASTQ(weight, z[16])
	for k := range 8 {
		VMOVDQU64(Mem{Base: x, Index: i, Scale: 1, Disp: 64 * k}, z[17+k])
		low(z[16], false, z[17+k], z[k])
		high(z[16], false, z[17+k], z[8+k])
	}
	ADDQ(U8(4), index)
	ADDQ(U8(4), w)
	DECQ(n)
	JNZ(LabelRef(name))
	Label(name + "Done")
}
