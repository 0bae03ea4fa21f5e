// Command gen writes the vector kernels: kernels_amd64.s and its stubs. "go generate ./inference/kernels" runs it; the
// formulas and their bounds are in that package's documentation.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Offsets in kernels.constants.
const (
	cQ = 8 * iota
	cNegQ
	cTwoQ
	cBarrett
	cMask
	cMontgomery
	cRadix
	cRadixQuotient
	cFourQ
	cEightQ
	cSixteenQ
	cLift
)

var z = [32]VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}

// Registers that hold constants.
var (
	negQ = z[31]
	twoQ = z[30] // family 50, pointwise
	mask = z[29]
	// family 47, backward
	fourQ, eightQ, sixteenQ = z[30], z[28], z[27]
)

// begin opens a function without a frame that keeps none of its pointers.
func begin(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Doc(name + " " + doc)
	Pragma("noescape")
}

func end() {
	VZEROUPPER()
	RET()
}

// parameter loads a parameter.
func parameter(name string) Register { return Load(Param(name), GP64()) }

// address is the place of a parameter, to broadcast from.
func address(name string) Op {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

// factor is a known factor with its quotient: registers, words to broadcast, or vectors in memory.
type factor struct {
	w, quotient Op
	broadcast   bool
}

// given broadcasts the factor that a function is given.
func given(w, quotient VecPhysical) factor {
	VPBROADCASTQ(address("w"), w)
	VPBROADCASTQ(address("quotient"), quotient)
	return factor{w, quotient, false}
}

// low is dst += low52(a·b); high adds the upper 52 bits.
func low(f Op, broadcast bool, b, dst Op) {
	if broadcast {
		VPMADD52LUQ_BCST(f, b, dst)
	} else {
		VPMADD52LUQ(f, b, dst)
	}
}

func high(f Op, broadcast bool, b, dst Op) {
	if broadcast {
		VPMADD52HUQ_BCST(f, b, dst)
	} else {
		VPMADD52HUQ(f, b, dst)
	}
}

func zero(r Op) { VPXORQ(r, r, r) }

// temps rotates through temporaries.
type temps struct {
	r []VecPhysical
	n int
}

func (t *temps) next() VecPhysical { t.n++; return t.r[t.n%len(t.r)] }

// product is out = low52(w·y) − low52(high52(w'·y)·q): below 2q.
func product(y Op, f factor, out, p Op) {
	zero(p)
	high(f.quotient, f.broadcast, y, p)
	zero(out)
	low(f.w, f.broadcast, y, out)
	low(negQ, false, p, out)
	VPANDQ(mask, out, out)
}

// barrett takes a word, modulo 2^52, to [0, 2q), modulo 2^52.
func barrett(x Op, c Mem, t *temps) {
	p := t.next()
	zero(p)
	high(c.Offset(cBarrett), true, x, p)
	low(negQ, false, p, x)
}

// below2q takes words below 4q to below 2q.
func below2q(x Op, t *temps) {
	p := t.next()
	VPSUBQ(twoQ, x, p)
	VPMINUQ(p, x, x)
}

// least takes words below 2q to below q.
func least(x Op, c Mem, t *temps) {
	p := t.next()
	VPSUBQ_BCST(c.Offset(cQ), x, p)
	VPMINUQ(p, x, x)
}

// leastMasked is least for words modulo 2^52.
func leastMasked(x Op, c Mem, t *temps) {
	VPANDQ(mask, x, x)
	least(x, c, t)
}

// constants loads the pointer to a ring's constants and the registers that most functions want.
func constants() Mem {
	c := Mem{Base: parameter("c")}
	VPBROADCASTQ(c.Offset(cNegQ), negQ)
	VPBROADCASTQ(c.Offset(cMask), mask)
	VPBROADCASTQ(c.Offset(cTwoQ), twoQ)
	return c
}

func main() {
	ConstraintExpr("amd64")
	transforms()
	pointwise()
	permutations()
	products()
	multiples()
	extensions()
	sampling()
	floats()
	Generate()
}
