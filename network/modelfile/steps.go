package modelfile

import (
	"errors"
	"fmt"
	"slices"

	"hepex/network"
)

// step is one part of a network in the order of the file: a layer, or what becomes part of one, or an activation that cannot be encrypted.
type step struct {
	node   string // its name in the file
	layer  network.Layer
	affine *affine
	act    *activation
	out    network.Axis
}

// affine is scale·x + shift, channel by channel.
type affine struct{ scale, shift coefficient }

func (a affine) uniform() bool { return a.scale.uniform() && a.shift.uniform() }

// then is b after a.
func (a affine) then(b affine) affine {
	return affine{combine(a.scale, b.scale, product), combine(combine(a.shift, b.scale, product), b.shift, sum)}
}

// activation is a function of every value that is no polynomial.
type activation struct {
	name string
	f    func(x float64) float64
}

// piece is a part of a network without activations, with the activation that follows it, if one does.
type piece struct {
	net *network.Network
	act *activation
}

// assembler brings steps into the order that a network has: what scales and shifts values becomes part of a layer with weights.
type assembler struct {
	pieces  []piece
	net     *network.Network // under way
	pending *affine          // for the next layer with weights
}

// assemble gives the pieces between the activations.
func assemble(input network.Axis, steps []step) ([]piece, error) {
	a := &assembler{net: &network.Network{Inputs: input.Size()}}
	for _, s := range steps {
		if err := a.add(s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.node, err)
		}
	}
	if a.pending != nil {
		return nil, fmt.Errorf("%s: no layer with weights after it takes the factors and summands", steps[len(steps)-1].node)
	}
	return append(a.pieces, piece{net: a.net}), nil
}

func (a *assembler) add(s step) error {
	switch {
	case s.affine != nil:
		a.affine(*s.affine)
		return nil
	case s.act != nil:
		if a.pending != nil {
			return fmt.Errorf("%s after factors or summands that no layer with weights before it can take", s.act.name)
		}
		a.pieces = append(a.pieces, piece{a.net, s.act})
		a.net = &network.Network{Inputs: s.out.Size()}
		return nil
	}
	layer := (&network.Network{Layers: []network.Layer{s.layer}}).Clone().Layers[0] // steps are assembled more than once
	switch l := layer.(type) {
	case *network.Dense:
		if a.pending != nil {
			if err := absorb(l, *a.pending); err != nil {
				return err
			}
			a.pending = nil
		}
		if a.affineLast() != nil { // two layers in a row: nothing is squared between them
			a.append(&network.Quadratic{B: 1})
		}
	case *network.BatchNorm:
		if n := len(a.net.Layers); n == 0 || a.pending != nil || a.affineLast() != a.net.Layers[n-1] {
			scale, shift := l.Affine()
			a.affine(affine{scale, shift})
			return nil
		}
	case *network.Quadratic:
		if a.pending != nil {
			return errors.New("an activation after factors or summands that no layer with weights before it can take")
		}
	}
	a.append(layer)
	return nil
}

func (a *assembler) append(l network.Layer) { a.net.Layers = append(a.net.Layers, l) }

// affineLast is the last layer if it is affine, pooling aside, which commutes with factors and summands of channels; or nil.
func (a *assembler) affineLast() network.Layer {
	for _, l := range slices.Backward(a.net.Layers) {
		switch l.(type) {
		case *network.AveragePool:
			continue
		case *network.Dense, *network.BatchNorm:
			return l
		}
		return nil
	}
	return nil
}

// affine makes factors and summands part of the layer before, or leaves them to the next.
func (a *assembler) affine(f affine) {
	switch l := a.affineLast().(type) {
	case *network.Dense:
		for o := range l.Out {
			scale(l.W[o*l.In:(o+1)*l.In], f.scale.at(o))
			l.B[o] = float32(f.scale.at(o)*float64(l.B[o]) + f.shift.at(o))
		}
	case *network.BatchNorm:
		for c := range l.Gamma {
			l.Gamma[c] = float32(f.scale.at(c) * float64(l.Gamma[c]))
			l.Beta[c] = float32(f.scale.at(c)*float64(l.Beta[c]) + f.shift.at(c))
		}
	default:
		if a.pending != nil {
			f = a.pending.then(f)
		}
		a.pending = &f
	}
}

func scale(values []float32, by float64) {
	for i, v := range values {
		values[i] = float32(by * float64(v))
	}
}

// absorb makes factors and summands of the inputs part of a layer. In the padding there is nothing to add to, so that a summand would
// have to be another bias at every border.
func absorb(l *network.Dense, f affine) error {
	channels := l.In
	if l.Window != nil {
		channels = l.Window.In.Channels
		if !f.shift.zero() && l.Window.Pads() {
			return errors.New("a constant is added to what a convolution with padding reads: want it without padding, or no constant")
		}
	}
	for o := range l.Out {
		row := l.W[o*l.In : (o+1)*l.In]
		bias := float64(l.B[o])
		for i, w := range row {
			bias += float64(w) * f.shift.at(i%channels)
			row[i] = float32(float64(w) * f.scale.at(i%channels))
		}
		l.B[o] = float32(bias)
	}
	return nil
}
