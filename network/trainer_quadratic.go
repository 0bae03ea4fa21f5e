package network

// quadraticOp is a·x² + b·x with ab = (a, b); grad is nil if they are fixed.
type quadraticOp[T float] struct {
	ab, grad []T
	x, y, dx []T
}

func (t *trainer[T]) addQuadratic(q *Quadratic, at int) {
	if !q.Learnt {
		for _, s := range t.shards {
			s.ops = append(s.ops, &quadraticOp[T]{ab: []T{T(q.A), T(q.B)}})
		}
		return
	}
	p := t.newParam([]float32{q.A, q.B})
	for i, s := range t.shards {
		s.ops = append(s.ops, &quadraticOp[T]{ab: p.value, grad: p.grads[i]})
	}
	t.stores = append(t.stores, func(n *Network) {
		q := n.Layers[at].(*Quadratic)
		q.A, q.B = float32(p.value[0]), float32(p.value[1])
	})
}

func (q *quadraticOp[T]) forward(x []T, _ int) []T {
	q.x, q.y = x, resize(q.y, len(x))
	inBlocks(len(x), block, func(first, last int) {
		line(q.y[first:last], x[first:last], q.ab[0], q.ab[1])
		scaleBy(q.y[first:last], x[first:last])
	})
	return q.y
}

func (q *quadraticOp[T]) backward(dy []T, _ int) []T {
	x := q.x[:len(dy)]
	if q.grad != nil {
		var ga, gb float64
		for i, v := range x {
			g := float64(dy[i] * v)
			ga += float64(g * float64(v))
			gb += g
		}
		q.grad[0], q.grad[1] = T(ga), T(gb)
	}
	q.dx = resize(q.dx, len(dy))
	inBlocks(len(dy), block, func(first, last int) {
		line(q.dx[first:last], x[first:last], 2*q.ab[0], q.ab[1])
		scaleBy(q.dx[first:last], dy[first:last])
	})
	return q.dx
}

// line sets y to a·x + b.
func line[T float](y, x []T, a, b T) {
	copy(y, x)
	scale(y, a)
	offset(y, b)
}
