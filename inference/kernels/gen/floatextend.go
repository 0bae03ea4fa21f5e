package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// floatExtensions emit the exact base extension from two primes.
func floatExtensions() {
	floatSplit()
	floatExtend()
}

func floatSplit() {
	begin("floatSplit", "func(y0, y1 *uint64, v *uint8, x0, x1 *uint64, n int, table, c0, c1 *float64)",
		"gives y_i = (x_i + half)·(Q/q_i)⁻¹ modulo q_i and, one bit each of every fourth byte, floor(y_0/q_0 + y_1/q_1). The table holds for each prime: half, factor, its quotient.")
	y0, y1, v, x0, x1, n := parameter("y0"), parameter("y1"), parameter("v"), parameter("x0"), parameter("x1"), parameter("n")
	table := parameter("table")
	c := []Mem{{Base: parameter("c0")}, {Base: parameter("c1")}}
	VMOVUPD(roundTo, rounder)
	VMOVUPD(exponents, exponent)
	bits := GP32()
	sum, one := y[7], y[8]
	VMOVUPD(ones, one)
	Label("loop")
	for i, x := range []Register{x0, x1} {
		in, w, quotient, out, number := y[0], y[1], y[2], y[3], y[4]
		at := Mem{Base: table, Disp: 24 * i}
		VMOVUPD(Mem{Base: x}, in)
		toFloat(in)
		VBROADCASTSD(at, w)
		VADDPD(w, in, in)
		VBROADCASTSD(at.Offset(8), w)
		VBROADCASTSD(at.Offset(16), quotient)
		VMOVUPD(c[i].Offset(fQ), floatQ)
		times(in, w, quotient, out)
		VBLENDVPD(out, c[i].Offset(fWords), exponent, number)
		VADDPD(out, number, number)
		VPXOR(exponent, number, out)
		VMOVDQU(out, Mem{Base: []Register{y0, y1}[i]})
		VSUBPD(exponent, number, number)
		if i == 0 {
			VMULPD(c[i].Offset(fInverse), number, sum)
		} else {
			VFMADD231PD(c[i].Offset(fInverse), number, sum)
		}
	}
	VCMPPD(U8(13), one, sum, sum) // at least one
	VMOVMSKPD(sum, bits)
	MOVB(bits.As8(), Mem{Base: v})
	for _, p := range []Register{x0, x1, y0, y1} {
		ADDQ(U8(32), p)
	}
	ADDQ(U8(4), v)
	SUBQ(U8(4), n)
	JNZ(LabelRef("loop"))
	end()
}

func floatExtend() {
	begin("floatExtend", "func(dst, y0, y1 *uint64, v *uint8, n int, table, c *float64)",
		"is dst = y_0·a_0 + y_1·a_1 + b, or + b′ where v is set. The table holds a_0 and a_1 with their quotients, b, b′.")
	dst, y0, y1, v, n, table := parameter("dst"), parameter("y0"), parameter("y1"), parameter("v"), parameter("n"), parameter("table")
	c := floatConstants()
	for i := range 6 {
		VBROADCASTSD(Mem{Base: table, Disp: 8 * i}, y[i])
	}
	lane := y[6]
	VMOVDQU(lanes, lane)
	t := &temps{r: y[9:13]}
	bits := GP64()
	Label("loop")
	MOVBQZX(Mem{Base: v}, bits)
	set, out := y[7], y[8]
	VMOVQ(bits, set.AsX())
	VPBROADCASTQ(set.AsX(), set)
	VPAND(lane, set, set)
	VPCMPEQQ(lane, set, set)
	VBLENDVPD(set, y[5], y[4], out)
	for i, from := range []Register{y0, y1} {
		in, quotient, h := t.next(), t.next(), t.next()
		VMOVUPD(Mem{Base: from}, in)
		toFloat(in)
		VMOVAPD(y[2*i+1], quotient)
		times(in, y[2*i], quotient, h)
		VADDPD(h, out, out)
	}
	reduce(out, c, t)
	toWord(out, c, t)
	VMOVUPD(out, Mem{Base: dst})
	for _, p := range []Register{dst, y0, y1} {
		ADDQ(U8(32), p)
	}
	ADDQ(U8(4), v)
	SUBQ(U8(4), n)
	JNZ(LabelRef("loop"))
	end()
}
