package inference

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Keys are the evaluation keys that a client hands to the server: those that a layout needs, no larger than the
// levels that they are used at.
type Keys struct {
	params Parameters
	levels packing.KeyLevels
	relin  *switchingKey         // nil if not needed
	rotate map[int]*switchingKey // by step
}

const kindKeys = "hepex seeded keys\n"

// NewKeys are empty keys for a layout, to read into.
func NewKeys(p Parameters, layout *packing.Layout, encryptedWeights bool) (*Keys, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	return &Keys{params: p, levels: layout.KeyLevels(encryptedWeights)}, nil
}

// drawKeys draws keys for a secret, on all processors.
func drawKeys(p Parameters, levels packing.KeyLevels, s *secret) (*Keys, error) {
	k := &Keys{params: p, levels: levels, rotate: map[int]*switchingKey{}}
	steps := k.steps()
	drawn := make([]*switchingKey, len(steps)+1) // the last one for relinearisation
	arena := keyArena(p, levels)
	err := parallel(0, len(drawn), func() func(int) error {
		e := newEncryptor(p, s)
		return func(i int) (err error) {
			switch {
			case i < len(steps):
				drawn[i], err = e.galoisKey(p.GaloisElement(steps[i]), levels.Rotate[steps[i]], arena)
			case levels.Relinearize >= 0:
				drawn[i] = e.relinearizationKey(levels.Relinearize, arena)
			}
			return err
		}
	})
	for i, step := range steps {
		k.rotate[step] = drawn[i]
	}
	k.relin = drawn[len(steps)]
	return k, err
}

// steps lists the rotations, in order.
func (k *Keys) steps() []int { return slices.Sorted(maps.Keys(k.levels.Rotate)) }

// Bytes is the memory that the keys take.
func (k *Keys) Bytes() (n int64) {
	for _, key := range k.rotate {
		n += key.bytes()
	}
	if k.relin != nil {
		n += k.relin.bytes()
	}
	return n
}

// WriteTo writes the relinearisation key, if there is one, and the Galois keys.
func (k *Keys) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, k.params, kindKeys)
	if k.relin != nil {
		out.key(k.relin)
	}
	for _, step := range k.steps() {
		out.key(k.rotate[step])
	}
	return out.close()
}

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (k *Keys) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, k.params, kindKeys)
	read := Keys{params: k.params, levels: k.levels, rotate: map[int]*switchingKey{}}
	arena := keyArena(k.params, k.levels)
	if level := k.levels.Relinearize; level >= 0 {
		read.relin = in.key(level, arena)
	}
	for _, step := range k.steps() {
		if in.err != nil {
			break
		}
		read.rotate[step] = in.key(k.levels.Rotate[step], arena)
	}
	n, err := in.close("keys")
	if err == nil {
		*k = read
	}
	return n, err
}

func (w *writer) key(k *switchingKey) {
	w.bytes(k.seed[:])
	for i, s := range k.limbs {
		w.stream(s, k.level, i)
	}
}

func (r *reader) key(level int, arena *kernels.Arena) *switchingKey {
	if r.err != nil {
		return nil
	}
	k := newSwitchingKey(r.params, level, arena)
	k.seed = r.seed()
	for i, s := range k.limbs {
		r.stream(s, level, i, k.seed)
	}
	return k
}

// check returns an error unless the keys are of these parameters and hold what an evaluation needs.
func (k *Keys) check(p Parameters, layout *packing.Layout, encryptedWeights bool) error {
	if k.params.fingerprint() != p.fingerprint() {
		return errors.New("inference: evaluation keys of other parameters")
	}
	if k.rotate == nil {
		return errors.New("inference: evaluation keys: empty")
	}
	need := layout.KeyLevels(encryptedWeights)
	if k.levels.Relinearize < need.Relinearize {
		return errors.New("inference: evaluation keys: the relinearisation key is missing or of too low a level")
	}
	for step, level := range need.Rotate {
		if have, ok := k.levels.Rotate[step]; !ok || have < level {
			return fmt.Errorf("inference: evaluation keys: the Galois key of rotation %d is missing or of too low a level", step)
		}
	}
	return nil
}
