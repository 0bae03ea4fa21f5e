package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

// product is a row of kept tiles whose products with their inputs are summed into out: of degree 2 if the tiles are encrypted.
type product struct {
	tiles
	out *rlwe.Ciphertext
}

// at is the tiles as a row reads with them.
func (t tiles) at(ly *packing.Layer, row int) tiles {
	if ly.Positions() == 1 {
		return t
	}
	t.inputs = make([]int32, len(t.terms))
	for k, term := range t.terms {
		t.inputs[k] = int32(ly.Read(row, int(term)))
	}
	return t
}

// products is how many terms of a row read an input.
func (t tiles) products(ly *packing.Layer, row int) (n int) {
	for _, in := range t.at(ly, row).inputs {
		if in != packing.Outside {
			n++
		}
	}
	return n
}

// Blocks of coefficients are so long that the inputs of a group stay in the second-level cache for all of its rows. Rows that
// hardly share inputs want longer ones: memory is then read in longer pieces.
const (
	cachedInputs = 512 << 10 // bytes
	leastBlock   = 32        // what lies together in a stream
	leastAlone   = 1024
)

// blockSize is how many coefficients of n to sum at a time.
func blockSize(n, inputs int, groups ...[]product) int {
	products, read, most := 0, 0, 0
	for _, group := range groups {
		for _, row := range group {
			products += len(row.inputs)
		}
		here := inputsRead(group, inputs)
		read, most = read+here, max(most, here)
	}
	least := leastBlock
	if products < 2*read {
		least = leastAlone
	}
	for n > least && 16*n*most > cachedInputs {
		n /= 2
	}
	return n
}

// sumProducts sums the products of groups of rows with inputs x: the inner loop of the engine. Groups, limbs and blocks of
// coefficients are independent; within one, rows follow each other and read the same inputs, and each reads its stream of
// tiles in order.
func (s *switcher) sumProducts(groups [][]product, x []*rlwe.Ciphertext) {
	n, blocks, f := productTasks(s.params, groups, x)
	limbs := n / blocks / max(1, len(groups))
	s.stages(&stage{n: n, limb: func(task int) int { return task / blocks % limbs }, do: func(task int, _ *lane) { f(task) }})
}

// sumProductsAtOnce does it on goroutines of its own.
func sumProductsAtOnce(p Parameters, groups [][]product, x []*rlwe.Ciphertext, threads int) error {
	n, _, f := productTasks(p, groups, x)
	return parallel(threads, n, func() func(int) error {
		return func(task int) error { f(task); return nil }
	})
}

// productTasks are the independent parts of sums: for each group and limb so many blocks.
func productTasks(p Parameters, groups [][]product, x []*rlwe.Ciphertext) (n, blocks int, f func(task int)) {
	if len(groups) == 0 {
		return 0, 1, nil
	}
	level := groups[0][0].out.Level()
	inputs := make([]kernels.Inputs, level+1)
	for i := range inputs {
		for _, ct := range x {
			for c := range 2 {
				if ct == nil {
					inputs[i].Append(nil)
				} else {
					inputs[i].Append(ct.Value[c].Coeffs[i])
				}
			}
		}
	}
	size := blockSize(p.N(), len(x), groups...)
	blocks = p.N() / size
	return len(groups) * (level + 1) * blocks, blocks, func(task int) {
		group, block := groups[task/((level+1)*blocks)], task%((level+1)*blocks)
		i, start := block/blocks, block%blocks*size
		for _, row := range group {
			row.sum(p.rings.q[i], &inputs[i], i, start, start+size)
		}
	}
}

// inputsRead is how many of the inputs some row of a group reads.
func inputsRead(group []product, inputs int) (n int) {
	read := make([]bool, inputs)
	for _, row := range group {
		for _, in := range row.inputs {
			if in != packing.Outside && !read[in] {
				read[in] = true
				n++
			}
		}
	}
	return n
}

// sum is limb i of the sum, for some coefficients.
func (p *product) sum(r kernels.Ring, x *kernels.Inputs, i, start, end int) {
	var dst [3][]uint64
	for c, v := range p.out.Value {
		dst[c] = v.Coeffs[i]
	}
	if p.out.Degree() == 2 {
		r.CipherProducts(&dst, x, p.inputs, p.limbs[i], start, end)
	} else {
		r.PlainProducts(&dst, x, p.inputs, p.limbs[i], start, end)
	}
}
