package network

import (
	"fmt"
	"math"
)

// checkTeacher says what is wrong with the teacher of a network of the given size.
func (o Options) checkTeacher(inputs, outputs int) error {
	if o.Teacher == nil {
		return nil
	}
	known, err := o.Teacher.check()
	switch {
	case err != nil:
		return fmt.Errorf("teacher: %w", err)
	case o.Teacher.Inputs != inputs || known != outputs:
		return fmt.Errorf("teacher of %d inputs and %d outputs: want %d and %d, as the network has", o.Teacher.Inputs, known, inputs, outputs)
	case !(o.Alpha >= 0 && o.Alpha <= 1):
		return fmt.Errorf("weight of the teacher %g: want 0 to 1", o.Alpha)
	case !(o.Temperature > 0) || math.IsInf(o.Temperature, 0):
		return fmt.Errorf("temperature %g: want a positive number", o.Temperature)
	}
	return nil
}

// lesson is what a shard learns from a teacher.
type lesson[T float] struct {
	alpha, temperature float64
	teacher            *shard[T] // frozen
	known              []T       // the teacher's outputs for all samples, or nil: they are computed as they are needed
}

// maxKnown is how many outputs of a teacher are kept, 64 MB of float32: those for the classes of every usual data set,
// not those of an autoencoder for images.
const maxKnown = 1 << 24

// teach has all further passes over the data learn from the options' teacher too. At most maxKnown of its outputs are
// kept instead of computed in every epoch, which gives the same values; none if samples vary.
func (t *trainer[T]) teach(d Data, o Options, maxKnown int) {
	if o.Teacher == nil || o.Alpha == 0 {
		return
	}
	f := freeze[T](o.Teacher)
	g := o.Teacher.Geometry()
	var known []T
	if width := g.Axis(len(g)).Size(); !o.Augment.varies() && width*d.Len() <= maxKnown {
		known = make([]T, width*d.Len())
		f.run(d, func(_, first int, y []T) { copy(known[first*width:], y) })
	}
	for i, s := range t.shards {
		s.lesson = &lesson[T]{o.Alpha, o.Temperature, f.shards[i], known}
	}
}

// outputs of the teacher for some samples, in a buffer that the next call overwrites.
func (l *lesson[T]) outputs(d Data, samples []int) []T {
	if l.known == nil {
		return l.teacher.forward(d, samples)
	}
	width := len(l.known) / d.Len()
	l.teacher.x = l.teacher.x[:0]
	for _, i := range samples {
		l.teacher.x = append(l.teacher.x, l.known[i*width:(i+1)*width]...)
	}
	return l.teacher.x
}

// distillation is [crossEntropy] with the weight 1−α, and with the weight α·T² the Kullback-Leibler divergence of
// softmax(y/T) from softmax(soft/T), where soft are the outputs of the teacher.
func (l *lesson[T]) distillation(y, soft []T, labels []uint8, batch int) float64 {
	classes := len(y) / len(labels)
	own, cool, want := make([]float64, classes), make([]float64, classes), make([]float64, classes)
	hard, gentle := 1-l.alpha, l.alpha*l.temperature
	var loss, divergence float64
	for i, label := range labels {
		row := y[i*classes : (i+1)*classes]
		logSoftmax(own, row, 1)
		logSoftmax(cool, row, l.temperature)
		logSoftmax(want, soft[i*classes:(i+1)*classes], l.temperature)
		loss -= own[label]
		for j := range row {
			p, q, r := math.Exp(own[j]), math.Exp(cool[j]), math.Exp(want[j])
			if j == int(label) {
				p--
			}
			divergence += float64(r * (want[j] - cool[j]))
			row[j] = T((float64(hard*p) + float64(gentle*(q-r))) / float64(batch))
		}
	}
	return (float64(hard*loss) + float64(gentle*l.temperature*divergence)) / float64(batch)
}

// logSoftmax sets logs to log softmax(y/temperature).
func logSoftmax[T float](logs []float64, y []T, temperature float64) {
	largest := y[0]
	for _, v := range y {
		largest = max(largest, v)
	}
	var total float64
	for j, v := range y {
		logs[j] = float64(v-largest) / temperature
		total += math.Exp(logs[j])
	}
	logTotal := math.Log(total)
	for j := range logs {
		logs[j] -= logTotal
	}
}

// mix moves the target of a squared error towards the outputs of the teacher.
func (l *lesson[T]) mix(target, soft []T) {
	alpha, rest := T(l.alpha), T(1-l.alpha)
	for i, v := range target {
		target[i] = T(rest*v) + T(alpha*soft[i])
	}
}
