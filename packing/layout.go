package packing

import (
	"math/bits"
	"slices"

	"hepex/network"
)

// Layout is how a network lies in slots, and with it the program of its evaluation. It follows
// from the sizes of the neuron axes and the choices of its kind alone.
type Layout struct {
	Kind   Kind
	Shape  Shape // of tile and scalar layouts
	Slots  int   // of a ciphertext
	Batch  int   // samples that are evaluated at once
	Layers []Layer
	Levels int // rescalings from input to output: the depth of the modulus chain

	// Place p of the first (last) axis holds input (output) number order[p], where places count the channels of a position together;
	// nil is the natural order. The client applies the one before encryption and undoes the other after decryption. An input order
	// may leave out inputs that nothing reads.
	InputOrder, OutputOrder []int

	inputs   int // of a sample
	place    placement
	geometry network.Geometry // that was laid out
	used     []bool           // taps of the first layer that have a weight, where that matters; nil: all
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

// placement says which number sits in which slot. Places are those of the layout's axes; weights are those of a row of tiles, biases
// those of a row. The put functions are called once per slot that holds one. A put that returns false ends the walk.
type placement interface {
	input(l *Layout, col, samples int, put func(slot, place, sample int))
	weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) // once for an integer, which multiplies all slots alike
	bias(l *Layout, layer, row int, put func(slot, out int))
	mask(l *Layout, layer int, put func(slot int))
	output(l *Layout, place, sample int) (row, slot int)
}

// Layer is the layout of one layer, with the square that follows it unless it is linear. Its
// evaluation: sums of inputs where they are pooled; by row, products of the row's terms with their inputs, Sum, bias, [mask, Refill], [square],
// PoolSum.
type Layer struct {
	Name       string
	In, Out    int // channels, or neurons where there is no grid
	Rows, Cols int // output and input ciphertexts: row p·Groups()+g has output position p of group g, and so have columns
	Places

	// Inputs are read in some rotations, by Rotations[k] slots to the left. Tile layouts have the rotation 0 alone.
	Rotations []int

	// Integer weights are multiples of 2^−Fraction. Their products are not rescaled, so that sums and biases are at the products' level,
	// and squares cannot leave their rescaling to the next product.
	Integer  bool `json:",omitempty"`
	Fraction int  `json:",omitempty"`

	// Turns is, by group of input channels, in how many of the rotations it is read: the first ones. Nil: in all.
	Turns []int `json:",omitempty"`

	// Products are summed by giant: those of giant g are rotated by Giants[g] slots to the left before they are added, and rescaled. Nil: by
	// 0 alone.
	Giants []int `json:",omitempty"`

	Sum      Sum  // of the products
	SumFirst bool `json:",omitempty"` // Sum comes before the rescaling: a level higher, but what the rescaling rounds away is not added up
	Mask     bool // outputs are masked, one more level, and copied by Refill
	Refill   Sum
	Square   bool // followed by a square

	// PoolSum adds up slots of the outputs, after the square: a pooling whose positions lie in slots.
	PoolSum Sum `json:",omitzero"`

	// Delayed leaves the square unscaled: the rescaling of the next product does for both, which saves a modulus where
	// the others are large enough.
	Delayed bool

	// Lazy leaves the square at degree 2, for the next layer, whose pooling adds squares up and relinearises the sums (lazy
	// relinearisation): there are fewer of them. A rescaling that is not delayed waits as long.
	Lazy bool `json:",omitempty"`

	Level int // level of the products

	InGroup, OutGroup int // channels that share a ciphertext
	outer             bool
	offset            int
}

// Groups is the number of groups of output channels: of rows of tiles, which serve all output positions.
func (ly *Layer) Groups() int { return ly.Rows / ly.Positions() }

// Group is the group of output channels of a row: its row of tiles.
func (ly *Layer) Group(row int) int { return row % ly.Groups() }

// Position is the output position of a row.
func (ly *Layer) Position(row int) int { return row / ly.Groups() }

// InGroups is the number of groups of input channels.
func (ly *Layer) InGroups() int { return ly.Cols / ly.comes() }

// Terms is the number of tiles of an unpruned row of tiles: of each giant and tap, those of each group of input channels in each rotation.
func (ly *Layer) Terms() int { return ly.sums() * ly.Taps() * ly.InGroups() * len(ly.Rotations) }

// sums is the number of sums that giants rotate.
func (ly *Layer) sums() int { return max(1, len(ly.Giants)) }

// Giant is the number of the giant that a term belongs to.
func (ly *Layer) Giant(term int) int { return term / (ly.Terms() / ly.sums()) }

// Inputs is the number of inputs that products can read: each ciphertext, after pooling, in each rotation. Input c·len(Rotations)+k is
// ciphertext c in rotation k.
func (ly *Layer) Inputs() int { return ly.Ciphertexts() * len(ly.Rotations) }

// Ciphertexts is the number of input ciphertexts, after pooling.
func (ly *Layer) Ciphertexts() int { return ly.inputs() * ly.InGroups() }

// Read is the input that a term of a row reads, or Outside. All rows of a fully connected layer read all inputs, in the order of their
// numbers.
func (ly *Layer) Read(row, term int) (input int) {
	if ly.Reads == nil {
		return term % ly.Inputs()
	}
	position := ly.from(ly.Position(row), term/ly.InGroups())
	if position == Outside {
		return Outside
	}
	return position*ly.InGroups() + term%ly.InGroups()
}

// Source is the row of tiles of the layer before that a term reads the outputs of.
func (ly *Layer) Source(term int) int { return term / len(ly.Rotations) % ly.InGroups() }

// Input is the ciphertext of an input, and the number of its rotation.
func (ly *Layer) Input(input int) (col, rotation int) {
	return input / len(ly.Rotations), input % len(ly.Rotations)
}

// Pooled lists the input ciphertexts whose sum input ciphertext number col, after pooling, is.
func (ly *Layer) Pooled(col int) (cols []int) {
	for _, position := range ly.Pools[col/ly.InGroups()] {
		cols = append(cols, int(position)*ly.InGroups()+col%ly.InGroups())
	}
	return cols
}

// Tiles is the number of weight tiles of the unpruned layer.
func (ly *Layer) Tiles() int {
	if ly.Turns == nil {
		return ly.Groups() * ly.Terms()
	}
	return ly.Groups() * number(ly.dense()[0])
}

// AddUpLevel is the level at which Sum adds up slots.
func (ly *Layer) AddUpLevel() int {
	if ly.SumFirst {
		return ly.Level
	}
	return ly.SumLevel()
}

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

// PoolLevel is the level of PoolSum, and of what comes out.
func (ly *Layer) PoolLevel() int {
	if ly.Square && !ly.Delayed {
		return ly.SquareLevel() - 1
	}
	return ly.SquareLevel()
}

// Rotates tells whether rotated inputs are made once for all rows, rather than within a row's products: where
// several rows share them, and for encrypted weights, which cannot be multiplied before the key switch ends.
func (ly *Layer) Rotates(encrypted bool) bool {
	return len(ly.Rotations) > 1 && (ly.Rows > 1 || encrypted || ly.Giants != nil)
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
		ly.Lazy = ly.Square && i+1 < len(l.Layers) && l.Layers[i+1].poolsToFewer()
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

// SquaresAdded is how many squares of a layer are added up before they are relinearised and, unless that is delayed, rescaled.
func (l *Layout) SquaresAdded(layer int) int {
	if !l.Layers[layer].Lazy {
		return 1
	}
	return len(l.Layers[layer+1].Pools[0])
}

func (ly *Layer) delayable() bool { return ly.Square && !ly.Integer }

// Squares is the number of squares whose rescalings can be delayed.
func (l *Layout) Squares() (n int) {
	for i := range l.Layers {
		if l.Layers[i].delayable() {
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
			slices.Equal(a.Rotations, b.Rotations) && slices.Equal(a.Giants, b.Giants) && slices.Equal(a.Turns, b.Turns) && a.Sum.equal(b.Sum) && a.Mask == b.Mask &&
			a.SumFirst == b.SumFirst && a.Refill.equal(b.Refill) && a.PoolSum.equal(b.PoolSum) &&
			a.Square == b.Square && a.Delayed == b.Delayed && a.Lazy == b.Lazy && a.Level == b.Level && a.Places.equal(&b.Places)
	})
}

func (s Sum) equal(t Sum) bool { return s.Step == t.Step && slices.Equal(s.Radices, t.Radices) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
