package packing

import "fmt"

// Layout is how a fully connected network lies in slots. It follows from the sizes of the neuron axes and
// the tile shape alone.
type Layout struct {
	Shape  Shape
	Layers []Layer
	Levels int // rescalings from input to output: the depth of the modulus chain

	// Position p of the first (last) axis holds input (output) number order[p]; nil is the natural
	// order. The client applies the one before encryption and undoes the other after decryption.
	InputOrder, OutputOrder []int
}

// Layer is the layout of one fully connected layer, with the square that follows it.
type Layer struct {
	Name              string
	In, Out           int // neurons
	InGroup, OutGroup int // neurons that share a tile
	Rows, Cols        int // tiles: ⌈Out/OutGroup⌉ × ⌈In/InGroup⌉

	Outer  bool // inputs along the outer dimension (see the package comment)
	Refill bool // outputs are masked and copied along the middle dimension for the next layer
	Square bool // followed by a square
	Level  int  // level of the input ciphertexts
	Offset int  // cyclic offset of the slots of inputs and, before a refill, of outputs
}

// NewLayout lays out a network whose neuron axes have the given sizes: dims[0] inputs, dims[l] outputs
// of layer l.
func NewLayout(dims []int, shape Shape) (*Layout, error) {
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	if len(dims) < 2 {
		return nil, fmt.Errorf("packing: %d neuron axes: want the inputs and at least one layer", len(dims))
	}
	for a, d := range dims {
		if d < 1 {
			return nil, fmt.Errorf("packing: axis %d has %d neurons: want at least 1", a, d)
		}
	}
	l := &Layout{Shape: shape, Layers: make([]Layer, len(dims)-1)}
	for i := range l.Layers {
		last := i == len(l.Layers)-1
		in, out := shape.Group(i), shape.Group(i+1)
		l.Layers[i] = Layer{
			Name: fmt.Sprintf("fc%d", i+1),
			In:   dims[i], Out: dims[i+1],
			InGroup: in, OutGroup: out,
			Rows: ceilDiv(dims[i+1], out), Cols: ceilDiv(dims[i], in),
			Outer:  i%2 == 0,
			Refill: i%2 == 1 && !last && shape.Out > 1,
			Square: !last,
		}
		l.Levels += l.Layers[i].depth()
	}
	level, offset := l.Levels, 0
	for i := range l.Layers {
		ly := &l.Layers[i]
		ly.Level, ly.Offset = level, offset
		level -= ly.depth()
		if ly.Refill {
			offset = (offset + (shape.Out-1)*shape.Batch) % shape.Slots()
		}
	}
	return l, nil
}

// depth is the number of rescalings of a layer: products with weights, with the mask, and the square.
func (ly *Layer) depth() int {
	d := 1
	if ly.Refill {
		d++
	}
	if ly.Square {
		d++
	}
	return d
}

// Tiles is the number of weight tiles of the unpruned layer.
func (ly *Layer) Tiles() int { return ly.Rows * ly.Cols }

// Tiles is the number of weight tiles of the unpruned network.
func (l *Layout) Tiles() int {
	n := 0
	for i := range l.Layers {
		n += l.Layers[i].Tiles()
	}
	return n
}

// Sum is a sum of Count slots that lie Step apart: x[s] + x[s+Step] + … (cyclic), by rotations to the left.
type Sum struct{ Step, Count int }

// Rotations is the number of rotate-and-add steps of the sum. Count is a power of two.
func (s Sum) Rotations() int {
	n := 0
	for c := 1; c < s.Count; c *= 2 {
		n++
	}
	return n
}

// Sum is the sum over the inputs of a tile that finishes the matrix product of layer i.
func (l *Layout) Sum(i int) Sum {
	if l.Layers[i].Outer {
		return Sum{Step: l.Shape.Out * l.Shape.Batch, Count: l.Shape.In}
	}
	return l.RefillSum()
}

// RefillSum copies the outputs of an inner layer along the middle dimension, once the mask has
// removed all other slots.
func (l *Layout) RefillSum() Sum { return Sum{Step: l.Shape.Batch, Count: l.Shape.Out} }

// RotationSteps lists the rotations to the left, in slots, that an evaluation uses.
func (l *Layout) RotationSteps() []int {
	var steps []int
	add := func(s Sum) {
		for c := 1; c < s.Count; c *= 2 {
			steps = append(steps, s.Step*c)
		}
	}
	add(l.Sum(0))
	if len(l.Layers) > 1 {
		add(l.Sum(1))
	}
	return steps
}

// slot is the slot of entry i of the outer dimension, j of the middle one, sample b.
func (l *Layout) slot(i, j, b, offset int) int {
	s := l.Shape
	return ((i*s.Out+j)*s.Batch + b - offset + s.Slots()) % s.Slots()
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
