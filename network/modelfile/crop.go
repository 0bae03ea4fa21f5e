package modelfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"hepex/network/onnx"
)

// pad is what PyTorch writes before a pooling, mostly with nothing to add, or what crops: less than nothing, and as much on both sides.
func (w *walker) pad(n *onnx.Node) (value, error) {
	pads, err := w.pads(n)
	if err != nil {
		return value{}, err
	}
	v, err := w.same(n)
	if err != nil || !slices.ContainsFunc(pads, func(v int64) bool { return v != 0 }) {
		return v, err
	}
	if v.number() {
		return value{}, errors.New("pads around a constant: want values of the network")
	}
	if len(pads) != 8 || !slices.Equal(pads[:4], pads[4:]) || pads[0] != 0 || pads[1] != 0 || slices.Max(pads) > 0 || slices.Min(pads) < -maxInputs {
		return value{}, fmt.Errorf("pads %v: want 0, padding as a setting of the convolution, or as many rows and columns less on both sides", pads)
	}
	v.crop.H, v.crop.W = v.crop.H-int(pads[2]), v.crop.W-int(pads[3])
	return v, w.shaped(n.Inputs[0], v)
}

// slice crops too, where it takes rows and columns in a row and leaves out as many on both sides.
func (w *walker) slice(n *onnx.Node) (value, error) {
	v, err := w.same(n)
	if err == nil && v.number() {
		err = errors.New("a part of a constant: want values of the network")
	}
	if err = cmp.Or(err, w.shaped(n.Inputs[0], v)); err != nil {
		return value{}, err
	}
	lengths := []int64{math.MaxInt32} // there may be any number of samples
	for _, d := range v.dims {
		lengths = append(lengths, int64(d))
	}
	if len(v.dims) == 3 {
		lengths[2] -= 2 * int64(v.crop.H)
		lengths[3] -= 2 * int64(v.crop.W)
	}
	axes, starts, ends, err := w.slices(n, len(lengths))
	if err != nil {
		return value{}, err
	}
	for i, a := range axes {
		at := func(v int64) int64 {
			if v < 0 {
				v += lengths[a]
			}
			return min(max(v, 0), lengths[a])
		}
		before, behind := at(starts[i]), lengths[a]-at(ends[i])
		switch {
		case before == 0 && behind == 0:
			continue
		case before != behind || len(v.dims) != 3 || a < 2:
			return value{}, fmt.Errorf("from %d to %d on axis %d: want as many rows, or columns, left out on both sides", starts[i], ends[i], a)
		case before+behind >= lengths[a]:
			return value{}, fmt.Errorf("from %d to %d on axis %d: want some of the %d that there are", starts[i], ends[i], a, lengths[a])
		case a == 2:
			v.crop.H += int(before)
		default:
			v.crop.W += int(before)
		}
	}
	return v, nil
}

// slices are the axes that a slice of values in a row lists, counted from the first, and where it starts and ends on each.
func (w *walker) slices(n *onnx.Node, rank int) (axes, starts, ends []int64, err error) {
	if starts, err = w.sizes(n, 1); err != nil {
		return nil, nil, nil, err
	}
	if ends, err = w.sizes(n, 2); err != nil {
		return nil, nil, nil, err
	}
	if axes, err = w.listedAxes(n, 3, rank); err != nil {
		return nil, nil, nil, err
	}
	if axes == nil {
		for i := range starts {
			axes = append(axes, int64(i))
		}
	}
	if len(starts) != len(axes) || len(ends) != len(axes) {
		return nil, nil, nil, fmt.Errorf("from %v to %v on axes %v: want one of each for each axis", starts, ends, axes)
	}
	steps, err := w.constant(n, 4)
	if err != nil || steps != nil && (steps.Ints == nil || slices.ContainsFunc(steps.Ints, func(s int64) bool { return s != 1 })) {
		return nil, nil, nil, cmp.Or(err, errors.New("a slice of values that are not in a row: want steps of 1"))
	}
	return axes, starts, ends, once(axes, rank)
}

// pads are what a node adds before the first value of each axis, and then behind the last, whichever axes it lists.
func (w *walker) pads(n *onnx.Node) ([]int64, error) {
	listed, err := w.sizes(n, 1)
	if err != nil {
		return nil, err
	}
	rank := len(w.dims()) + 1
	axes, err := w.listedAxes(n, 3, rank)
	if err != nil || axes == nil {
		return listed, err
	}
	if len(listed) != 2*len(axes) {
		return nil, fmt.Errorf("pads %v of axes %v: want two for each axis", listed, axes)
	}
	if err := once(axes, rank); err != nil {
		return nil, err
	}
	pads := make([]int64, 2*rank)
	for i, a := range axes {
		pads[a], pads[int64(rank)+a] = listed[i], listed[len(axes)+i]
	}
	return pads, nil
}

// once says whether a node lists axes that there are, each once.
func once(axes []int64, rank int) error {
	seen := map[int64]bool{}
	for _, a := range axes {
		if a < 0 || a >= int64(rank) || seen[a] {
			return fmt.Errorf("axes %v of %d: want each once", axes, rank)
		}
		seen[a] = true
	}
	return nil
}
