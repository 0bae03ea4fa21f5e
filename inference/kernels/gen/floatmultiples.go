package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// floatMultiples emits sums of integer multiples: of multiples of 2^41, and of what these round.
func floatMultiples() {
	begin("floatMultiples", "func(dst, x *uint64, index *int32, w *uint32, negative, positive int, bias float64, c *float64)",
		"is 16 words of dst = bias − Σ w·x + Σ w·x, over so many negative and then positive terms, 2048 in all, reduced. Input i has its 16 words at 16·i; weights are below 2^31.")
	dst, x, index, w := parameter("dst"), parameter("x"), parameter("index"), parameter("w")
	c := Mem{Base: parameter("c")}
	VMOVUPD(exponents, exponent)
	for k := range 4 {
		VMOVUPD(sums, y[k])
		VXORPD(y[4+k], y[4+k], y[4+k])
	}
	floatMultiplesLoop("minus", x, index, w, parameter("negative"))
	floatMultiplesLoop("plus", x, index, w, parameter("positive"))
	VMOVUPD(roundTo, rounder)
	VMOVUPD(c.Offset(fQ), floatQ)
	bias, t := y[12], &temps{r: y[8:12]}
	VBROADCASTSD(address("bias"), bias)
	for k := range 4 {
		upper, lower := y[k], y[4+k]
		VSUBPD(sums, upper, upper)
		reduce(upper, c, t)
		VADDPD(lower, upper, upper)
		VADDPD(bias, upper, upper)
		reduce(upper, c, t)
		toWord(upper, c, t)
		VMOVUPD(upper, floatAt(dst, k))
	}
	end()
}

// floatMultiplesLoop adds n terms to the upper halves in y0–y3 and the lower ones in y4–y7.
func floatMultiplesLoop(name string, x, index, w, n Register) {
	TESTQ(n, n)
	JZ(LabelRef(name + "Done"))
	Label(name)
	i, weight := GP64(), y[8]
	MOVLQSX(Mem{Base: index}, i)
	SHLQ(U8(7), i)
	VPBROADCASTD(Mem{Base: w}, weight.AsX())
	VCVTDQ2PD(weight.AsX(), weight)
	t := &temps{r: []VecPhysical{y[9], y[10], y[11], y[12], y[14], y[15]}}
	for k := range 4 {
		upper, lower, v, sum := y[k], y[4+k], t.next(), t.next()
		VPOR(Mem{Base: x, Index: i, Scale: 1, Disp: 32 * k}, exponent, v)
		VSUBPD(exponent, v, v)
		VMOVAPD(upper, sum)
		if name == "minus" {
			VFNMADD231PD(weight, v, upper)
			VSUBPD(sum, upper, sum)
			VFNMSUB231PD(weight, v, sum)
		} else {
			VFMADD231PD(weight, v, upper)
			VSUBPD(sum, upper, sum)
			VFMSUB231PD(weight, v, sum)
		}
		VADDPD(sum, lower, lower)
	}
	ADDQ(U8(4), index)
	ADDQ(U8(4), w)
	DECQ(n)
	JNZ(LabelRef(name))
	Label(name + "Done")
}
