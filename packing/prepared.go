package packing

import (
	"fmt"

	"hepex/network"
)

// prepared is the first layers of a one-image layout, if these are convolutions: one that the client prepares and, if others follow, these:
// the second unfolded, if it is cheaper so, others by diagonals, with the first dense layer after those. What comes out repeats with a period.
type prepared struct {
	first     *im2col
	second    *unfolded    // nil: by diagonals, if it is a convolution
	diagonals []*diagonals // of what follows
}

// prepare lays out what can be laid out so; nil if that is nothing. Used tells which taps of the first layer have a weight; nil: all.
func prepare(g network.Geometry, slots int, used []bool, p Prices, encrypted bool) *prepared {
	first := newIm2col(g, used)
	if first == nil {
		return nil
	}
	convs := 1
	for convs < len(g) && !g[convs].Window.IsWhole() {
		convs++
	}
	if convs == 1 {
		return alone(first, slots)
	}
	best := diagonally(g, convs, slots, p, *first)
	if h := unfold(g, convs, slots, p, *first); h != nil && (best == nil || h.cost(g, slots, p, encrypted) < best.cost(g, slots, p, encrypted)) {
		best = h // whatever the sizes of dense layers, so that it stays the best when neurons are left out of them
	}
	if best == nil || best.period() > slots {
		return alone(first, slots)
	}
	return best
}

// alone prepares the first convolution only; nil if its outputs do not fit into a ciphertext.
func alone(first *im2col, slots int) *prepared {
	if first.values() > slots {
		return nil
	}
	first.repeat(powerAbove(first.values()))
	return &prepared{first: first}
}

// unfold lays out the second convolution unfolded and those after it by diagonals; nil if it does not fit.
func unfold(g network.Geometry, convs, slots int, p Prices, first im2col) *prepared {
	if convs == len(g) && convs > 2 {
		return nil
	}
	h := &prepared{first: &first, second: newUnfolded(g, convs, slots, p)}
	if h.second == nil {
		return nil
	}
	first.lie = h.second
	if convs > 2 {
		h.addDiagonals(g, 2, convs, h.second.out, slots, p)
	}
	return h
}

// diagonally lays out all convolutions but the first by diagonals; nil if the second does not fit.
func diagonally(g network.Geometry, convs, slots int, p Prices, first im2col) *prepared {
	if convs == len(g) {
		return nil
	}
	axis := first.merged.Out(first.stage.Out)
	lie := roomFor(axis, g[1:convs])
	n := slots / lie.block
	if n < axis.Channels {
		return nil
	}
	if n%axis.Channels == 0 || min(g[1].Out, n)+axis.Channels-1 <= n {
		lie.cyclic = axis.Channels
	}
	first.lie = &lie
	h := &prepared{first: &first}
	h.addDiagonals(g, 1, convs, lie, slots, p)
	return h
}

// addDiagonals adds layers from one whose inputs lie somehow to the first dense one.
func (h *prepared) addDiagonals(g network.Geometry, from, convs int, lie spread, slots int, p Prices) {
	for i := from; i < convs; i++ {
		s := g[i]
		if i == from {
			s.Pool = nil // which the layer before has done
		}
		d := newConvDiagonals(&s, lie, slots, p, len(g)-i)
		h.diagonals, lie = append(h.diagonals, d), *d.out
	}
	h.diagonals = append(h.diagonals, newDenseDiagonals(lie, g[convs].Out, slots, p, len(g)-convs))
}

// cost prices the first two layers, of several.
func (h *prepared) cost(g network.Geometry, slots int, p Prices, encrypted bool) float64 {
	c := Counts{}
	for i := range 2 {
		ly := h.layer(i, g.Axis(i).Size(), g.Axis(i+1).Size(), slots)
		ly.Level, ly.Square, ly.Delayed, ly.Lazy = len(g)-i, true, true, i == 0
		ly.counts(ly.dense(), encrypted, c)
		if i == 1 { // squares of the first layer are relinearised when the second has pooled them
			c.Add(Relinearize, ly.Level, ly.Ciphertexts())
		}
	}
	return c.Cost(p)
}

// roomFor spreads a grid so that the grids of the convolutions that follow have room where their outputs stay.
func roomFor(axis network.Axis, convs network.Geometry) spread {
	grids := []spread{{axis: axis, down: 1, right: 1}}
	for i, s := range convs {
		if i == 0 {
			s.Pool = nil // which is done already
		}
		grids = append(grids, grids[i].through(&s))
	}
	width, size := 0, 0
	for _, g := range grids {
		width = max(width, g.axis.W*g.right)
	}
	for _, g := range grids {
		size = max(size, (g.axis.H-1)*g.down*width+(g.axis.W-1)*g.right+1)
	}
	return spread{axis: axis, block: powerAbove(size), down: width, right: 1}
}

// base is the number of the last of these layers.
func (h *prepared) base() int {
	if h.second != nil {
		return 1 + len(h.diagonals)
	}
	return len(h.diagonals)
}

// whole is the number of layers, from the first, that are not unrolled.
func (h *prepared) whole() int {
	switch {
	case h == nil:
		return 0
	case h.second != nil:
		return 2
	}
	return 1
}

// setDims sets the sizes of axes that are others than those of the network: pooled already, or with room between values.
func (h *prepared) setDims(dims []int) {
	dims[1] = h.first.values()
	if h.second != nil && len(h.diagonals) == 0 {
		dims[2] = h.second.places()
	}
}

// input is the input of a layer in a place that it reads, or −1: where the layer before leaves room between values.
func (h *prepared) input(layer, place int) int {
	if h == nil || h.second == nil || layer != 2 {
		return place
	}
	return h.second.value(place)
}

// period is what the outputs of the last layer repeat with, at least.
func (h *prepared) period() int {
	switch {
	case len(h.diagonals) > 0:
		return h.diagonals[len(h.diagonals)-1].period
	case h.second != nil:
		return h.second.out.cyclic * h.second.out.block
	}
	return h.first.lie.(*spread).block
}

// layer is the program of one of these layers, whose inputs and outputs are so many.
func (h *prepared) layer(i, in, out, slots int) (ly Layer) {
	name := fmt.Sprintf("conv%d", i+1)
	switch {
	case i == 0:
		return h.first.layer(name, slots)
	case i == 1 && h.second != nil:
		ly = h.second.layer(name)
	default:
		cols := 1
		if i > h.whole() {
			cols = h.diagonal(i - 1).rows()
		}
		if i == h.base() {
			name = fmt.Sprintf("fc%d", i+1)
		}
		ly = h.diagonal(i).layer(name, in, out, cols)
	}
	if i == 1 {
		ly.Places = h.first.pooled()
		ly.Cols *= ly.comes()
	}
	return ly
}

// diagonal is the layer of a number that goes by them.
func (h *prepared) diagonal(layer int) *diagonals { return h.diagonals[layer-h.whole()] }

func (h *prepared) weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) {
	if layer == 0 {
		h.first.weights(l.Slots, row, term, put)
		return
	}
	ly := &l.Layers[layer]
	col, baby := ly.Input(ly.Read(row, term))
	if layer == 1 && h.second != nil {
		h.second.weights(col, baby, ly.Giant(term), put)
		return
	}
	h.diagonal(layer).weights(row, col, baby, ly.Giant(term), put)
}

func (h *prepared) bias(l *Layout, layer, row int, put func(slot, out int)) {
	switch {
	case layer == 0:
		h.first.bias(l.Slots, row, put)
	case layer == 1 && h.second != nil:
		h.second.bias(put)
	default:
		h.diagonal(layer).each(row, func(slot, out int) bool { put(slot, out); return true })
	}
}

// output is where an output lies, if the last of these layers is the network's.
func (h *prepared) output(place int) (row, slot int) {
	if len(h.diagonals) == 0 {
		return h.second.out.at(place, h.second.slots)
	}
	return 0, place
}
