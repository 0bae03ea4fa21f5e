package inference

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"hepex/inference/kernels"
	"hepex/packing"
)

// switchCase is a parameter set with keys, and lattigo's own evaluator as the oracle.
type switchCase struct {
	p       Parameters
	keys    *Keys
	eval    *hefloat.Evaluator
	encoder *hefloat.Encoder
	enc     *rlwe.Encryptor
	dec     *rlwe.Decryptor
	rng     *rand.Rand
}

func newSwitchCase(t testing.TB, lit Literal, steps []int, keyLevel int) *switchCase {
	t.Helper()
	p, err := NewParameters(lit, true)
	check(t, err)
	kg := hefloat.NewKeyGenerator(p.Parameters)
	sk := kg.GenSecretKeyNew()
	at := rlwe.EvaluationKeyParameters{LevelQ: &keyLevel}
	var gks []*rlwe.GaloisKey
	for _, s := range steps {
		gks = append(gks, kg.GenGaloisKeyNew(p.GaloisElement(s), sk, at))
	}
	rlk := kg.GenRelinearizationKeyNew(sk, at)
	keys := &Keys{params: p, levels: packing.KeyLevels{Rotate: map[int]int{}}, relin: ofLattigo(p, &rlk.GadgetCiphertext), rotate: map[int]*switchingKey{}}
	for i, s := range steps {
		keys.rotate[s], keys.levels.Rotate[s] = ofLattigo(p, &gks[i].GadgetCiphertext), keyLevel
	}
	return &switchCase{
		p, keys, hefloat.NewEvaluator(p.Parameters, rlwe.NewMemEvaluationKeySet(rlk, gks...)), hefloat.NewEncoder(p.Parameters),
		hefloat.NewEncryptor(p.Parameters, sk), hefloat.NewDecryptor(p.Parameters, sk), rand.New(rand.NewPCG(5, 6)),
	}
}

// ofLattigo converts a key of lattigo's.
func ofLattigo(p Parameters, g *rlwe.GadgetCiphertext) *switchingKey {
	level := g.LevelQ()
	k := newSwitchingKey(p, level, &kernels.Arena{})
	qp := p.RingQP().AtLevel(level, p.MaxLevelP())
	for d, row := range g.Value {
		var plain [2]ringqp.Poly
		for c, v := range row[0] {
			plain[c] = qp.NewPoly()
			qp.IMForm(v, plain[c])
		}
		for i, s := range k.limbs {
			b, a := plain[0].Q.Coeffs, plain[1].Q.Coeffs
			at := i
			if i > level {
				b, a, at = plain[0].P.Coeffs, plain[1].P.Coeffs, i-level-1
			}
			p.rings.at(level, i).Put(s, d, b[at], a[at])
		}
	}
	return k
}

func (c *switchCase) random(t testing.TB, level int) *rlwe.Ciphertext {
	t.Helper()
	v := make([]float64, c.p.MaxSlots())
	for i := range v {
		v[i] = 2*c.rng.Float64() - 1
	}
	pt := hefloat.NewPlaintext(c.p.Parameters, level)
	check(t, c.encoder.Encode(v, pt))
	ct := hefloat.NewCiphertext(c.p.Parameters, 1, level)
	check(t, c.enc.Encrypt(pt, ct))
	return ct
}

func (c *switchCase) slots(t testing.TB, ct *rlwe.Ciphertext) []float64 {
	t.Helper()
	v := make([]float64, c.p.MaxSlots())
	check(t, c.encoder.Decode(c.dec.DecryptNew(ct), v))
	return v
}

// identical wants the same polynomials: lattigo and we round the same sums once.
func identical(t *testing.T, what string, want, got *rlwe.Ciphertext) {
	t.Helper()
	for i, v := range want.Value {
		for j, limb := range v.Coeffs {
			if !slices.Equal(limb, got.Value[i].Coeffs[j]) {
				t.Errorf("%s: polynomial %d differs modulo prime %d", what, i, j)
			}
		}
	}
}

// close wants the same slots, but for what so many key switches of ciphertexts of that scale add in error: lattigo rounds after
// each, we do once.
func (c *switchCase) close(t *testing.T, what string, switches int, scale rlwe.Scale, want, got *rlwe.Ciphertext) {
	t.Helper()
	lit := c.p.Literal
	digits := digitSum{special: len(lit.LogP), logP: lit.LogP[0]}
	for _, bits := range lit.LogQ[:want.Level()+1] {
		digits.add(bits)
	}
	n := newNoise(lit.Ring, lit.LogN)
	const deviations = 16 // lattigo divides by several special moduli with more than the rounding
	most := deviations * math.Sqrt(2*float64(switches)*(n.keySwitch(digits)+n.rounding())) / scale.Float64()
	w, g := c.slots(t, want), c.slots(t, got)
	for i := range w {
		if d := math.Abs(w[i] - g[i]); !(d <= most) {
			t.Fatalf("%s: slot %d differs by %g, want at most %g", what, i, d, most)
		}
	}
}

// switchLiterals covers both rings, one to three special moduli and the largest primes.
var switchLiterals = []Literal{
	{Standard, 9, []int{50, 40, 40, 40}, []int{50}, 30, nil},
	{Standard, 9, []int{60, 40, 60, 60, 40}, []int{60, 60}, 30, nil},
	{Standard, 10, []int{45, 40, 50, 40, 40, 45, 40}, []int{50, 50, 50}, 30, nil},
	{ConjugateInvariant, 9, []int{41, 42, 51, 36}, []int{54}, 30, nil},
	{ConjugateInvariant, 10, []int{60, 60, 60, 60}, []int{60}, 30, nil},
	{ConjugateInvariant, 9, []int{50, 40, 40, 40, 40}, []int{50, 50}, 30, nil},
}

func TestKeySwitches(t *testing.T) {
	steps := []int{1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 32, 40, 48, 56, 64, -48}
	for _, lit := range switchLiterals {
		for threads := 1; threads <= 2; threads++ {
			t.Run(fmt.Sprintf("%s %v %d", lit.Ring, lit.LogP, threads), func(t *testing.T) {
				c := newSwitchCase(t, lit, steps, len(lit.LogQ)-1)
				s, err := newSwitcher(c.p, c.keys, threads)
				check(t, err)
				for level := range c.p.MaxLevel() + 1 {
					c.checkSums(t, s, level)
					c.checkProducts(t, s, level)
				}
			})
		}
	}
}

func (c *switchCase) checkSums(t *testing.T, s *switcher, level int) {
	t.Helper()
	for _, radix := range []int{2, 3, 8, 9} {
		x := c.random(t, level)
		want := x.CopyNew()
		for k := 1; k < radix; k++ {
			r, err := c.eval.RotateNew(x, k)
			if k == 8 {
				r, err = c.eval.RotateNew(x, 8)
			}
			check(t, err)
			check(t, c.eval.Add(want, r, want))
		}
		check(t, s.sumStage(x, 1, radix))
		what := fmt.Sprintf("sum of %d at level %d", radix, level)
		if radix == 2 {
			identical(t, what, want, x)
		}
		c.close(t, what, radix-1, x.Scale, want, x)
	}
	x := c.random(t, level)
	rotations := []int{-48, 5, 64}
	out := make([]*rlwe.Ciphertext, len(rotations))
	for i := range out {
		out[i] = hefloat.NewCiphertext(c.p.Parameters, 1, level)
	}
	check(t, s.rotateInto(x, rotations, out))
	for i, k := range rotations {
		want, err := c.eval.RotateNew(x, k)
		check(t, err)
		identical(t, fmt.Sprintf("rotation %d at level %d", k, level), want, out[i])
	}
}

func (c *switchCase) checkProducts(t *testing.T, s *switcher, level int) {
	t.Helper()
	p := c.p.Parameters
	x := c.random(t, level)
	if level > 0 { // at level 0 the product exceeds the modulus
		want, err := c.eval.MulRelinNew(x, x)
		check(t, err)
		product, got := hefloat.NewCiphertext(p, 2, level), hefloat.NewCiphertext(p, 1, level)
		got.Scale = want.Scale
		s.square(x, product)
		check(t, s.relinearize(product, got, false))
		identical(t, fmt.Sprintf("square at level %d", level), want, got)

		rescaled, divided := hefloat.NewCiphertext(p, 1, level-1), hefloat.NewCiphertext(p, 1, level-1)
		check(t, c.eval.Evaluator.Rescale(want, divided))
		rescaled.Scale = divided.Scale
		check(t, s.relinearize(product, rescaled, true))
		identical(t, fmt.Sprintf("rescaled square at level %d", level), divided, rescaled)
		s.rescale(want, rescaled)
		identical(t, fmt.Sprintf("rescaling at level %d", level), divided, rescaled)

		c.checkDiagonals(t, s, x)
	}
}

func (c *switchCase) checkDiagonals(t *testing.T, s *switcher, x *rlwe.Ciphertext) {
	t.Helper()
	p, level := c.p.Parameters, x.Level()
	rotations := []int{0, 48, -48, 3}
	ly := &packing.Layer{Level: level, Rotations: rotations, Cols: 2}
	kept := []bool{true, true, false, true, true, false, true, false}
	columns := newTiles(c.p, ly, 0, kept, false)
	want := hefloat.NewCiphertext(p, 1, level)
	want.Scale = x.Scale.Mul(rlwe.NewScale(1 << 20))
	b := builder{params: c.p, encoder: newEncoder(c.p), encode: new(atomic.Int64)}
	y := c.random(t, level)
	inputs := []*rlwe.Ciphertext{x, y}
	turned := 0
	for i := range columns {
		col := &columns[i]
		var slots [][]float64
		for _, term := range col.inputs {
			v := make([]float64, c.p.MaxSlots())
			for i := range v {
				v[i] = c.rng.Float64()
			}
			if rotations[term] != 0 {
				turned++
			}
			slots = append(slots, v)
			pt := hefloat.NewPlaintext(p, level)
			pt.Scale = rlwe.NewScale(1 << 20)
			check(t, c.encoder.Encode(v, pt))
			r, err := c.eval.RotateNew(inputs[col.column], rotations[term])
			check(t, err)
			product, err := c.eval.MulNew(r, pt)
			check(t, err)
			check(t, c.eval.Add(want, product, want))
		}
		check(t, b.tiles(col, level, rlwe.NewScale(1<<20), func(k int) []float64 { return slots[k] }))
	}
	got := hefloat.NewCiphertext(p, 1, level)
	got.Scale = want.Scale
	check(t, s.diagonals(got, inputs, rotations, columns))
	c.close(t, fmt.Sprintf("diagonals at level %d", level), turned, x.Scale, want, got)
}

func TestKeysOfTheirLevel(t *testing.T) {
	c := newSwitchCase(t, switchLiterals[0], []int{1}, 1)
	s, err := newSwitcher(c.p, c.keys, 1)
	check(t, err)
	x := c.random(t, 1)
	want, err := c.eval.RotateNew(x, 1)
	check(t, err)
	check(t, c.eval.Add(want, x, want))
	check(t, s.sumStage(x, 1, 2))
	identical(t, "key of level 1 at level 1", want, x)
	if err := s.sumStage(c.random(t, 2), 1, 2); err == nil {
		t.Error("key of level 1 at level 2: no error")
	}
	if err := s.sumStage(x, 3, 2); err == nil {
		t.Error("missing key: no error")
	}
}
