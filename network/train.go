package network

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// ErrDiverged means that the loss or its gradient became infinite or not a number during training.
var ErrDiverged = errors.New("training diverged")

// Options say how to train: Adam with decoupled weight decay, a linear warm-up and a cosine decay of the learning
// rate to zero over the run.
type Options struct {
	Epochs      int // 0 leaves the network as it is
	Batch       int // samples per step
	LR          float64
	WeightDecay float64 // of weights only, not of biases, batch norm or activations
	Clip        float64 // largest norm of the whole gradient; 0 = no limit
	Warmup      int     // steps
	Seed        uint64  // of the order of the samples and of their variations
	Augment     Augment // none by default
	Events      []Event // in the order of their time
	Progress    func(Progress)
	Stop        *Stop   // nil = train for all epochs and return the last weights
	Report      *Report // nil, or where to write what the run did

	Teacher     *Network // whose outputs are to be imitated too; nil = none. It has as many inputs and outputs
	Alpha       float64  // weight of the teacher, 0 to 1; the data have the rest
	Temperature float64  // T > 0, by which outputs are divided before their softmax; only labelled data use it
}

// Event changes the weights of dense layers and their masks in the middle of a run, which goes on along the same curve
// of the learning rate. Adam keeps its moments of the weights that stay.
type Event struct {
	When float64 // share of the run's steps that come before, 0 ≤ When < 1
	// Do changes the network and returns the group lasso from here to the next event; nil = none.
	Do func(n *Network) (*Lasso, error)
}

// Progress is reported after each epoch.
type Progress struct {
	Epoch, Epochs int     // Epoch counts from 1
	Loss          float64 // mean over the epoch's samples, measured while the weights changed
}

// Report says what a run did.
type Report struct {
	Epochs int // that it trained
	Best   int // the epoch, from 1, whose weights it returned; 0 without training
}

// Train fits the network to the data in place. The loss is the cross-entropy of the softmax for labelled data, else
// the mean squared error per value.
//
// With a teacher (Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015, section 2) the loss for
// labelled data is
//
//	(1−α)·CE(softmax(y), label) + α·T²·KL(softmax(teacher/T) ‖ softmax(y/T)),
//
// and else the squared error of (1−α)·target + α·teacher, which has the gradient of (1−α)·(y−target)² +
// α·(y−teacher)². The teacher does not change; its batch norm uses the running statistics. It may be n itself, as it
// was before training.
//
// Each epoch visits the samples in a new order and drops those that do not fill a last batch. Pruned weights stay
// exactly zero: they get no gradient, no momentum and no decay. Batch norm takes its statistics from each shard, a
// quarter of the batch, so with batch norm a batch needs at least 8 samples. Samples are varied as [Augment] says, but not
// those that a [Stop] measures. On an error, [ErrDiverged] among them, the network stays as it was.
func Train(n *Network, d Data, o Options) error {
	outputs, err := n.check()
	if err == nil {
		err = d.check(n.Inputs, outputs)
	}
	if err == nil && o.Epochs != 0 {
		if err = o.check(n, outputs, d.Len()); err == nil {
			err = o.Augment.check(d, outputs)
		}
	}
	var r Report
	if err == nil && o.Epochs != 0 {
		r, err = train(n, d, o)
	}
	if err != nil {
		return fmt.Errorf("network: train: %w", err)
	}
	if o.Report != nil {
		*o.Report = r
	}
	return nil
}

func train(n *Network, d Data, o Options) (Report, error) {
	t := newTrainer[float32](n, o.Batch)
	t.teach(d, o, maxKnown)
	t.augment = o.Augment
	trained := n.Clone()
	r, err := t.train(d, o, trained)
	if err != nil {
		return r, err
	}
	t.store(trained)
	if _, err := trained.check(); err != nil {
		return r, fmt.Errorf("last step: %w: %w", ErrDiverged, err)
	}
	t.store(n)
	for i, l := range n.Dense() {
		l.Mask = trained.Dense()[i].Mask
	}
	return r, nil
}

func (o Options) check(n *Network, outputs, samples int) error {
	switch {
	case o.Epochs < 0:
		return fmt.Errorf("%d epochs: want at least 0", o.Epochs)
	case o.Batch < 1 || o.Batch > samples:
		return fmt.Errorf("batch %d: want 1 to %d, the number of samples", o.Batch, samples)
	case !(o.LR > 0) || math.IsInf(o.LR, 0):
		return fmt.Errorf("learning rate %g: want a positive number", o.LR)
	case !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0):
		return fmt.Errorf("weight decay %g: want at least 0", o.WeightDecay)
	case !(o.Clip >= 0):
		return fmt.Errorf("clip %g: want a positive norm, or 0 for none", o.Clip)
	case o.Warmup < 0:
		return fmt.Errorf("warm-up of %d steps: want at least 0", o.Warmup)
	}
	for i, e := range o.Events {
		if !(e.When >= 0 && e.When < 1) || i > 0 && e.When < o.Events[i-1].When {
			return fmt.Errorf("event %d after %g of the run: want 0 to 1, in order", i, e.When)
		}
	}
	for _, l := range n.Layers {
		if _, ok := l.(*BatchNorm); ok && o.Batch < 2*shards {
			return fmt.Errorf("batch %d with batch norm: want at least %d", o.Batch, 2*shards)
		}
	}
	if err := o.checkTeacher(n.Inputs, outputs); err != nil {
		return err
	}
	return o.Stop.check(n.Inputs, outputs)
}

// rate is the learning rate of a step, counted from 0, in a run of the given number of steps.
func (o Options) rate(step, steps int) float64 {
	rate := o.LR / 2 * (1 + math.Cos(math.Pi*float64(step)/float64(steps)))
	if step+1 < o.Warmup {
		rate *= float64(step+1) / float64(o.Warmup)
	}
	return rate
}

// train runs all steps, or those until it is to stop; events change n, which else is not touched.
func (t *trainer[T]) train(d Data, o Options, n *Network) (Report, error) {
	rng := rand.New(rand.NewPCG(o.Seed, streamShuffle))
	variations := rand.New(rand.NewPCG(o.Seed, streamAugment))
	order := rng.Perm(d.Len())
	batches := d.Len() / o.Batch
	stop := stopper[T]{Stop: o.Stop}
	for epoch := range o.Epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		var sum float64
		for b := range batches {
			if err := t.due(&o, o.Epochs*batches, n); err != nil {
				return Report{}, err
			}
			t.moves = t.augment.draw(variations, o.Batch)
			loss, err := t.step(d, order[b*o.Batch:(b+1)*o.Batch], o, o.Epochs*batches)
			if err != nil {
				return Report{}, fmt.Errorf("epoch %d, batch %d: %w", epoch+1, b+1, err)
			}
			sum += loss
		}
		if o.Progress != nil {
			o.Progress(Progress{Epoch: epoch + 1, Epochs: o.Epochs, Loss: sum / float64(batches)})
		}
		if o.Stop == nil || len(o.Events) > 0 {
			continue
		}
		if enough, err := stop.after(epoch+1, t, n); err != nil || enough {
			return stop.finish(epoch+1, t), err
		}
	}
	return stop.finish(o.Epochs, t), nil
}

// due lets the events of the next step happen and takes them off the options.
func (t *trainer[T]) due(o *Options, steps int, n *Network) error {
	for len(o.Events) > 0 && int(o.Events[0].When*float64(steps)) == t.steps {
		if err := t.change(n, o.Events[0].Do); err != nil {
			return err
		}
		o.Events = o.Events[1:]
	}
	return nil
}

// step takes one of the run's steps and returns the batch's loss before it.
func (t *trainer[T]) step(d Data, batch []int, o Options, steps int) (float64, error) {
	loss := t.pass(d, batch)
	norm := t.reduce()
	// Adam squares the gradient, so its square must be representable too.
	if math.IsNaN(loss) || math.IsInf(loss, 0) || !(norm*norm < math.MaxFloat32) {
		return 0, fmt.Errorf("loss %g, gradient norm %g: %w", loss, norm, ErrDiverged)
	}
	scale := 1.0
	if o.Clip > 0 && norm > o.Clip {
		scale = o.Clip / norm
	}
	t.update(o.rate(t.steps, steps), o.WeightDecay, scale)
	return loss, nil
}
