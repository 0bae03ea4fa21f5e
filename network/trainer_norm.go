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
	mean, variance, scale []T // of the shard; scale = 1/√(variance + ε)
	unit, y, dx           []T // unit = normalised x
	share                 []T // of a channel's gradients in dx
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
	width := len(o.mean)
	o.measure(x, len(x)/width)
	mean, scale, gamma, beta := o.mean, o.scale[:width], o.gamma.value[:width], o.beta.value[:width]
	for i := 0; i < len(x); i += width {
		x, unit, y := x[i:i+width], o.unit[i:i+width], o.y[i:i+width]
		for j, m := range mean {
			u := (x[j] - m) * scale[j]
			unit[j] = u
			y[j] = T(u*gamma[j]) + beta[j]
		}
	}
	return o.y
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
	width := len(o.mean)
	mean, variance := o.mean, o.variance[:width]
	clear(mean)
	for i := 0; i < len(x); i += width {
		x := x[i : i+width]
		for j := range mean {
			mean[j] += x[j]
		}
	}
	for j := range mean {
		mean[j] /= T(rows)
	}
	clear(variance)
	for i := 0; i < len(x); i += width {
		x := x[i : i+width]
		for j, m := range mean {
			e := x[j] - m
			variance[j] += T(e * e)
		}
	}
	for j := range variance {
		variance[j] /= T(rows)
	}
}

func (o *normOp[T]) backward(dy []T, _ int) []T {
	width := len(o.mean)
	rows := len(dy) / width // one for each sample and position
	ggamma, gbeta := o.ggamma[:width], o.gbeta[:width]
	clear(ggamma)
	clear(gbeta)
	for i := 0; i < len(dy); i += width {
		dy, unit := dy[i:i+width], o.unit[i:i+width]
		for j := range gbeta {
			gbeta[j] += dy[j]
			ggamma[j] += T(dy[j] * unit[j])
		}
	}
	// The mean and the variance depend on every sample, which takes the mean of dy and its part along unit away.
	share := resize(o.share, width)
	for j, g := range o.gamma.value {
		share[j] = g * o.scale[j] / T(rows)
	}
	o.share, o.dx = share, resize(o.dx, len(dy))
	for i := 0; i < len(dy); i += width {
		dy, unit, dx := dy[i:i+width], o.unit[i:i+width], o.dx[i:i+width]
		for j, s := range share {
			g := T(T(rows)*dy[j]) - gbeta[j] - T(unit[j]*ggamma[j])
			dx[j] = s * g
		}
	}
	return o.dx
}
