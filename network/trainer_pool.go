package network

// poolOp is average pooling.
type poolOp[T float] struct {
	window *Window
	inputs [][]int // of the window
	y, dx  []T
	first  bool // samples enter it directly
}

func (t *trainer[T]) addPool(p *AveragePool, at int) {
	inputs := p.Inputs()
	for _, s := range t.shards {
		s.ops = append(s.ops, &poolOp[T]{window: &p.Window, inputs: inputs, first: at == 0})
	}
}

func (p *poolOp[T]) forward(x []T, rows int) []T {
	in, out := p.window.In.Size(), p.window.Positions()*p.window.In.Channels
	p.y = resize(p.y, rows*out)
	clear(p.y)
	for i := range rows {
		poolSums(p.inputs, p.window.In.Channels, p.y[i*out:(i+1)*out], x[i*in:(i+1)*in])
	}
	scale(p.y, T(1/float64(p.window.Taps())))
	return p.y
}

func (p *poolOp[T]) backward(dy []T, rows int) []T {
	if p.first {
		return nil
	}
	in, c := p.window.In.Size(), p.window.In.Channels
	p.dx = resize(p.dx, rows*in)
	clear(p.dx)
	scale(dy, T(1/float64(p.window.Taps())))
	for i := range rows {
		dx := p.dx[i*in : (i+1)*in]
		for _, taps := range p.inputs {
			for _, at := range taps {
				add(dx[at*c:][:c], dy[:c])
			}
			dy = dy[c:]
		}
	}
	return p.dx
}
