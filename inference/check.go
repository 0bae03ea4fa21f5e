package inference

import (
	"fmt"
	"math"

	"hepex/packing"
)

// held is one value that a modulus must hold.
type held struct {
	layer   int
	peak    float64 // log2 of the value
	level   int
	has     float64 // log2 of the modulus
	need    float64 // … and of what it must be
	squared bool    // the value is a square
}

// CheckRange returns an error unless the parameters fit the layout and every modulus holds the values that reach
// its level.
func (p Parameters) CheckRange(layout *packing.Layout, profile packing.Profile) error {
	if err := p.fits(layout); err != nil {
		return err
	}
	if profile.Peaks == nil {
		profile = least(layout)
	}
	for i, sc := range p.scales(layout) {
		ly := &layout.Layers[i]
		if bits := logScale(sc.weight); !ly.Integer && math.Round(bits) < minWeightScale { // moduli are a little below the powers of two
			return fmt.Errorf("inference: layer %s: log_q leaves its weights a scale of %.0f bits: want at least %d; enlarge log_q[%d] or lower log_scale",
				ly.Name, bits, minWeightScale, ly.Level)
		}
	}
	for _, h := range p.holds(layout, profile) {
		if !(h.need <= h.has) {
			return fmt.Errorf("inference: layer %s: coefficients up to %.3g at level %d need a modulus of %.0f bits, but it has %.0f: the result would wrap; enlarge log_q[0] or lower log_scale",
				layout.Layers[h.layer].Name, math.Exp2(h.peak), h.level, math.Ceil(h.need), h.has)
		}
	}
	return nil
}

// Room is, by layer, by how many bits all its values may exceed those of the profile before a modulus no longer holds them.
func (p Parameters) Room(layout *packing.Layout, profile packing.Profile) []float64 {
	room := make([]float64, len(layout.Layers))
	for i := range room {
		room[i] = math.Inf(1)
	}
	for _, h := range p.holds(layout, profile) {
		spare := h.has - h.need
		if h.squared {
			spare /= 2
		}
		room[h.layer] = math.Min(room[h.layer], spare)
	}
	return room
}

// holds lists what the moduli must hold: the sums of every layer, and its squares where they are rescaled at once. What is not
// rescaled yet may wrap: the next product is the one that counts.
func (p Parameters) holds(layout *packing.Layout, profile packing.Profile) []held {
	logQ := make([]float64, len(p.Q())+1) // log2 of the product of the first moduli
	for i, q := range p.Q() {
		logQ[i+1] = logQ[i] + math.Log2(float64(q))
	}
	var all []held
	for i, sc := range p.scales(layout) {
		ly := &layout.Layers[i]
		add := func(scale, peak float64, level int, squared bool) {
			all = append(all, held{i, peak, level, logQ[level+1], scale + peak - math.Log2(largestShare), squared})
		}
		peak := math.Log2(math.Max(profile.Bound(i), 1))
		add(logScale(sc.sum), peak, ly.SumLevel(), false)
		if ly.Square && !ly.Delayed {
			square := peak + math.Log2(math.Max(profile.Peaks[i], 1)*float64(layout.SquaresAdded(i)))
			add(2*logScale(sc.square), square, ly.SquareLevel(), true)
		}
	}
	return all
}

// CheckPrecision returns an ErrPrecision if the model of noise predicts fewer bits than are wanted. The parameters must fit the
// layout, and the profile be that of samples.
func (p Parameters) CheckPrecision(layout *packing.Layout, profile packing.Profile, w Wanted) error {
	if err := checkProfile(profile); err != nil {
		return err
	}
	c := newChain(layout, profile)
	s := c.sizesOf(p.Literal)
	c.setNoise(newNoise(p.Literal.Ring, p.LogN()), layout, profile, w.Encrypted)
	worst := worstError(p.Literal.Ring, layout, profile, w.Precision)
	short := c.error(s) - worst
	if !(short > 0) {
		return nil
	}
	what := "the moduli in log_q and log_scale"
	if without := c.withoutSwitches(s); without <= worst {
		what = "log_p, whose product must exceed each group of as many moduli in log_q"
	}
	return fmt.Errorf("inference: %w for these parameters: they give %.1f bits of %.0f; enlarge %s", ErrPrecision, w.Precision-short, w.Precision, what)
}

// withoutSwitches is log2 of the error if key switches added none.
func (c *chain) withoutSwitches(s sizes) float64 {
	s.logP += maxLogPrime
	return c.error(s)
}
