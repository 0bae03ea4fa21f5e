package packing

import (
	"fmt"
	"math/bits"

	"hepex/network"
)

// prepared is the first layers of a one-image layout, if these are convolutions: one that the client prepares and, if others follow, these
// by diagonals, with the first dense layer. What comes out repeats with a period.
type prepared struct {
	first     *im2col
	diagonals []*diagonals
}

// prepare lays out what can be laid out so; nil if that is nothing. Used tells which taps of the first layer have a weight; nil: all.
func prepare(g network.Geometry, slots int, used []bool, p Prices) *prepared {
	first := newIm2col(g, used)
	if first == nil {
		return nil
	}
	convs := 1
	for convs < len(g) && !g[convs].Window.IsWhole() {
		convs++
	}
	if convs == 1 || convs == len(g) {
		if first.values() > slots {
			return nil
		}
		first.lie = spread{axis: network.Axis{H: 1, W: first.values(), Channels: 1}, block: 1 << bits.Len(uint(first.values()-1)), right: 1, cyclic: 1}
		return &prepared{first: first}
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
	first.lie = lie
	h := &prepared{first: first}
	for i := 1; i <= convs; i++ {
		s, level := g[i], len(g)-i
		if i == 1 {
			s.Pool = nil // which the first layer has done
		}
		if i == convs {
			h.diagonals = append(h.diagonals, newDenseDiagonals(lie, s.Out, slots, p, level))
			break
		}
		d := newConvDiagonals(&s, lie, slots, p, level)
		h.diagonals, lie = append(h.diagonals, d), *d.out
	}
	if h.period() > slots {
		return nil
	}
	return h
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
	return spread{axis: axis, block: 1 << bits.Len(uint(size-1)), down: width, right: 1}
}

// base is the number of the last of these layers.
func (h *prepared) base() int { return len(h.diagonals) }

// period is what the outputs of the last layer repeat with, at least.
func (h *prepared) period() int {
	if len(h.diagonals) == 0 {
		return h.first.lie.block
	}
	return h.diagonals[len(h.diagonals)-1].period
}

// layer is the program of one of these layers, whose inputs and outputs are so many.
func (h *prepared) layer(i, in, out int) Layer {
	if i == 0 {
		return h.first.layer("conv1")
	}
	d, cols := h.diagonals[i-1], 1
	if i > 1 {
		cols = h.diagonals[i-2].rows()
	}
	name := fmt.Sprintf("conv%d", i+1)
	if i == h.base() {
		name = fmt.Sprintf("fc%d", i+1)
	}
	ly := d.layer(name, in, out, cols)
	if i == 1 {
		ly.Places = h.first.pooled()
		ly.Cols *= ly.comes()
	}
	return ly
}

func (h *prepared) weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) {
	if layer == 0 {
		h.first.weights(l.Slots, term, put)
		return
	}
	ly := &l.Layers[layer]
	col, baby := ly.Input(ly.Read(row, term))
	h.diagonals[layer-1].weights(row, col, baby, ly.Giant(term), put)
}

func (h *prepared) bias(l *Layout, layer, row int, put func(slot, out int)) {
	if layer == 0 {
		h.first.bias(l.Slots, row, put)
		return
	}
	h.diagonals[layer-1].each(row, func(slot, out int) bool { put(slot, out); return true })
}

// output is where an output lies, if the last of these layers is the network's.
func (h *prepared) output(place int) (row, slot int) {
	d := h.diagonals[h.base()-1]
	if d.out == nil {
		return 0, place
	}
	return d.out.at(place, d.slots)
}
