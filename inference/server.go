package inference

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// Server evaluates a model on encrypted inputs. It holds evaluation keys, never the secret key. Its methods may
// be called concurrently; evaluations then take turns.
type Server struct {
	mu      sync.Mutex
	params  Parameters
	layout  *packing.Layout
	model   *Model
	scales  []layerScales
	masks   []*rlwe.Ciphertext // by layer, nil where no mask is needed
	workers []*worker
}

// Trace tells what an evaluation did: the operations counted as they ran, and wall seconds, by layer.
type Trace struct {
	Counts  []packing.Counts
	Seconds []float64
}

// NewServer checks that keys and model fit the layout. Threads is the number of rows of a layer that are
// evaluated at once.
func NewServer(p Parameters, layout *packing.Layout, keys *Keys, model *Model, threads int) (*Server, error) {
	if threads < 1 {
		return nil, fmt.Errorf("inference: %d threads: want at least 1", threads)
	}
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	if err := model.check(p, layout); err != nil {
		return nil, err
	}
	if err := keys.check(p, layout, model.Encrypted); err != nil {
		return nil, err
	}
	s := &Server{params: p, layout: layout, model: model, scales: p.scales(layout)}
	evaluator := hefloat.NewEvaluator(p.Parameters, keys.set)
	for range threads {
		s.workers = append(s.workers, &worker{params: p, eval: evaluator.ShallowCopy()})
	}
	b := builder{params: p, encoder: hefloat.NewEncoder(p.Parameters), encode: new(atomic.Int64), encrypt: new(atomic.Int64)}
	s.masks = make([]*rlwe.Ciphertext, len(layout.Layers))
	for i, ly := range layout.Layers {
		if !ly.Refill {
			continue
		}
		mask, err := b.element(layout.Mask(i), ly.Level-1, p.tileScale(ly.Level-1))
		if err != nil {
			return nil, fmt.Errorf("inference: mask of layer %s: %w", ly.Name, err)
		}
		toMontgomery(p, mask)
		s.masks[i] = mask
	}
	return s, nil
}

// Evaluate runs the network on one encrypted batch. The output has one ciphertext per row of the last
// layer, at level 0.
func (s *Server) Evaluate(in *Batch) (*Batch, *Trace, error) {
	want, err := NewInput(s.params, s.layout)
	if err != nil {
		return nil, nil, err
	}
	if !in.matches(want) {
		return nil, nil, errors.New("inference: the batch is not an input for this server's parameters and layout")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	trace := &Trace{}
	x := in.ciphertexts
	for i := range s.layout.Layers {
		start := time.Now()
		y, counts, err := s.layer(i, x)
		if err != nil {
			return nil, nil, fmt.Errorf("inference: layer %s: %w", s.layout.Layers[i].Name, err)
		}
		x = y
		trace.Counts = append(trace.Counts, counts)
		trace.Seconds = append(trace.Seconds, time.Since(start).Seconds())
	}
	out, err := NewOutput(s.params, s.layout)
	if err != nil {
		return nil, nil, err
	}
	out.ciphertexts = x
	return out, trace, nil
}

// layer returns one ciphertext per row; hidden rows without a kept tile are nil, as nothing reads them.
func (s *Server) layer(i int, x []*rlwe.Ciphertext) ([]*rlwe.Ciphertext, packing.Counts, error) {
	out := make([]*rlwe.Ciphertext, s.layout.Layers[i].Rows)
	free := make(chan *worker, len(s.workers))
	for _, w := range s.workers {
		w.counts = packing.Counts{}
		free <- w
	}
	err := parallel(len(s.workers), len(out), func() func(int) error {
		w := <-free
		return func(r int) (err error) {
			out[r], err = s.row(w, i, r, x)
			return err
		}
	})
	var counts packing.Counts
	for _, w := range s.workers {
		counts = counts.Plus(w.counts)
	}
	return out, counts, err
}

// row evaluates one row of tiles: the group of outputs that share a ciphertext.
func (s *Server) row(w *worker, i, r int, x []*rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	tiles, bias := s.model.layers[i].tiles[r], s.model.layers[i].bias[r]
	acc, err := w.accumulate(tiles, x, ly.Level, s.scales[i].input)
	if err != nil {
		return nil, err
	}
	if acc == nil {
		if i == len(s.layout.Layers)-1 {
			return constant(s.params, bias), nil
		}
		return nil, nil
	}
	if s.model.Encrypted {
		if err := w.relinearize(acc); err != nil {
			return nil, err
		}
	}
	if acc, err = w.rescale(acc); err != nil {
		return nil, err
	}
	n, err := w.sum(acc, s.layout.Sum(i))
	if err != nil {
		return nil, err
	}
	w.counts.SumRotate += n
	w.add(acc, bias)
	if ly.Refill {
		if acc, err = w.refill(acc, s.masks[i], s.layout.RefillSum()); err != nil {
			return nil, err
		}
	}
	if ly.Square {
		return w.square(acc)
	}
	return acc, nil
}

// constant makes a ciphertext of a bias alone, for output rows all of whose tiles are pruned.
func constant(p Parameters, bias *rlwe.Ciphertext) *rlwe.Ciphertext {
	ct := hefloat.NewCiphertext(p.Parameters, 1, bias.Level())
	ct.Scale = bias.Scale
	for i, v := range bias.Value {
		ct.Value[i].CopyLvl(bias.Level(), v)
	}
	return ct
}

// TimeRotation measures one top-level rotation without hoisting, in seconds: the unit that latencies are
// compared in. It is 0 for layouts that never rotate.
func (s *Server) TimeRotation(in *Batch) (float64, error) {
	steps := s.layout.RotationSteps()
	if len(steps) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := hefloat.NewCiphertext(s.params.Parameters, 1, s.params.MaxLevel())
	start := time.Now()
	if err := s.workers[0].eval.Rotate(in.ciphertexts[0], steps[0], out); err != nil {
		return 0, fmt.Errorf("inference: %w", err)
	}
	return time.Since(start).Seconds(), nil
}
