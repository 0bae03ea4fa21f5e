package inference

import (
	"math"
	"slices"

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
	head    int     // bits that the last modulus exceeds the last scale by
	special int     // number of special moduli
	prime   int     // smallest usable prime
	limit   int     // log2(QP)
	enough  float64 // log2 of the error that is small enough
	margin  int
}

// step is one rescaling. Errors are the variances that an output gets per unit of error added.
type step struct {
	gain, fixed int  // the scale before counts gain times, and fixed bits on top
	weighted    bool // a product with weights or a mask, whose scale is free
	squared     bool // the result is squared before the next step, at this level
	peak        float64
	weight      float64
	rounding    float64
	switches    float64 // of key switches at the scale after

	inputSwitches float64 // of key switches at the scale before
}

// newChain lists the steps of a layout.
func newChain(layout *packing.Layout, p packing.Profile) *chain {
	c := &chain{input: p.Errors[packing.Source{Kind: packing.InputError}]}
	gain, products := 1, 0
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		of := func(k packing.SourceKind) float64 { return p.Errors[packing.Source{Layer: i, Kind: k}] }
		peak := math.Log2(math.Max(p.Peaks[i], 1))
		if layout.Kind == packing.Scalar {
			if products++; ly.Square {
				c.steps = append(c.steps, step{gain: 2, fixed: 2 * WeightBits * products, peak: 2 * peak, rounding: of(packing.SquareError)})
				products = 0
			}
			continue
		}
		c.steps = append(c.steps, step{
			gain: gain, weighted: true, peak: peak, weight: of(packing.WeightError),
			rounding: of(packing.SumError), switches: of(packing.SumSwitchError), inputSwitches: of(packing.DiagonalError),
		})
		if ly.Mask {
			c.steps = append(c.steps, step{
				gain: 1, weighted: true, peak: peak, weight: of(packing.MaskError),
				rounding: of(packing.RefillError), switches: of(packing.RefillSwitchError),
			})
		}
		gain = 1
		if ly.Square && layout.Delayed {
			c.steps[len(c.steps)-1].squared = true
			gain = 2
		}
		if ly.Square && !layout.Delayed {
			c.steps = append(c.steps, step{gain: 2, peak: 2 * peak, rounding: of(packing.SquareError)})
		}
	}
	return c
}

// sizes are the free choices: scales after each step (the first is that of the inputs), scales of weights, and the
// bits of a special modulus.
type sizes struct {
	scales, weights []int
	logP            int
}

func (s *sizes) at(i int) *int {
	switch n := len(s.scales); {
	case i < n:
		return &s.scales[i]
	case i < n+len(s.weights):
		return &s.weights[i-n]
	}
	return &s.logP
}

// logQ are the moduli that the sizes imply, the last one left first.
func (c *chain) logQ(s sizes) []int {
	n := len(c.steps)
	q := make([]int, n+1)
	q[0] = s.scales[n] + c.head
	for j, st := range c.steps {
		q[n-j] = st.gain*s.scales[j] + st.fixed + s.weights[j] - s.scales[j+1]
	}
	return q
}

// spent is log2(QP), and by how many bits the sizes break a rule.
func (c *chain) spent(s sizes) (total, broken int) {
	q := c.logQ(s)
	over := func(bits int) { broken += max(bits, 0) }
	for i, b := range q {
		total += b
		over(c.prime - b)
		over(b - maxLogPrime)
		over(b - s.logP)
		if i > 0 { // what is rescaled to, or squared at, this modulus's lower neighbours must fit them
			st := &c.steps[len(c.steps)-i]
			scale := s.scales[len(c.steps)-i+1]
			below := sum(q[:i])
			over(scale + int(math.Ceil(st.peak)) + c.margin - below)
			if st.squared {
				over(2*scale + int(math.Ceil(2*st.peak)) + c.margin - below)
			}
		}
	}
	for j, w := range s.weights {
		if c.steps[j].weighted {
			over(minWeightScale - w)
		}
	}
	for _, b := range s.scales {
		over(minScale - b)
		over(b - maxScale)
	}
	total += c.special * s.logP
	over(s.logP - maxLogPrime)
	over(total - c.limit)
	return total, broken
}

func sum(x []int) int {
	t := 0
	for _, v := range x {
		t += v
	}
	return t
}

// error is log2 of the standard deviation of the worst output.
func (c *chain) error(s sizes) float64 {
	q := c.logQ(s)
	at := func(variance float64, scale int) float64 { return variance * math.Exp2(-2*float64(scale)) }
	v := c.input * at(c.noise.fresh(), s.scales[0])
	for j, st := range c.steps {
		level := len(c.steps) - 1 - j // after the step
		before := st.gain * s.scales[j]
		v += st.rounding * at(c.noise.rounding(), s.scales[j+1])
		if st.switches > 0 {
			v += st.switches * at(c.noise.keySwitch(digits(q[:level+1], c.special), c.special*s.logP), s.scales[j+1])
		}
		if st.inputSwitches > 0 {
			v += st.inputSwitches * at(c.noise.keySwitch(digits(q[:level+2], c.special), c.special*s.logP), before)
		}
		if st.weighted {
			v += st.weight * at(c.weight, s.weights[j])
		}
	}
	return math.Log2(v) / 2
}

// loss is what the search minimises: rules first, then the error as far as it matters, then size.
func (c *chain) loss(s sizes) float64 {
	total, broken := c.spent(s)
	if broken > 0 {
		return 1e6 * float64(broken)
	}
	return 1e3*math.Max(c.error(s), c.enough) + float64(total)
}

// size searches the sizes of least loss by changing one or two of them at a time. It returns false if the rules
// cannot be kept.
func (c *chain) size() (sizes, bool) {
	n := len(c.steps)
	best := sizes{scales: make([]int, n+1), weights: make([]int, n), logP: 45}
	for i := range best.scales {
		best.scales[i] = 30
	}
	for j := range best.weights {
		if c.steps[j].weighted {
			best.weights[j] = 25
		}
	}
	variables := 2*n + 2
	loss := c.loss(best)
	for improved := true; improved; {
		improved = false
		for i := range variables {
			for k := i; k < variables; k++ {
				if c.fixed(n, i) || c.fixed(n, k) {
					continue
				}
				for _, move := range moves {
					*best.at(i) += move[0]
					*best.at(k) += move[1]
					if l := c.loss(best); l < loss {
						loss, improved = l, true
						continue
					}
					*best.at(i) -= move[0]
					*best.at(k) -= move[1]
				}
			}
		}
	}
	_, broken := c.spent(best)
	return best, broken == 0
}

// moves change two sizes at once, or one of them alone.
var moves = [][2]int{{1, 0}, {-1, 0}, {4, 0}, {-4, 0}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}, {2, -1}, {-2, 1}, {1, -2}, {-1, 2}}

// fixed tells whether a variable stands for nothing: the weight of a square.
func (c *chain) fixed(n, i int) bool { return i > n && i <= 2*n && !c.steps[i-n-1].weighted }

func (c *chain) literal(s sizes, layout *packing.Layout) Literal {
	lit := Literal{LogQ: c.logQ(s), LogScale: s.scales[0]}
	for range c.special {
		lit.LogP = append(lit.LogP, s.logP)
	}
	for j, st := range c.steps {
		if st.weighted {
			lit.LogScales = append(lit.LogScales, s.scales[j+1])
		}
	}
	if slices.Max(append([]int{0}, lit.LogScales...)) == 0 {
		lit.LogScales = nil
	}
	return lit
}
