package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unroll is how many vectors a step of a loop takes: lengths are multiples of 32 words.
const unroll = 4

// each emits a loop over vectors; pointers move, vectors are at 64·k.
func each(n Register, pointers []Register, body func(k int)) {
	Label("loop")
	for k := range unroll {
		body(k)
	}
	for _, p := range pointers {
		ADDQ(U32(64*unroll), p)
	}
	SUBQ(U8(8*unroll), n)
	JNZ(LabelRef("loop"))
	end()
}

func at(base Register, k int) Mem { return Mem{Base: base, Disp: 64 * k} }

// Registers of pointwise functions: operands z0–z3, results z4–z7, temporaries z8–z23, given numbers z24–z27.
func pointwise() {
	scales()
	subScales()
	addAndCenter()
	mulAdds()
	square()
}

func pointwiseTemps() *temps { return &temps{r: z[16:24]} }

func scales() {
	for _, add := range []bool{false, true} {
		name, doc := "scale", "is dst = src·w, reduced; src is below 2^52."
		if add {
			name, doc = "scaleAdd", "is dst += src·w, reduced; src is below 2^52."
		}
		begin(name, "func(dst, src *uint64, n int, w, quotient uint64, c *uint64)", doc)
		dst, src, n := parameter("dst"), parameter("src"), parameter("n")
		f, c, t := given(z[26], z[27]), constants(), pointwiseTemps()
		each(n, []Register{dst, src}, func(k int) {
			VMOVDQU64(at(src, k), z[k])
			product(z[k], f, z[4+k], z[8+k])
			if add {
				VPADDQ(at(dst, k), z[4+k], z[4+k])
				below2q(z[4+k], t)
			}
			least(z[4+k], c, t)
			VMOVDQU64(z[4+k], at(dst, k))
		})
	}
}

func subScales() {
	for _, add := range []bool{false, true} {
		name, signature, doc := "subScale", "func(dst, x, y *uint64, n int, w, quotient uint64, c *uint64)", "is dst = (x − y)·w, reduced."
		if add {
			name, signature, doc = "subScaleAdd", "func(dst, x, y, z *uint64, n int, w, quotient uint64, c *uint64)", "is dst = (x − y)·w + z, reduced."
		}
		begin(name, signature, doc)
		dst, x, y := parameter("dst"), parameter("x"), parameter("y")
		pointers := []Register{dst, x, y}
		var extra Register
		if add {
			extra = parameter("z")
			pointers = append(pointers, extra)
		}
		n := parameter("n")
		f, c, t := given(z[26], z[27]), constants(), pointwiseTemps()
		VPBROADCASTQ(c.Offset(cQ), z[25])
		each(n, pointers, func(k int) {
			VMOVDQU64(at(x, k), z[k])
			VPADDQ(z[25], z[k], z[k])
			VPSUBQ(at(y, k), z[k], z[k])
			product(z[k], f, z[4+k], z[8+k])
			if add {
				VPADDQ(at(extra, k), z[4+k], z[4+k])
				below2q(z[4+k], t)
			}
			least(z[4+k], c, t)
			VMOVDQU64(z[4+k], at(dst, k))
		})
	}
}

func addAndCenter() {
	begin("add", "func(dst, x, y *uint64, n int, c *uint64)", "is dst = x + y, reduced.")
	dst, x, y, n := parameter("dst"), parameter("x"), parameter("y"), parameter("n")
	c, t := constants(), pointwiseTemps()
	each(n, []Register{dst, x, y}, func(k int) {
		VMOVDQU64(at(x, k), z[k])
		VPADDQ(at(y, k), z[k], z[k])
		least(z[k], c, t)
		VMOVDQU64(z[k], at(dst, k))
	})

	begin("center", "func(dst, src *uint64, n int, half, adjust uint64, c *uint64)",
		"takes words below another modulus modulo q, those above half of it as negative: adjust is a multiple of q, less that modulus.")
	dst, src, n := parameter("dst"), parameter("src"), parameter("n")
	VPBROADCASTQ(address("half"), z[26])
	VPBROADCASTQ(address("adjust"), z[27])
	c, t = constants(), pointwiseTemps()
	each(n, []Register{dst, src}, func(k int) {
		VMOVDQU64(at(src, k), z[k])
		VPCMPUQ(U8(6), z[26], z[k], K1) // above half
		VPADDQ(z[27], z[k], K1, z[k])
		barrett(z[k], c, t)
		leastMasked(z[k], c, t)
		VMOVDQU64(z[k], at(dst, k))
	})
}

func mulAdds() {
	for _, negative := range []bool{false, true} {
		name, doc := "mulAdd", "is dst = z + x·y, reduced."
		if negative {
			name, doc = "mulSub", "is dst = z − x·y, reduced."
		}
		begin(name, "func(dst, x, y, z *uint64, n int, c *uint64)", doc)
		dst, x, y, summand, n := parameter("dst"), parameter("x"), parameter("y"), parameter("z"), parameter("n")
		c, t := constants(), pointwiseTemps()
		radix := radixFactor(c)
		each(n, []Register{dst, x, y, summand}, func(k int) {
			lo, hi, v := z[k], z[4+k], z[8+k]
			VMOVDQU64(at(x, k), v)
			zero(lo)
			zero(hi)
			low(at(y, k), false, v, lo)
			high(at(y, k), false, v, hi)
			product(hi, radix, v, z[12+k]) // below 2q
			barrett(lo, c, t)
			VPANDQ(mask, lo, lo) // below 2q
			VPADDQ(v, lo, lo)
			below2q(lo, t)
			if negative {
				VPSUBQ(lo, twoQ, lo)
			}
			VPADDQ(at(summand, k), lo, lo) // below 3q
			below2q(lo, t)
			least(lo, c, t)
			VMOVDQU64(lo, at(dst, k))
		})
	}
}

// radixFactor is 2^52 modulo q.
func radixFactor(c Mem) factor {
	VPBROADCASTQ(c.Offset(cRadix), z[26])
	VPBROADCASTQ(c.Offset(cRadixQuotient), z[27])
	return factor{z[26], z[27], false}
}

// square emits the square of a ciphertext. Sums of products in 52-bit halves, lo + 2^52·hi, are reduced as in mulAdd.
func square() {
	begin("square", "func(dst0, dst1, dst2, x0, x1 *uint64, n int, c *uint64)", "is dst0 = x0², dst1 = 2·x0·x1, dst2 = x1², reduced.")
	var dst [3]Register
	for i, name := range []string{"dst0", "dst1", "dst2"} {
		dst[i] = parameter(name)
	}
	x0, x1, n := parameter("x0"), parameter("x1"), parameter("n")
	c, t := constants(), &temps{r: z[18:26]}
	radix := radixFactor(c)
	each(n, []Register{dst[0], dst[1], dst[2], x0, x1}, func(k int) {
		x := [2]VecPhysical{z[0], z[1]}
		VMOVDQU64(at(x0, k), x[0])
		VMOVDQU64(at(x1, k), x[1])
		for i, pair := range [3][2]int{{0, 0}, {0, 1}, {1, 1}} {
			lo, hi, v := z[2+3*i], z[3+3*i], z[4+3*i]
			zero(lo)
			zero(hi)
			low(x[pair[0]], false, x[pair[1]], lo)
			high(x[pair[0]], false, x[pair[1]], hi)
			product(hi, radix, v, t.next())
			barrett(lo, c, t)
			VPANDQ(mask, lo, lo)
			VPADDQ(v, lo, lo)
			below2q(lo, t)
			least(lo, c, t)
			if i == 1 {
				VPADDQ(lo, lo, lo)
				least(lo, c, t)
			}
			VMOVDQU64(lo, at(dst[i], k))
		}
	})
}

// permutations move aligned vectors.
func permutations() {
	for _, add := range []bool{false, true} {
		name, doc := "permute", "is dst = π(src). The index holds the byte offset of each vector's source and, in its lowest bits, which order its lanes take."
		signature := "func(dst, src *uint64, index *uint32, lanes *uint64, vectors int)"
		if add {
			name, doc, signature = "permuteAdd", "is dst = x + π(src), reduced.", "func(dst, x, src *uint64, index *uint32, lanes *uint64, vectors int, c *uint64)"
		}
		begin(name, signature, doc)
		dst, src, index, lanes, n := parameter("dst"), parameter("src"), parameter("index"), parameter("lanes"), parameter("vectors")
		var x Register
		var c Mem
		t := &temps{r: z[8:16]}
		if add {
			x, c = parameter("x"), Mem{Base: parameter("c")}
		}
		Label("loop")
		for k := range unroll {
			a, b := GP64(), GP64()
			MOVL(Mem{Base: index, Disp: 4 * k}, a.As32())
			MOVQ(a, b)
			ANDQ(U8(7), b)
			XORQ(b, a)
			SHLQ(U8(6), b)
			VMOVDQU64(Mem{Base: lanes, Index: b, Scale: 1}, z[k])
			VPERMQ(Mem{Base: src, Index: a, Scale: 1}, z[k], z[k])
			if add {
				VPADDQ(at(x, k), z[k], z[k])
				least(z[k], c, t)
			}
			VMOVDQU64(z[k], at(dst, k))
		}
		if add {
			ADDQ(U32(64*unroll), x)
		}
		ADDQ(U8(4*unroll), index)
		ADDQ(U32(64*unroll), dst)
		SUBQ(U8(unroll), n)
		JNZ(LabelRef("loop"))
		end()
	}
}
