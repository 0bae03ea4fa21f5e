// Package packing decides which weight sits in which slot of which ciphertext, which tiles are needed, and how
// many homomorphic operations an evaluation takes, all before anything is encrypted. A Layout is a program: for every
// row of every layer, products of terms with input ciphertexts, a sum of slots, a bias, a mask where one is needed, and a
// square unless the layer is linear. Three kinds of layout place numbers; evaluation, simulation and counting know the
// program only. A Choice says which layout is wanted, and packs.
//
// # Tiles
//
// A ciphertext has In·Out·Batch slots, thought of as a box: the outer dimension has In entries, the
// middle one Out, the inner one Batch. With i along the outer, j along the middle dimension and b for
// the sample,
//
//	slot(i, j, b) = (i·Out + j)·Batch + b − offset   (modulo the number of slots).
//
// For the shape 2x4x1, one sample, the eight slots of a ciphertext are
//
//	slot     0    1    2    3    4    5    6    7
//	(i,j)  (0,0)(0,1)(0,2)(0,3)(1,0)(1,1)(1,2)(1,3)
//
// Layers 1, 3, 5, … are outer layers: their inputs lie along i, repeated for every j, and their outputs
// along j. A tile holds In inputs × Out outputs; the products of all tiles of a row are added, then the
// entries along i are summed cyclically, so that every slot of column j holds output j: the outputs are
// repeated for every i without further work, as the next layer wants its inputs. Two inputs x, four outputs:
//
//	input    x0   x0   x0   x0   x1   x1   x1   x1
//	tile    w00  w10  w20  w30  w01  w11  w21  w31       w[output][input]
//	sum by 4: y0   y1   y2   y3   y0   y1   y2   y3
//
// Layers 2, 4, 6, … are inner layers: inputs along j, outputs along i. The sum along j leaves output i
// at j = 0 only; the other slots hold sums of parts of neighbouring outputs. If a layer follows, these are masked away
// (one plaintext product, one level) and output i is copied to every j by rotating and adding to the left. Copies
// to the left of slot (i, 0) move the whole box left by (Out−1)·Batch slots: the offset of all later slots, which
// saves a second set of rotation keys to the right.
//
// Shapes need not divide the layers: the last tile of an axis is padded with neurons whose weights and bias are
// zero.
//
// # Grids
//
// Where neurons lie on a grid, a ciphertext holds a group of channels at one position, with tiles as above between groups of channels: one
// tile for each tap of the kernel. A tile is stored once and used at every output position where its tap does not lie in the padding; a
// dense layer after a grid has a tap for each position. Pooled inputs are sums of ciphertexts, whose division is in the weights. Squares are
// added up at degree 2 and each sum is relinearised once (lazy relinearisation). A row of tiles, a group of output channels, has a row of
// outputs at each position.
//
// # One image
//
// A one-image layout gives all slots to one sample. Outer layers are as above, with the pitch in the place of Out.
// An inner layer packs many outputs into one ciphertext, each in a group of slots of its own, and brings the inputs
// there by a few rotations of the input: with inputs of period 4, pitch 4 and fold 2,
//
//	input          x0   x1   x2   x3   x0   x1   x2   x3
//	rotated by 2   x2   x3   x0   x1   x2   x3   x0   x1
//	term 0        w00  w01    .    .  w10  w11    .    .
//	term 1        w02  w03    .    .  w12  w13    .    .
//	sum of 2       y0    …    …    …   y1    …    …    …
//
// Where many rotations bring the inputs, they are sums of baby steps, of the inputs, and giant steps, of sums of products: b·g rotations
// take about b+g.
//
// A convolution that comes first needs no sum of slots: the client sends a ciphertext for each offset of its kernel, with what it
// reads at all output positions (see im2col), and its outputs come to lie wherever the next layer wants them. The second convolution may
// want them unfolded, so that it is a dense matrix between blocks of slots (see unfolded). Those that do not fit so, later ones and the first
// dense layer after these go by diagonals of their weights (see diagonals), and what does not fit either is unrolled into dense layers.
//
// What the dots and garbage mean to the next layer is a weight of zero: no mask is needed. If the next layer wants an output in a
// window of several slots, further slots of the group carry what the sum loses at its left end. The arranger searches
// pitches, folds and windows by price.
//
// # Scalar
//
// A scalar layout has a ciphertext per neuron, at each position of a grid, and as many samples as slots. A weight is an integer; nothing is
// rotated, encoded or rescaled but squares, and a weight of zero costs nothing. That products are integer is said by layer
// (Layer.Integer).
//
// # Levels
//
// Every product and every mask takes a level, and every square one of its own unless its rescaling is delayed into
// the next product's (DelayLast). Products are rescaled before slots are added up, or after (Rescale). Outputs are at level 0. Counts lists every primitive with its level; with prices
// it predicts time.
package packing

// Version is raised whenever the same network may get another layout of tiles or other counts, the other versions likewise of their kinds, which no
// pruning is priced by: what was pruned and measured in the others stays good.
const (
	Version         = 6
	oneImageVersion = 8
	scalarVersion   = 7
)

// Version is that of layouts of the kind.
func (k Kind) Version() int {
	switch k {
	case OneImage:
		return oneImageVersion
	case Scalar:
		return scalarVersion
	}
	return Version
}
