package datasets

import "fmt"

// Shape is the grid of an image. Its values lie row by row, in a row pixel by pixel, and of a pixel channel by channel
// (channels last): the value at row y, column x of channel c is number (y·Width + x)·Channels + c.
type Shape struct{ Height, Width, Channels int }

// Size is the number of values of an image.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.Height, s.Width, s.Channels) }

// Form is what a data set holds, which is known before any file is read.
type Form struct {
	Shape       Shape // of every image
	Classes     int
	Train, Test int // samples of each split
}

// FormOf is the form of the named data set.
func FormOf(name string) (Form, error) {
	e, err := lookUp(name)
	return e.Form, err
}

// size is the number of samples of a split.
func (f Form) size(split Split) int {
	switch split {
	case Train:
		return f.Train
	case Test:
		return f.Test
	}
	return 0
}
