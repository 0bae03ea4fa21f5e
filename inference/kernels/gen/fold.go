package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pairs is a loop over pairs (j, n−j) of words, 8 at once: body combines z[0] and z[1] to z[2] and z[3]. Loads and stores are of aligned
// vectors: 8 words from j on meet 7 of one vector and the first of the next, which was the one before. The partner of word 0 is taken
// to be 0, that of n/2 is itself, last of all.
func pairs(lanes Mem, body func()) {
	dst, src, n, left := parameter("dst"), parameter("src"), parameter("n"), GP64()
	now, before, order, result := z[13], z[14], z[15], z[16]
	VMOVDQU64(lanes, order)
	top, topOut := GP64(), GP64()
	LEAQ(Mem{Base: src, Index: n, Scale: 8, Disp: -64}, top)
	LEAQ(Mem{Base: dst, Index: n, Scale: 8}, topOut)
	MOVQ(n, left)
	SHRQ(U8(4), left)
	zero(before)
	step := func() {
		VMOVDQU64(Mem{Base: src}, z[0])
		VMOVDQU64(Mem{Base: top}, now)
		VMOVDQA64(now, z[1])
		VPERMT2Q(before, order, z[1])
		VMOVDQA64(now, before)
		body()
		VMOVDQU64(z[2], Mem{Base: dst})
		ADDQ(U8(64), src)
		ADDQ(U8(64), dst)
		SUBQ(U8(64), top)
		SUBQ(U8(64), topOut)
	}
	store := func() {
		VPERMT2Q(z[3], order, result)
		VMOVDQU64(result, Mem{Base: topOut, Disp: 64})
	}
	step()
	VMOVDQA64(z[3], result)
	DECQ(left)
	JZ(LabelRef("middle"))
	Label("pair")
	step()
	store()
	VMOVDQA64(z[3], result)
	DECQ(left)
	JNZ(LabelRef("pair"))
	Label("middle")
	VMOVDQA64(before, z[0])
	VMOVDQA64(before, z[1])
	body()
	SUBQ(U8(64), topOut)
	store()
	end()
}

// folds are the stage of the conjugate-invariant ring that pairs j with n−j, and its inverse.
func folds() {
	// the lanes of a vector from the last on, and of another the first before them
	reversed := laneOrder("reversed", 8, 7, 6, 5, 4, 3, 2, 1)
	begin("fold", "func(dst, src *uint64, n int, w, quotient uint64, c *uint64)",
		"is x, y ← x − w·y, y − w·x, below 3q, modulo 2^52, for pairs j, n−j.")
	f := given(z[26], z[27])
	c := constants()
	minus2q := z[24]
	zero(minus2q)
	VPSUBQ(twoQ, minus2q, minus2q)
	pairs(reversed, func() {
		for i := range 2 {
			x, y, p, s := z[i], z[1-i], z[4+i], z[6+i]
			zero(p)
			high(f.quotient, false, y, p)
			VMOVDQA64(minus2q, s)
			low(f.w, false, y, s)
			low(negQ, false, p, s)
			VPSUBQ(s, x, z[2+i])
		}
	})

	begin("unfold", "func(dst, src *uint64, n int, factors, c *uint64)",
		"is x, y ← v·x + w·y, v·y + w·x, reduced, of words modulo 2^52; factors are v and w, with quotients.")
	factors := parameter("factors")
	for i := range 4 {
		VPBROADCASTQ(Mem{Base: factors, Disp: 8 * i}, z[20+i])
	}
	c = constants()
	t := &temps{r: z[8:12]}
	pairs(reversed, func() {
		for i := range 2 {
			x, y, p, s := z[i], z[1-i], z[4+i], z[2+i]
			zero(p)
			high(z[21], false, x, p)
			high(z[23], false, y, p)
			zero(s)
			low(z[20], false, x, s)
			low(z[22], false, y, s)
			low(negQ, false, p, s)
			VPANDQ(mask, s, s)
			below2q(s, t)
			least(s, c, t)
		}
	})
}
