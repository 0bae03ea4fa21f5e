package inference

import (
	"fmt"
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/packing"
)

// scalarRow holds the weights of one output that are not zero, as integers.
type scalarRow struct {
	inputs  []int32
	weights []int64
	bias    float64
}

func (r scalarRow) bytes() int64            { return int64(12*len(r.inputs) + 8) }
func (r scalarRow) biasBits() uint64        { return math.Float64bits(r.bias) }
func (r *scalarRow) setBiasBits(v uint64)   { r.bias = math.Float64frombits(v) }
func (r scalarRow) constant(last bool) bool { return len(r.inputs) == 0 && !last }

// maxScalar bounds integer weights, far above any that a network has.
const maxScalar = 1 << 31

// scalarRows rounds the weights of a layer to integers.
func scalarRows(m *packing.Model, layer int) ([]scalarRow, error) {
	w := m.Weights[layer]
	rows := make([]scalarRow, m.Layers[layer].Out)
	for o := range rows {
		rows[o].bias = m.Bias[layer][o]
		for _, sign := range []float64{1, -1} { // those of one sign together: they are added in fours
			for i, v := range w.RawRowView(o) {
				n := math.Round(v * (1 << WeightBits))
				if math.Abs(n) > maxScalar {
					return nil, fmt.Errorf("inference: layer %s: weight %g: want at most %d for integer weights", m.Layers[layer].Name, v, maxScalar>>WeightBits)
				}
				if v*sign > 0 { // counted as kept even if it rounds to nothing
					rows[o].inputs = append(rows[o].inputs, int32(i))
					rows[o].weights = append(rows[o].weights, int64(n))
				}
			}
		}
	}
	return rows, nil
}

// scalarBlock is how many coefficients are summed at once: few enough for a sum to stay in the first-level cache, enough for
// the inputs' pages to be worth opening.
const scalarBlock = 1024

// scalarLayer computes the outputs of a layer, all at the level of the inputs: out[o] = bias[o] + Σ w·x. Nil outputs are
// left out. Limbs and blocks of coefficients are independent, and run on the given number of goroutines.
func scalarLayer(p Parameters, rows []scalarRow, x, out []*rlwe.Ciphertext, scale rlwe.Scale, threads int) error {
	var level int
	for _, ct := range out {
		if ct != nil {
			level = ct.Level()
		}
	}
	biases := make([][]uint64, len(rows))
	for o := range rows {
		if out[o] != nil {
			biases[o] = residues(rows[o].bias, scale, p.Q()[:level+1])
		}
	}
	blocks := p.N() / min(scalarBlock, p.N())
	size := p.N() / blocks
	return parallel(threads, 2*(level+1)*blocks, func() func(int) error {
		return func(task int) error {
			block, rest := task%blocks, task/blocks
			c, limb := rest%2, rest/2
			b := scalarSum{r: p.RingQ().SubRings[limb], x: x, component: c, limb: limb, start: block * size, end: (block + 1) * size}
			for o := range rows {
				if out[o] == nil {
					continue
				}
				bias := uint64(0)
				if c == 0 {
					bias = biases[o][limb]
				}
				if err := b.row(&rows[o], out[o].Value[c].Coeffs[limb][b.start:b.end], bias); err != nil {
					return err
				}
			}
			return nil
		}
	})
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

// scalarSum sums one block of coefficients of one component in one limb.
type scalarSum struct {
	r               *ring.SubRing
	x               []*rlwe.Ciphertext
	component, limb int
	start, end      int
}

func (b *scalarSum) input(i int32) ([]uint64, error) {
	ct := b.x[i]
	if ct == nil {
		return nil, fmt.Errorf("input %d is constant: the model was not simplified", i)
	}
	return ct.Value[b.component].Coeffs[b.limb][b.start:b.end], nil
}

// row sums in 64-bit words that wrap: as signed numbers they are exact while Σ|w|·q stays below 2^62, with 1 counted
// for what was reduced before. Larger weights are multiplied modulo q.
func (b *scalarSum) row(row *scalarRow, acc []uint64, bias uint64) error {
	q := b.r.Modulus
	limit := int64(1<<62/q) - 1
	clear(acc)
	total := int64(0)
	var p pending
	for k, in := range row.inputs {
		x, err := b.input(in)
		if err != nil {
			return err
		}
		w := row.weights[k]
		size := max(w, -w)
		if total+size > limit {
			p.flush(acc)
			b.reduce(acc)
			total = 1
		}
		if size >= limit {
			b.mulAdd(acc, x, w)
			continue
		}
		total += size
		p.add(acc, x, uint64(size), w < 0)
	}
	p.flush(acc)
	b.reduce(acc)
	if bias != 0 {
		for i, v := range acc {
			if v += bias; v >= q {
				v -= q
			}
			acc[i] = v
		}
	}
	return nil
}

// reduce takes signed sums to the least residues.
func (b *scalarSum) reduce(acc []uint64) {
	q, u := b.r.Modulus, b.r.BRedConstant
	offset := q * (1 << 63 / q)
	for i, v := range acc {
		acc[i] = ring.BRedAdd(v+offset, q, u)
	}
}

func (b *scalarSum) mulAdd(acc, x []uint64, w int64) {
	q := b.r.Modulus
	v := uint64(max(w, -w)) % q
	if w < 0 && v != 0 {
		v = q - v
	}
	v = ring.MForm(v, q, b.r.BRedConstant)
	for i := range acc {
		acc[i] = ring.CRed(acc[i]+ring.MRed(x[i], v, q, b.r.MRedConstant), q)
	}
}

// pending collects multiples of one sign, so that four of them are added in one pass over the sum.
type pending struct {
	x        [4][]uint64
	w        [4]uint64
	n        int
	negative bool
}

func (p *pending) add(acc, x []uint64, w uint64, negative bool) {
	if negative != p.negative {
		p.flush(acc)
		p.negative = negative
	}
	p.x[p.n], p.w[p.n] = x, w
	if p.n++; p.n == len(p.x) {
		p.flush(acc)
	}
}

// flush adds what is pending, in words that wrap.
func (p *pending) flush(acc []uint64) {
	if p.n == len(p.x) && hasVectors && len(acc)%4 == 0 {
		axpyVectors(acc, &p.x, &p.w, p.negative)
		p.n = 0
		return
	}
	for k := range p.n {
		if p.negative {
			p.w[k] = -p.w[k]
		}
	}
	size := len(acc)
	if p.n == len(p.x) {
		a, b, c, d := p.x[0][:size], p.x[1][:size], p.x[2][:size], p.x[3][:size]
		wa, wb, wc, wd := p.w[0], p.w[1], p.w[2], p.w[3]
		for i := range acc {
			acc[i] += a[i]*wa + b[i]*wb + c[i]*wc + d[i]*wd
		}
	} else {
		for k := range p.n {
			a, w := p.x[k][:size], p.w[k]
			for i := range acc {
				acc[i] += a[i] * w
			}
		}
	}
	p.n = 0
}
