package network

import (
	"math"
	"sync"
)

// shards is the number of parts of a batch that are computed at the same time. It is fixed, so that sums do not
// depend on the number of processors.
const shards = 4

// chunk is the number of values of a parameter that one goroutine updates.
const chunk = 1 << 14

// The constants of Adam (Kingma and Ba, 2015).
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// float is the arithmetic of training: float32, or float64 where tests compare gradients with differences.
//
// Products that are added to something are converted to T first. That changes no value, but forbids the compiler
// to fuse the two operations, which it does on some processors only.
type float interface{ float32 | float64 }

// trainer is the machinery around a network while it trains.
type trainer[T float] struct {
	params []*param[T]
	dense  []*denseParams[T]
	norms  []*normParams[T]
	shards []*shard[T]
	chunks []piece[T]
	steps  int                  // taken so far
	stores []func(dst *Network) // copy each layer back
	loads  []func(src *Network) // take over the weights and masks of each dense layer
	lasso  []*shrinker[T]       // by dense layer; nil = none

	augment Augment
	moves   []move // of the samples of the next pass; nil = none
}

// param is one trainable tensor with the state of Adam.
type param[T float] struct {
	value, m, v []T
	grads       [][]T  // one per shard; reduce sums them into the first
	keep        []bool // nil = all
	decays      bool
}

// piece is a range of one parameter with the square of its gradient's norm.
type piece[T float] struct {
	*param[T]
	first, last int
	square      float64
}

// shard computes a fixed part of every batch.
type shard[T float] struct {
	ops    []op[T]
	x      []T
	labels []uint8
	target []T
	lesson *lesson[T] // nil = no teacher
	loss   float64

	augment Augment
	moves   []move // of the samples of a pass; nil = none
}

// op is one layer of one shard. Both methods return a buffer that the next call overwrites.
type op[T float] interface {
	// forward takes rows samples, and keeps what backward needs of them.
	forward(x []T, rows int) []T
	// backward takes the gradient of the loss for the outputs, sets the shard's gradients of the parameters, and
	// returns the gradient for the inputs, or nil for a layer that the samples enter directly, or after one that they do. It may overwrite dy.
	backward(dy []T, rows int) []T
}

func newTrainer[T float](n *Network, batch int) *trainer[T] {
	t := &trainer[T]{}
	for range min(shards, batch) {
		t.shards = append(t.shards, &shard[T]{})
	}
	for i, l := range n.Layers {
		switch l := l.(type) {
		case *Dense:
			t.addDense(l, i)
		case *Quadratic:
			t.addQuadratic(l, i)
		case *BatchNorm:
			t.addBatchNorm(l, i)
		case *AveragePool:
			t.addPool(l, i)
		}
	}
	for _, p := range t.params {
		for first := 0; first < len(p.value); first += chunk {
			t.chunks = append(t.chunks, piece[T]{param: p, first: first, last: min(first+chunk, len(p.value))})
		}
	}
	return t
}

func (t *trainer[T]) newParam(values []float32) *param[T] {
	p := &param[T]{value: make([]T, len(values)), m: make([]T, len(values)), v: make([]T, len(values))}
	for i, v := range values {
		p.value[i] = T(v)
	}
	for range t.shards {
		p.grads = append(p.grads, make([]T, len(values)))
	}
	t.params = append(t.params, p)
	return p
}

// store copies the trained values into a network of the shape that the trainer was made from.
func (t *trainer[T]) store(n *Network) {
	for _, f := range t.stores {
		f(n)
	}
}

// state lists everything that training changes in the network.
func (t *trainer[T]) state() [][]T {
	var s [][]T
	for _, p := range t.params {
		s = append(s, p.value)
	}
	for _, p := range t.norms {
		s = append(s, p.runningMean, p.runningVariance)
	}
	return s
}

// change has f change the network in its present state, and goes on with what comes out.
func (t *trainer[T]) change(n *Network, f func(n *Network) (*Lasso, error)) error {
	t.store(n)
	lasso, err := f(n)
	if err != nil {
		return err
	}
	if _, err := n.check(); err != nil {
		return err
	}
	if lasso != nil {
		if err := lasso.check(n); err != nil {
			return err
		}
	}
	for _, load := range t.loads {
		load(n)
	}
	t.penalise(lasso)
	return nil
}

// pass computes the mean loss of a batch, given by the numbers of its samples, and each shard's gradients.
func (t *trainer[T]) pass(d Data, batch []int) float64 {
	parallel(len(t.shards), func(i int) {
		first, last := i*len(batch)/len(t.shards), (i+1)*len(batch)/len(t.shards)
		if t.moves != nil {
			t.shards[i].vary(t.augment, t.moves[first:last])
		}
		t.shards[i].pass(d, batch[first:last], len(batch))
	})
	var loss float64
	for _, s := range t.shards {
		loss += s.loss
	}
	return loss
}

// pass sets the shard's part of the loss and its gradients; the mean is over a batch of the given size.
func (s *shard[T]) pass(d Data, samples []int, batch int) {
	y := s.forward(d, samples)
	s.loss = s.lose(y, d, samples, batch)
	dy := y // the loss replaced the outputs by its gradient
	for i := len(s.ops) - 1; i >= 0; i-- {
		dy = s.ops[i].backward(dy, len(samples))
	}
}

// forward gives the outputs for some samples.
func (s *shard[T]) forward(d Data, samples []int) []T {
	s.x = s.x[:0]
	for k, i := range samples {
		s.x = s.appendImage(s.x, d.X, i, d.Dim, k)
	}
	y := s.x
	for _, op := range s.ops {
		y = op.forward(y, len(samples))
	}
	return y
}

// lose returns the shard's part of the loss for the outputs y, and replaces y by its gradient.
func (s *shard[T]) lose(y []T, d Data, samples []int, batch int) float64 {
	s.load(d, samples)
	var soft []T
	if s.lesson != nil {
		soft = s.lesson.outputs(d, samples)
	}
	switch {
	case d.Labels != nil && s.lesson != nil:
		return s.lesson.distillation(y, soft, s.labels, batch)
	case d.Labels != nil:
		return crossEntropy(y, s.labels, batch)
	case s.lesson != nil:
		s.lesson.mix(s.target, soft)
	}
	return squaredError(y, s.target, batch*(len(y)/len(samples)))
}

// load takes what the network should make of some samples.
func (s *shard[T]) load(d Data, samples []int) {
	s.labels, s.target = s.labels[:0], s.target[:0]
	width := len(d.target()) / d.Len()
	for k, i := range samples {
		if d.Labels != nil {
			s.labels = append(s.labels, d.Labels[i])
		} else {
			s.target = s.appendImage(s.target, d.target(), i, width, k)
		}
	}
}

func appendRow[T float](rows []T, matrix []float32, i, width int) []T {
	if rows, ok := any(rows).([]float32); ok {
		return any(append(rows, matrix[i*width:(i+1)*width]...)).([]T)
	}
	for _, v := range matrix[i*width : (i+1)*width] {
		rows = append(rows, T(v))
	}
	return rows
}

// reduce sums the shards' gradients, clears those of pruned weights, and returns the norm of the whole gradient.
func (t *trainer[T]) reduce() float64 {
	parallel(len(t.chunks), func(i int) { t.chunks[i].reduce() })
	var square float64
	for i := range t.chunks {
		square += t.chunks[i].square
	}
	return math.Sqrt(square)
}

func (c *piece[T]) reduce() {
	sum := c.grads[0][c.first:c.last]
	for _, grad := range c.grads[1:] {
		add(sum, grad[c.first:c.last])
	}
	if c.keep != nil {
		for i, keep := range c.keep[c.first:c.last] {
			if !keep {
				sum[i] = 0
			}
		}
	}
	c.square = 0
	for _, g := range sum {
		c.square += float64(float64(g) * float64(g))
	}
}

// update takes one step of Adam along the reduced gradient times scale.
func (t *trainer[T]) update(rate, decay, scale float64) {
	t.steps++
	a := adam[T]{
		scale: T(scale),
		rate:  T(rate / (1 - math.Pow(beta1, float64(t.steps)))),
		boost: T(1 / (1 - math.Pow(beta2, float64(t.steps)))),
	}
	parallel(len(t.chunks), func(i int) {
		c, a := t.chunks[i], a
		if c.decays {
			a.decay = T(rate * decay)
		}
		a.update(c.value[c.first:c.last], c.grads[0][c.first:c.last], c.m[c.first:c.last], c.v[c.first:c.last])
	})
	parallel(len(t.lasso), func(i int) { t.lasso[i].shrink(rate) })
	for _, d := range t.dense {
		d.transpose()
	}
	for _, n := range t.norms {
		n.track()
	}
}

// adam is one step: m and v are running means of the gradient and its square; rate and boost correct their start
// from zero. A pruned weight, with all of them zero, stays zero.
type adam[T float] struct{ scale, rate, boost, decay T }

func (a adam[T]) update(value, grad, m, v []T) {
	inBlocks(len(value), block, func(first, last int) {
		a.updateBlock(value[first:last], grad[first:last], m[first:last], v[first:last])
	})
}

func (a adam[T]) updateBlock(value, grad, m, v []T) {
	var work [2][block]T
	g, part := work[0][:len(grad)], work[1][:len(grad)]
	copy(g, grad)
	scale(g, a.scale)
	copy(part, g)
	scale(part, 1-beta1)
	scale(m, beta1)
	add(m, part)
	copy(part, g)
	scale(part, 1-beta2)
	scaleBy(part, g)
	scale(v, beta2)
	add(v, part)
	for i, m := range m {
		value[i] -= T(a.rate*m)/(T(math.Sqrt(float64(v[i]*a.boost)))+epsilon) + T(a.decay*value[i])
	}
}

// parallel calls f(0) … f(n−1) at the same time.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func resize[T float](buffer []T, size int) []T {
	if cap(buffer) < size {
		return make([]T, size)
	}
	return buffer[:size]
}

func narrow[T float](dst []float32, src []T) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}
