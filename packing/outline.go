package packing

import (
	"fmt"
	"slices"

	"hepex/network"
)

// Outline is what a layout follows from: all that it takes to encrypt inputs, draw keys and read outputs without the network. It tells sizes,
// the order of neurons and which inputs have a weight, but no weight. It survives encoding/json.
type Outline struct {
	Choice   Choice           `json:"choice"`
	Geometry network.Geometry `json:"geometry"` // as laid out, without what pruning left out
	Inputs   int              `json:"inputs"`   // values of a sample
	Channels int              `json:"channels"` // of the first axis that are sent: Trim may leave out some
	Taps     []bool           `json:"taps,omitempty"`
	Squares  []bool           `json:"squares"`            // by layer: a square follows
	Fraction []int            `json:"fraction,omitempty"` // by layer of integer weights: their fractional bits
	Rescalings

	InputOrder  []int `json:"input_order,omitempty"`
	OutputOrder []int `json:"output_order,omitempty"`
}

// Outline is that of the layout, with weights that are encrypted or not.
func (l *Layout) Outline(encrypted bool) Outline {
	o := Outline{
		Choice: Choice{l.Kind, l.Shape, encrypted}, Geometry: l.geometry, Inputs: l.inputs, Channels: l.Layers[0].In, Taps: l.used,
		Rescalings: l.Rescalings(), InputOrder: l.InputOrder, OutputOrder: l.OutputOrder,
	}
	for i := range l.Layers {
		o.Squares = append(o.Squares, l.Layers[i].Square)
		if l.Kind == Scalar {
			o.Fraction = append(o.Fraction, l.Layers[i].Fraction)
		}
	}
	return o
}

// Layout is the layout of the outline, which may come from anybody: what does not fit together is an error.
func (o Outline) Layout() (*Layout, error) {
	if err := o.Geometry.Check(); err != nil {
		return nil, fmt.Errorf("packing: outline: %w", err)
	}
	n := len(o.Geometry)
	switch {
	case o.Inputs < 1:
		return nil, fmt.Errorf("packing: outline: samples of %d values: want at least 1", o.Inputs)
	case len(o.Squares) != n || o.Squares[n-1]:
		return nil, fmt.Errorf("packing: outline: squares %v: want one answer for each of %d layers, and none after the last", o.Squares, n)
	case o.Choice.Kind == Scalar && (len(o.Fraction) != n || slices.ContainsFunc(o.Fraction, func(bits int) bool { return bits < 0 || bits > mostFraction })):
		return nil, fmt.Errorf("packing: outline: fractional bits %v: want 0 to %d for each of %d layers", o.Fraction, mostFraction, n)
	case o.Choice.Kind != Scalar && o.Fraction != nil:
		return nil, fmt.Errorf("packing: outline: fractional bits %v: want none but in the scalar layout", o.Fraction)
	case o.Taps != nil && len(o.Taps) != o.Geometry[0].Taps():
		return nil, fmt.Errorf("packing: outline: %d taps: want %d", len(o.Taps), o.Geometry[0].Taps())
	case o.Taps != nil && !slices.Contains(o.Taps, true):
		return nil, fmt.Errorf("packing: outline: no tap has a weight")
	}
	l, err := o.Choice.layout(o.Geometry, o.Taps)
	if err != nil {
		return nil, err
	}
	for i, square := range o.Squares {
		l.Layers[i].Square = square
	}
	if err := l.Rescale(o.Rescalings); err != nil {
		return nil, fmt.Errorf("packing: outline: %w", err)
	}
	l.setFractions(o.Fraction)
	first := &l.Layers[0]
	if o.Channels < 1 || o.Channels > first.In {
		return nil, fmt.Errorf("packing: outline: %d channels: want 1 to %d", o.Channels, first.In)
	}
	first.In, first.Cols = o.Channels, first.comes()*ceilDiv(o.Channels, first.InGroup)
	l.inputs, l.InputOrder, l.OutputOrder = o.Inputs, o.InputOrder, o.OutputOrder
	return l, l.checkOrders()
}

// checkOrders returns an error unless every place of the first axis that is sent has an input, and every output a place.
func (l *Layout) checkOrders() error {
	known := l.inputs
	if l.InputOrder != nil {
		known = len(l.InputOrder)
		for _, in := range l.InputOrder {
			if in < 0 || in >= l.inputs {
				return fmt.Errorf("packing: outline: input order: input %d: want 0 to %d", in, l.inputs-1)
			}
		}
	}
	for col := range l.Layers[0].Cols {
		beyond := false
		l.place.input(l, col, 1, func(_, place, _ int) { beyond = beyond || place >= known })
		if beyond {
			return fmt.Errorf("packing: outline: %d inputs in order: the layout reads more", known)
		}
	}
	last := &l.Layers[len(l.Layers)-1]
	if n := last.Positions() * last.Out; l.OutputOrder != nil && !IsPermutation(l.OutputOrder, n) {
		return fmt.Errorf("packing: outline: output order is not a permutation of %d outputs", n)
	}
	return nil
}
