package network

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Stop ends a run that no longer improves on samples that it does not train on. After every epoch that ends with
// all events behind it, the quality on the validation samples is measured; earlier weights belong to other masks. The
// run returns the weights of the best of these epochs, the first of equals. The learning rate decays as it would over
// all epochs.
type Stop struct {
	Validation Data
	Patience   int // epochs without improvement after which the run ends, at least 1
}

func (s *Stop) check(inputs, outputs int) error {
	if s == nil {
		return nil
	}
	if s.Patience < 1 {
		return fmt.Errorf("patience of %d epochs: want at least 1", s.Patience)
	}
	if err := s.Validation.check(inputs, outputs); err != nil {
		return fmt.Errorf("validation: %w", err)
	}
	return nil
}

// stopper remembers the best epoch of a run.
type stopper[T float] struct {
	*Stop
	best  Quality
	epoch int   // 0 = none yet
	state [][]T // of the trainer
}

// after measures the network after an epoch and tells whether to stop. It uses n to pass the weights on.
func (s *stopper[T]) after(epoch int, t *trainer[T], n *Network) (enough bool, err error) {
	t.store(n)
	q, err := s.measure(n)
	if err != nil {
		return false, fmt.Errorf("validation after epoch %d: %w: %w", epoch, ErrDiverged, err)
	}
	if s.epoch != 0 && !q.better(s.best) {
		return epoch-s.epoch >= s.Patience, nil
	}
	if s.state == nil {
		for _, values := range t.state() {
			s.state = append(s.state, make([]T, len(values)))
		}
	}
	for i, values := range t.state() {
		copy(s.state[i], values)
	}
	s.best, s.epoch = q, epoch
	return false, nil
}

// measure is [Evaluate] in the arithmetic of training, which is faster and has no rounding that depends on addresses.
func (s *stopper[T]) measure(n *Network) (Quality, error) {
	outputs, err := n.check()
	if err != nil {
		return Quality{}, err
	}
	f := freeze[T](n)
	scores := make([]float64, len(f.shards))
	f.run(s.Validation, func(shard, first int, y []T) {
		scores[shard] += s.Validation.score(mat.NewDense(len(y)/outputs, outputs, widen(y)), first)
	})
	sum := 0.0
	for _, v := range scores {
		sum += v
	}
	return s.Validation.quality(sum, outputs)
}

// finish puts the weights of the best epoch back into the trainer.
func (s *stopper[T]) finish(epochs int, t *trainer[T]) Report {
	if s.epoch == 0 {
		return Report{epochs, epochs}
	}
	for i, values := range t.state() {
		copy(values, s.state[i])
	}
	return Report{epochs, s.epoch}
}

// better says whether q is better than the quality of another network on the same samples.
func (q Quality) better(than Quality) bool {
	if q.Metric == "mse" {
		return q.Value < than.Value
	}
	return q.Value > than.Value
}
