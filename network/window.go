package network

import "fmt"

// Axis is a neuron axis: Channels at each position of a grid of H×W. Its values lie position by position, row by row of the grid,
// with the channels of a position together. The axis of a fully connected layer is a grid of 1×1.
type Axis struct{ H, W, Channels int }

// Flat is the axis of n neurons without a grid.
func Flat(n int) Axis { return Axis{1, 1, n} }

// Positions is the size of the grid.
func (a Axis) Positions() int { return a.H * a.W }

// Size is the number of values.
func (a Axis) Size() int { return a.H * a.W * a.Channels }

func (a Axis) String() string {
	if a.Positions() == 1 {
		return fmt.Sprint(a.Channels)
	}
	return fmt.Sprintf("%d×%d×%d", a.H, a.W, a.Channels)
}

func (a Axis) check() error {
	for _, n := range []int{a.H, a.W, a.Channels} {
		if n < 1 || n > maxWidth {
			return fmt.Errorf("axis of %d×%d positions and %d channels: want 1 to %d each", a.H, a.W, a.Channels, maxWidth)
		}
	}
	if n := a.H * a.W; n > maxWidth || n*a.Channels > maxWidth {
		return fmt.Errorf("axis of %d×%d positions and %d channels: want at most %d values", a.H, a.W, a.Channels, maxWidth)
	}
	return nil
}

// Size is a size on a grid.
type Size struct{ H, W int }

// Square is the size n×n.
func Square(n int) Size { return Size{n, n} }

func (s Size) String() string { return fmt.Sprintf("%d×%d", s.H, s.W) }

// Window says which values a layer reads at each of its output positions: a kernel of taps that steps over the grid of its inputs.
// Padding surrounds the grid on all sides with positions that hold nothing; a negative one crops: so many lines at each edge are
// not read. A fully connected layer is one output position whose kernel is the whole grid.
type Window struct {
	In                      Axis
	Kernel, Stride, Padding Size
}

// Pads tells whether some positions read padding.
func (w Window) Pads() bool { return w.Padding.H > 0 || w.Padding.W > 0 }

// Whole is the window of a fully connected layer: each position of its inputs is a tap.
func Whole(in Axis) Window { return Window{In: in, Kernel: Size{in.H, in.W}, Stride: Size{1, 1}} }

// Taps is the number of offsets in the kernel.
func (w Window) Taps() int { return w.Kernel.H * w.Kernel.W }

// Reads is the number of values that an output position reads, those in the padding included: taps × channels.
func (w Window) Reads() int { return w.Taps() * w.In.Channels }

// Grid is the grid of output positions.
func (w Window) Grid() Size {
	return Size{
		(w.In.H+2*w.Padding.H-w.Kernel.H)/w.Stride.H + 1,
		(w.In.W+2*w.Padding.W-w.Kernel.W)/w.Stride.W + 1,
	}
}

// Positions is the number of output positions.
func (w Window) Positions() int { g := w.Grid(); return g.H * g.W }

// Out is the axis of so many output channels.
func (w Window) Out(channels int) Axis { g := w.Grid(); return Axis{g.H, g.W, channels} }

// Input is the position of the inputs that a tap reads at an output position, or −1 if it lies in the padding. Taps are numbered row
// by row of the kernel, positions row by row of their grid.
func (w Window) Input(position, tap int) int {
	columns := w.Grid().W
	y := position/columns*w.Stride.H - w.Padding.H + tap/w.Kernel.W
	x := position%columns*w.Stride.W - w.Padding.W + tap%w.Kernel.W
	if y < 0 || y >= w.In.H || x < 0 || x >= w.In.W {
		return -1
	}
	return y*w.In.W + x
}

// Inputs is Input of all output positions and taps: [position][tap].
func (w Window) Inputs() [][]int {
	table := make([][]int, w.Positions())
	for p := range table {
		table[p] = make([]int, w.Taps())
		for t := range table[p] {
			table[p][t] = w.Input(p, t)
		}
	}
	return table
}

// IsWhole tells whether the window has one position that reads all inputs in order.
func (w Window) IsWhole() bool {
	return w.Kernel == Size{w.In.H, w.In.W} && w.Padding == Size{}
}

func (w Window) check() error {
	if err := w.In.check(); err != nil {
		return err
	}
	k, s, p := w.Kernel, w.Stride, w.Padding
	switch {
	case k.H < 1 || k.W < 1 || s.H < 1 || s.W < 1:
		return fmt.Errorf("kernel %v, stride %v: want at least 1", k, s)
	case max(k.H, k.W, s.H, s.W) > maxWidth || min(p.H, p.W) < -maxWidth || w.Reads() > maxValues:
		return fmt.Errorf("kernel %v, stride %v, padding %v: want at most %d each, added or cropped, and %d weights for an output", k, s, p, maxWidth, maxValues)
	case k.H > w.In.H+2*p.H || k.W > w.In.W+2*p.W:
		return fmt.Errorf("kernel %v on inputs of %d×%d with padding %v: want a kernel that fits in", k, w.In.H, w.In.W, p)
	case p.H >= k.H || p.W >= k.W:
		return fmt.Errorf("padding %v around a kernel of %v: want less padding than kernel, so that every position reads something", p, k)
	}
	return nil
}

// Pooled is the window that reads, at each position of a pooling over the outputs of w, all that these positions read.
func (w Window) Pooled(p Window) Window {
	return Window{
		In:      w.In,
		Kernel:  Size{w.Kernel.H + (p.Kernel.H-1)*w.Stride.H, w.Kernel.W + (p.Kernel.W-1)*w.Stride.W},
		Stride:  Size{w.Stride.H * p.Stride.H, w.Stride.W * p.Stride.W},
		Padding: w.Padding,
	}
}

// stretch is n values that the taps in one row of a kernel read at one output position: they lie at index at of the patches and at from of
// the sample; from is −1 in the padding.
type stretch struct{ at, from, n int }

// stretches are those of all output positions, in the order of the patches.
func (w *Window) stretches() []stretch {
	grid, c := w.Grid(), w.In.Channels
	var all []stretch
	at := 0
	add := func(from, n int) {
		if n > 0 {
			all = append(all, stretch{at, from, n})
			at += n
		}
	}
	for py := range grid.H {
		for px := range grid.W {
			left := px*w.Stride.W - w.Padding.W
			before := max(0, -left) // taps left of the grid
			inside := min(w.Kernel.W-before, w.In.W-max(left, 0))
			for ky := range w.Kernel.H {
				y := py*w.Stride.H - w.Padding.H + ky
				if y < 0 || y >= w.In.H {
					add(-1, w.Kernel.W*c)
					continue
				}
				add(-1, before*c)
				add((y*w.In.W+max(left, 0))*c, inside*c)
				add(-1, (w.Kernel.W-before-inside)*c)
			}
		}
	}
	return all
}

// patches copies what each output position reads of one sample: x is In.Size() values, out positions × Reads(), with zeros for what
// lies in the padding.
func patches[T float](stretches []stretch, out, x []T) {
	for _, s := range stretches {
		if s.from < 0 {
			clear(out[s.at : s.at+s.n])
		} else {
			copy(out[s.at:s.at+s.n], x[s.from:])
		}
	}
}

// spread adds what patches copied back to where it came from.
func spread[T float](stretches []stretch, x, patches []T) {
	for _, s := range stretches {
		if s.from >= 0 {
			add(x[s.from:s.from+s.n], patches[s.at:s.at+s.n])
		}
	}
}
