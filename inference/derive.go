package inference

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"hepex/inference/kernels"
	"hepex/packing"
)

// ErrPrecision means that no scale is large enough for the precision, in whatever ring.
var ErrPrecision = errors.New("the precision is too high")

// Bounds on what is derived.
const (
	maxLogPrime    = 60 // lattigo's limit
	minHeadroom    = 4  // bits of q0 above the scale, whatever the samples show
	minScale       = 15
	maxScale       = 60 // what floats are encoded to in words
	minWeightScale = 12
)

// Errors beyond the standard deviation that the simulation finds.
const (
	missed         = 1e-3 // share of batches in which some output may have an error larger than promised
	marginError    = 0.1  // bits, for what the model leaves out
	sparePrecision = 3    // bits beyond what is asked for, where security leaves room
)

// families are the bits that moduli are kept to, as long as the precision allows it: vector kernels are fastest below 2^47,
// slower below 2^50 and several times slower above. Portable ones take the same for all.
var families = []int{kernels.LazyBits, kernels.MaxBits, maxLogPrime}

// Reference names the kernels that choices go by which must be the same on every machine.
const Reference = kernels.AVX512

// guard is how many bits larger than the profile's values may be before they wrap, for errors and for what a client refuses. How
// much larger other samples' values may be is the profile's to say.
const guard = 1

// Wanted is what derived parameters must achieve.
type Wanted struct {
	Precision float64 // bits, as records define them
	Encrypted bool    // weights
	Ring      Ring    // "" is the cheaper one that serves
	Kernels   string  // that it will run on; "" are this process's
}

func (w Wanted) portable() bool {
	if w.Kernels == "" {
		w.Kernels = Kernels()
	}
	return w.Kernels == kernels.Portable
}

// families lists them by how good they are on the kernels wanted: large moduli are fewest.
func (w Wanted) families() []int {
	f := slices.Clone(families)
	if w.portable() {
		slices.Reverse(f)
	}
	return f
}

// Derive chooses parameters for a layout: the ring whose slots it fills, the squares whose rescaling is
// delayed and the sums that come before theirs (which it sets in the layout), one modulus per level, and the scales that 128-bit security leaves room for.
// The profile comes from packing's simulation of representative samples: every modulus is sized to hold the values that it says may
// reach its level, and parameters are refused if the errors would exceed the precision. An empty profile
// stands for the least that any network needs. Of all that serve, the nominally fastest on the kernels wanted are taken: few large
// moduli where they are portable.
func Derive(layout *packing.Layout, profile packing.Profile, w Wanted) (Literal, error) {
	if profile.Peaks == nil {
		profile = least(layout)
	}
	if err := checkProfile(profile); err != nil {
		return Literal{}, err
	}
	best, cheapest := candidate{}, math.Inf(1)
	var literal Literal
	try := func(c candidate) bool {
		lit, cost, ok := c.try(layout, profile, w)
		if ok && cost < cheapest*(1-tie) {
			best, cheapest, literal = c, cost, lit
		}
		return ok
	}
	for _, c := range candidates(layout, w) {
		if layout.Kind != packing.OneImage && c.least(layout, w) >= cheapest {
			continue
		}
		if served := try(c); layout.Kind != packing.OneImage || !served && !c.wouldServe(layout, profile, w) {
			continue
		}
		for _, first := range c.sumsFirst(layout) {
			if first.least(layout, w) < cheapest {
				try(first)
			}
		}
	}
	if math.IsInf(cheapest, 1) {
		return Literal{}, refusal(layout, profile, w)
	}
	best.rescale(layout)
	return literal, nil
}

// tie is a relative difference of costs that could come from the rounding of floats.
const tie = 1e-9

func checkProfile(p packing.Profile) error {
	total := p.Output
	for _, v := range p.Peaks {
		total += v
	}
	for _, v := range p.Errors {
		total += v
	}
	if math.IsNaN(total) || math.IsInf(total, 0) {
		return errors.New("inference: values overflow: no parameters hold them")
	}
	return nil
}

// candidate is a shape of modulus chain.
type candidate struct {
	ring       Ring
	logN       int
	rescalings packing.Rescalings
	special    int
}

func candidates(layout *packing.Layout, w Wanted) []candidate {
	var all []candidate
	for _, r := range Rings {
		logN := r.LogN(layout.Slots)
		if w.Ring != "" && w.Ring != r || MaxLogQP(logN) == 0 {
			continue
		}
		for _, delayed := range delays(layout) {
			for special := 1; special <= 2; special++ {
				all = append(all, candidate{r, logN, packing.Rescalings{Delays: delayed}, special})
			}
		}
	}
	return all
}

// sumsFirst lists the candidate of a one-image layout with one sum of slots before its rescaling, or two if there are few. There, sums are long, and not
// many; in tiles, where each row has one, it would save 0 to 5 % of the time.
func (c candidate) sumsFirst(layout *packing.Layout) (all []candidate) {
	with := func(layers ...int) {
		c.rescalings.SumsFirst = layers
		all = append(all, c)
	}
	const few = 4 // each candidate takes tens of milliseconds
	sums := layout.Sums()
	for i, first := range sums {
		with(first)
		if len(sums) > few {
			continue
		}
		for _, second := range sums[i+1:] {
			with(first, second)
		}
	}
	return all
}

// wouldServe tells whether the candidate would serve if rescalings and sums added no errors: if not, no order of them helps.
func (c candidate) wouldServe(layout *packing.Layout, profile packing.Profile, w Wanted) bool {
	c.rescale(layout)
	ch := c.chain(layout, profile, w)
	for j := range ch.steps {
		ch.steps[j].rounding, ch.steps[j].switches = 0, 0
	}
	return ch.reaches(worstError(c.ring, layout, profile, w.Precision))
}

// delays lists how many squares may be delayed: all, none, and where there are many some numbers in between.
func delays(layout *packing.Layout) []int {
	const steps = 4
	most := layout.Squares()
	var n []int
	for k := steps; k >= 0; k-- {
		n = append(n, most*k/steps)
	}
	return slices.Compact(n)
}

func (c candidate) rescale(layout *packing.Layout) {
	layout.SumFirst(c.rescalings.SumsFirst)
	layout.DelayLast(c.rescalings.Delays)
}

// least is the nominal cost with the smallest moduli.
func (c candidate) least(layout *packing.Layout, w Wanted) float64 {
	c.rescale(layout)
	lit, bits := Literal{Ring: c.ring, LogN: c.logN}, smallestPrime(c.ring, c.logN)
	lit.LogQ, lit.LogP = slices.Repeat([]int{bits}, layout.Levels+1), slices.Repeat([]int{bits}, c.special)
	return w.Cost(lit, layout, layout.Dense())
}

// try sizes the chain, in the best family of moduli that serves, and returns the literal and its nominal cost.
func (c candidate) try(layout *packing.Layout, profile packing.Profile, w Wanted) (Literal, float64, bool) {
	c.rescale(layout)
	need := worstError(c.ring, layout, profile, w.Precision)
	ch := c.chain(layout, profile, w)
	ch.enough = need - sparePrecision
	for _, ch.largest = range w.families() {
		s, ok := ch.size()
		if ok && ch.error(s) <= need {
			lit := ch.literal(s)
			lit.Ring, lit.LogN = c.ring, c.logN
			return lit, w.Cost(lit, layout, layout.Dense()), true
		}
		if max(s.logP, slices.Max(ch.logQ(s))) < ch.largest {
			break // others would not help
		}
	}
	return Literal{}, 0, false
}

// serves tells whether moduli of any size would do.
func (c candidate) serves(layout *packing.Layout, profile packing.Profile, w Wanted) bool {
	c.rescale(layout)
	ch := c.chain(layout, profile, w)
	return ch.reaches(worstError(c.ring, layout, profile, w.Precision))
}

// reaches tells whether moduli of any size would bring the error down to this.
func (c *chain) reaches(enough float64) bool {
	c.largest, c.enough = maxLogPrime, enough
	s, ok := c.size()
	return ok && c.error(s) <= enough
}

// chain is what is to be sized.
func (c candidate) chain(layout *packing.Layout, profile packing.Profile, w Wanted) *chain {
	ch := newChain(layout, profile)
	ch.setNoise(newNoise(c.ring, c.logN), layout, profile, w.Encrypted)
	ch.special, ch.limit = c.special, int(MaxLogQP(c.logN))
	ch.head, ch.margin = headroom(layout, profile), 1+guard
	ch.prime = smallestPrime(c.ring, c.logN)
	return ch
}

// smallestPrime is the bits of moduli of which there are enough: they are 1 modulo 2N, or 4N in the
// conjugate-invariant ring.
func smallestPrime(r Ring, logN int) int {
	if r == ConjugateInvariant {
		return logN + 10
	}
	return logN + 9
}

// NominalCost is the seconds that an evaluation takes at nominal prices of this process's kernels.
func NominalCost(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool) float64 {
	return Wanted{Encrypted: encrypted}.Cost(l, layout, kept)
}

// Cost is NominalCost on the kernels wanted, the same on every machine.
func (w Wanted) Cost(l Literal, layout *packing.Layout, kept [][][]bool) float64 {
	a := l.arithmetic()
	a.Portable = w.portable()
	return packing.Total(layout.Counts(kept, w.Encrypted)).Cost(a.Nominal())
}

func (l Literal) arithmetic() packing.Arithmetic {
	return packing.Arithmetic{LogN: l.LogN, Conjugate: l.Ring == ConjugateInvariant, LogQ: l.LogQ, LogP: l.LogP}
}

// worstError is log2 of the standard deviation that outputs may have for a precision. The profile's is that of the
// worst output of all samples in proportion to their largest; were all outputs of a batch as bad, one would miss the precision with
// probability missed.
func worstError(r Ring, layout *packing.Layout, p packing.Profile, precision float64) float64 {
	output := p.Output
	if output == 0 {
		output = 1
	}
	outputs := layout.Batch * layout.Layers[len(layout.Layers)-1].Out
	return math.Log2(output/deviations(r, missed/float64(outputs), terms(layout))) - precision - marginError
}

// deviations is how many standard deviations the error of an output, a sum of so many terms alike, exceeds with a probability. Most of
// a term is what a rounding leaves, times the secret, and both are normal in every slot: real numbers in the conjugate-invariant
// ring, where the tail of the product of two is √(2/πx)·e⁻ˣ; complex ones in the standard ring, where the real part of the product has a
// Laplace distribution. Sums of them come closer to a normal distribution (summed).
func deviations(r Ring, probability float64, terms int) float64 {
	x := -math.Log(probability)
	if r != ConjugateInvariant {
		return math.Min(x/math.Sqrt2, summed(r, probability, terms))
	}
	for range 10 { // a contraction
		x = -math.Log(probability) - math.Log(math.Pi*x/2)/2
	}
	return math.Min(x, summed(r, probability, terms))
}

// summed bounds the deviations of a sum of k such products by Chernoff's method: the least t such that for some λ
//
//	2·M(λ)·e^(−λt) ≤ probability, M(λ) = (1 − λ²/2k)^(−k) in the standard ring, (1 − λ²/k)^(−k/2) in the other
//
// In the other ring two products are as one of the standard ring.
func summed(r Ring, probability float64, terms int) float64 {
	k := float64(terms)
	if r == ConjugateInvariant {
		k /= 2
	}
	const steps = 1000
	most, least := math.Sqrt(2*k), math.Inf(1)
	for i := 1; i < steps; i++ {
		lambda := most * float64(i) / steps
		least = math.Min(least, (math.Log(2/probability)-k*math.Log(1-lambda*lambda/(2*k)))/lambda)
	}
	return least
}

// terms is how many errors of one kind an output sums up at least: those of the slots that the last layer adds, and those that its
// inputs bring along. These count for a quarter, as weights differ.
func terms(layout *packing.Layout) int {
	last := &layout.Layers[len(layout.Layers)-1]
	n := max(1, last.In/4)
	if last.SumFirst {
		return 1 // which comes last
	}
	if !last.Integer {
		n = min(n, last.Sum.Count())
	}
	return n
}

// headroom is how many bits q0 must exceed the scale to hold the coefficients at level 0, positive and negative: the client
// refuses outputs whose coefficients come close to wrapping.
func headroom(layout *packing.Layout, p packing.Profile) int {
	largest := p.Bound(len(p.Peaks) - 1)
	head := int(math.Ceil(math.Log2(math.Max(largest, 1)))) + 1 + guard
	return max(minHeadroom, head) + lastBits(layout)
}

// lastBits is by how many bits the integer weights of products since the last rescaling raise the scale.
func lastBits(layout *packing.Layout) (bits int) {
	for i := len(layout.Layers) - 1; i >= 0 && layout.Layers[i].Integer && !layout.Layers[i].Square; i-- {
		bits += layout.Layers[i].Fraction
	}
	return bits
}

// refusal explains why no parameters serve: too many levels for the ring, with the ring that would do, or more
// precision than any ring gives.
func refusal(layout *packing.Layout, p packing.Profile, w Wanted) error {
	var rings []candidate
	for _, c := range candidates(layout, w) {
		if n := c.rescalings.Delays; c.special == 1 && (n == 0 || n == layout.Squares()) {
			rings = append(rings, c)
		}
	}
	if len(rings) == 0 {
		r, most := Standard, 1<<(MaxLogN-1)
		if w.Ring == ConjugateInvariant {
			r, most = w.Ring, 1<<MaxLogN
		}
		return fmt.Errorf("inference: %d slots fill a %s ring of log_n %d: 128-bit parameters need %d to %d, that is %d to %d slots",
			layout.Slots, r, r.LogN(layout.Slots), MinLogN, MaxLogN, most>>(MaxLogN-MinLogN), most)
	}
	free := Wanted{Precision: w.Precision, Encrypted: w.Encrypted}
	for _, c := range rings {
		for logN := c.logN + 1; logN <= MaxLogN; logN++ {
			c.logN = logN
			if c.serves(layout, p, free) {
				slots := 1 << logN
				if c.ring == Standard {
					slots /= 2
				}
				c.rescale(layout)
				return fmt.Errorf("inference: %d levels at %.0f bits of precision do not fit 128-bit security with %d slots (log_n %d); a tile shape of %d slots (log_n %d, %s ring) would hold them",
					layout.Levels, w.Precision, layout.Slots, rings[0].logN, slots, logN, c.ring)
			}
		}
	}
	layout.SumFirst(nil)
	layout.SetDelayed(false)
	low := free
	low.Precision = 1
	for _, c := range rings {
		for logN := c.logN; logN <= MaxLogN; logN++ {
			c.logN = logN
			if c.serves(layout, p, low) {
				return fmt.Errorf("inference: %w: %.0f bits with values up to %.3g need scales that no ring holds, or more than floats have", ErrPrecision, w.Precision, largestPeak(p))
			}
		}
	}
	return fmt.Errorf("inference: %d levels, with values up to %.3g: no ring up to log_n %d would hold them", layout.Levels, largestPeak(p), MaxLogN)
}

func largestPeak(p packing.Profile) float64 {
	v := p.Output
	for _, x := range p.Peaks {
		v = math.Max(v, x)
	}
	return v
}
