package inference

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hepex/packing"
)

// Server evaluates a model on encrypted inputs. It holds evaluation keys, never the secret key. Its methods may
// be called concurrently; evaluations then take turns.
type Server struct {
	mu      sync.Mutex
	params  Parameters
	layout  *packing.Layout
	model   *Model
	scales  []scales
	masks   []tiles // by layer, empty where no mask is needed
	steps   [][]packing.Step
	feeds   [][][]int32 // by layer and ciphertext that comes to it
	pool    *pool
	workers []*worker // one per thread, for layers with as many rows
	team    *worker   // all threads on one row, for layers with fewer
}

// Trace tells what an evaluation did: the operations counted as they ran, and wall seconds, by layer. Outputs that the next layer pools
// are added up as they come: in the time of the layer that they come from.
type Trace struct {
	Counts  []packing.Counts
	Seconds []float64
}

// NewServer checks that keys and model fit the layout. Threads is the number of goroutines that evaluate: rows of a
// layer at once, or limbs of a row where rows are too few.
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
	s := &Server{params: p, layout: layout, model: model, scales: p.scales(layout), pool: newPool(p)}
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		steps := ly.Steps(model.layers[i].kept(ly), threads)
		s.steps, s.feeds = append(s.steps, steps), append(s.feeds, ly.Feeds(steps))
	}
	newWorker := func(threads int) (*worker, error) {
		sw, err := newSwitcher(p, keys, threads)
		return &worker{params: p, pool: s.pool, switcher: sw, counts: packing.Counts{}}, err
	}
	for range threads {
		w, err := newWorker(1)
		if err != nil {
			return nil, err
		}
		s.workers = append(s.workers, w)
	}
	s.team = s.workers[0]
	if threads > 1 && s.hasFewRows(threads) {
		var err error
		if s.team, err = newWorker(threads); err != nil {
			return nil, err
		}
	}
	return s, s.encodeMasks()
}

// hasManyRows tells whether any layer has a row for each thread.
func (s *Server) hasManyRows() bool {
	return slices.ContainsFunc(s.layout.Layers, func(ly packing.Layer) bool { return ly.Rows >= len(s.workers) })
}

func (s *Server) hasFewRows(threads int) bool {
	return slices.ContainsFunc(s.layout.Layers, func(ly packing.Layer) bool { return ly.Rows < threads })
}

func (s *Server) encodeMasks() error {
	b := builder{params: s.params, encoder: newEncoder(s.params), encode: new(atomic.Int64)}
	s.masks = make([]tiles, len(s.layout.Layers))
	for i := range s.layout.Layers {
		ly := &s.layout.Layers[i]
		if !ly.Mask {
			continue
		}
		mask := newTiles(s.params, &packing.Layer{Level: ly.SumLevel(), Rotations: []int{0}, Rows: 1, Cols: 1}, 0, []bool{true}, false)[0]
		slots := func(int) []float64 { return s.layout.MaskRow(i) }
		if err := b.tiles(&mask, ly.SumLevel(), s.scales[i].mask, slots); err != nil {
			return fmt.Errorf("inference: mask of layer %s: %w", ly.Name, err)
		}
		s.masks[i] = mask
	}
	return nil
}

// Evaluate runs the network on one encrypted batch. The output has one ciphertext per row of the last
// layer, at level 0.
func (s *Server) Evaluate(in *Batch) (out *Batch, trace *Trace, err error) {
	want, err := NewInput(s.params, s.layout)
	if err != nil {
		return nil, nil, err
	}
	if !in.matches(want) {
		return nil, nil, errors.New("inference: the batch is not an input for this server's parameters and layout")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			out, trace, err = nil, nil, fmt.Errorf("inference: panic: %v", p)
		}
	}()
	if !s.hasManyRows() {
		defer s.team.gather()() // for all layers: a crew takes time to come
	}
	trace = &Trace{}
	for range s.layout.Layers {
		trace.Counts = append(trace.Counts, packing.Counts{})
	}
	x := in.ciphertexts
	for i := range s.layout.Layers {
		start := time.Now()
		if x, err = s.layer(i, x, trace); err != nil {
			return nil, nil, fmt.Errorf("inference: layer %s: %w", s.layout.Layers[i].Name, err)
		}
		trace.Seconds = append(trace.Seconds, time.Since(start).Seconds())
	}
	if out, err = NewOutput(s.params, s.layout); err != nil {
		return nil, nil, err
	}
	out.ciphertexts = x
	return out, trace, nil
}

// Recycle gives the memory of an output that is no longer needed back to the server.
func (s *Server) Recycle(out *Batch) {
	for _, ct := range out.ciphertexts {
		if ct != nil {
			s.pool.put(ct)
		}
	}
	out.ciphertexts = nil
}
