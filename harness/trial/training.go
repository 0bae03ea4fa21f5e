package trial

import (
	"fmt"
	"slices"
	"time"

	"hepex/network"
	"hepex/pruning"
)

// Steps of training and looks at samples are timed on so many, after a first time that warms up, until that takes long enough to trust.
const (
	timedBatches = 4
	timedSamples = 500
	timedFor     = 300 * time.Millisecond
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
	for _, o := range []pruning.Options{p.reference(), pruningOptions(j.Spec)} {
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
			if cached || f.trained[key] {
				next = i + 1
				break
			}
		}
		for i := next; i < len(steps); i++ {
			f.trained[after[i]] = true
			t, ok := training(steps[i])
			if !ok {
				continue
			}
			step, err := f.step(p, t.Distil.Alpha)
			if err != nil {
				return 0, err
			}
			batches := (train + t.Options.Batch - 1) / t.Options.Batch
			seconds += step * float64(batches*t.Options.Epochs)
		}
		if next < len(steps) {
			look, err := f.look(p)
			if err != nil {
				return 0, err
			}
			seconds += startSeconds + look*float64(judged)
		}
	}
	return seconds, nil
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

// step is the time of one step of training, in seconds.
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
	d, err := p.samples.train.first(timedBatches * p.spec.Train.Batch)
	if err != nil {
		return 0, err
	}
	o := pruningOptions(p.spec).Train
	o.Epochs, o.LR = 1, 1e-6 // what it learns is of no use, and must not diverge
	if distil > 0 {
		o.Teacher, o.Alpha, o.Temperature = n.Clone(), distil, 1
	}
	batches := (d.Len() + o.Batch - 1) / o.Batch
	f.steps[key], err = timed(batches, func() error { return network.Train(n, d, o) })
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
	samples := min(timedSamples, p.spec.Data.Test)
	f.looks[key], err = timed(samples, func() error {
		d, err := p.samples.test.first(samples)
		if err == nil {
			n.Forward(dense(d))
		}
		return err
	})
	return f.looks[key], err
}

// timed is the seconds of each of the parts that work has, after it was done once.
func timed(parts int, work func() error) (float64, error) {
	if err := work(); err != nil {
		return 0, err
	}
	times, start := 0, time.Now()
	for time.Since(start) < timedFor {
		if err := work(); err != nil {
			return 0, err
		}
		times++
	}
	return time.Since(start).Seconds() / float64(times*parts), nil
}
