package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// floatEach emits a loop over vectors of four; pointers move, vectors are at 32·k.
func floatEach(n Register, pointers []Register, body func(k int)) {
	const vectors = 2
	Label("loop")
	for k := range vectors {
		body(k)
	}
	for _, p := range pointers {
		ADDQ(U8(32*vectors), p)
	}
	SUBQ(U8(4*vectors), n)
	JNZ(LabelRef("loop"))
	end()
}

func floatAt(base Register, k int) Mem { return Mem{Base: base, Disp: 32 * k} }

// floatPointwise emits functions on words. Registers: operands y0 and y1, results y2 and y3, given numbers y4 to y7.
func floatPointwise() {
	type operation struct {
		name, operands, doc string // operands besides dst: those read are the ones named
		factor              bool
		body                func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps)
	}
	load := func(m Mem, v VecPhysical) { VMOVUPD(m, v); toFloat(v) }
	difference := func(x, z Mem, v VecPhysical, t *temps) {
		u := t.next()
		VMOVUPD(x, v)
		VMOVUPD(z, u)
		VPOR(exponent, v, v)
		VPOR(exponent, u, u)
		VSUBPD(u, v, v)
	}
	scaled := func(v, out VecPhysical, t *temps) {
		quotient := t.next()
		VMOVAPD(y[5], quotient)
		times(v, y[4], quotient, out)
	}
	plus := func(m Mem, out VecPhysical, c Mem, t *temps) {
		v := t.next()
		load(m, v)
		VADDPD(v, out, out)
		reduce(out, c, t)
	}
	product := func(x, z, out VecPhysical, c Mem, t *temps) { // to ¾q; x and z are kept
		l, v := t.next(), t.next()
		VMULPD(x, z, out)
		VMOVAPD(out, l)
		VFMSUB231PD(x, z, l)
		VMOVAPD(rounder, v)
		VFMADD231PD(c.Offset(fInverse), out, v)
		VSUBPD(rounder, v, v)
		VFNMADD231PD(floatQ, v, out)
		VADDPD(l, out, out)
	}
	for _, o := range []operation{
		{"floatScale", "src", "is dst = src·w; src is below 2^52.", true, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			load(in["src"], y[k])
			scaled(y[k], out, t)
		}},
		{"floatScaleAdd", "src", "is dst += src·w; src is below 2^52.", true, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			load(in["src"], y[k])
			scaled(y[k], out, t)
			plus(in["dst"], out, c, t)
		}},
		{"floatSubScale", "x y", "is dst = (x − y)·w.", true, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			difference(in["x"], in["y"], y[k], t)
			scaled(y[k], out, t)
		}},
		{"floatSubScaleAdd", "x y z", "is dst = (x − y)·w + z.", true, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			difference(in["x"], in["y"], y[k], t)
			scaled(y[k], out, t)
			plus(in["z"], out, c, t)
		}},
		{"floatMulAdd", "x y z", "is dst = z + x·y.", false, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			load(in["x"], y[k])
			load(in["y"], y[4+k])
			product(y[k], y[4+k], out, c, t)
			plus(in["z"], out, c, t)
		}},
		{"floatMulSub", "x y z", "is dst = z − x·y.", false, func(in map[string]Mem, out VecPhysical, k int, c Mem, t *temps) {
			load(in["x"], y[k])
			load(in["y"], y[4+k])
			product(y[k], y[4+k], out, c, t)
			v := t.next()
			load(in["z"], v)
			VSUBPD(out, v, out)
			reduce(out, c, t)
		}},
	} {
		operands := strings.Fields(o.operands)
		signature := "func(dst"
		for _, name := range operands {
			signature += ", " + name
		}
		signature += " *uint64, n int"
		if o.factor {
			signature += ", w, quotient float64"
		}
		begin(o.name, signature+", c *float64)", o.doc)
		pointers := []Register{parameter("dst")}
		for _, name := range operands {
			pointers = append(pointers, parameter(name))
		}
		n := parameter("n")
		if o.factor {
			VBROADCASTSD(address("w"), y[4])
			VBROADCASTSD(address("quotient"), y[5])
		}
		c, t := floatConstants(), floatTemps()
		floatEach(n, pointers, func(k int) {
			in := map[string]Mem{"dst": floatAt(pointers[0], k)}
			for i, name := range operands {
				in[name] = floatAt(pointers[1+i], k)
			}
			out := y[2+k]
			o.body(in, out, k, c, t)
			toWord(out, c, t)
			VMOVUPD(out, in["dst"])
		})
	}

	begin("floatSquare", "func(dst0, dst1, dst2, x0, x1 *uint64, n int, c *float64)", "is dst0 = x0², dst1 = 2·x0·x1, dst2 = x1².")
	var dst [3]Register
	for i, name := range []string{"dst0", "dst1", "dst2"} {
		dst[i] = parameter(name)
	}
	x0, x1, n := parameter("x0"), parameter("x1"), parameter("n")
	c, t := floatConstants(), floatTemps()
	floatEach(n, []Register{dst[0], dst[1], dst[2], x0, x1}, func(k int) {
		load(floatAt(x0, k), y[0])
		load(floatAt(x1, k), y[1])
		for i, pair := range [3][2]VecPhysical{{y[0], y[0]}, {y[0], y[1]}, {y[1], y[1]}} {
			out := y[2+i]
			product(pair[0], pair[1], out, c, t)
			if i == 1 {
				VADDPD(out, out, out)
				reduce(out, c, t)
			}
			toWord(out, c, t)
			VMOVUPD(out, floatAt(dst[i], k))
		}
	})

	begin("floatAdd", "func(dst, x, y *uint64, n int, c *float64)", "is dst = x + y.")
	to, x, z, n := parameter("dst"), parameter("x"), parameter("y"), parameter("n")
	c = Mem{Base: parameter("c")}
	VMOVDQU(c.Offset(fModulus), floatQ)
	floatEach(n, []Register{to, x, z}, func(k int) {
		v, out := y[k], y[2+k]
		VMOVDQU(floatAt(x, k), v)
		VPADDQ(floatAt(z, k), v, v)
		leastWord(v, out)
		VMOVDQU(out, floatAt(to, k))
	})

	begin("floatCenter", "func(dst, src *uint64, n int, half uint64, modulus float64, c *float64)",
		"takes words below another modulus modulo q, those above half of it as negative.")
	to, from, n := parameter("dst"), parameter("src"), parameter("n")
	VPBROADCASTQ(address("half"), y[4])
	VBROADCASTSD(address("modulus"), y[5])
	c, t = floatConstants(), floatTemps()
	floatEach(n, []Register{to, from}, func(k int) {
		v := y[k]
		VMOVDQU(floatAt(from, k), v)
		toCentre(v, y[4], y[5], c, t)
		toWord(v, c, t)
		VMOVUPD(v, floatAt(to, k))
	})
}

// leastWord takes words below 2q to below q; floatQ holds q as an integer here.
func leastWord(v, out VecPhysical) {
	VPSUBQ(floatQ, v, out)
	VBLENDVPD(out, v, out, out)
}

// floatPermutations move aligned groups of 8 words: each half takes its words from both halves of the source, by 32-bit words.
func floatPermutations() {
	for _, add := range []bool{false, true} {
		name, doc := "floatPermute", "is dst = π(src), for groups of 8 words. The index holds the byte offset of each group's source and, in its lowest bits, which order its halves of words take."
		signature := "func(dst, src *uint64, index, order *uint32, groups int)"
		if add {
			name, doc, signature = "floatPermuteAdd", "is dst = x + π(src).", "func(dst, x, src *uint64, index, order *uint32, groups int, c *float64)"
		}
		begin(name, signature, doc)
		dst, src, index, order, n := parameter("dst"), parameter("src"), parameter("index"), parameter("order"), parameter("groups")
		var x Register
		if add {
			x = parameter("x")
			VMOVDQU(Mem{Base: parameter("c"), Disp: fModulus}, floatQ)
		}
		Label("loop")
		a, b := GP64(), GP64()
		MOVL(Mem{Base: index}, a.As32())
		MOVQ(a, b)
		ANDQ(U8(7), b)
		XORQ(b, a)
		SHLQ(U8(6), b)
		for half := range 2 {
			lanes, low, high, out := y[4*half], y[4*half+1], y[4*half+2], y[4*half+3]
			VMOVDQU(Mem{Base: order, Index: b, Scale: 1, Disp: 32 * half}, lanes)
			VPERMD(Mem{Base: src, Index: a, Scale: 1}, lanes, low)
			VPERMD(Mem{Base: src, Index: a, Scale: 1, Disp: 32}, lanes, high)
			VPSLLD(U8(28), lanes, lanes) // its fourth bit tells the half
			VBLENDVPS(lanes, high, low, low)
			if add {
				VPADDQ(Mem{Base: x, Disp: 32 * half}, low, low)
				leastWord(low, out)
				low = out
			}
			VMOVDQU(low, Mem{Base: dst, Disp: 32 * half})
		}
		if add {
			ADDQ(U8(64), x)
		}
		ADDQ(U8(4), index)
		ADDQ(U8(64), dst)
		DECQ(n)
		JNZ(LabelRef("loop"))
		end()
	}
}
