// Package packing decides which weight sits in which slot of which tile, which tiles are needed, and how
// many homomorphic operations an evaluation takes, all before anything is encrypted.
//
// # Slots
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
// # Layers in turns
//
// Layers 1, 3, 5, … are outer layers: their inputs lie along i, repeated for every j, and their outputs
// along j. A tile holds In inputs × Out outputs; the products of all tiles of a row are added, then the
// entries along i are summed cyclically, so that every slot of column j holds output j: the outputs are
// repeated for every i without further work, as the next layer wants its inputs.
//
// Layers 2, 4, 6, … are inner layers: inputs along j, outputs along i. The sum along j leaves output i
// at j = 0 only; the other slots hold sums of parts of neighbouring outputs. If a layer follows, these are masked away (one
// plaintext product, one level) and output i is copied to every j by rotating and adding to the left. Copies
// to the left of slot (i, 0) move the whole box left by (Out−1)·Batch slots: the offset of all later slots.
//
// Shapes need not divide the layers: the last tile of an axis is padded with neurons whose weights and bias are
// zero.
package packing

// Version is raised whenever the same network may get another layout or other counts.
const Version = 2
