package datasets

import "fmt"

// Shape is the grid of an image. Its values lie row by row, in a row pixel by pixel, and of a pixel channel by channel
// (channels last): the value at row y, column x of channel c is number (y·Width + x)·Channels + c. A row of a table is an image of
// one pixel, with a channel for each column.
type Shape struct{ Height, Width, Channels int }

// Size is the number of values of an image.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

func (s Shape) String() string {
	if s.Height == 1 && s.Width == 1 {
		return fmt.Sprint(s.Channels)
	}
	return fmt.Sprintf("%d×%d×%d", s.Height, s.Width, s.Channels)
}

// Form is what a data set holds. That of a published set is known before any file is read.
type Form struct {
	Shape       Shape // of every sample
	Classes     int   // 0 if samples have none
	Targets     int   // values that a regression should give, 0 if there are none
	Train, Test int   // samples of each split
}

// Outputs is what a network is to give for a sample: a value for each class, or the targets; 0 if samples have neither.
func (f Form) Outputs() int { return max(f.Classes, f.Targets) }

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
