package trial

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hepex/network"
	"hepex/pruning"
)

// Steps of training and looks at samples are timed on a few, and on some more that take long enough to trust: the least of some times.
const (
	timedBatches, mostBatches = 4, 100
	timedSamples, mostSamples = 500, 10000
	timedTimes                = 3
	timedFor                  = 300 * time.Millisecond
)

// Training predicts the seconds that it still takes to prepare a point: the training of its network and of the unpruned one that it is
// compared with, as far as the cache has neither and no point before it needs them too, and the evaluation of samples that follows. A step is
// timed on this machine, once for each network. What pruning takes between the epochs is not counted, and a smaller network counts like the
// unpruned one.
func (f *Forecaster) Training(j Job) (float64, error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return 0, err
	}
	data := j.Spec.Data
	validation := data.ValidationSamples()
	train := data.Train - validation
	judged := validation + data.Test // for the quality
	if j.Spec.Measure.Encrypted {
		judged += data.Train // for how large values get
	}
	seconds := 0.0
	left, err := p.remaining(f.trained, func(t pruning.Train) error {
		step, err := f.step(p, t.Distil.Alpha)
		seconds += step * float64(t.Options.Epochs*((train+t.Options.Batch-1)/t.Options.Batch))
		return err
	})
	if err != nil || left == 0 {
		return 0, err
	}
	look, err := f.look(p)
	return seconds + float64(left)*(startSeconds+look*float64(judged)), err
}

// remaining calls train for what the cache lacks of the training of a point's network, and of the unpruned one that it is compared with, and
// gives the number of these networks that are not there. States that the points so far leave are as good as in the cache; those of this one are
// added.
func (p *preparer) remaining(there map[entryKey]bool, train func(pruning.Train) error) (networks int, err error) {
	for _, o := range []pruning.Options{p.reference(), pruningOptions(p.spec)} {
		steps, err := o.Steps()
		if err != nil {
			return 0, err
		}
		_, after, err := p.keys(o)
		if err != nil {
			return 0, err
		}
		next := 0
		for i, key := range slices.Backward(after) {
			_, cached, err := p.cache.get(key)
			if err != nil {
				return 0, err
			}
			if cached || there[key] {
				next = i + 1
				break
			}
		}
		if next < len(steps) {
			networks++
		}
		for i := next; i < len(steps); i++ {
			there[after[i]] = true
			if t, ok := training(steps[i]); ok {
				if err := train(t); err != nil {
					return 0, err
				}
			}
		}
	}
	return networks, nil
}

// Efforts compares points in the training that they still need: multiplications of all its epochs, in no particular unit. What several share,
// the first has.
func Efforts(jobs []Job) ([]float64, error) {
	there := map[entryKey]bool{}
	var efforts []float64
	for _, j := range jobs {
		p, err := newPreparer(j, nil)
		if err != nil {
			return nil, err
		}
		g, err := j.Spec.Geometry(p.source.Form())
		if err != nil {
			return nil, err
		}
		sample, effort := 0.0, 0.0
		for _, s := range g {
			sample += float64(s.Window.Positions() * s.Reads() * s.Out)
		}
		if _, err = p.remaining(there, func(t pruning.Train) error {
			passes := 3.0 // forward, and back to weights and inputs
			if t.Distil.Alpha > 0 {
				passes++ // of the teacher
			}
			effort += passes * sample * float64(t.Options.Epochs)
			return nil
		}); err != nil {
			return nil, err
		}
		efforts = append(efforts, effort*float64(j.Spec.Data.Train))
	}
	return efforts, nil
}

// training is the training that a step is, if it is one.
func training(s pruning.Step) (pruning.Train, bool) {
	switch s := s.(type) {
	case pruning.Train:
		return s, true
	case pruning.Gradual:
		return s.Train, true
	}
	return pruning.Train{}, false
}

// step is the time of one step of training, in seconds. To begin takes as long as a few of them.
func (f *Forecaster) step(p *preparer, distil float64) (float64, error) {
	a := p.spec.Architecture(p.source.Form())
	key := fmt.Sprint(a, p.spec.Train.Batch, distil > 0)
	if known, ok := f.steps[key]; ok {
		return known, nil
	}
	n, err := network.New(a, 1)
	if err != nil {
		return 0, err
	}
	o := pruningOptions(p.spec).Train
	o.Epochs, o.LR = 1, 1e-6 // what it learns is of no use, and must not diverge
	if distil > 0 {
		o.Teacher, o.Alpha, o.Temperature = n.Clone(), distil, 1
	}
	f.steps[key], err = marginal(timedBatches, mostBatches, func(batches int) (func() error, int, error) {
		d, err := p.samples.train.first(batches * o.Batch)
		if err != nil {
			return nil, 0, err
		}
		return func() error { return network.Train(n, d, o) }, (d.Len() + o.Batch - 1) / o.Batch, nil
	})
	return f.steps[key], err
}

// look is the time of reading a sample and evaluating it without encryption, in seconds.
func (f *Forecaster) look(p *preparer) (float64, error) {
	key := fmt.Sprint(p.spec.Data.Title(), p.spec.Network)
	if known, ok := f.looks[key]; ok {
		return known, nil
	}
	n, err := p.begin()
	if err != nil {
		return 0, err
	}
	f.looks[key], err = marginal(timedSamples, mostSamples, func(samples int) (func() error, int, error) {
		samples = min(samples, p.spec.Data.Test)
		return func() error {
			d, err := p.samples.test.first(samples)
			if err == nil {
				n.Forward(dense(d))
			}
			return err
		}, samples, nil
	})
	return f.looks[key], err
}

// marginal is the seconds that one more part of some work takes, by a few parts and by at most so many more. Work gives what does so many parts, or
// as many as there are, and their number.
func marginal(few, most int, work func(parts int) (do func() error, done int, err error)) (float64, error) {
	took := func(parts int) (done int, seconds float64, err error) {
		do, done, err := work(parts)
		if err != nil {
			return 0, 0, err
		}
		seconds = math.Inf(1)
		for range timedTimes {
			start := time.Now()
			if err := do(); err != nil {
				return 0, 0, err
			}
			seconds = min(seconds, time.Since(start).Seconds())
		}
		return done, seconds, nil
	}
	few, short, err := took(few)
	if err != nil {
		return 0, err
	}
	more := int(timedFor.Seconds() / short * float64(few))
	many, long, err := took(few + min(max(more, few), most))
	if err != nil || many <= few || long <= short { // there are no more, or something else held up the few
		return short / float64(few), err
	}
	return (long - short) / float64(many-few), nil
}
