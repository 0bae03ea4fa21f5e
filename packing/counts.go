package packing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Op is a primitive of the evaluation. Its price depends on the level that it happens at.
type Op uint8

// The primitives.
const (
	MulPlain           Op = iota // product with a plain tile, added to a row's sum
	MulCipher                    // product with an encrypted tile, added to a row's sum
	MulScalar                    // product with an integer, added to a row's sum
	MulDiagonal                  // product of a rotated input with a plain tile before the key switch ends
	ReadInput                    // an input brought from memory for the products of rows that are summed together
	AddInput                     // an input added to another for an average pooling
	ArrangeInput                 // an input brought into the order that products with integers want, for rows that are summed together
	FinishRow                    // end of a row's sum: its reduction, and of integers its way to memory
	MulMask                      // product with a mask
	Square                       // of a ciphertext, to degree 2
	Relinearize                  // back to degree 1
	Rescale                      // of a ciphertext of degree 1
	RelinearizeRescale           // both in one pass
	Decompose                    // of a ciphertext into digits: the part that rotations of one ciphertext share
	RotateDiagonal               // lazy rotation within a row's products
	RotateInput                  // lazy rotation of an input for all rows
	RotateSum                    // lazy rotation of a sum over the inputs of a tile
	RotateRefill                 // lazy rotation of a copy for the next layer
	ModDown                      // division by the special moduli: the part that lazy rotations which are added up share
	AddBias
	ops
)

var opNames = [ops]string{
	"mul_plain", "mul_cipher", "mul_scalar", "mul_diagonal", "read_input", "add_input", "arrange_input", "finish_row", "mul_mask", "square", "relinearize", "rescale", "relinearize_rescale",
	"decompose", "rotate_diagonal", "rotate_input", "rotate_sum", "rotate_refill", "mod_down", "add_bias",
}

func (o Op) String() string { return opNames[o] }

// MarshalText writes the name.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Ops lists all primitives.
func Ops() []Op {
	all := make([]Op, ops)
	for i := range all {
		all[i] = Op(i)
	}
	return all
}

// At is a primitive at a level.
type At struct {
	Op    Op
	Level int
}

// Counts is the number of homomorphic operations of an evaluation.
type Counts map[At]int

// Add counts n more operations.
func (c Counts) Add(op Op, level, n int) {
	if n != 0 {
		c[At{op, level}] += n
	}
}

// Plus adds other counts.
func (c Counts) Plus(d Counts) {
	for at, n := range d {
		c[at] += n
	}
}

// Of is the number of some primitives, at all levels.
func (c Counts) Of(which ...Op) int {
	n := 0
	for at, k := range c {
		for _, op := range which {
			if at.Op == op {
				n += k
			}
		}
	}
	return n
}

// Equal tells whether two counts are the same.
func (c Counts) Equal(d Counts) bool { return maps.Equal(c, d) }

// Prices gives the seconds that a primitive takes at a level.
type Prices func(Op, int) float64

// Cost is the time that the operations take at the prices, in seconds.
func (c Counts) Cost(p Prices) float64 {
	t := 0.0
	for _, at := range c.Sorted() { // a sum of floats depends on their order
		t += float64(c[at]) * p(at.Op, at.Level)
	}
	return t
}

// Sorted lists what is counted, by primitive and level.
func (c Counts) Sorted() []At {
	all := slices.AppendSeq(make([]At, 0, len(c)), maps.Keys(c))
	slices.SortFunc(all, func(a, b At) int { return cmp.Or(int(a.Op)-int(b.Op), a.Level-b.Level) })
	return all
}

// Proportional is the part of the counts that grows with the kept tiles.
func (c Counts) Proportional() Counts {
	d := Counts{}
	for at, n := range c {
		switch at.Op {
		case MulPlain, MulCipher, MulScalar, MulDiagonal:
			d[at] = n
		}
	}
	return d
}

// Total adds the counts of all layers.
func Total(layers []Counts) Counts {
	t := Counts{}
	for _, c := range layers {
		t.Plus(c)
	}
	return t
}

// Counts predicts the operations of each layer from the kept tiles alone (kept[layer][row][term]). With
// encrypted weights a tile product is ciphertext × ciphertext and each row is relinearised.
func (l *Layout) Counts(kept [][][]bool, encrypted bool) []Counts {
	counts := make([]Counts, len(l.Layers))
	for i := range l.Layers {
		ly := &l.Layers[i]
		counts[i] = Counts{}
		l.poolCounts(i, kept[i], counts[i])
		ly.counts(kept[i], encrypted, counts[i])
	}
	return counts
}

// counts counts all but poolings.
func (ly *Layer) counts(kept [][]bool, encrypted bool, c Counts) {
	ly.inputCounts(kept, encrypted, c)
	if !ly.Diagonals(encrypted) {
		c.Add(ly.readsBy(), ly.Level, ly.readings(kept))
	}
	uses := ly.uses()
	for _, row := range kept {
		ly.rowCounts(row, uses, encrypted, c)
	}
}

// poolCounts counts the sums of inputs that kept tiles read, and the relinearisations that are left to them.
func (l *Layout) poolCounts(i int, kept [][]bool, c Counts) {
	sums, additions := l.Layers[i].poolings(kept)
	level := l.Layers[i].Level
	if i > 0 && l.Layers[i-1].Lazy {
		level = l.Layers[i-1].SquareLevel()
		c.Add(l.Layers[i-1].Relinearizes(), level, sums)
	}
	c.Add(AddInput, level, additions)
}

// inputCounts counts the rotations of inputs that rows share. Those that no row reads are not made.
func (ly *Layer) inputCounts(kept [][]bool, encrypted bool, c Counts) {
	if !ly.Rotates(encrypted) {
		return
	}
	rotated := make([]int, ly.Cols) // how often
	for _, input := range ly.reads(kept) {
		if col, k := ly.Input(input); ly.Rotations[k] != 0 {
			rotated[col]++
		}
	}
	for _, n := range rotated {
		if n > 0 {
			c.Add(Decompose, ly.Level, 1)
		}
		c.Add(RotateInput, ly.Level, n)
		c.Add(ModDown, ly.Level, n)
	}
}

// poolings is how many sums of inputs kept tiles read, and how many additions these take.
func (ly *Layer) poolings(kept [][]bool) (sums, additions int) {
	if ly.Pools == nil {
		return 0, 0
	}
	counted := make([]bool, ly.Ciphertexts())
	for _, input := range ly.reads(kept) {
		if col, _ := ly.Input(input); !counted[col] {
			counted[col] = true
			sums++
			additions += len(ly.Pools[col/ly.InGroups()]) - 1
		}
	}
	return sums, additions
}

// ReadsOf is how often a layer brings inputs of a group of channels from memory, in the unpruned network.
func (l *Layout) ReadsOf(layer int) int {
	ly := &l.Layers[layer]
	return ly.readings(ly.dense()) / ly.InGroups()
}

// readsBy is how inputs are brought from memory.
func (ly *Layer) readsBy() Op {
	if ly.Integer {
		return ArrangeInput
	}
	return ReadInput
}

// readings is how often inputs are brought from memory for kept tiles: once for all rows that are summed together.
func (ly *Layer) readings(kept [][]bool) (n int) {
	r, seen, rows := newReading(ly, kept), make([]int32, ly.Inputs()), ly.RowsTogether()
	for first := 0; first < ly.Rows; first += rows {
		n += r.count(first, min(first+rows, ly.Rows), seen, int32(1+first/rows))
	}
	return n
}

// reads lists the inputs that some row has a tile for, in the order in which they are read first.
func (ly *Layer) reads(kept [][]bool) (inputs []int) {
	r, seen := newReading(ly, kept), make([]bool, ly.Inputs())
	r.each(0, ly.Rows, func(input int) {
		if !seen[input] {
			seen[input] = true
			inputs = append(inputs, input)
		}
	})
	return inputs
}

// rowCounts counts what the rows of a row of tiles take beyond their inputs, with the uses of each tap. Hidden rows without a tile are
// constant and not computed.
func (ly *Layer) rowCounts(kept []bool, uses []int, encrypted bool, c Counts) {
	if number(kept) == 0 {
		return
	}
	products, width := 0, len(kept)/len(uses)
	for tap, n := range uses {
		products += n * number(kept[tap*width:(tap+1)*width])
	}
	level, rows := ly.SumLevel(), ly.Positions()
	sums := rows
	if ly.Giants != nil {
		sums = ly.giantCounts(kept, encrypted, c)
	}
	c.Add(FinishRow, ly.Level, sums)
	if ly.Integer {
		c.Add(MulScalar, ly.Level, products)
		ly.squareCounts(level, rows, c)
		return
	}
	switch {
	case encrypted:
		c.Add(MulCipher, ly.Level, products)
	case ly.Diagonals(encrypted):
		ly.diagonalCounts(kept, c)
	default:
		c.Add(MulPlain, ly.Level, products)
	}
	linear := !encrypted || ly.Giants != nil
	switch {
	case linear:
		c.Add(Rescale, ly.Level, rows)
	case ly.SumFirst:
		c.Add(Relinearize, ly.Level, rows)
		c.Add(Rescale, ly.Level, rows)
	default:
		c.Add(RelinearizeRescale, ly.Level, rows)
	}
	sumCounts(ly.Sum, RotateSum, ly.AddUpLevel(), rows, c)
	c.Add(AddBias, level, rows)
	if ly.Mask {
		c.Add(MulMask, level, rows)
		c.Add(Rescale, level, rows)
		level--
		sumCounts(ly.Refill, RotateRefill, level, rows, c)
	}
	ly.squareCounts(level, rows, c)
}

// sumsOf is how many sums of products a row has: one for each giant with a tile.
func (ly *Layer) sumsOf(kept []bool) (n int) {
	if ly.Giants == nil {
		return min(1, number(kept))
	}
	per := len(kept) / ly.sums()
	for g := range ly.Giants {
		n += min(1, number(kept[g*per:(g+1)*per]))
	}
	return n
}

// giantCounts counts the rotations of sums that have a tile, relinearised where weights are encrypted, and gives how many there are.
func (ly *Layer) giantCounts(kept []bool, encrypted bool, c Counts) (sums int) {
	per, rotated := len(kept)/ly.sums(), 0
	for g, step := range ly.Giants {
		if step != 0 && number(kept[g*per:(g+1)*per]) > 0 {
			rotated++
		}
	}
	c.Add(Decompose, ly.Level, rotated)
	c.Add(RotateSum, ly.Level, rotated)
	if rotated > 0 {
		c.Add(ModDown, ly.Level, 1)
	}
	sums = ly.sumsOf(kept)
	if encrypted {
		c.Add(Relinearize, ly.Level, sums)
	}
	return sums
}

// diagonalCounts counts the products of the only row, whose inputs are rotated on the way: per input ciphertext one decomposition, and one
// division by the special moduli for all.
func (ly *Layer) diagonalCounts(kept []bool, c Counts) {
	rotated := make([]bool, ly.Cols)
	all := 0
	for term, k := range kept {
		if !k {
			continue
		}
		col, rotation := ly.Input(ly.Read(0, term))
		if ly.Rotations[rotation] != 0 {
			rotated[col] = true
			all++
		}
	}
	c.Add(MulPlain, ly.Level, number(kept)-all)
	c.Add(MulDiagonal, ly.Level, all)
	c.Add(RotateDiagonal, ly.Level, all)
	c.Add(Decompose, ly.Level, number(rotated))
	if all > 0 {
		c.Add(ModDown, ly.Level, 1)
	}
}

func sumCounts(s Sum, rotate Op, level, rows int, c Counts) {
	c.Add(Decompose, level, rows*len(s.Radices))
	c.Add(rotate, level, rows*s.Rotations())
	c.Add(ModDown, level, rows*len(s.Radices))
}

func (ly *Layer) squareCounts(level, rows int, c Counts) {
	if ly.Square {
		c.Add(Square, level, rows)
		if !ly.Lazy {
			c.Add(ly.Relinearizes(), level, rows)
		}
	}
	sumCounts(ly.PoolSum, RotateSum, ly.PoolLevel(), rows, c)
}

// Relinearizes is how squares come back to degree 1.
func (ly *Layer) Relinearizes() Op {
	if ly.Delayed {
		return Relinearize
	}
	return RelinearizeRescale
}

// Dense is the kept tiles of an unpruned network.
func (l *Layout) Dense() [][][]bool {
	kept := make([][][]bool, len(l.Layers))
	for i := range l.Layers {
		kept[i] = l.Layers[i].dense()
	}
	return kept
}

// dense is the kept tiles of the unpruned layer.
func (ly *Layer) dense() (kept [][]bool) {
	row := slices.Repeat([]bool{true}, ly.Terms())
	if ly.Turns != nil {
		for term := range row {
			row[term] = term%len(ly.Rotations) < ly.Turns[ly.Source(term)]
		}
	}
	for range ly.Groups() {
		kept = append(kept, slices.Clone(row))
	}
	return kept
}

// UnmarshalText reads a name.
func (o *Op) UnmarshalText(b []byte) error {
	for i, name := range opNames {
		if name == string(b) {
			*o = Op(i)
			return nil
		}
	}
	return fmt.Errorf("packing: primitive %q is unknown", b)
}
