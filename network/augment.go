package network

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Augment varies images as they enter a batch of training: shifted by whole pixels, with zeros coming in at the border,
// which is a random crop of the padded image, and flipped or not. Each sample of each batch is varied by itself. The zero
// value leaves samples as they are.
//
// What a network should make of unlabelled samples are images of the same grid, and varied like the samples. A teacher
// sees the varied samples.
type Augment struct {
	Height, Width, Channels int // grid of a sample, whose values lie channels last

	Shift int  // the most pixels, up or down and left or right
	Flip  bool // half of the samples, left to right
}

// varies says whether samples are not left as they are.
func (a Augment) varies() bool { return a.Shift > 0 || a.Flip }

func (a Augment) check(d Data, outputs int) error {
	if a.Shift < 0 {
		return fmt.Errorf("shift of %d pixels: want at least 0", a.Shift)
	}
	if !a.varies() {
		return nil
	}
	size := a.Height * a.Width * a.Channels
	switch {
	case min(a.Height, a.Width, a.Channels) < 1 || max(a.Height, a.Width, a.Channels) > maxWidth || size != d.Dim:
		return fmt.Errorf("augmentation of %d×%d×%d values: want the grid of samples of %d", a.Height, a.Width, a.Channels, d.Dim)
	case a.Shift >= min(a.Height, a.Width):
		return fmt.Errorf("shift of %d pixels in images of %d×%d: want less than their sides", a.Shift, a.Height, a.Width)
	case d.Labels == nil && outputs != size:
		return fmt.Errorf("augmentation with a target of %d values: want %d×%d×%d, as it is varied like the sample", outputs, a.Height, a.Width, a.Channels)
	}
	return nil
}

// move is how one sample is varied: flipped first.
type move struct {
	down, right int
	flip        bool
}

// draw gives new moves for a batch of so many samples, or nil.
func (a Augment) draw(rng *rand.Rand, samples int) []move {
	if !a.varies() {
		return nil
	}
	moves := make([]move, samples)
	for i := range moves {
		m := &moves[i]
		if a.Shift > 0 {
			m.down, m.right = rng.IntN(2*a.Shift+1)-a.Shift, rng.IntN(2*a.Shift+1)-a.Shift
		}
		m.flip = a.Flip && rng.IntN(2) == 1
	}
	return moves
}

// appendMoved appends an image, moved.
func appendMoved[T float](rows []T, image []float32, a Augment, m move) []T {
	line := a.Width * a.Channels
	from := len(rows)
	rows = slices.Grow(rows, len(image))[:from+len(image)]
	moved := rows[from:]
	clear(moved)
	for y := max(0, m.down); y < min(a.Height, a.Height+m.down); y++ {
		src, dst := image[(y-m.down)*line:][:line], moved[y*line:][:line]
		for x := max(0, m.right); x < min(a.Width, a.Width+m.right); x++ {
			at := x - m.right
			if m.flip {
				at = a.Width - 1 - at
			}
			for c, v := range src[at*a.Channels:][:a.Channels] {
				dst[x*a.Channels+c] = T(v)
			}
		}
	}
	return rows
}

// vary has the next pass take its samples moved, and the teacher's too; nil = as they are.
func (s *shard[T]) vary(a Augment, moves []move) {
	s.augment, s.moves = a, moves
	if s.lesson != nil {
		s.lesson.teacher.vary(a, moves)
	}
}

// appendImage appends image i of a matrix of them, which is sample number k of the pass, moved as that is.
func (s *shard[T]) appendImage(rows []T, images []float32, i, width, k int) []T {
	if s.moves == nil {
		return appendRow(rows, images, i, width)
	}
	return appendMoved(rows, images[i*width:(i+1)*width], s.augment, s.moves[k])
}
