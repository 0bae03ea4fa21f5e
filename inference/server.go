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
		mask := newTiles(s.params, &packing.Layer{Level: ly.SumLevel(), Rotations: []int{0}}, 0, []bool{true}, false)[0]
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
	rows := s.tileRows
	if ly.Integer {
		rows = s.scalarRows
	}
	out := make([]*rlwe.Ciphertext, ly.Rows)
	inputs, err := s.pooled(i, x, workers)
	if err == nil {
		err = rows(i, inputs, out, workers)
	}
	if ly.Pools != nil {
		s.recycle(inputs)
	}
	counts := packing.Counts{}
	for _, w := range workers {
		counts.Plus(w.counts)
	}
	return out, counts, err
}

// pooled gives the inputs of a layer: where it pools, sums of what comes, of those that some row reads.
func (s *Server) pooled(i int, x []*rlwe.Ciphertext, workers []*worker) ([]*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	if ly.Pools == nil {
		return x, nil
	}
	sums, read := make([]*rlwe.Ciphertext, ly.Ciphertexts()), s.model.layers[i].reads(ly)
	return sums, finishRows(sums, workers, func(w *worker, col int, _ *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
		if !read[col] {
			return nil, nil
		}
		from := ly.Pooled(col)
		sum := s.pool.get(1, ly.Level, x[from[0]].Scale)
		sum.Value[0].CopyLvl(ly.Level, x[from[0]].Value[0])
		sum.Value[1].CopyLvl(ly.Level, x[from[0]].Value[1])
		for _, c := range from[1:] {
			w.addTo(sum, x[c])
		}
		w.counts.Add(packing.AddInput, ly.Level, len(from)-1)
		return sum, nil
	})
}

// tileRows computes rows of tiles, so many at once that their inputs are read together.
func (s *Server) tileRows(i int, x, out []*rlwe.Ciphertext, workers []*worker) error {
	ly := &s.layout.Layers[i]
	inputs, err := s.rotatedInputs(i, x, workers[0])
	if err != nil {
		return err
	}
	chunk := packing.RowsInFlight(len(s.workers))
	for first := 0; first < ly.Rows; first += chunk {
		rows := out[first:min(first+chunk, ly.Rows)]
		if err := s.rowSums(i, first, inputs, rows, workers); err != nil {
			return err
		}
		if err := finishRows(rows, workers, func(w *worker, r int, sum *rlwe.Ciphertext) (*rlwe.Ciphertext, error) {
			return s.row(w, i, first+r, inputs, sum)
		}); err != nil {
			return err
		}
	}
	if ly.Rotates(s.model.Encrypted) {
		s.recycleRotated(ly, inputs)
	}
	return nil
}

// finishRows turns sums of products into outputs, rows at once.
func finishRows(rows []*rlwe.Ciphertext, workers []*worker, finish func(w *worker, r int, sum *rlwe.Ciphertext) (*rlwe.Ciphertext, error)) error {
	free := make(chan *worker, len(workers))
	for _, w := range workers {
		free <- w
	}
	return parallel(len(workers), len(rows), func() func(int) error {
		w := <-free
		return func(r int) (err error) {
			rows[r], err = finish(w, r, rows[r])
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
			for _, t := range model.groups[ly.Group(first+r)] {
				rows[r] = s.pool.get(degree, ly.Level, s.scales[i].input)
				group = append(group, product{t.at(ly, first+r), rows[r]})
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
			workers[0].counts.Add(packing.ReadInput, ly.Level, inputsRead(group, len(x)))
		}
	}
	if len(workers) == 1 {
		workers[0].sumProducts(groups, x)
		return nil
	}
	return sumProductsAtOnce(s.params, groups, x, len(workers))
}

// rotatedInputs gives the ciphertext of each input: as it came, or its rotations where rows share them.
func (s *Server) rotatedInputs(i int, x []*rlwe.Ciphertext, w *worker) ([]*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	if !ly.Rotates(s.model.Encrypted) {
		return x, nil
	}
	n := len(ly.Rotations)
	inputs := make([]*rlwe.Ciphertext, ly.Inputs())
	for col, ct := range x {
		var steps []int
		var outs []*rlwe.Ciphertext
		for k, step := range ly.Rotations {
			switch {
			case step == 0:
				inputs[col*n+k] = ct
			case ct != nil && s.reads(i, col*n+k):
				out := s.pool.get(1, ct.Level(), ct.Scale)
				inputs[col*n+k] = out
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
	return inputs, nil
}

// reads tells whether any row has a tile for an input.
func (s *Server) reads(i, input int) bool {
	return slices.ContainsFunc(s.model.layers[i].groups, func(row []tiles) bool {
		return len(row) > 0 && slices.Contains(row[0].inputs, int32(input))
	})
}

func (s *Server) recycleRotated(ly *packing.Layer, inputs []*rlwe.Ciphertext) {
	for input, ct := range inputs {
		if _, k := ly.Input(input); ct != nil && ly.Rotations[k] != 0 {
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
		acc, err = w.diagonalRow(ly, model.groups[r], x)
	case acc != nil:
		op := packing.MulPlain
		if s.model.Encrypted {
			op = packing.MulCipher
		}
		w.counts.Add(op, ly.Level, model.groups[ly.Group(r)][0].products(ly, r))
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

// constant makes a ciphertext of a bias alone, for output rows all of whose tiles are pruned.
func (s *Server) constant(bias *rlwe.Ciphertext) *rlwe.Ciphertext {
	ct := s.pool.get(1, bias.Level(), bias.Scale)
	clearCiphertext(ct)
	for i, v := range bias.Value {
		ct.Value[i].CopyLvl(bias.Level(), v)
	}
	return ct
}
