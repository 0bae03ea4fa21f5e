package inference

import (
	"sync"
	"sync/atomic"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// pool keeps the memory of ciphertexts that an evaluation no longer reads for the next that it writes. As all limbs have the same
// size, ciphertexts of any degree and level are made of what is there: an evaluation never needs more than what is alive at once. It is
// safe for concurrent use.
type pool struct {
	params    Parameters
	mu        sync.Mutex
	free      [][]uint64
	allocated int // limbs
}

func newPool(p Parameters) *pool { return &pool{params: p} }

// newCiphertext is one of zeros, in the domain of the transform.
func newCiphertext(p Parameters, degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	return ciphertextOf(p, degree, newSpread(p.N(), (degree+1)*(level+1)), scale)
}

// ciphertextOf makes a ciphertext of as many limbs as it needs.
func ciphertextOf(p Parameters, degree int, limbs [][]uint64, scale rlwe.Scale) *rlwe.Ciphertext {
	ct := &rlwe.Ciphertext{Element: rlwe.Element[ring.Poly]{MetaData: &rlwe.MetaData{}, Value: make([]ring.Poly, degree+1)}}
	ct.IsNTT, ct.IsBatched, ct.Scale, ct.LogDimensions = true, true, scale, p.LogMaxDimensions()
	each := len(limbs) / (degree + 1)
	for c := range ct.Value {
		ct.Value[c].Coeffs = limbs[c*each : (c+1)*each : (c+1)*each]
	}
	return ct
}

// newSpread is limbs of zeros, of n words each. Products read the same few coefficients of hundreds of ciphertexts: as all limbs have
// a power of two of bytes, caches would have to hold them in the same few sets. So each limb begins a line after where the one before
// it ends, and the first a line further into a page than the last time.
func newSpread(n, limbs int) [][]uint64 {
	stride := n + line/8
	skip := int(spreads.Add(1)) % (page / line) * line / 8
	room := kernels.Aligned(skip + limbs*stride)[skip:]
	all := make([][]uint64, limbs)
	for i := range all {
		all[i] = room[i*stride : i*stride+n : i*stride+n]
	}
	return all
}

// spreads counts them.
var spreads atomic.Int64

const (
	line = 64 // bytes, of most machines
	page = 4096
)

// get is a ciphertext whose coefficients may be anything.
func (p *pool) get(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	n := (degree + 1) * (level + 1)
	limbs := make([][]uint64, n)
	p.mu.Lock()
	there := min(n, len(p.free))
	rest := len(p.free) - there
	copy(limbs, p.free[rest:])
	clear(p.free[rest:])
	p.free = p.free[:rest]
	p.allocated += n - there
	p.mu.Unlock()
	if there < n {
		copy(limbs[there:], newSpread(p.params.N(), n-there))
	}
	return ciphertextOf(p.params, degree, limbs, scale)
}

// copied is a copy of a ciphertext of degree 1.
func (p *pool) copied(ct *rlwe.Ciphertext) *rlwe.Ciphertext {
	out := p.get(ct.Degree(), ct.Level(), ct.Scale)
	for c, v := range ct.Value {
		out.Value[c].CopyLvl(ct.Level(), v)
	}
	return out
}

func (p *pool) put(ct *rlwe.Ciphertext) {
	p.mu.Lock()
	for _, v := range ct.Value {
		p.free = append(p.free, v.Coeffs...)
	}
	p.mu.Unlock()
}
