package main

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// floatSums are the registers of sums, an upper and a lower half for each output and vector; others rotate, and y15 spreads packed numbers.
type floatSums struct {
	f       form
	vectors int // of four words, at a time
	free    *temps
}

func (s floatSums) half(out, lower, k int) VecPhysical { return y[2*(out*s.vectors+k)+lower] }

// floatTerms are the registers of a loop over terms.
type floatTerms struct {
	x, index, stream, offset Register
	two, three, advance      Register // bytes of two and three pairs of words, and of the rest of a term
	i, first, second         GPVirtual
}

// floats writes the function. A step sums 8 words over all terms, or 4 if there are three outputs. A product is added to the upper half,
// which is so large that it takes a multiple of a power of two; what that rounds goes to the lower one.
func (f form) floats() {
	s := floatSums{f: f, vectors: 2}
	if f.outputs > 2 {
		s.vectors = 1
	}
	s.free = &temps{r: append(slices.Clone(y[2*f.outputs*s.vectors:13]), y[14])}
	order := y[15]
	outs := []string{"dst0", "dst1", "dst2"}[:f.outputs]
	begin("float"+strings.ToUpper(f.name[:1])+f.name[1:],
		"func("+strings.Join(outs, ", ")+" *uint64, x **uint64, index *int32, start, end int, stream *uint64, unpack *uint8, bytes, terms, skip, limit int, c *float64)",
		f.doc+", reduced. Terms read the polynomials of x that the index names, from byte start to end, and so do outputs. After each 32 words, skip bytes of the stream are left out; numbers have so many bytes."+
			map[bool]string{true: " Terms with a negative index are left out with their part of the stream."}[f.outside()])
	r := floatTerms{x: parameter("x"), index: GP64(), stream: parameter("stream"), offset: GP64(), i: GP64(), first: GP64(), second: GP64()}
	Load(Param("start"), r.offset)
	VMOVDQU(Mem{Base: parameter("unpack")}, order)
	VMOVUPD(exponents, exponent)
	bytes, two, three, advance := GP64(), GP64(), GP64(), GP64()
	Load(Param("bytes"), bytes)
	LEAQ(Mem{Base: bytes, Index: bytes, Scale: 1}, two)
	LEAQ(Mem{Base: two, Index: two, Scale: 2}, three)
	IMUL3Q(U8(12*f.width), two, advance) // 24 numbers of each width
	r.two, r.three, r.advance = two, three, advance

	Label("step")
	for half := range 2 / s.vectors {
		s.step(r, half, order)
	}
	ADDQ(U8(64), r.offset)
	for range f.width { // the next 8 words of the first term
		LEAQ(Mem{Base: r.stream, Index: two, Scale: 4}, r.stream.(GPVirtual))
	}
	TESTQ(U32(255), r.offset)
	JNZ(LabelRef("step"))
	rest := GP64() // all terms but the first, and what is skipped
	Load(Param("terms"), rest)
	DECQ(rest)
	whole := GP64()
	IMUL3Q(U8(16*f.width), two, whole)
	IMULQ(whole, rest)
	ADDQ(address("skip"), rest)
	ADDQ(rest, r.stream)
	CMPQ(r.offset, address("end"))
	JNE(LabelRef("step"))
	end()
}

// step sums one step: all 8 words, or one half of them.
func (s floatSums) step(r floatTerms, half int, order VecPhysical) {
	f := s.f
	label := func(name string) string { return fmt.Sprintf("%s%d", name, half) }
	c, left, some, at := GP64(), GP64(), GP64(), GP64()
	Load(Param("c"), c)
	constants := Mem{Base: c}
	for out := range f.outputs {
		for k := range s.vectors {
			VMOVUPD(constants.Offset(fStart), s.half(out, 0, k))
			VXORPD(s.half(out, 1, k), s.half(out, 1, k), s.half(out, 1, k))
		}
	}
	MOVQ(r.stream, at)
	Load(Param("index"), r.index)
	Load(Param("terms"), left)
	Label(label("chunk"))
	Load(Param("limit"), some)
	CMPQ(left, some)
	CMOVQLT(left, some)
	SUBQ(some, left)
	Label(label("term"))
	MOVLQSX(Mem{Base: r.index}, r.i)
	if f.outside() {
		TESTQ(r.i, r.i)
		JS(LabelRef(label("outside")))
	}
	s.term(r, at, half, order)
	Label(label("next"))
	ADDQ(r.advance, at)
	ADDQ(U8(4), r.index)
	DECQ(some)
	JNZ(LabelRef(label("term")))
	TESTQ(left, left)
	JZ(LabelRef(label("finish")))
	s.each(func(_, _ int, upper, lower VecPhysical) {
		s.reduce(upper, lower, constants)
		VMOVAPD(upper, lower)
		VMOVUPD(constants.Offset(fStart), upper)
	})
	JMP(LabelRef(label("chunk")))
	if f.outside() {
		Label(label("outside"))
		for range f.width {
			LEAQ(Mem{Base: at, Index: r.two, Scale: 4}, at)
		}
		JMP(LabelRef(label("next")))
	}
	Label(label("finish"))
	var dst []Register
	for out := range f.outputs {
		dst = append(dst, parameter(fmt.Sprintf("dst%d", out)))
	}
	s.each(func(out, k int, upper, lower VecPhysical) {
		s.reduce(upper, lower, constants)
		toWord(upper, constants, s.free)
		VMOVUPD(upper, Mem{Base: dst[out], Index: r.offset, Scale: 1, Disp: 32 * (half + k)})
	})
}

func (s floatSums) each(body func(out, k int, upper, lower VecPhysical)) {
	for out := range s.f.outputs {
		for k := range s.vectors {
			body(out, k, s.half(out, 0, k), s.half(out, 1, k))
		}
	}
}

// reduce takes a sum to [−q/2, q/2], or hardly beyond, in its upper half: first by an even multiple of q where it is large, as the sum with
// what rounds then is.
func (s floatSums) reduce(upper, lower VecPhysical, c Mem) {
	VSUBPD(c.Offset(fStart), upper, upper)
	for i := range 2 {
		v := s.free.next()
		VMOVUPD(roundTo, v)
		VFMADD231PD(c.Offset(fInverse), upper, v)
		VSUBPD(roundTo, v, v)
		VFNMADD231PD(c.Offset(fQ), v, upper)
		if i == 0 {
			VADDPD(lower, upper, upper)
		}
	}
}

// term adds a term's products to the sums.
func (s floatSums) term(r floatTerms, at GPVirtual, half int, order VecPhysical) {
	f := s.f
	if f.inputs == 2 {
		ADDQ(r.i, r.i)
		MOVQ(Mem{Base: r.x, Index: r.i, Scale: 8, Disp: 8}, r.second)
	}
	MOVQ(Mem{Base: r.x, Index: r.i, Scale: 8}, r.first)
	number := GP64() // where the 8 words of a number lie
	for k := range s.vectors {
		var x, t []VecPhysical
		for i := range f.inputs {
			v := s.free.next()
			in := Mem{Base: []Register{r.first, r.second}[i], Index: r.offset, Scale: 1, Disp: 32 * (half + k)}
			if f.inputs == 2 && half+k == 0 { // too many streams for the processor's own prefetching
				PREFETCHT0(in.Offset(inputAhead))
			}
			VMOVDQU(in, v)
			toFloat(v)
			x = append(x, v)
		}
		MOVQ(at, number)
		for m := range f.width {
			if m > 0 {
				LEAQ(Mem{Base: number, Index: r.two, Scale: 4}, number)
			}
			if half+k == 0 {
				f.fetch(Mem{Base: number})
			}
			v := s.free.next()
			first, second := Mem{Base: number}, Mem{Base: number, Index: r.two, Scale: 1}
			if half+k == 1 {
				first, second = Mem{Base: number, Index: r.two, Scale: 2}, Mem{Base: number, Index: r.three, Scale: 1}
			}
			VMOVDQU(first, v.AsX())
			VINSERTI128(U8(1), second, v, v)
			VPSHUFB(order, v, v)
			toFloat(v)
			t = append(t, v)
			if f.inputs == 1 { // its products at once: registers are few
				s.product(x[0], v, m, k)
			}
		}
		if f.inputs == 1 {
			continue
		}
		for _, m := range f.meet {
			s.product(x[m[0]], t[m[1]], m[2], k)
		}
	}
	MOVQ(number, at)
	LEAQ(Mem{Base: at, Index: r.two, Scale: 4}, at)
}

func (s floatSums) product(x, t VecPhysical, out, k int) {
	upper, lower := s.half(out, 0, k), s.half(out, 1, k)
	v := s.free.next()
	VMOVAPD(upper, v)
	VFMADD231PD(x, t, upper)
	VSUBPD(v, upper, v) // what was added
	VFMSUB231PD(x, t, v)
	VADDPD(v, lower, lower)
}
