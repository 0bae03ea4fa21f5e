package inference

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

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
	pool    *pool
	workers []*worker // one per thread, for layers with as many rows
	team    *worker   // all threads on one row, for layers with fewer
}

// Trace tells what an evaluation did: the operations counted as they ran, and wall seconds, by layer.
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
		mask := newTiles(s.params, &packing.Layer{Level: ly.SumLevel(), Rotations: []int{0}}, []bool{true}, false)[0]
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
	x := in.ciphertexts
	for i := range s.layout.Layers {
		start := time.Now()
		y, counts, err := s.layer(i, x)
		if err != nil {
			return nil, nil, fmt.Errorf("inference: layer %s: %w", s.layout.Layers[i].Name, err)
		}
		if i > 0 {
			s.recycle(x)
		}
		x = y
		trace.Counts = append(trace.Counts, counts)
		trace.Seconds = append(trace.Seconds, time.Since(start).Seconds())
	}
	if out, err = NewOutput(s.params, s.layout); err != nil {
		return nil, nil, err
	}
	out.ciphertexts = x
	return out, trace, nil
}

func (s *Server) recycle(x []*rlwe.Ciphertext) {
	for _, ct := range x {
		if ct != nil {
			s.pool.put(ct)
		}
	}
}

// Recycle gives the memory of an output that is no longer needed back to the server.
func (s *Server) Recycle(out *Batch) {
	s.recycle(out.ciphertexts)
	out.ciphertexts = nil
}

// layer returns one ciphertext per row; hidden rows without a kept tile are nil, as nothing reads them.
func (s *Server) layer(i int, x []*rlwe.Ciphertext) ([]*rlwe.Ciphertext, packing.Counts, error) {
	ly := &s.layout.Layers[i]
	workers := s.workers
	if ly.Rows < len(workers) {
		workers = []*worker{s.team}
		defer s.team.gather()()
	}
	for _, w := range workers {
		w.counts = packing.Counts{}
	}
	shared, err := s.rotatedInputs(i, x, workers[0])
	if err != nil {
		return nil, nil, err
	}
	out := make([]*rlwe.Ciphertext, ly.Rows)
	chunk := ly.Rows
	if s.layout.Kind == packing.Scalar {
		err = s.scalarSums(i, x, out, workers[0])
	} else {
		chunk = packing.RowsInFlight(len(s.workers))
	}
	for first := 0; first < ly.Rows && err == nil; first += chunk {
		rows := out[first:min(first+chunk, ly.Rows)]
		if s.layout.Kind != packing.Scalar {
			err = s.rowSums(i, first, shared, rows, workers)
		}
		if err == nil {
			err = s.finishRows(i, first, shared, rows, workers)
		}
	}
	if ly.Rotates(s.model.Encrypted) {
		s.recycleRotated(ly, shared)
	}
	counts := packing.Counts{}
	for _, w := range workers {
		counts.Plus(w.counts)
	}
	return out, counts, err
}

// finishRows turns sums of products into outputs, rows at once.
func (s *Server) finishRows(i, first int, x, rows []*rlwe.Ciphertext, workers []*worker) error {
	free := make(chan *worker, len(workers))
	for _, w := range workers {
		free <- w
	}
	return parallel(len(workers), len(rows), func() func(int) error {
		w := <-free
		return func(r int) (err error) {
			if s.layout.Kind == packing.Scalar {
				rows[r], err = s.scalarRow(w, i, first+r, rows[r])
			} else {
				rows[r], err = s.row(w, i, first+r, x, rows[r])
			}
			return err
		}
	})
}

// rowSums sums the products of some rows, all but those that rotate inputs on the way. Rows without a kept tile stay nil.
func (s *Server) rowSums(i, first int, x, rows []*rlwe.Ciphertext, workers []*worker) error {
	ly, model := &s.layout.Layers[i], &s.model.layers[i]
	if ly.Diagonals(s.model.Encrypted) {
		return nil
	}
	degree := 1
	if s.model.Encrypted {
		degree = 2
	}
	var groups [][]product
	for start := 0; start < len(rows); start += packing.RowsAtOnce {
		var group []product
		for r := start; r < min(start+packing.RowsAtOnce, len(rows)); r++ {
			for _, t := range model.rows[first+r] {
				rows[r] = s.pool.get(degree, ly.Level, s.scales[i].input)
				group = append(group, product{t, rows[r]})
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
			workers[0].counts.Add(packing.ReadInput, ly.Level, inputsRead(group))
		}
	}
	if len(workers) == 1 {
		workers[0].sumProducts(groups, x)
		return nil
	}
	return sumProductsAtOnce(s.params, groups, x, len(workers))
}

// rotatedInputs gives the ciphertext of each term of a row: inputs, or their rotations where rows share them.
func (s *Server) rotatedInputs(i int, x []*rlwe.Ciphertext, w *worker) ([]*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	if !ly.Rotates(s.model.Encrypted) {
		return x, nil
	}
	n := len(ly.Rotations)
	terms := make([]*rlwe.Ciphertext, ly.Terms())
	for col, ct := range x {
		var steps []int
		var outs []*rlwe.Ciphertext
		for k, step := range ly.Rotations {
			switch {
			case step == 0:
				terms[col*n+k] = ct
			case ct != nil && s.reads(i, col*n+k):
				out := s.pool.get(1, ct.Level(), ct.Scale)
				terms[col*n+k] = out
				steps, outs = append(steps, step), append(outs, out)
			}
		}
		if len(steps) == 0 {
			continue
		}
		if err := w.rotateInto(ct, steps, outs); err != nil {
			return nil, err
		}
		w.counts.Add(packing.Decompose, ly.Level, 1)
		w.counts.Add(packing.RotateInput, ly.Level, len(steps))
		w.counts.Add(packing.ModDown, ly.Level, len(steps))
	}
	return terms, nil
}

// reads tells whether any row has a tile for a term.
func (s *Server) reads(i, term int) bool {
	return slices.ContainsFunc(s.model.layers[i].rows, func(row []tiles) bool {
		return len(row) > 0 && slices.Contains(row[0].terms, int32(term))
	})
}

func (s *Server) recycleRotated(ly *packing.Layer, terms []*rlwe.Ciphertext) {
	for t, ct := range terms {
		if ct != nil && ly.Rotations[t%len(ly.Rotations)] != 0 {
			s.pool.put(ct)
		}
	}
}

// row brings one row of tiles, the group of outputs that share a ciphertext, from the sum of its products to its end.
func (s *Server) row(w *worker, i, r int, x []*rlwe.Ciphertext, acc *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	ly, model, sc := &s.layout.Layers[i], &s.model.layers[i], s.scales[i]
	var err error
	switch {
	case ly.Diagonals(s.model.Encrypted):
		acc, err = w.diagonalRow(ly, model.rows[r], x)
	case acc != nil:
		op := packing.MulPlain
		if s.model.Encrypted {
			op = packing.MulCipher
		}
		w.counts.Add(op, ly.Level, len(model.rows[r][0].terms))
		w.counts.Add(packing.FinishRow, ly.Level, 1)
	}
	if err != nil {
		return nil, err
	}
	if acc == nil {
		if i == len(s.layout.Layers)-1 {
			return s.constant(model.bias[r]), nil
		}
		return nil, nil
	}
	if acc, err = w.finish(acc, sc.sum); err != nil {
		return nil, err
	}
	if err := w.addUp(acc, ly.Sum, packing.RotateSum); err != nil {
		return nil, err
	}
	w.addBias(acc, model.bias[r])
	if ly.Mask {
		if acc, err = w.refill(acc, s.masks[i], ly.Refill, sc.square); err != nil {
			return nil, err
		}
	}
	if ly.Square {
		return w.squared(acc, ly.Delayed, sc.output)
	}
	return acc, nil
}

// scalarSums computes the sums of a scalar layer, on all threads at once.
func (s *Server) scalarSums(i int, x, out []*rlwe.Ciphertext, w *worker) error {
	ly, rows := &s.layout.Layers[i], s.model.layers[i].scalars
	last := i == len(s.layout.Layers)-1
	for o := range out {
		if !rows[o].constant(last) {
			out[o] = s.pool.get(1, ly.Level, s.scales[i].sum)
		}
	}
	w.counts.Add(packing.ArrangeInput, ly.Level, len(inputsIndexed(rows)))
	return scalarLayer(s.params, rows, x, out, s.scales[i].sum, len(s.workers))
}

// scalarRow counts the products of a neuron and squares it.
func (s *Server) scalarRow(w *worker, i, r int, sum *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	n := len(s.model.layers[i].scalars[r].Index)
	if sum == nil {
		return nil, nil
	}
	w.counts.Add(packing.MulScalar, ly.Level, n)
	if n > 0 {
		w.counts.Add(packing.FinishRow, ly.Level, 1)
	}
	if !ly.Square {
		return sum, nil
	}
	return w.squared(sum, false, s.scales[i].output)
}

// constant makes a ciphertext of a bias alone, for output rows all of whose tiles are pruned.
func (s *Server) constant(bias *rlwe.Ciphertext) *rlwe.Ciphertext {
	ct := s.pool.get(1, bias.Level(), bias.Scale)
	clearCiphertext(ct)
	for i, v := range bias.Value {
		ct.Value[i].CopyLvl(bias.Level(), v)
	}
	return ct
}
