package packing

import (
	"fmt"
	"math/bits"
	"slices"
)

// Layout is how a fully connected network lies in slots, and with it the program of its evaluation. It follows
// from the sizes of the neuron axes and the choices of its kind alone.
type Layout struct {
	Kind   Kind
	Shape  Shape // of tile and scalar layouts
	Slots  int   // of a ciphertext
	Batch  int   // samples that are evaluated at once
	Layers []Layer
	Levels int // rescalings from input to output: the depth of the modulus chain

	// Position p of the first (last) axis holds input (output) number order[p]; nil is the natural
	// order. The client applies the one before encryption and undoes the other after decryption. An input order
	// may leave out inputs that nothing reads.
	InputOrder, OutputOrder []int

	inputs int // of a sample
	place  placement
}

// Kind names a family of layouts.
type Kind string

// The kinds.
const (
	Tiles    Kind = "tiles"     // weight tiles that pruning can drop, several samples at once
	OneImage Kind = "one-image" // few rotations for a single sample
	Scalar   Kind = "scalar"    // one ciphertext per neuron, as many samples as slots, integer weights
)

// Kinds lists the kinds.
var Kinds = []Kind{Tiles, OneImage, Scalar}

// placement says which number sits in which slot. Positions are those of the layout's axes; the put functions are
// called once per slot that holds one. A put that returns false ends the walk.
type placement interface {
	input(l *Layout, col, samples int, put func(slot, position, sample int))
	weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) // once for an integer, which multiplies all slots alike
	bias(l *Layout, layer, row int, put func(slot, out int))
	mask(l *Layout, layer int, put func(slot int))
	output(l *Layout, position, sample int) (row, slot int)
}

// Layer is the layout of one fully connected layer, with the square that follows it unless it is linear. Its
// evaluation, by row: products of the row's terms with their inputs, Sum, bias, [mask, Refill], [square].
type Layer struct {
	Name       string
	In, Out    int // neurons
	Rows, Cols int // output and input ciphertexts

	// Inputs are read in some rotations, by Rotations[k] slots to the left. Tile layouts have the rotation 0 alone.
	Rotations []int

	// Integer weights are multiples of 2^−WeightBits. Their products are not rescaled, so that sums and biases are at the products' level,
	// and squares cannot leave their rescaling to the next product.
	Integer bool `json:",omitempty"`

	Sum    Sum  // of the products
	Mask   bool // outputs are masked, one more level, and copied by Refill
	Refill Sum
	Square bool // followed by a square

	// Delayed leaves the square unscaled: the rescaling of the next product does for both, which saves a modulus where
	// the others are large enough.
	Delayed bool

	Level int // level of the products

	InGroup, OutGroup int // neurons that share a ciphertext
	outer             bool
	offset            int
}

// Terms is the number of products of an unpruned row.
func (ly *Layer) Terms() int { return ly.Inputs() }

// Inputs is the number of inputs that products can read: each input ciphertext in each rotation. Input c·len(Rotations)+k is ciphertext
// c in rotation k.
func (ly *Layer) Inputs() int { return ly.Cols * len(ly.Rotations) }

// Read is the input that a term of a row reads. All rows of a fully connected layer read all inputs, in the order of their numbers.
func (ly *Layer) Read(row, term int) (input int) { return term }

// Input is the ciphertext of an input, and the number of its rotation.
func (ly *Layer) Input(input int) (col, rotation int) {
	return input / len(ly.Rotations), input % len(ly.Rotations)
}

// Tiles is the number of weight tiles, that is of products, of the unpruned layer.
func (ly *Layer) Tiles() int { return ly.Rows * ly.Terms() }

// SumLevel is the level of the products' sum, after their rescaling.
func (ly *Layer) SumLevel() int {
	if ly.Integer {
		return ly.Level
	}
	return ly.Level - 1
}

// SquareLevel is the level of the square.
func (ly *Layer) SquareLevel() int {
	if ly.Mask {
		return ly.SumLevel() - 1
	}
	return ly.SumLevel()
}

// Rotates tells whether rotated inputs are made once for all rows, rather than within a row's products: where
// several rows share them, and for encrypted weights, which cannot be multiplied before the key switch ends.
func (ly *Layer) Rotates(encrypted bool) bool {
	return len(ly.Rotations) > 1 && (ly.Rows > 1 || encrypted)
}

// Diagonals tells whether inputs are rotated within a row's products, on the way from a rotation's digits to its end.
func (ly *Layer) Diagonals(encrypted bool) bool {
	return len(ly.Rotations) > 1 && !ly.Rotates(encrypted)
}

// Tiles is the number of weight tiles of the unpruned network.
func (l *Layout) Tiles() int {
	n := 0
	for i := range l.Layers {
		n += l.Layers[i].Tiles()
	}
	return n
}

// SetDelayed assigns levels, with the rescalings of all squares delayed, or of none.
func (l *Layout) SetDelayed(delayed bool) {
	if delayed {
		l.DelayLast(l.Squares())
	} else {
		l.DelayLast(0)
	}
}

// DelayLast assigns levels, with the rescalings of the last n squares delayed: a modulus that those of the last layers do
// without is one less in all layers before.
func (l *Layout) DelayLast(n int) {
	level := 0
	for i := len(l.Layers) - 1; i >= 0; i-- {
		ly := &l.Layers[i]
		ly.Delayed = ly.delayable() && n > 0
		if ly.delayable() {
			n--
		}
		if ly.Square && !ly.Delayed {
			level++
		}
		if ly.Mask {
			level++
		}
		if !ly.Integer {
			level++
		}
		ly.Level = level
	}
	l.Levels = level
}

func (ly *Layer) delayable() bool { return ly.Square && !ly.Integer }

// Squares is the number of squares whose rescalings can be delayed.
func (l *Layout) Squares() int { return l.count((*Layer).delayable) }

// Delays is the number of squares whose rescalings are delayed.
func (l *Layout) Delays() int { return l.count(func(ly *Layer) bool { return ly.Delayed }) }

func (l *Layout) count(is func(*Layer) bool) int {
	n := 0
	for i := range l.Layers {
		if is(&l.Layers[i]) {
			n++
		}
	}
	return n
}

// Sum is a sum of slots that lie Step apart: x[s] + x[s+Step] + … (cyclic), by rotations to the left. Each
// stage adds Radices[k] slots, of which all but one are rotations of the same ciphertext.
type Sum struct {
	Step    int
	Radices []int
}

// Count is the number of slots added.
func (s Sum) Count() int {
	n := 1
	for _, r := range s.Radices {
		n *= r
	}
	return n
}

// Rotations is the number of rotations of the sum.
func (s Sum) Rotations() int {
	n := 0
	for _, r := range s.Radices {
		n += r - 1
	}
	return n
}

// each calls f for the step and radix of each stage.
func (s Sum) each(f func(step, radix int)) {
	step := s.Step
	for _, r := range s.Radices {
		f(step, r)
		step *= r
	}
}

// Typical is arithmetic with moduli of a common size, as many as the layout needs at least: it stands in where a choice comes before
// the moduli.
func (l *Layout) Typical() Arithmetic {
	a := Arithmetic{LogN: bits.Len(uint(l.Slots)), LogP: []int{typicalBits}} // of the standard ring
	for range l.Levels + 1 {
		a.LogQ = append(a.LogQ, typicalBits)
	}
	return a
}

// Equal tells whether two layouts are the same program.
func (l *Layout) Equal(m *Layout) bool {
	same := l.Kind == m.Kind && l.Shape == m.Shape && l.Slots == m.Slots && l.Batch == m.Batch
	return same && slices.EqualFunc(l.Layers, m.Layers, func(a, b Layer) bool {
		return a.Name == b.Name && a.In == b.In && a.Out == b.Out && a.Rows == b.Rows && a.Cols == b.Cols &&
			slices.Equal(a.Rotations, b.Rotations) && a.Sum.equal(b.Sum) && a.Mask == b.Mask && a.Refill.equal(b.Refill) &&
			a.Square == b.Square && a.Delayed == b.Delayed && a.Level == b.Level
	})
}

func (s Sum) equal(t Sum) bool { return s.Step == t.Step && slices.Equal(s.Radices, t.Radices) }

func checkDims(dims []int) error {
	if len(dims) < 2 {
		return fmt.Errorf("packing: %d neuron axes: want the inputs and at least one layer", len(dims))
	}
	for a, d := range dims {
		if d < 1 {
			return fmt.Errorf("packing: axis %d has %d neurons: want at least 1", a, d)
		}
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
