package inference

import (
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
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
		ct = hefloat.NewCiphertext(p.params.Parameters, degree, level)
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
