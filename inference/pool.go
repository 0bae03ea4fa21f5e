package inference

import (
	"sync"
	"sync/atomic"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
)

// pool keeps the ciphertexts that an evaluation no longer reads for the next that it writes. It is safe for concurrent
// use.
type pool struct {
	params Parameters
	mu     sync.Mutex
	free   map[poolKey][]*rlwe.Ciphertext
}

type poolKey struct{ degree, level int }

func newPool(p Parameters) *pool { return &pool{params: p, free: map[poolKey][]*rlwe.Ciphertext{}} }

// newCiphertext is one of zeros, in the domain of the transform. Products read the same few coefficients of hundreds of
// ciphertexts: as all polynomials have a power of two of bytes, caches would have to hold them in the same few sets. So each
// polynomial begins a line after where the one before it ends, and each ciphertext a line further into a page than the last.
func newCiphertext(p Parameters, degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	n := p.N()
	stride := n + line/8
	skip := int(ciphertexts.Add(1)) % (page / line) * line / 8
	room := kernels.Aligned(skip + (degree+1)*(level+1)*stride)[skip:]
	ct := &rlwe.Ciphertext{Element: rlwe.Element[ring.Poly]{MetaData: &rlwe.MetaData{}, Value: make([]ring.Poly, degree+1)}}
	ct.IsNTT, ct.IsBatched, ct.Scale, ct.LogDimensions = true, true, scale, p.LogMaxDimensions()
	for c := range ct.Value {
		for range level + 1 {
			ct.Value[c].Coeffs = append(ct.Value[c].Coeffs, room[:n:n])
			room = room[stride:]
		}
	}
	return ct
}

// ciphertexts counts them.
var ciphertexts atomic.Int64

const (
	line = 64 // bytes, of most machines
	page = 4096
)

// get is a ciphertext whose coefficients may be anything.
func (p *pool) get(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	key := poolKey{degree, level}
	p.mu.Lock()
	free := p.free[key]
	var ct *rlwe.Ciphertext
	if len(free) > 0 {
		ct = free[len(free)-1]
		p.free[key] = free[:len(free)-1]
	}
	p.mu.Unlock()
	if ct == nil {
		return newCiphertext(p.params, degree, level, scale)
	}
	ct.Scale = scale
	return ct
}

func (p *pool) put(ct *rlwe.Ciphertext) {
	key := poolKey{ct.Degree(), ct.Level()}
	p.mu.Lock()
	p.free[key] = append(p.free[key], ct)
	p.mu.Unlock()
}
