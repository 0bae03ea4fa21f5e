package packing

import (
	"slices"

	"hepex/network"
)

// newTileLayout lays out a network in weight tiles.
func newTileLayout(g network.Geometry, shape Shape) *Layout {
	l := &Layout{
		Kind:   Tiles,
		Layers: make([]Layer, len(g)), inputs: g.Axis(0).Size(), place: tiles{}, geometry: g,
	}
	places, live := placesOf(g)
	if in := g.Axis(0); in.Positions() > len(live[0]) {
		l.InputOrder = numbers(live[0], sequence(in.Channels))
	}
	dims := g.Channels()
	for i := range l.Layers {
		last := i == len(l.Layers)-1
		in, out := shape.Group(i), shape.Group(i+1)
		ly := &l.Layers[i]
		*ly = Layer{
			Name: LayerName(&g[i], i+1),
			In:   dims[i], Out: dims[i+1],
			InGroup: in, OutGroup: out,
			Rows: places[i].Positions() * ceilDiv(dims[i+1], out), Cols: places[i].comes() * ceilDiv(dims[i], in),
			Places:    places[i],
			Rotations: []int{0},
			outer:     i%2 == 0,
			Mask:      i%2 == 1 && !last && shape.Out > 1,
			Square:    !last,
		}
	}
	l.setShape(shape)
	l.SetDelayed(false)
	return l
}

// setShape sets what depends on the shape beyond the groups of neurons, which it must not change: where samples are, and what sums them.
func (l *Layout) setShape(shape Shape) {
	l.Shape, l.Slots, l.Batch = shape, shape.Slots(), shape.Batch
	offset := 0
	for i := range l.Layers {
		ly := &l.Layers[i]
		ly.offset = offset
		ly.Sum = newSum(shape.Batch, shape.Out, true)
		if ly.outer {
			ly.Sum = newSum(shape.Out*shape.Batch, shape.In, true)
		}
		if ly.Mask {
			ly.Refill = newSum(shape.Batch, shape.Out, true)
			offset = (offset + (shape.Out-1)*shape.Batch) % shape.Slots()
		}
	}
}

// withBatch is a model in tiles for another number of samples, which need be no power of two: what each of them meets is the same.
func (m *Model) withBatch(samples int) *Model {
	layout, shape := *m.Layout, m.Shape
	layout.Layers = slices.Clone(layout.Layers)
	shape.Batch = samples
	layout.setShape(shape)
	other := *m
	other.Layout = &layout
	return &other
}

// tiles places weights as the package comment says.
type tiles struct{}

// slot is the slot of entry i of the outer dimension, j of the middle one, sample b.
func (tiles) slot(s Shape, i, j, b, offset int) int {
	return ((i*s.Out+j)*s.Batch + b - offset + s.Slots()) % s.Slots()
}

func (t tiles) input(l *Layout, col, samples int, put func(slot, position, sample int)) {
	first := &l.Layers[0]
	position, channel := col/first.InGroups(), col%first.InGroups()*first.InGroup
	for i := range min(first.InGroup, first.In-channel) {
		for j := range l.Shape.Out {
			for b := range samples {
				put(t.slot(l.Shape, i, j, b, first.offset), position*first.In+channel+i, b)
			}
		}
	}
}

func (t tiles) weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) {
	ly := &l.Layers[layer]
	tap, channel := term/ly.InGroups(), term%ly.InGroups()*ly.InGroup
	for o := range min(ly.OutGroup, ly.Out-row*ly.OutGroup) {
		for i := range min(ly.InGroup, ly.In-channel) {
			outer, middle := o, i
			if ly.outer {
				outer, middle = i, o
			}
			for b := range l.Batch {
				if !put(t.slot(l.Shape, outer, middle, b, ly.offset), row*ly.OutGroup+o, tap*ly.In+channel+i) {
					return
				}
			}
		}
	}
}

// bias is put wherever the row's sum leaves an output: in all copies after an outer layer.
func (t tiles) bias(l *Layout, layer, row int, put func(slot, out int)) {
	ly := &l.Layers[layer]
	channel := ly.Group(row) * ly.OutGroup
	first := ly.Position(row)*ly.Out + channel
	for o := range min(ly.OutGroup, ly.Out-channel) {
		for b := range l.Batch {
			if !ly.outer {
				put(t.slot(l.Shape, o, 0, b, ly.offset), first+o)
				continue
			}
			for i := range ly.InGroup {
				put(t.slot(l.Shape, i, o, b, ly.offset), first+o)
			}
		}
	}
}

func (t tiles) mask(l *Layout, layer int, put func(slot int)) {
	ly := &l.Layers[layer]
	for o := range ly.OutGroup {
		for b := range l.Batch {
			put(t.slot(l.Shape, o, 0, b, ly.offset))
		}
	}
}

func (t tiles) output(l *Layout, place, sample int) (row, slot int) {
	last := &l.Layers[len(l.Layers)-1]
	position, channel := place/last.Out, place%last.Out
	outer, middle := channel%last.OutGroup, 0
	if last.outer {
		outer, middle = 0, channel%last.OutGroup
	}
	return position*last.Groups() + channel/last.OutGroup, t.slot(l.Shape, outer, middle, sample, last.offset)
}
