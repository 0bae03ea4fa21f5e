package network

// denseParams are the parameters of one dense layer, shared by all shards.
type denseParams[T float] struct {
	in, out int
	w       *param[T] // in×out, so that zeros among the samples save work
	b       *param[T]
	wT      []T // out×in, a copy for the gradient of the inputs; nil for the first layer
}

type denseOp[T float] struct {
	*denseParams[T]
	gw, gb   []T
	x, y, dx []T
}

func (t *trainer[T]) addDense(d *Dense, at int) {
	p := &denseParams[T]{in: d.In, out: d.Out, w: t.newParam(transposed(d.W, d.Out, d.In)), b: t.newParam(d.B)}
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

func (d *denseOp[T]) forward(x []T, rows int) []T {
	d.x, d.y = x, resize(d.y, rows*d.out)
	for i := range rows {
		copy(d.y[i*d.out:(i+1)*d.out], d.b.value)
	}
	multiply(rows, d.out, d.in, x, d.w.value, 1, d.y)
	return d.y
}

func (d *denseOp[T]) backward(dy []T, rows int) []T {
	multiplyT(d.in, d.out, rows, d.x, dy, 0, d.gw)
	clear(d.gb)
	for i := range rows {
		for j, g := range dy[i*d.out : (i+1)*d.out] {
			d.gb[j] += g
		}
	}
	if d.wT == nil {
		return nil
	}
	d.dx = resize(d.dx, rows*d.in)
	multiply(rows, d.in, d.out, dy, d.wT, 0, d.dx)
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
