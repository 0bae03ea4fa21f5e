package inference

import (
	"fmt"
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

// scalarRow holds the weights of one output channel that are not zero, as integers, and its bias at each position. Its index has terms
// in a model, and inputs where it is summed.
type scalarRow struct {
	kernels.Row
	biases []float64
}

func (r *scalarRow) bytes() int64 { return int64(8*len(r.Index) + 8*len(r.biases)) }

// scalarRows rounds the weights of a layer to integers.
func scalarRows(m *packing.Model, layer int) ([]scalarRow, error) {
	w, ly := m.Weights[layer], &m.Layers[layer]
	rows := make([]scalarRow, ly.Out)
	for o := range rows {
		row := &rows[o]
		for position := range ly.Positions() {
			row.biases = append(row.biases, m.Bias[layer][position*ly.Out+o])
		}
		for _, sign := range []float64{-1, 1} {
			for i, v := range w.RawRowView(o) {
				n := math.Round(math.Ldexp(math.Abs(v), ly.Fraction))
				if n > kernels.MaxWeight {
					return nil, fmt.Errorf("inference: layer %s: weight %g: want at most %d for integer weights", ly.Name, v, kernels.MaxWeight>>ly.Fraction)
				}
				if v*sign > 0 { // counted as kept even if it rounds to nothing
					row.Index = append(row.Index, int32(i))
					row.Weights = append(row.Weights, uint32(n))
				}
			}
			if sign < 0 {
				row.Negative = len(row.Index)
			}
		}
	}
	return rows, nil
}

// at is the row with the inputs that it reads at a position, and the bias there.
func (r *scalarRow) at(ly *packing.Layer, row int, in *gathering) scalarRow {
	out := scalarRow{Row: kernels.Row{Weights: r.Weights, Negative: r.Negative}, biases: r.biases[ly.Position(row):][:1]}
	index, inside := in.of(ly, row, r.Index)
	if out.Index = index; inside == len(index) {
		return out
	}
	out.Index, out.Weights, out.Negative = index[:0], make([]uint32, 0, inside), 0
	for k, in := range index {
		if in == packing.Outside {
			continue
		}
		out.Index, out.Weights = append(out.Index, in), append(out.Weights, r.Weights[k])
		if k < r.Negative {
			out.Negative++
		}
	}
	return out
}

// scalarSums sums rows of integer weights.
func (s *Server) scalarSums(i, first int, x []*rlwe.Ciphertext, sums []rowSum, workers []*worker) error {
	ly, groups, scale := &s.layout.Layers[i], s.model.layers[i].scalars, s.scales[i].sum
	last, counts := i == len(s.layout.Layers)-1, workers[0].counts
	rows, out, in := make([]scalarRow, len(sums)), make([]*rlwe.Ciphertext, len(sums)), newGathering(x)
	for r := range out {
		group := &groups[ly.Group(first+r)]
		if len(group.Index) == 0 && !last {
			continue
		}
		rows[r], out[r] = group.at(ly, first+r, in), s.pool.get(1, ly.Level, scale)
		sums[r] = rowSum{out[r]}
		if len(group.Index) > 0 {
			counts.Add(packing.MulScalar, ly.Level, len(rows[r].Index))
			counts.Add(packing.FinishRow, ly.Level, 1)
		}
	}
	counts.Add(packing.ArrangeInput, ly.Level, len(in.x))
	return scalarLayer(s.params, rows, in.x, out, scale, len(s.workers))
}

// scalarRow brings a sum to its end.
func (s *Server) scalarRow(w *worker, i, _ int, _ []*rlwe.Ciphertext, sum rowSum) (*rlwe.Ciphertext, error) {
	ly := &s.layout.Layers[i]
	switch {
	case len(sum) == 0:
		return nil, nil
	case !ly.Square:
		return sum[0], nil
	}
	return w.squared(sum[0], ly, s.scales[i].output)
}

// scalarLayer computes outputs, all at the level of the inputs, which all are read: out[o] = bias[o] + Σ w·x. Nil outputs are left out.
// Limbs and blocks of coefficients are independent, and run on the given number of goroutines; a block of all inputs is brought
// together first, so that it stays in the cache for all outputs.
func scalarLayer(p Parameters, rows []scalarRow, x, out []*rlwe.Ciphertext, scale rlwe.Scale, threads int) error {
	level := -1
	for _, ct := range out {
		if ct != nil {
			level = ct.Level()
		}
	}
	biases := make([][]uint64, len(rows))
	for o := range rows {
		if out[o] == nil {
			continue
		}
		biases[o] = residues(rows[o].biases[0], scale, p.Q()[:level+1])
	}
	tasks := scalarTasks(p, level, len(x))
	return parallel(threads, len(tasks), func() func(int) error {
		block := newBlock(p, len(x))
		return func(i int) error {
			t := &tasks[i]
			t.arrange(p.rings.q[t.limb], x, block)
			t.sum(p.rings.q[t.limb], rows, len(x), out, biases, block)
			return nil
		}
	})
}

// scalarTask is a block of coefficients of one component in one limb.
type scalarTask struct{ limb, component, start, end int }

// scalarTasks takes sums of some inputs apart.
func scalarTasks(p Parameters, level, inputs int) (tasks []scalarTask) {
	size := packing.BlockWords(p.N(), inputs)
	for limb := range level + 1 {
		for c := range 2 {
			for start := 0; start < p.N(); start += size {
				tasks = append(tasks, scalarTask{limb, c, start, start + size})
			}
		}
	}
	return tasks
}

// newBlock has room for a block of so many inputs.
func newBlock(p Parameters, inputs int) []uint64 {
	return kernels.Aligned(packing.BlockWords(p.N(), inputs) * inputs)
}

// pieces are how many coefficients products want of all inputs together.
func (t *scalarTask) pieces(r kernels.Ring) int { return min(r.MultiplesWords(), t.end-t.start) }

// arrange lays the inputs of the block out in pieces.
func (t *scalarTask) arrange(r kernels.Ring, x []*rlwe.Ciphertext, block []uint64) {
	n := t.pieces(r)
	for k, ct := range x {
		limb := ct.Value[t.component].Coeffs[t.limb][t.start:t.end]
		for at := 0; at < len(limb); at += n {
			copy(block[at*len(x)+k*n:], limb[at:at+n])
		}
	}
}

// sum sums up the outputs from so many inputs.
func (t *scalarTask) sum(r kernels.Ring, rows []scalarRow, inputs int, out []*rlwe.Ciphertext, biases [][]uint64, block []uint64) {
	n := t.pieces(r)
	for at := 0; at < t.end-t.start; at += n {
		for o := range rows {
			if out[o] == nil {
				continue
			}
			bias := uint64(0)
			if t.component == 0 {
				bias = biases[o][t.limb]
			}
			dst := out[o].Value[t.component].Coeffs[t.limb][t.start+at:]
			r.Multiples(dst[:n], block[at*inputs:(at+n)*inputs], &rows[o].Row, bias)
		}
	}
}

// residues gives round(v·scale) modulo each modulus. A polynomial of one constant has it in all places of its
// transform.
func residues(v float64, scale rlwe.Scale, moduli []uint64) []uint64 {
	f := new(big.Float).Mul(new(big.Float).SetPrec(256).SetFloat64(v), &scale.Value)
	half := big.NewFloat(math.Copysign(0.5, v))
	n, _ := f.Add(f, half).Int(nil)
	out := make([]uint64, len(moduli))
	for i, q := range moduli {
		out[i] = new(big.Int).Mod(n, new(big.Int).SetUint64(q)).Uint64()
	}
	return out
}
