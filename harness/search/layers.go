package search

import (
	"slices"

	"hepex/harness/config"
)

// Layers are the hidden layers of a network. They become smaller in several dimensions: filters or neurons, layer by layer, by halving, and the
// lines at the edges that the first convolution looks at.
type Layers []config.Layer

// What a layer keeps at least, and what is cropped.
const (
	leastNeurons = 8
	leastFilters = 2
	lines        = 2 // at each edge, with each step
	mostCrops    = 4
)

// LayersOf are the hidden layers that a config gives.
func LayersOf(n config.Network) Layers {
	if len(n.Layers) > 0 {
		return n.Layers
	}
	return dense(n.Hidden...)
}

// dense are fully connected layers.
func dense(neurons ...int) (ls Layers) {
	for _, n := range neurons {
		ls = append(ls, config.Layer{Neurons: n})
	}
	return ls
}

// Keys that layers are given by in configs: as neurons, or as a text for each.
const keyNeurons, keyLayers = "prune.hidden", "prune.layers"

// value is what a key has.
func (ls Layers) value(key string) any {
	if key == keyNeurons {
		return ls.sizes()[:len(ls)]
	}
	var texts []string
	for _, l := range ls {
		texts = append(texts, l.String())
	}
	return texts
}

// dimensions are numbers of layers, and at last that of cropping.
func (ls Layers) dimensions() (all []int) {
	for i, l := range ls {
		if l.Filters+l.Neurons > 0 {
			all = append(all, i)
		}
	}
	return append(all, len(ls))
}

// shrunk is what is left after so many steps in one dimension; false if that is too small.
func (ls Layers) shrunk(dimension, steps int) (Layers, bool) {
	if steps == 0 {
		return ls, true
	}
	out := slices.Clone(ls)
	if dimension == len(ls) {
		p := &out[0].Padding
		p.H, p.W = p.H-steps*lines, p.W-steps*lines
		return out, out[0].Filters > 0 && steps <= mostCrops
	}
	l := &out[dimension]
	l.Filters >>= steps
	l.Neurons >>= steps
	return out, l.Filters >= leastFilters || l.Neurons >= leastNeurons
}

// sizes are what is left in each dimension: cropped lines count below zero.
func (ls Layers) sizes() (n []int) {
	for _, d := range ls.dimensions() {
		if d < len(ls) {
			n = append(n, max(ls[d].Filters, ls[d].Neurons))
		}
	}
	return append(n, ls[0].Padding.H)
}

// within tells whether a is larger than b in no dimension.
func within(a, b Layers) bool {
	x, y := a.sizes(), b.sizes()
	for i := range x {
		if x[i] > y[i] {
			return false
		}
	}
	return true
}

// mostRungs is how many small networks there are to choose from.
const mostRungs = 100

// smaller are the networks that come from shrinking each dimension, down to a few neurons: all combinations that make sense, or, if these are too
// many, those whose layers were halved about as often.
func (ls Layers) smaller(sensible func(Layers) bool) []Layers {
	for apart := 16; ; apart-- {
		var all []Layers
		for _, steps := range ls.steps() {
			if widths := steps[:len(steps)-1]; slices.Max(steps) == 0 || slices.Max(widths)-slices.Min(widths) > apart {
				continue
			}
			small := ls
			for i, d := range ls.dimensions() {
				small, _ = small.shrunk(d, steps[i])
			}
			if sensible(small) {
				all = append(all, small)
			}
		}
		if len(all) <= mostRungs || apart == 0 {
			return all
		}
	}
}

// steps are all combinations of steps in the dimensions.
func (ls Layers) steps() [][]int {
	all := [][]int{nil}
	for _, d := range ls.dimensions() {
		var next [][]int
		for n := 0; ; n++ {
			if _, ok := ls.shrunk(d, n); !ok {
				break
			}
			for _, front := range all {
				next = append(next, append(slices.Clone(front), n))
			}
		}
		all = next
	}
	return all
}

// startsAround are the networks to prune: the unpruned one (nil), the best if it is a small one, and one twice as large.
func startsAround(best *Tried, unpruned Layers) []Layers {
	starts := []Layers{nil}
	if best == nil || best.Layers == nil {
		return starts
	}
	larger := slices.Clone(best.Layers)
	for i, l := range unpruned {
		larger[i].Filters, larger[i].Neurons = min(2*larger[i].Filters, l.Filters), min(2*larger[i].Neurons, l.Neurons)
	}
	if p, most := &larger[0].Padding, unpruned[0].Padding; unpruned[0].Filters > 0 {
		p.H, p.W = min(p.H+lines, most.H), min(p.W+lines, most.W)
	}
	if !slices.Equal(larger, unpruned) {
		starts = append(starts, larger)
	}
	return append(starts, best.Layers)
}
