package pruning

// improve moves neurons of one axis between groups so that more importance lies in the kept tiles: the benefit of a
// neuron for a group is the importance that it would add to kept tiles of both layers that touch the axis, and pairs
// of neurons change places as long as their benefits gain by it.
func (p *partition) improve(axis int, scores [][]float64, kept [][]bool) {
	groups := p.groups[axis]
	if groups == 1 {
		return
	}
	benefit := p.benefits(axis, scores, kept)
	of := p.of[axis]
	for pass, swapped := 0, true; swapped && pass < maxPasses; pass++ {
		swapped = false
		for i := range of {
			bi, gi := benefit[i*groups:(i+1)*groups], of[i]
			for j := i + 1; j < len(of); j++ {
				gj := of[j]
				if gi == gj {
					continue
				}
				bj := benefit[j*groups : (j+1)*groups]
				if bi[gj]-bi[gi]+(bj[gi]-bj[gj]) > 0 && bi[gj]+bj[gi] > (bi[gi]+bj[gj])*(1+1e-12) {
					of[i], of[j] = gj, gi
					gi, swapped = gj, true
				}
			}
		}
	}
}

// maxPasses bounds the passes over all pairs of an axis; few are needed.
const maxPasses = 30

// benefits gives, for each neuron of an axis, the importance that it has in the kept tiles of each group.
func (p *partition) benefits(axis int, scores [][]float64, kept [][]bool) []float64 {
	groups := p.groups[axis]
	benefit := make([]float64, p.dims[axis]*groups)
	for i, f := range p.features(axis, scores) {
		row := benefit[i*groups : (i+1)*groups]
		before := 0
		if axis > 0 {
			before = p.columns(axis - 1)
			for g := range row {
				for c, k := range kept[axis-1][g*before : (g+1)*before] {
					if k {
						row[g] += f[c]
					}
				}
			}
		}
		for r, v := range f[before:] {
			for g, k := range kept[axis][r*groups : (r+1)*groups] {
				if k {
					row[g] += v
				}
			}
		}
	}
	return benefit
}

// columns is the number of tiles in a row of a layer.
func (p *partition) columns(layer int) int { return p.geometry[layer].Taps() * p.groups[layer] }

// features gives, for each channel of an axis, the sums of its scores towards each group and tap of the axis before, and then of the
// axis after: as columns and rows of tiles are numbered.
func (p *partition) features(axis int, scores [][]float64) [][]float64 {
	n, before, after := p.dims[axis], 0, 0
	if axis > 0 {
		before = p.columns(axis - 1)
	}
	if axis < len(scores) {
		after = p.groups[axis+1] * p.geometry[axis].Taps()
	}
	features := make([][]float64, n)
	for i := range features {
		features[i] = make([]float64, before+after)
	}
	if axis > 0 {
		g := p.grid(axis - 1)
		in := len(scores[axis-1]) / n
		for o, f := range features {
			for i, v := range scores[axis-1][o*in : (o+1)*in] {
				f[g.Column(i)] += v
			}
		}
	}
	if axis < len(scores) {
		taps := p.geometry[axis].Taps()
		for o, g := range p.of[axis+1] {
			for t := range taps {
				for i, v := range scores[axis][(o*taps+t)*n : (o*taps+t+1)*n] {
					features[i][before+g*taps+t] += v
				}
			}
		}
	}
	return features
}

// annealed are the densities that a search passes through: few tiles at once would fix groups too early.
var annealed = []float64{0.6, 0.4, 0.25, 0.15, 0.08}

// search finds groups from nothing.
func (p *partition) search(scores [][]float64, b allowance) {
	p.sort(scores)
	for _, density := range annealed {
		if density > b.share() {
			p.descend(scores, b.of(density))
		}
	}
	p.descend(scores, b)
}

// descend improves all axes in turn, choosing the kept tiles anew after each, until they hold no more importance.
func (p *partition) descend(scores [][]float64, b keeper) {
	last := -1.0
	for range maxDescents {
		kept, total := b.keep(p.sums(scores))
		if total <= last*(1+1e-5) {
			return
		}
		last = total
		for a := range p.dims {
			p.improve(a, scores, kept)
			kept, _ = b.keep(p.sums(scores))
		}
	}
}

// maxDescents bounds the rounds over all axes.
const maxDescents = 40
