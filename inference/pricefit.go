package inference

import (
	"fmt"
	"slices"
	"strings"

	"hepex/packing"
)

// Rates are measured prices in proportion to nominal ones. What is measured with some moduli thus serves others of the
// same class: nominal prices know how many bytes their tiles and keys have. The floor is kept in seconds, for
// lattigo's calls take the same with all moduli; that of products is a limb's.
type Rates map[Case]Rate

// Rate is that of one primitive.
type Rate struct {
	Ours, Floor float64
	Beside      float64 // share of the machine's cores that other processes kept busy when it was measured
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
func (p *Priced) Rates(l Literal, w Work) Rates {
	nominal := l.arithmetic().Nominal()
	r := Rates{}
	byOp := map[packing.Op][]float64{}
	for at, v := range p.Ours {
		c := w.of(at)
		rate := Rate{Ours: v / nominal(at.Op, at.Level), Floor: p.Floor[at], Beside: p.Beside}
		if c.Level == anyLevel {
			rate.Floor /= float64(at.Level + 1)
		} else {
			byOp[at.Op] = append(byOp[at.Op], rate.Ours)
		}
		r[c] = rate
	}
	for c, rate := range r {
		rates := byOp[c.Op]
		slices.Sort(rates)
		if len(rates) >= enoughLevels {
			if middle := rates[(len(rates)-1)/2]; rate.Ours > disturbed*middle {
				rate.Ours = middle
				r[c] = rate
			}
		}
	}
	return r
}

const (
	enoughLevels = 3    // to tell which is the odd one out
	disturbed    = 1.35 // a rate above the median of an operation's levels by this factor
)

// Missing is the work whose operations have no rate yet.
func (r Rates) Missing(w Work) Work {
	missing := packing.Counts{}
	for at, n := range w.Counts {
		if _, ok := r[w.of(at)]; !ok {
			missing[at] = n
		}
	}
	return w.Only(missing)
}

// Priced gives the prices of some work with a parameter set of the class that was measured.
func (r Rates) Priced(l Literal, w Work) *Priced {
	nominal := l.arithmetic().Nominal()
	p := &Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	for at := range w.Counts {
		c := w.of(at)
		rate, ok := r[c]
		if !ok {
			continue
		}
		p.Ours[at], p.Floor[at], p.Beside = rate.Ours*nominal(at.Op, at.Level), rate.Floor, max(p.Beside, rate.Beside)
		if c.Level == anyLevel {
			p.Floor[at] *= float64(at.Level + 1)
		}
	}
	return p
}

// Add takes over prices that were measured later. Those that are known stay.
func (r Rates) Add(more Rates) {
	for c, rate := range more {
		if _, ok := r[c]; !ok {
			r[c] = rate
		}
	}
}

// Of is those rates that some work asks for.
func (r Rates) Of(w Work) Rates {
	some := Rates{}
	for at := range w.Counts {
		if rate, ok := r[w.of(at)]; ok {
			some[w.of(at)] = rate
		}
	}
	return some
}

// Quieter takes over those prices that were measured beside fewer busy processes than the same ones here.
func (r Rates) Quieter(other Rates) {
	for c, rate := range other {
		if mine, ok := r[c]; ok && rate.Beside < mine.Beside {
			r[c] = rate
		}
	}
}
