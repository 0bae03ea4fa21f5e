package inference

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Priced holds the seconds of primitives on one machine at one parameter set.
type Priced struct {
	Ours  map[packing.At]float64 // of this package's kernels: what an evaluation will take
	Floor map[packing.At]float64 // of lattigo's own calls for the same work: what an evaluation is held against

	Beside float64 // share of the machine's cores that other processes kept busy when the prices were measured, at most
}

// Prices looks prices up.
func (p *Priced) Prices(floor bool) packing.Prices {
	table := p.Ours
	if floor {
		table = p.Floor
	}
	return func(op packing.Op, level int) float64 { return table[packing.At{Op: op, Level: level}] }
}

// MeasurePrices times every primitive of some work. Levels whose products meet the same scene share one measurement.
func MeasurePrices(p Parameters, w Work) (*Priced, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	steps := warmSteps[:1]
	if w.has(rotating...) {
		steps = slices.Concat(priceSteps, warmSteps)
	}
	b, err := newPriceBench(p, steps)
	if err != nil {
		return nil, err
	}
	b.keysMiB = w.keysMiB()
	out := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	levels := map[int]bool{}
	for at := range w.Counts {
		levels[at.Level] = true
	}
	for level := range levels {
		if err := b.level(level, w, out); err != nil {
			return nil, fmt.Errorf("inference: prices at level %d: %w", level, err)
		}
	}
	b.products(w, out)
	for at := range w.Counts {
		if _, ok := out.Ours[at]; !ok {
			return nil, fmt.Errorf("inference: no price of %s at level %d", at.Op, at.Level)
		}
	}
	return out, nil
}

// priceBench has what primitives need, of random content: this package's and lattigo's.
type priceBench struct {
	p    Parameters
	w    *worker
	eval *hefloat.Evaluator
	rng  *rand.Rand

	keysMiB int      // that lie between two uses of a key
	walked  []uint64 // what walks go through
	seen    uint64
}

// rotating is the operations that sums of rotations consist of. They are priced together, as they are timed together.
var rotating = []packing.Op{
	packing.Decompose, packing.ModDown, packing.RotateSum, packing.RotateRefill, packing.RotateInput, packing.RotateDiagonal,
}

// priceSteps are rotations to time, and warmSteps those that come before them: enough for a stage of radix 5.
var priceSteps, warmSteps = []int{1, 2, 3, 4}, []int{5, 10, 15, 20}

// newPriceBench has keys for so many rotations.
func newPriceBench(p Parameters, steps []int) (*priceBench, error) {
	levels := packing.KeyLevels{Relinearize: p.MaxLevel(), Rotate: map[int]int{}}
	for _, s := range steps {
		levels.Rotate[s] = p.MaxLevel()
	}
	keys, err := drawKeys(p, levels, newSecret(p))
	if err != nil {
		return nil, err
	}
	sw, err := newSwitcher(p, keys, 1)
	if err != nil {
		return nil, err
	}
	kg := hefloat.NewKeyGenerator(p.Parameters)
	secret := kg.GenSecretKeyNew()
	set := rlwe.NewMemEvaluationKeySet(kg.GenRelinearizationKeyNew(secret), kg.GenGaloisKeyNew(p.GaloisElement(1), secret))
	w := &worker{params: p, pool: newPool(p), switcher: sw, counts: packing.Counts{}}
	return &priceBench{p: p, w: w, eval: hefloat.NewEvaluator(p.Parameters, set), rng: rand.New(rand.NewPCG(1, 2))}, nil
}

func (b *priceBench) random(degree, level int) *rlwe.Ciphertext {
	ct := newCiphertext(b.p, degree, level, b.p.DefaultScale())
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

// Each price is of at least minReps runs that take at least minTime together, in time of the processor: other work on the machine
// moves it only by what it takes of the caches. What finds all it needs there is priced at the lower quartile.
const (
	minReps = 5
	minTime = 20 * time.Millisecond
)

// coldReps is how many runs there are at most where a walk comes before each, which takes longer.
func coldReps(mib int) int { return min(max(1024/mib, 8), 32) }

func clock(f func()) float64 {
	times := repeat(f, func() {}, math.MaxInt)
	return times[len(times)/4]
}

// repeat times f again and again, at most so often, with something untimed before each time, and sorts the times.
func repeat(f, before func(), most int) []float64 {
	f()
	var times []float64
	for total := time.Duration(0); len(times) < minReps || total < minTime && len(times) < most; {
		before()
		start := processorTime()
		f()
		d := processorTime() - start
		times = append(times, d.Seconds())
		total += d
	}
	slices.Sort(times)
	return times
}

// clockCold times what comes after a walk. What it works in, other operations of its kind have just used.
func (b *priceBench) clockCold(mib int, f, warm func()) float64 {
	return typical(repeat(f, func() { b.walk(mib); warm() }, coldReps(mib)))
}

// typical is the mean of sorted times, for memory has no best case that an evaluation would meet: it is made of good and bad moments
// alike. Those beyond twice the median are nobody's ordinary moments.
func typical(times []float64) float64 {
	total, n := 0.0, 0
	for _, t := range times {
		if t <= 2*times[len(times)/2] {
			total += t
			n++
		}
	}
	return total / float64(n)
}

// walk has caches lose what they held before as much memory as an evaluation goes through.
func (b *priceBench) walk(mib int) {
	words := mib << 20 / 8
	b.walked = slices.Grow(b.walked, max(words-len(b.walked), 0))
	for i := len(b.walked); i < words; i++ { // memory that was never written to is one page
		b.walked = append(b.walked, uint64(i))
	}
	for i := 0; i < words; i += line / 8 {
		b.seen += b.walked[i]
	}
}

// level times the primitives that happen at a level.
func (b *priceBench) level(level int, w Work, out *Priced) error {
	has := func(ops ...packing.Op) bool {
		return slices.ContainsFunc(ops, func(op packing.Op) bool { return w.Counts[packing.At{Op: op, Level: level}] > 0 })
	}
	set := func(op packing.Op, ours, floor float64) {
		at := packing.At{Op: op, Level: level}
		out.Ours[at], out.Floor[at] = ours, floor
	}
	r := b.p.RingQ().AtLevel(level)
	x, y := b.random(1, level), b.random(1, level)
	if has(packing.MulMask) {
		mask := newTiles(b.p, &packing.Layer{Level: level, Rotations: []int{0}, Rows: 1, Cols: 1}, 0, []bool{true}, false)[0]
		for i, s := range mask.limbs {
			b.p.rings.q[i].Put(s, 0, y.Value[0].Coeffs[i])
		}
		ours := clock(func() {
			b.w.sumProducts([]productGroup{{[]product{{[]int32{0}, mask.limbs, x}}, []*rlwe.Ciphertext{x}}})
		})
		set(packing.MulMask, ours, clock(func() {
			for _, v := range x.Value {
				r.MulCoeffsMontgomery(v, y.Value[0], v)
			}
		}))
	}
	if has(packing.AddBias) {
		bias := &rlwe.Ciphertext{Element: rlwe.Element[ring.Poly]{MetaData: y.MetaData, Value: y.Value[:1]}}
		ours := clock(func() { b.w.addBias(x, bias) })
		set(packing.AddBias, ours, clock(func() { r.Add(x.Value[0], y.Value[0], x.Value[0]) }))
	}
	if has(packing.AddInput) {
		set(packing.AddInput, b.clockCold(w.rowMiB(level), func() { b.w.addTo(x, y) }, func() {}), clock(func() {
			for c, v := range x.Value {
				r.Add(v, y.Value[c], v)
			}
		}))
	}
	b.divisions(level, w, has, set)
	return b.rotations(level, has, set)
}

func (b *priceBench) divisions(level int, w Work, has func(...packing.Op) bool, set func(packing.Op, float64, float64)) {
	p := b.p.Parameters
	x, x2, out := b.random(1, level), b.random(2, level), hefloat.NewCiphertext(p, 1, level)
	product := hefloat.NewCiphertext(p, 2, level)
	relinearize := 0.0
	switchKeys := func() { _ = b.w.sumStage(x, warmSteps[0], 2) }
	if has(packing.Relinearize, packing.RelinearizeRescale) {
		relinearize = clock(func() { _ = b.eval.Relinearize(x2, out) })
	}
	if has(packing.Relinearize) {
		set(packing.Relinearize, b.clockCold(b.keysMiB, func() { _ = b.w.relinearize(x2, out, false) }, switchKeys), relinearize)
	}
	if has(packing.Square) {
		warm := switchKeys
		if w.Integer { // the sum comes from memory, and what its square is written to, another has just left
			other := b.random(1, level)
			warm = func() { b.w.square(other, product) }
		}
		t := b.clockCold(w.rowMiB(level), func() { b.w.square(x, product) }, warm)
		set(packing.Square, t, clock(func() { _ = b.eval.Mul(x, x, product) }))
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
		set(packing.RelinearizeRescale, b.clockCold(b.keysMiB, func() { _ = b.w.relinearize(x2, low, true) }, switchKeys), relinearize+rescale)
	}
}

// rotations times the parts of sums of rotations. The floor of a lazy rotation is lattigo's hoisted automorphism and
// the addition of its result.
func (b *priceBench) rotations(level int, has func(...packing.Op) bool, set func(packing.Op, float64, float64)) error {
	if !has(rotating...) {
		return nil
	}
	p := b.p.Parameters
	x := b.random(1, level)
	qp := p.RingQP().AtLevel(level, p.MaxLevelP())
	digits := b.eval.GetBuffDecompQP()
	decompose := clock(func() { b.w.decompose(level, x.Value[1]); b.w.allDigits(level) })
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
		run := func(step int) func() {
			return func() {
				if e := b.w.sumStage(x, step, radix); e != nil {
					err = e
				}
			}
		}
		return b.clockCold(b.keysMiB, run(priceSteps[0]), run(warmSteps[0]))
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
		run := func(steps []int) func() {
			return func() {
				if e := b.w.rotateInto(x, steps[:n], outs[:n]); e != nil {
					err = e
				}
			}
		}
		return b.clockCold(b.keysMiB, run(priceSteps), run(warmSteps))
	}
	one, four := rotate(1), rotate(4)
	set(packing.RotateInput, max((four-one)/3-modDown, 0), floor)
	return err
}

// diagonalRotations prices a rotation and its product together.
func (b *priceBench) diagonalRotations(x *rlwe.Ciphertext, floor float64, set func(packing.Op, float64, float64)) (err error) {
	p, level := b.p.Parameters, x.Level()
	qp := p.RingQP().AtLevel(level, p.MaxLevelP())
	acc := b.random(1, level)
	run := func(steps []int) func() {
		ly := &packing.Layer{Level: level, Rotations: append([]int{0}, steps...), Cols: 1}
		kept := make([]bool, len(ly.Rotations))
		for k := range steps {
			kept[k+1] = true
		}
		columns := newTiles(b.p, ly, 0, kept, false)
		for i, s := range columns[0].limbs {
			at := b.p.rings.at(level, i)
			for term := range s.Terms() {
				at.Put(s, term, kernels.Aligned(p.N()))
			}
		}
		return func() {
			if e := b.w.diagonals(acc, []*rlwe.Ciphertext{x}, ly.Rotations, columns); e != nil {
				err = e
			}
		}
	}
	rotate := func(n int) float64 { return b.clockCold(b.keysMiB, run(priceSteps[:n]), run(warmSteps[:n])) }
	one, four := rotate(1), rotate(4)
	u, v, w := qp.NewPoly(), qp.NewPoly(), qp.NewPoly()
	set(packing.MulDiagonal, 0, 2*clock(func() { qp.MulCoeffsMontgomeryLazyThenAddLazy(u, v, w) }))
	set(packing.RotateDiagonal, max((four-one)/3, 0), floor)
	return err
}
