package inference

import (
	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
)

// product is kept tiles whose products with their inputs, or none for packing.Outside, are summed into out: of degree 2 if the tiles
// are encrypted.
type product struct {
	inputs []int32
	limbs  []*kernels.Stream
	out    *rlwe.Ciphertext
}

// productGroup is rows that read the same inputs, mostly.
type productGroup struct {
	rows []product
	x    []*rlwe.Ciphertext // that some row reads
}

// Blocks of coefficients are so long that the inputs of a group stay in the second-level cache for all of its rows. Rows that
// hardly share inputs want longer ones: memory is then read in longer pieces.
const (
	cachedInputs = 512 << 10 // bytes
	leastBlock   = 32        // what lies together in a stream
	leastAlone   = 1024
)

// blockSize is how many coefficients of n to sum at a time.
func blockSize(n int, groups ...productGroup) int {
	products, read, most := 0, 0, 0
	for _, group := range groups {
		for _, row := range group.rows {
			products += len(row.inputs)
		}
		read, most = read+len(group.x), max(most, len(group.x))
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

// sumProducts sums the products of groups of rows: the inner loop of the engine. Groups, limbs and blocks of coefficients are
// independent; within one, rows follow each other and read the same inputs, and each reads its stream of tiles in order.
func (s *switcher) sumProducts(groups []productGroup) {
	n, blocks, f := productTasks(s.params, groups)
	limbs := n / blocks / max(1, len(groups))
	s.stages(&stage{n: n, limb: func(task int) int { return task / blocks % limbs }, do: func(task int, _ *lane) { f(task) }})
}

// sumProductsAtOnce does it on goroutines of its own.
func sumProductsAtOnce(p Parameters, groups []productGroup, threads int) error {
	n, _, f := productTasks(p, groups)
	return parallel(threads, n, func() func(int) error {
		return func(task int) error { f(task); return nil }
	})
}

// productTasks are the independent parts of sums: for each group and limb so many blocks.
func productTasks(p Parameters, groups []productGroup) (n, blocks int, f func(task int)) {
	if len(groups) == 0 {
		return 0, 1, nil
	}
	limbs := groups[0].rows[0].out.Level() + 1
	inputs := make([][]kernels.Inputs, len(groups))
	for g, group := range groups {
		inputs[g] = make([]kernels.Inputs, limbs)
		for i := range limbs {
			if len(group.x) == 0 { // kernels want an input even if all terms are outside
				inputs[g][i].Append(nil)
				inputs[g][i].Append(nil)
			}
			for _, ct := range group.x {
				inputs[g][i].Append(ct.Value[0].Coeffs[i])
				inputs[g][i].Append(ct.Value[1].Coeffs[i])
			}
		}
	}
	size := blockSize(p.N(), groups...)
	blocks = p.N() / size
	return len(groups) * limbs * blocks, blocks, func(task int) {
		g, block := task/(limbs*blocks), task%(limbs*blocks)
		i, start := block/blocks, block%blocks*size
		for _, row := range groups[g].rows {
			row.sum(p.rings.q[i], &inputs[g][i], i, start, start+size)
		}
	}
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
