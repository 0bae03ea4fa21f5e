package inference

import (
	"math"

	"hepex/packing"
)

// A chain is a modulus chain to be sized: one step per rescaling, from the inputs to the outputs. Scales and moduli
// are in bits. A step takes ciphertexts at a scale, raises it by squaring or by a product, and divides by a modulus:
//
//	modulus = gain·scale before + weight − scale after
//
// The search chooses the scales: every bit of a scale lowers an error and costs a bit of some modulus.
type chain struct {
	noise   noise
	steps   []step
	input   float64 // variance of an output per unit of input error
	weight  float64 // variance of a weight at scale 1
	bias    float64 // of an output's bias at the last scale: all the error that there is where nothing else reaches an output
	float   float64 // variance of an output by rounding of floats, whatever the scales
	head    int     // bits that the last modulus exceeds the last scale by
	special int     // number of special moduli
	extra   int     // bits that they have together beyond as many of one size
	prime   int     // smallest usable modulus
	largest int     // largest one to use
	limit   int     // log2(QP)
	enough  float64 // log2 of the error that is small enough
	margin  int
}

// step is one rescaling. Errors are the variances that an output gets per unit of error added.
type step struct {
	gain, fixed int  // the scale before counts gain times, and fixed bits on top
	weighted    bool // a product with weights or a mask, whose scale is free
	bound       int  // bits of the largest coefficient of its result, at scale 1
	weight      float64
	rounding    float64
	switches    float64 // of key switches at the scale after
	first       bool    // these are before the division, and late is the rounding after
	late        float64

	inputSwitches float64 // of key switches at the scale before
}

// newChain lists the steps of a layout.
func newChain(layout *packing.Layout, p packing.Profile) *chain {
	c := &chain{input: p.Errors[packing.Source{Kind: packing.InputError}]}
	gain, fractions := 1, 0
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		of := func(k packing.SourceKind) float64 { return p.Errors[packing.Source{Layer: i, Kind: k}] }
		largest := math.Log2(math.Max(p.Bound(i), 1))
		bound := int(math.Ceil(largest))
		square := int(math.Ceil(largest + math.Log2(math.Max(p.Peaks[i], 1)*float64(layout.SquaresAdded(i))))) // mean |x²| ≤ mean |x| · max |x|
		if ly.Integer {
			if fractions += ly.Fraction; ly.Square {
				c.steps = append(c.steps, step{gain: 2, fixed: 2 * fractions, bound: square, rounding: of(packing.SquareError)})
				fractions = 0
			}
			continue
		}
		c.steps = append(c.steps, step{
			gain: gain, weighted: true, bound: bound, weight: of(packing.WeightError),
			rounding: of(packing.SumError), switches: of(packing.SumSwitchError), inputSwitches: of(packing.DiagonalError),
			first: ly.SumFirst, late: of(packing.LateError),
		})
		if ly.Mask {
			c.steps = append(c.steps, step{
				gain: 1, weighted: true, bound: bound, weight: of(packing.MaskError),
				rounding: of(packing.RefillError), switches: of(packing.RefillSwitchError),
			})
		}
		gain = 1
		if ly.Delayed {
			gain = 2
		}
		if ly.Square && !ly.Delayed {
			c.steps = append(c.steps, step{gain: 2, bound: square, rounding: of(packing.SquareError)})
		}
	}
	return c
}

// sizes are scales, the first that of the inputs and one after each step, the modulus that each step divides by, and
// the bits of a special modulus. What weights are scaled by follows, and so does the scale of a square.
type sizes struct {
	scales, moduli []int
	logP           int
}

// settle sets the scales that have no choice: those of squares.
func (c *chain) settle(s sizes) {
	for j := range c.steps {
		if st := &c.steps[j]; !st.weighted {
			s.scales[j+1] = st.gain*s.scales[j] + st.fixed - s.moduli[j]
		}
	}
}

// weightScale is what the weights of a step are scaled by.
func (c *chain) weightScale(s sizes, j int) int {
	return s.moduli[j] + s.scales[j+1] - c.steps[j].gain*s.scales[j]
}

// logQ are the moduli of the chain, the last one left first.
func (c *chain) logQ(s sizes) []int {
	n := len(c.steps)
	q := make([]int, n+1)
	q[0] = s.scales[n] + c.head
	for j, b := range s.moduli {
		q[n-j] = b
	}
	return q
}

// spent is log2(QP), and by how many bits the sizes break a rule.
func (c *chain) spent(s sizes) (total, broken int) {
	over := func(bits int) { broken += max(bits, 0) }
	modulus := func(b int) {
		total += b
		over(c.prime - b)
		over(b - min(c.largest, s.logP))
	}
	n := len(c.steps)
	modulus(s.scales[n] + c.head)
	for j := n - 1; j >= 0; j-- {
		st := &c.steps[j]
		over(s.scales[j+1] + st.bound + c.margin - total) // what is rescaled to must fit the moduli below
		if st.weighted {
			over(minWeightScale - c.weightScale(s, j))
		}
		modulus(s.moduli[j])
	}
	for _, b := range s.scales {
		over(minScale - b)
		over(b - maxScale)
	}
	total += c.special * s.logP
	over(s.logP - c.largest)
	over(total - c.limit)
	return total, broken
}

// error is log2 of the standard deviation of the worst output.
func (c *chain) error(s sizes) float64 {
	at := func(variance float64, scale int) float64 { return variance * exp2(-2*scale) }
	v := c.input*at(c.noise.fresh(), s.scales[0]) + at(c.bias, s.scales[len(c.steps)])
	v += c.float
	digits := digitSum{special: c.special, logP: c.special*s.logP + c.extra}
	digits.add(s.scales[len(c.steps)] + c.head)
	for j := len(c.steps) - 1; j >= 0; j-- {
		st := &c.steps[j]
		scale, switches := s.scales[j+1], c.noise.keySwitch(digits) // at the level after the step
		digits.add(s.moduli[j])
		if st.first {
			v += st.late * at(c.noise.rounding(), scale)
			scale, switches = scale+s.moduli[j], c.noise.keySwitch(digits)
		}
		v += st.rounding*at(c.noise.rounding(), scale) + st.switches*at(switches, scale)
		if st.inputSwitches > 0 {
			v += st.inputSwitches * at(c.noise.keySwitch(digits), st.gain*s.scales[j])
		}
		if st.weighted {
			v += st.weight * at(c.weight, c.weightScale(s, j))
		}
	}
	return math.Log2(v) / 2
}

// sizesOf are those of a literal, which must have one modulus for each step and another.
func (c *chain) sizesOf(l Literal) sizes {
	n := len(c.steps)
	s := sizes{scales: make([]int, n+1), moduli: make([]int, n)}
	s.scales[0] = l.LogScale
	next := 0
	for j, st := range c.steps {
		s.moduli[j] = l.LogQ[n-j]
		if st.weighted {
			s.scales[j+1] = l.scaleAfter(next)
			next++
		}
	}
	c.settle(s)
	c.head = l.LogQ[0] - s.scales[n]
	c.special = len(l.LogP)
	total := 0
	for _, b := range l.LogP {
		total += b
	}
	s.logP, c.extra = total/c.special, total%c.special
	return s
}

func (c *chain) literal(s sizes) Literal {
	lit := Literal{LogQ: c.logQ(s), LogScale: s.scales[0]}
	for range c.special {
		lit.LogP = append(lit.LogP, s.logP)
	}
	for j, st := range c.steps {
		if st.weighted {
			lit.LogScales = append(lit.LogScales, s.scales[j+1])
		}
	}
	return lit
}
