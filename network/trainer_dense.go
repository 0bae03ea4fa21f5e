package network

// denseParams are the parameters of one dense layer, shared by all shards.
type denseParams[T float] struct {
	in, out int
	window  *Window   // nil: samples are what outputs read
	reads   []stretch // of the window
	w       *param[T] // in×out, so that zeros among the samples save work
	b       *param[T]
	wT      []T // out×in, a copy for the gradient of the inputs; nil for the first layer
}

type denseOp[T float] struct {
	*denseParams[T]
	gw, gb          []T
	x, y, dx        []T
	patch, gradient []T // of a few samples: what outputs read of them
}

func (t *trainer[T]) addDense(d *Dense, at int) {
	p := &denseParams[T]{in: d.In, out: d.Out, window: d.Window, w: t.newParam(transposed(d.W, d.Out, d.In)), b: t.newParam(d.B)}
	switch {
	case p.window == nil:
	case p.window.IsWhole():
		p.window = nil
	default:
		p.reads = p.window.stretches()
	}
	p.w.decays = true
	if d.Mask != nil {
		p.w.keep = transposed(d.Mask, d.Out, d.In)
	}
	if at > 0 {
		p.wT = make([]T, d.In*d.Out)
		p.transpose()
	}
	t.dense = append(t.dense, p)
	for i, s := range t.shards {
		s.ops = append(s.ops, &denseOp[T]{denseParams: p, gw: p.w.grads[i], gb: p.b.grads[i]})
	}
	t.stores = append(t.stores, func(n *Network) {
		d := n.Layers[at].(*Dense)
		narrow(d.W, transposed(p.w.value, p.in, p.out))
		narrow(d.B, p.b.value)
	})
	t.loads = append(t.loads, func(n *Network) { p.load(n.Layers[at].(*Dense)) })
}

// load takes over weights and mask. Pruned weights lose their momentum.
func (p *denseParams[T]) load(d *Dense) {
	for i, v := range transposed(d.W, d.Out, d.In) {
		p.w.value[i] = T(v)
	}
	p.w.keep = nil
	if d.Mask != nil {
		p.w.keep = transposed(d.Mask, d.Out, d.In)
		for i, keep := range p.w.keep {
			if !keep {
				p.w.m[i], p.w.v[i] = 0, 0
			}
		}
	}
	p.transpose()
}

func (p *denseParams[T]) transpose() {
	if p.wT != nil {
		transpose(p.wT, p.w.value, p.in, p.out)
	}
}

// patchValues is about how many values are copied from samples at once: few enough to stay in a cache.
const patchValues = 1 << 16

// pieces calls f for ranges of so many rows of samples, with what the outputs read of them: positions × in values a sample.
func (d *denseOp[T]) pieces(rows int, f func(first, last int, x []T)) {
	if d.window == nil {
		f(0, rows, d.x)
		return
	}
	inputs, size := d.inputs(), d.positions()*d.in
	step := max(1, patchValues/size)
	for first := 0; first < rows; first += step {
		last := min(first+step, rows)
		d.patch = resize(d.patch, (last-first)*size)
		for i := first; i < last; i++ {
			patches(d.reads, d.patch[(i-first)*size:(i-first+1)*size], d.x[i*inputs:(i+1)*inputs])
		}
		f(first, last, d.patch)
	}
}

// positions is the number of output positions.
func (d *denseOp[T]) positions() int {
	if d.window == nil {
		return 1
	}
	return d.window.Positions()
}

// inputs is the number of values of a sample.
func (d *denseOp[T]) inputs() int {
	if d.window == nil {
		return d.in
	}
	return d.window.In.Size()
}

func (d *denseOp[T]) forward(x []T, rows int) []T {
	n := d.positions() * d.out
	d.x, d.y = x, resize(d.y, rows*n)
	repeat(d.y, d.b.value)
	d.pieces(rows, func(first, last int, x []T) {
		multiply((last-first)*d.positions(), d.out, d.in, x, d.w.value, 1, d.y[first*n:last*n])
	})
	return d.y
}

func (d *denseOp[T]) backward(dy []T, rows int) []T {
	n := d.positions() * d.out
	d.pieces(rows, func(first, last int, x []T) {
		var keep T
		if first > 0 {
			keep = 1
		}
		multiplyT(d.in, d.out, (last-first)*d.positions(), x, dy[first*n:last*n], keep, d.gw)
	})
	clear(d.gb)
	addRows(d.gb, dy)
	if d.wT == nil {
		return nil
	}
	if d.window == nil {
		d.dx = resize(d.dx, rows*d.in)
		multiply(rows, d.in, d.out, dy, d.wT, 0, d.dx)
		return d.dx
	}
	inputs, p := d.inputs(), d.positions()
	d.dx = resize(d.dx, rows*inputs)
	clear(d.dx)
	d.gradient = resize(d.gradient, p*d.in)
	for i := range rows {
		multiply(p, d.in, d.out, dy[i*n:(i+1)*n], d.wT, 0, d.gradient)
		spread(d.reads, d.dx[i*inputs:(i+1)*inputs], d.gradient)
	}
	return d.dx
}

// transposed is the cols×rows transpose of a row-major rows×cols matrix.
func transposed[E any](src []E, rows, cols int) []E {
	dst := make([]E, len(src))
	transpose(dst, src, rows, cols)
	return dst
}

func transpose[E any](dst, src []E, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*cols : (i+1)*cols] {
			dst[j*rows+i] = v
		}
	}
}
