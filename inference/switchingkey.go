package inference

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
	"hepex/packing"
)

// switchingKey holds, for each digit d, an encryption (b, a) modulo Q·P of P·s′ in the limbs of the digit and of zero in the others,
// as streams in the order of use: one for each limb of Q up to its level, then those of P. Digit products with it
// bring a multiple of s′ under the secret s.
type switchingKey struct {
	level int
	seed  kernels.Seed // of all a
	limbs []*kernels.Stream
}

func newSwitchingKey(p Parameters, level int, a *kernels.Arena) *switchingKey {
	k := &switchingKey{level: level}
	for i := range p.rings.limbs(level) {
		k.limbs = append(k.limbs, p.rings.at(level, i).NewStream(a, p.rings.digitCount(level), 2))
	}
	return k
}

// keyArena has room for keys of the given levels.
func keyArena(p Parameters, levels packing.KeyLevels) *kernels.Arena {
	bytes, streams := 0, 0
	add := func(level int) {
		for i := range p.rings.limbs(level) {
			bytes += kernels.StreamBytes(p.N(), p.rings.digitCount(level), 2, p.rings.at(level, i).Modulus())
			streams++
		}
	}
	if levels.Relinearize >= 0 {
		add(levels.Relinearize)
	}
	for _, level := range levels.Rotate {
		add(level)
	}
	return kernels.NewArena(bytes, streams)
}

// at is the stream of limb i of Q·P at a level that may be lower than the key's.
func (k *switchingKey) at(level, i int) *kernels.Stream {
	if i <= level {
		return k.limbs[i]
	}
	return k.limbs[k.level+i-level]
}

// bytes is the memory of the key.
func (k *switchingKey) bytes() (n int64) {
	for _, s := range k.limbs {
		n += s.Bytes()
	}
	return n
}

// switchingKey draws a key from one secret, given modulo Q, to another, given modulo Q·P at the key's level.
func (e *encryptor) switchingKey(level int, from, to [][]uint64, arena *kernels.Arena) *switchingKey {
	r := e.params.rings
	k := newSwitchingKey(e.params, level, arena)
	k.seed = e.renew(r.limbs(level))
	a, b := kernels.Aligned(r.n), kernels.Aligned(r.n)
	for d := range r.digitCount(level) {
		noise := e.errors()
		for i := range r.limbs(level) {
			at := r.at(level, i)
			at.NTTCenter(b, noise, 1<<integerBits, nil)
			if i <= level && i/len(r.p) == d {
				at.ScaleAdd(b, from[i], r.special[i])
			}
			e.zero(i, a, b, to[i], at)
			at.Put(k.limbs[i], d, b, a)
		}
	}
	return k
}

// galoisKey draws the key of a rotation: from s to π⁻¹(s), as digits meet their key before the permutation.
func (e *encryptor) galoisKey(element uint64, level int, arena *kernels.Arena) (*switchingKey, error) {
	r := e.params.rings
	back, err := newPermutation(e.params, e.params.ModInvGaloisElement(element))
	if err != nil {
		return nil, err
	}
	turned := newLimbs(r.n, r.limbs(level))
	for i, limb := range turned {
		r.at(level, i).Permute(limb, e.secret.at(level, i), back)
	}
	return e.switchingKey(level, e.secret.q, turned, arena), nil
}

// relinearizationKey draws the key from s² to s.
func (e *encryptor) relinearizationKey(level int, arena *kernels.Arena) *switchingKey {
	r := e.params.rings
	square, s, zero := newLimbs(r.n, level+1), make([][]uint64, r.limbs(level)), make([]uint64, r.n)
	for i := range s {
		s[i] = e.secret.at(level, i)
		if i <= level {
			r.q[i].MulAdd(square[i], s[i], s[i], zero)
		}
	}
	return e.switchingKey(level, square, s, arena)
}

// newPermutation is an automorphism in the domain of the transform.
func newPermutation(p Parameters, element uint64) (*kernels.Permutation, error) {
	index, err := ring.AutomorphismNTTIndex(p.N(), p.RingQ().NthRoot(), element)
	if err != nil {
		return nil, fmt.Errorf("inference: Galois element %d: %w", element, err)
	}
	return kernels.NewPermutation(index)
}
