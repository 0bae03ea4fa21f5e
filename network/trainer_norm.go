package network

import "math"

// normMomentum is the share of a new batch in the running statistics of batch norm.
const normMomentum = 0.05

// normParams are the parameters and running statistics of one batch norm, shared by all shards.
type normParams[T float] struct {
	gamma, beta                  *param[T]
	runningMean, runningVariance []T
	ops                          []*normOp[T]
	fixed                        bool // normalise by the running statistics
}

// normOp normalises by the statistics of its shard.
type normOp[T float] struct {
	*normParams[T]
	ggamma, gbeta         []T
	mean, variance, scale []T    // of the shard; scale = 1/√(variance + ε)
	unit, y, dx           []T    // unit = normalised x
	share                 []T    // of a channel's gradients in dx
	work, square          []T    // of a block
	wide                  [4][]T // what widened gives
}

func (t *trainer[T]) addBatchNorm(b *BatchNorm, at int) {
	width := len(b.Gamma)
	p := &normParams[T]{gamma: t.newParam(b.Gamma), beta: t.newParam(b.Beta),
		runningMean: make([]T, width), runningVariance: make([]T, width)}
	for i := range width {
		p.runningMean[i], p.runningVariance[i] = T(b.Mean[i]), T(b.Var[i])
	}
	for i, s := range t.shards {
		o := &normOp[T]{normParams: p, ggamma: p.gamma.grads[i], gbeta: p.beta.grads[i],
			mean: make([]T, width), variance: make([]T, width), scale: make([]T, width)}
		p.ops = append(p.ops, o)
		s.ops = append(s.ops, o)
	}
	t.norms = append(t.norms, p)
	t.stores = append(t.stores, func(n *Network) {
		b := n.Layers[at].(*BatchNorm)
		narrow(b.Gamma, p.gamma.value)
		narrow(b.Beta, p.beta.value)
		narrow(b.Mean, p.runningMean)
		narrow(b.Var, p.runningVariance)
	})
}

// track moves the running statistics towards the mean of the shards' statistics.
func (p *normParams[T]) track() {
	share := T(normMomentum / float64(len(p.ops)))
	for i := range p.runningMean {
		var mean, variance T
		for _, o := range p.ops {
			mean += o.mean[i] - p.runningMean[i]
			variance += o.variance[i] - p.runningVariance[i]
		}
		p.runningMean[i] += T(share * mean)
		p.runningVariance[i] += T(share * variance)
	}
}

func (o *normOp[T]) forward(x []T, _ int) []T {
	o.unit, o.y = resize(o.unit, len(x)), resize(o.y, len(x))
	o.measure(x, len(x)/len(o.mean))
	n := o.block(len(x))
	mean, scale, gamma, beta := o.widened(0, o.mean, n), o.widened(1, o.scale, n), o.widened(2, o.gamma.value, n), o.widened(3, o.beta.value, n)
	inBlocks(len(x), n, func(first, last int) {
		unit, y, n := o.unit[first:last], o.y[first:last], last-first
		copy(unit, x[first:last])
		subtract(unit, mean[:n])
		scaleBy(unit, scale[:n])
		copy(y, unit)
		scaleBy(y, gamma[:n])
		add(y, beta[:n])
	})
	return o.y
}

// block is how many of so many values are worked on at once: whole rows of channels.
func (o *normOp[T]) block(values int) int {
	width := len(o.mean)
	return min(values, max(1, block/width)*width)
}

// widened gives the values of the channels again and again, n in all, in a buffer of the given number.
func (o *normOp[T]) widened(buffer int, channels []T, n int) []T {
	o.wide[buffer] = resize(o.wide[buffer], n)
	repeat(o.wide[buffer], channels)
	return o.wide[buffer]
}

// measure sets mean, variance and scale of rows of channels.
func (o *normOp[T]) measure(x []T, rows int) {
	if o.fixed {
		copy(o.mean, o.runningMean)
		copy(o.variance, o.runningVariance)
	} else {
		o.average(x, rows)
	}
	for j, v := range o.variance {
		o.scale[j] = T(1 / math.Sqrt(float64(v)+NormEpsilon))
	}
}

func (o *normOp[T]) average(x []T, rows int) {
	clear(o.mean)
	addRows(o.mean, x)
	for j := range o.mean {
		o.mean[j] /= T(rows)
	}
	clear(o.variance)
	n := o.block(len(x))
	mean := o.widened(0, o.mean, n)
	o.work, o.square = resize(o.work, n), resize(o.square, n)
	inBlocks(len(x), n, func(first, last int) {
		e, square := o.work[:last-first], o.square[:last-first]
		copy(e, x[first:last])
		subtract(e, mean[:len(e)])
		copy(square, e)
		scaleBy(square, e)
		addRows(o.variance, square)
	})
	for j := range o.variance {
		o.variance[j] /= T(rows)
	}
}

func (o *normOp[T]) backward(dy []T, _ int) []T {
	rows := len(dy) / len(o.mean) // one for each sample and position
	n := o.block(len(dy))
	o.work = resize(o.work, n)
	clear(o.ggamma)
	clear(o.gbeta)
	addRows(o.gbeta, dy)
	inBlocks(len(dy), n, func(first, last int) {
		product := o.work[:last-first]
		copy(product, dy[first:last])
		scaleBy(product, o.unit[first:last])
		addRows(o.ggamma, product)
	})
	// The mean and the variance depend on every sample, which takes the mean of dy and its part along unit away.
	o.share = resize(o.share, len(o.mean))
	for j, g := range o.gamma.value {
		o.share[j] = g * o.scale[j] / T(rows)
	}
	o.dx = resize(o.dx, len(dy))
	share, ggamma, gbeta := o.widened(0, o.share, n), o.widened(1, o.ggamma, n), o.widened(2, o.gbeta, n)
	inBlocks(len(dy), n, func(first, last int) {
		dx, along := o.dx[first:last], o.work[:last-first]
		copy(along, o.unit[first:last])
		scaleBy(along, ggamma[:len(along)])
		copy(dx, dy[first:last])
		scale(dx, T(rows))
		subtract(dx, gbeta[:len(dx)])
		subtract(dx, along)
		scaleBy(dx, share[:len(dx)])
	})
	return o.dx
}
