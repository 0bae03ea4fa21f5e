package inference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"hepex/packing"
)

// Priced holds the seconds of primitives on one machine at one parameter set.
type Priced struct {
	Ours  map[packing.At]float64 // of this package's kernels: what an evaluation will take
	Floor map[packing.At]float64 // of lattigo's own calls for the same work: what an evaluation is held against

	Reference float64 // seconds of a transform when the prices were measured: the speed of the machine at that time
}

// Scaled is the prices at the machine's present speed, given by what a transform takes now.
func (p *Priced) Scaled(reference float64) *Priced {
	out := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}, Reference: reference}
	for at, v := range p.Ours {
		out.Ours[at] = v * reference / p.Reference
		out.Floor[at] = p.Floor[at] * reference / p.Reference
	}
	return out
}

// TimeReference times a transform of one limb.
func TimeReference(p Parameters) float64 {
	r := p.RingQ().SubRings[0]
	a, b := make([]uint64, p.N()), make([]uint64, p.N())
	for i := range a {
		a[i] = uint64(i)
	}
	return clock(func() { r.NTT(a, b) })
}

// Prices looks prices up.
func (p *Priced) Prices(floor bool) packing.Prices {
	table := p.Ours
	if floor {
		table = p.Floor
	}
	return func(op packing.Op, level int) float64 { return table[packing.At{Op: op, Level: level}] }
}

// MeasurePrices times every primitive that some counts have.
func MeasurePrices(p Parameters, counts packing.Counts) (*Priced, error) {
	b, err := newPriceBench(p)
	if err != nil {
		return nil, err
	}
	out := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}, Reference: TimeReference(p)}
	levels := map[int]bool{}
	for at := range counts {
		levels[at.Level] = true
	}
	for level := range levels {
		if err := b.level(level, counts, out); err != nil {
			return nil, fmt.Errorf("inference: prices at level %d: %w", level, err)
		}
	}
	return out, nil
}

// priceBench has what primitives need, of random content.
type priceBench struct {
	p     Parameters
	w     *worker
	eval  *hefloat.Evaluator
	rng   *rand.Rand
	evict []uint64
}

// priceSteps are rotations to time: enough for a stage of radix 5.
var priceSteps = []int{1, 2, 3, 4}

func newPriceBench(p Parameters) (*priceBench, error) {
	kg := hefloat.NewKeyGenerator(p.Parameters)
	secret := kg.GenSecretKeyNew()
	set := rlwe.NewMemEvaluationKeySet(kg.GenRelinearizationKeyNew(secret))
	for _, s := range priceSteps {
		key := kg.GenGaloisKeyNew(p.GaloisElement(s), secret)
		set.GaloisKeys[key.GaloisElement] = key
	}
	sw, err := newSwitcher(p, set, priceSteps, 1)
	if err != nil {
		return nil, err
	}
	w := &worker{params: p, pool: newPool(p), switcher: sw, counts: packing.Counts{}}
	return &priceBench{p, w, hefloat.NewEvaluator(p.Parameters, set), rand.New(rand.NewPCG(1, 2)), make([]uint64, evictBytes/8)}, nil
}

func (b *priceBench) random(degree, level int) *rlwe.Ciphertext {
	ct := hefloat.NewCiphertext(b.p.Parameters, degree, level)
	for _, v := range ct.Value {
		for l, limb := range v.Coeffs {
			q := b.p.Q()[l]
			for i := range limb {
				limb[i] = b.rng.Uint64N(q)
			}
		}
	}
	return ct
}

// Each price is the lower quartile, which other work on the machine hardly moves, of at least minReps runs that take at least minTime together.
const (
	minReps = 5
	minTime = 20 * time.Millisecond
)

func clock(f func()) float64 {
	times := repeat(f, func() {})
	return times[len(times)/4]
}

// repeat times f again and again, with something untimed before each time, and sorts the times.
func repeat(f, before func()) []float64 {
	f()
	var times []float64
	for total := time.Duration(0); len(times) < minReps || total < minTime; {
		before()
		start := time.Now()
		f()
		d := time.Since(start)
		times = append(times, d.Seconds())
		total += d
	}
	slices.Sort(times)
	return times
}

// evictBytes is how much memory to walk through so that caches lose what they hold.
const evictBytes = 32 << 20

// clockCold times what finds its key in memory, not in a cache: an evaluation uses each key once or a few times. It is
// the median, as memory has no best case that an evaluation would meet.
func (b *priceBench) clockCold(f func()) float64 {
	times := repeat(f, func() {
		for i := 0; i < len(b.evict); i += 8 {
			b.evict[i]++
		}
	})
	return times[len(times)/2]
}

// level times the primitives that happen at a level.
func (b *priceBench) level(level int, counts packing.Counts, out *Priced) error {
	has := func(ops ...packing.Op) bool {
		return slices.ContainsFunc(ops, func(op packing.Op) bool { return counts[packing.At{Op: op, Level: level}] > 0 })
	}
	set := func(op packing.Op, ours, floor float64) {
		at := packing.At{Op: op, Level: level}
		out.Ours[at], out.Floor[at] = ours, floor
	}
	same := func(op packing.Op, v float64) { set(op, v, v) }
	for _, op := range []packing.Op{packing.MulPlain, packing.MulCipher} {
		if has(op) {
			v, err := b.products(op, level, counts[packing.At{Op: op, Level: level}])
			if err != nil {
				return err
			}
			same(op, v)
		}
	}
	if has(packing.FinishRow) {
		acc := b.random(2, level)
		if !has(packing.MulCipher) {
			acc = b.random(1, level)
		}
		same(packing.FinishRow, clock(func() {
			for i := range level + 1 {
				reduceLimb(b.p.RingQ().SubRings[i], acc, i)
			}
		}))
	}
	x, y := b.random(1, level), b.random(1, level)
	if has(packing.MulMask) {
		r := b.p.RingQ().AtLevel(level)
		same(packing.MulMask, clock(func() {
			for _, v := range x.Value {
				r.MulCoeffsMontgomery(v, y.Value[0], v)
			}
		}))
	}
	if has(packing.AddBias) {
		r := b.p.RingQ().AtLevel(level)
		same(packing.AddBias, clock(func() { r.Add(x.Value[0], y.Value[0], x.Value[0]) }))
	}
	if has(packing.MulScalar) {
		rows := max(1, counts[packing.At{Op: packing.FinishRow, Level: level}])
		ours, floor, err := b.scalars(level, counts[packing.At{Op: packing.MulScalar, Level: level}]/rows)
		if err != nil {
			return err
		}
		set(packing.MulScalar, ours, floor)
	}
	b.divisions(level, has, set)
	return b.rotations(level, has, set)
}

// streamed is how much memory products go through, so that they are timed as in a model larger than any cache.
const streamed = 64 << 20

func (b *priceBench) products(op packing.Op, level, count int) (float64, error) {
	degree := 0
	if op == packing.MulCipher {
		degree = 1
	}
	n := min(max(2, streamed/((degree+3)*(level+1)*b.p.N()*8)), max(count, 2))
	var tiles, xs []*rlwe.Ciphertext
	for range n {
		tiles, xs = append(tiles, b.random(degree, level)), append(xs, b.random(1, level))
	}
	acc := hefloat.NewCiphertext(b.p.Parameters, degree+1, level)
	limit := lazyTerms(b.p.Q()[:level+1])
	t := clock(func() {
		for i := range level + 1 {
			sumProducts(b.p.RingQ().SubRings[i], tiles, xs, acc, i, limit)
		}
	})
	reduce := clock(func() {
		for i := range level + 1 {
			reduceLimb(b.p.RingQ().SubRings[i], acc, i)
		}
	})
	return max(t-reduce, 0) / float64(n), nil
}

// scalars times a layer whose rows have as many weights as those of the layers to be priced, up to a number that shows
// how inputs are shared between rows; half of its weights are negative. The floor is lattigo's product with a scalar,
// added.
func (b *priceBench) scalars(level, length int) (ours, floor float64, err error) {
	const inputs, outputs = 256, 16
	length = min(max(length, 1), inputs)
	x, out, rows := make([]*rlwe.Ciphertext, inputs), make([]*rlwe.Ciphertext, outputs), make([]scalarRow, outputs)
	for i := range x {
		x[i] = b.random(1, level)
	}
	for o := range rows {
		out[o] = hefloat.NewCiphertext(b.p.Parameters, 1, level)
		for k, i := range b.rng.Perm(inputs)[:length] {
			rows[o].inputs = append(rows[o].inputs, int32(i))
			w := int64(1 + b.rng.IntN(100))
			if k >= length/2 {
				w = -w
			}
			rows[o].weights = append(rows[o].weights, w)
		}
	}
	ours = b.clockCold(func() { err = scalarLayer(b.p, rows, x, out, b.p.DefaultScale(), 1) }) / float64(length*outputs)
	r := b.p.RingQ().AtLevel(level)
	floor = clock(func() {
		for _, ct := range x {
			for c, v := range ct.Value {
				r.MulScalarThenAdd(v, 77, out[0].Value[c])
			}
		}
	}) / inputs
	return ours, floor, err
}

func (b *priceBench) divisions(level int, has func(...packing.Op) bool, set func(packing.Op, float64, float64)) {
	p := b.p.Parameters
	x, x2, out := b.random(1, level), b.random(2, level), hefloat.NewCiphertext(p, 1, level)
	product := hefloat.NewCiphertext(p, 2, level)
	relin := 0.0
	if has(packing.Relinearize, packing.RelinearizeRescale, packing.Square) {
		relin = b.clockCold(func() { _ = b.w.relinearize(x2, out, false) })
		floor := clock(func() { _ = b.eval.Relinearize(x2, out) })
		set(packing.Relinearize, relin, floor)
	}
	if has(packing.Square) {
		t := b.clockCold(func() { _ = b.w.square(x, product, out, false) })
		set(packing.Square, max(t-relin, 0), clock(func() { _ = b.eval.Mul(x, x, product) }))
	}
	if level == 0 {
		return
	}
	low := hefloat.NewCiphertext(p, 1, level-1)
	rescale := 0.0
	if has(packing.Rescale, packing.RelinearizeRescale) {
		r := b.p.RingQ().AtLevel(level)
		buffer := r.NewPoly()
		rescale = clock(func() {
			for i := range x.Value {
				r.DivRoundByLastModulusNTT(x.Value[i], buffer, low.Value[i])
			}
		})
		set(packing.Rescale, clock(func() { b.w.rescale(x, low) }), rescale)
	}
	if has(packing.RelinearizeRescale) {
		floor := clock(func() { _ = b.eval.Relinearize(x2, out) })
		set(packing.RelinearizeRescale, b.clockCold(func() { _ = b.w.relinearize(x2, low, true) }), floor+rescale)
	}
}

// rotations times the parts of sums of rotations. The floor of a lazy rotation is lattigo's hoisted automorphism and
// the addition of its result.
func (b *priceBench) rotations(level int, has func(...packing.Op) bool, set func(packing.Op, float64, float64)) error {
	if !has(packing.Decompose, packing.ModDown) {
		return nil
	}
	p := b.p.Parameters
	x := b.random(1, level)
	qp := p.RingQP().AtLevel(level, p.MaxLevelP())
	digits := b.eval.GetBuffDecompQP()
	decompose := clock(func() { b.w.decompose(x.Value[1], level) })
	decomposeFloor := clock(func() { b.eval.DecomposeNTT(level, p.MaxLevelP(), p.PCount(), x.Value[1], true, digits) })
	set(packing.Decompose, decompose, decomposeFloor)

	lazy := rlwe.NewElementExtended(p, 1, level, p.MaxLevelP())
	lazy.IsNTT = true
	sum := rlwe.NewElementExtended(p, 1, level, p.MaxLevelP())
	sum.IsNTT = true
	rotateFloor := clock(func() {
		_ = b.eval.AutomorphismHoistedLazy(level, x, digits, p.GaloisElement(1), lazy)
		qp.Add(sum.Value[0], lazy.Value[0], sum.Value[0])
		qp.Add(sum.Value[1], lazy.Value[1], sum.Value[1])
	})
	down := hefloat.NewCiphertext(p, 1, level)
	downFloor := clock(func() { b.eval.ModDown(level, p.MaxLevelP(), sum, down) })

	var err error
	stage := func(radix int) float64 {
		return b.clockCold(func() {
			if e := b.w.sumStage(x, 1, radix); e != nil {
				err = e
			}
		})
	}
	two, five := stage(2), stage(5)
	rotate := max((five-two)/3, 0)
	modDown := max(two-rotate-decompose, 0)
	set(packing.RotateSum, rotate, rotateFloor)
	set(packing.RotateRefill, rotate, rotateFloor)
	set(packing.ModDown, modDown, downFloor)
	if err == nil && has(packing.RotateInput) {
		err = b.inputRotations(x, modDown, rotateFloor, set)
	}
	if err == nil && has(packing.RotateDiagonal) {
		err = b.diagonalRotations(x, rotateFloor, set)
	}
	return err
}

func (b *priceBench) inputRotations(x *rlwe.Ciphertext, modDown, floor float64, set func(packing.Op, float64, float64)) (err error) {
	outs := []*rlwe.Ciphertext{b.random(1, x.Level()), b.random(1, x.Level()), b.random(1, x.Level()), b.random(1, x.Level())}
	rotate := func(n int) float64 {
		return b.clockCold(func() {
			if e := b.w.rotateInto(x, priceSteps[:n], outs[:n]); e != nil {
				err = e
			}
		})
	}
	one, four := rotate(1), rotate(4)
	set(packing.RotateInput, max((four-one)/3-modDown, 0), floor)
	return err
}

// diagonalRotations prices a rotation and its product together; the product's part is what it takes alone.
func (b *priceBench) diagonalRotations(x *rlwe.Ciphertext, floor float64, set func(packing.Op, float64, float64)) (err error) {
	p, level := b.p.Parameters, x.Level()
	qp := p.RingQP().AtLevel(level, p.MaxLevelP())
	weights := make([]ringqp.Poly, len(priceSteps))
	for i := range weights {
		weights[i] = qp.NewPoly()
		ct := b.random(0, level)
		ct.Value[0].CopyLvl(level, weights[i].Q)
	}
	acc := b.random(1, level)
	run := func(n int) float64 {
		return b.clockCold(func() {
			if e := b.w.diagonals(acc, x, priceSteps[:n], weights[:n]); e != nil {
				err = e
			}
		})
	}
	one, four := run(1), run(4)
	a := qp.NewPoly()
	product := 2 * clock(func() { qp.MulCoeffsMontgomeryLazyThenAddLazy(weights[0], weights[1], a) })
	set(packing.MulDiagonal, product, product)
	set(packing.RotateDiagonal, max((four-one)/3-product, 0), floor)
	return err
}
