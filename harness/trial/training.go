package trial

import (
	"fmt"
	"slices"
	"time"

	"hepex/network"
	"hepex/pruning"
)

// Steps of training are timed on so many batches, after one epoch that warms up, until that takes long enough to trust.
const (
	timedBatches = 4
	timedFor     = 300 * time.Millisecond
)

// Training predicts the seconds of the training that a point still needs: of its network and of the unpruned one that it is compared
// with, as far as the cache has neither, and no point before it needs them too. A step is timed on this machine, once for each network. What
// pruning takes beside is not counted, and a smaller network counts like the unpruned one.
func (f *Forecaster) Training(j Job) (float64, error) {
	p, err := newPreparer(j, nil)
	if err != nil {
		return 0, err
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
			_, cached, err := p.cache.Get(key)
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
			samples := j.Spec.Data.Train - j.Spec.Data.ValidationSamples()
			batches := (samples + t.Options.Batch - 1) / t.Options.Batch
			seconds += step * float64(batches*t.Options.Epochs)
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
	if err := network.Train(n, d, o); err != nil {
		return 0, err
	}
	epochs, start := 0, time.Now()
	for time.Since(start) < timedFor {
		if err := network.Train(n, d, o); err != nil {
			return 0, err
		}
		epochs++
	}
	batches := (d.Len() + o.Batch - 1) / o.Batch
	f.steps[key] = time.Since(start).Seconds() / float64(epochs*batches)
	return f.steps[key], nil
}
