package inference

import (
	"cmp"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// layer computes a layer step by step and gives the inputs of the next, or the outputs; what nothing reads is nil. The inputs of the
// first layer are the caller's. Others are free after the last step that reads them.
func (s *Server) layer(i int, x []*rlwe.Ciphertext, trace *Trace) ([]*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	workers := s.workers
	if ly.Rows < len(workers) {
		workers = []*worker{s.team}
		defer s.team.gather()()
	}
	for _, w := range workers {
		w.counts = packing.Counts{}
	}
	own, came := i > 0, x
	poolsFirst := i == 0 && ly.Pools != nil
	if poolsFirst {
		own, x = true, make([]*rlwe.Ciphertext, ly.Ciphertexts())
	}
	inputs, err := s.rotatedInputs(i, x, workers[0])
	if err != nil {
		return nil, err
	}
	out := s.newReceiver(i, trace)
	for _, step := range s.steps[i] {
		if poolsFirst {
			if err := s.poolInputs(step.New, came, x, workers); err != nil {
				return nil, err
			}
		}
		rows, err := s.rows(i, step, inputs, workers)
		if err != nil {
			return nil, err
		}
		if err := out.take(step.First, rows, workers); err != nil {
			return nil, err
		}
		if own {
			for _, in := range step.Done {
				s.pool.put(x[in])
				x[in] = nil
			}
		}
	}
	s.recycleRotated(ly, inputs)
	for _, w := range workers {
		trace.Counts[i].Plus(w.counts)
	}
	return out.ciphertexts, nil
}

// poolInputs adds up what comes to the first layer.
func (s *Server) poolInputs(sums []int32, came, x []*rlwe.Ciphertext, workers []*worker) error {
	ly := &s.layout.Layers[0]
	return split(workers, len(sums), func(w *worker, k int) error {
		from := ly.Pooled(int(sums[k]))
		sum := s.pool.copied(came[from[0]])
		for _, c := range from[1:] {
			w.addTo(sum, came[c])
		}
		w.counts.Add(packing.AddInput, ly.Level, len(from)-1)
		x[sums[k]] = sum
		return nil
	})
}

// receiver takes finished rows of a layer: as outputs, or as inputs of the next layer, added up where that pools.
type receiver struct {
	*Server
	ciphertexts []*rlwe.Ciphertext
	bias        []*rlwe.Ciphertext // of outputs, which they are where no tile is kept
	layer, next *packing.Layer     // next is nil after the last layer
	feeds       [][]int32
	squares     int            // of a sum, where they are still to be relinearised
	came        []int          // of those, by input
	counts      packing.Counts // of the next layer
	shares      []share
}

// share is a row's part in an input of the next layer.
type share struct{ input, row int }

func (s *Server) newReceiver(i int, trace *Trace) *receiver {
	if i == len(s.layout.Layers)-1 {
		return &receiver{Server: s, ciphertexts: make([]*rlwe.Ciphertext, s.layout.Layers[i].Rows), bias: s.model.layers[i].bias}
	}
	ly, next := &s.layout.Layers[i], &s.layout.Layers[i+1]
	inputs := next.Ciphertexts()
	r := &receiver{Server: s, ciphertexts: make([]*rlwe.Ciphertext, inputs), layer: ly, next: next, feeds: s.feeds[i+1], counts: trace.Counts[i+1]}
	if ly.Lazy {
		r.came, r.squares = make([]int, inputs), s.layout.SquaresAdded(i)
	}
	return r
}

// take takes rows that follow each other. What is not kept goes back to the pool.
func (r *receiver) take(first int, rows []*rlwe.Ciphertext, workers []*worker) error {
	if r.next == nil {
		for k, ct := range rows {
			if ct == nil {
				ct = r.constant(r.bias[first+k])
			}
			r.ciphertexts[first+k] = ct
		}
		return nil
	}
	r.shares = r.shares[:0]
	for k, ct := range rows {
		if ct == nil {
			continue
		}
		for _, in := range r.feeds[first+k] {
			r.shares = append(r.shares, share{int(in), k})
		}
	}
	slices.SortFunc(r.shares, func(a, b share) int { return cmp.Or(a.input-b.input, a.row-b.row) })
	var sums [][]share
	for start, k := 0, 0; k < len(r.shares); k++ {
		if k+1 < len(r.shares) && r.shares[k+1].input == r.shares[k].input {
			continue
		}
		sums = append(sums, r.shares[start:k+1])
		adds := k + 1 - start
		if r.ciphertexts[r.shares[k].input] == nil {
			adds--
		}
		r.counts.Add(packing.AddInput, rows[r.shares[k].row].Level(), adds)
		start = k + 1
	}
	kept := make([]bool, len(rows))
	if err := split(workers, len(sums), func(w *worker, k int) error {
		for _, sh := range sums[k] {
			sum, ct := &r.ciphertexts[sh.input], rows[sh.row]
			switch {
			case *sum != nil:
				w.addTo(*sum, ct)
			case len(r.feeds[first+sh.row]) == 1:
				*sum, kept[sh.row] = ct, true
			default:
				*sum = r.pool.copied(ct)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for k, ct := range rows {
		if ct != nil && !kept[k] {
			r.pool.put(ct)
		}
	}
	if !r.layer.Lazy {
		return nil
	}
	return r.relinearize(sums, workers)
}

// relinearize brings those sums of squares back to degree 1 that have all their rows with the last ones.
func (r *receiver) relinearize(sums [][]share, workers []*worker) error {
	var complete []int
	for _, sum := range sums {
		in := sum[0].input
		if r.came[in] += len(sum); r.came[in] == r.squares {
			complete = append(complete, in)
		}
	}
	r.counts.Add(r.layer.Relinearizes(), r.layer.SquareLevel(), len(complete))
	return split(workers, len(complete), func(w *worker, k int) (err error) {
		sum := &r.ciphertexts[complete[k]]
		*sum, err = w.linear(*sum, r.layer)
		return err
	})
}
