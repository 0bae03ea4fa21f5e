package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// extensions emit the exact base extension from two primes.
func extensions() {
	split()
	extend()
}

func split() {
	begin("split", "func(y0, y1 *uint64, v *uint8, x0, x1 *uint64, n int, table *uint64, c *uint64)",
		"gives y_i = (x_i + half)·(Q/q_i)⁻¹ modulo q_i and, one bit each, floor(y_0/q_0 + y_1/q_1). The table holds for each prime: half, factor, its quotient, q, 2^52 − q, 1/q as a float.")
	y0, y1, v, x0, x1, n := parameter("y0"), parameter("y1"), parameter("v"), parameter("x0"), parameter("x1"), parameter("n")
	table := parameter("table")
	constants()
	for i := range 12 {
		VPBROADCASTQ(Mem{Base: table, Disp: 8 * i}, z[16+i])
	}
	one := GP64()
	MOVQ(U64(0x3ff0000000000000), one)
	VPBROADCASTQ(one, z[15])
	bits := GP32()
	Label("loop")
	for i, x := range []Register{x0, x1} {
		k := z[16+6*i : 22+6*i]
		in, out, p := z[2*i], z[2*i+1], z[4+i]
		VMOVDQU64(Mem{Base: x}, in)
		VPADDQ(k[0], in, in)
		zero(p)
		high(k[2], false, in, p)
		zero(out)
		low(k[1], false, in, out)
		low(k[4], false, p, out)
		VPANDQ(mask, out, out)
		VPSUBQ(k[3], out, p)
		VPMINUQ(p, out, out)
		VMOVDQU64(out, Mem{Base: []Register{y0, y1}[i]})
		VCVTUQQ2PD(out, z[6+i])
		if i == 0 {
			VMULPD(k[5], z[6], z[6])
		} else {
			VFMADD231PD(k[5], z[7], z[6])
		}
	}
	VCMPPD(U8(13), z[15], z[6], K1) // at least one
	KMOVB(K1, bits)
	MOVB(bits.As8(), Mem{Base: v})
	for _, p := range []Register{x0, x1, y0, y1} {
		ADDQ(U8(64), p)
	}
	INCQ(v)
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
	end()
}

func extend() {
	begin("extend", "func(dst, y0, y1 *uint64, v *uint8, n int, table *uint64, c *uint64)",
		"is dst = y_0·a_0 + y_1·a_1 + b, or + b′ where v is set, reduced. The table holds a_0 and a_1 with their quotients, b, b′.")
	dst, y0, y1, v, n, table := parameter("dst"), parameter("y0"), parameter("y1"), parameter("v"), parameter("n"), parameter("table")
	c := constants()
	for i := range 6 {
		VPBROADCASTQ(Mem{Base: table, Disp: 8 * i}, z[16+i])
	}
	t := &temps{r: z[8:14]}
	bits := GP32()
	each(n, []Register{dst, y0, y1}, func(k int) {
		out, p := z[k], z[4+k]
		MOVBLZX(Mem{Base: v, Disp: k}, bits)
		KMOVB(bits, K1)
		VMOVDQA64(z[20], out)
		VMOVDQA64(z[21], K1, out)
		zero(p)
		for i, y := range []Register{y0, y1} {
			in := t.next()
			VMOVDQU64(at(y, k), in)
			high(z[17+2*i], false, in, p)
			low(z[16+2*i], false, in, out)
		}
		low(negQ, false, p, out)
		barrett(out, c, t)
		leastMasked(out, c, t)
		VMOVDQU64(out, at(dst, k))
		if k == unroll-1 {
			ADDQ(U8(unroll), v)
		}
	})
}

// sampling emits rejection sampling of random words.
func sampling() {
	begin("reject", "func(dst, src *uint64, n int, bits uint64, c *uint64) int",
		"keeps those of n random words whose lowest bits (a mask) are below q, and counts them; dst has room for 8 more.")
	dst, src, n := parameter("dst"), parameter("src"), parameter("n")
	VPBROADCASTQ(address("bits"), z[26])
	c := Mem{Base: parameter("c")}
	VPBROADCASTQ(c.Offset(cQ), z[27])
	start, k := GP64(), GP64()
	MOVQ(dst, start)
	Label("loop")
	VPANDQ(Mem{Base: src}, z[26], z[0])
	VPCMPUQ(U8(1), z[27], z[0], K1)
	VPCOMPRESSQ(z[0], K1, z[1])
	VMOVDQU64(z[1], Mem{Base: dst})
	KMOVB(K1, k.As32())
	POPCNTQ(k, k)
	LEAQ(Mem{Base: dst, Index: k, Scale: 8}, dst)
	ADDQ(U8(64), src)
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
	SUBQ(start, dst)
	SHRQ(U8(3), dst)
	VZEROUPPER()
	Store(dst, ReturnIndex(0))
	RET()
}
