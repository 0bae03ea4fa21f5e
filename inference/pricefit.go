package inference

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hepex/packing"
)

// Rates are measured prices in proportion to nominal ones. What is measured with some moduli thus serves others of the
// same class: nominal prices know how many bytes their tiles and keys have. The floor is kept in seconds, for
// lattigo's calls take the same with all moduli.
type Rates struct {
	Ours  map[packing.At]float64
	Floor map[packing.At]float64
}

// PriceClass names the parameter sets whose prices differ as nominal ones do, on any machine: those of one ring, one number
// of special moduli, and moduli that the same kernels serve.
func (l Literal) PriceClass() string {
	letters := func(bits []int) string {
		var b strings.Builder
		for _, m := range bits {
			b.WriteByte('a' + byte(family(m)))
		}
		return b.String()
	}
	q := strings.TrimRight(letters(l.LogQ), "a") // a longer chain of the fastest adds levels and changes none
	return fmt.Sprintf("%s %d %s|%s", l.Ring, l.LogN, q, letters(l.LogP))
}

// family is the first of the families that a modulus belongs to.
func family(bits int) int {
	return max(0, slices.IndexFunc(families, func(largest int) bool { return bits <= largest }))
}

// Rates puts prices that were measured with a parameter set in proportion. A price far above what the same primitive takes at
// other levels was measured while the machine did something else: theirs replaces it.
func (p *Priced) Rates(l Literal) *Rates {
	nominal := l.arithmetic().Nominal()
	r := &Rates{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	byOp := map[packing.Op][]float64{}
	for at, v := range p.Ours {
		r.Ours[at], r.Floor[at] = v/nominal(at.Op, at.Level), p.Floor[at]
		byOp[at.Op] = append(byOp[at.Op], r.Ours[at])
	}
	for at, v := range r.Ours {
		rates := byOp[at.Op]
		slices.Sort(rates)
		if middle := rates[(len(rates)-1)/2]; len(rates) >= enoughLevels && v > disturbed*middle {
			r.Ours[at] = middle
		}
	}
	return r
}

const (
	enoughLevels = 3    // to tell which is the odd one out
	disturbed    = 1.35 // a rate above the median of an operation's levels by this factor
)

// Priced gives the prices of a parameter set of the class that was measured.
func (r *Rates) Priced(l Literal) *Priced {
	nominal := l.arithmetic().Nominal()
	p := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}, Reference: l.NominalTransform()}
	for at, v := range r.Ours {
		p.Ours[at], p.Floor[at] = v*nominal(at.Op, at.Level), r.Floor[at]
	}
	return p
}

// NominalTransform is proportional to what TimeReference takes, in seconds, on whatever machine.
func (l Literal) NominalTransform() float64 {
	t := 88e-6 * math.Ldexp(float64(l.LogN)/13, l.LogN-13)
	if l.Ring == ConjugateInvariant {
		t *= 1.15
	}
	return t
}

// Scale multiplies all prices.
func (r *Rates) Scale(by float64) {
	for at := range r.Ours {
		r.Ours[at] *= by
		r.Floor[at] *= by
	}
}

// Add takes over prices that were measured later.
func (r *Rates) Add(more *Rates) {
	for at, v := range more.Ours {
		r.Ours[at], r.Floor[at] = v, more.Floor[at]
	}
}
