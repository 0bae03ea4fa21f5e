package inference

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// Keys are the evaluation keys that a client hands to the server: those that a layout needs, no larger than the
// levels that they are used at.
type Keys struct {
	params Parameters
	levels packing.KeyLevels
	set    *rlwe.MemEvaluationKeySet
}

const kindKeys = "hepex keys\n"

// NewKeys are empty keys for a layout, to read into.
func NewKeys(p Parameters, layout *packing.Layout, encryptedWeights bool) (*Keys, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	return &Keys{params: p, levels: layout.KeyLevels(encryptedWeights)}, nil
}

// drawKeys draws keys for a secret.
func drawKeys(p Parameters, levels packing.KeyLevels, secret *rlwe.SecretKey) *Keys {
	kg := hefloat.NewKeyGenerator(p.Parameters)
	set := rlwe.NewMemEvaluationKeySet(nil)
	if levels.Relinearize >= 0 {
		set.RelinearizationKey = kg.GenRelinearizationKeyNew(secret, atLevel(levels.Relinearize))
	}
	for step, level := range levels.Rotate {
		key := kg.GenGaloisKeyNew(p.GaloisElement(step), secret, atLevel(level))
		set.GaloisKeys[key.GaloisElement] = key
	}
	return &Keys{p, levels, set}
}

func atLevel(level int) rlwe.EvaluationKeyParameters {
	return rlwe.EvaluationKeyParameters{LevelQ: &level}
}

// steps lists the rotations, in order.
func (k *Keys) steps() []int { return slices.Sorted(maps.Keys(k.levels.Rotate)) }

// Bytes is the memory that the keys take.
func (k *Keys) Bytes() int64 {
	one := func(level int) int64 { return gadgetBytes(k.params.Literal, level) }
	n := int64(0)
	if k.levels.Relinearize >= 0 {
		n += one(k.levels.Relinearize)
	}
	for _, level := range k.levels.Rotate {
		n += one(level)
	}
	return n
}

// gadgetBytes is the memory of a key of a level: two polynomials over Q·P per digit.
func gadgetBytes(l Literal, level int) int64 {
	special := len(l.LogP)
	digits := (level + special) / special
	return int64(2*digits*(level+1+special)) * 8 << l.LogN
}

// WriteTo writes the relinearisation key, if there is one, and the Galois keys.
func (k *Keys) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, k.params, kindKeys)
	if k.levels.Relinearize >= 0 {
		out.gadget(&k.set.RelinearizationKey.GadgetCiphertext)
	}
	for _, step := range k.steps() {
		out.gadget(&k.set.GaloisKeys[k.params.GaloisElement(step)].GadgetCiphertext)
	}
	return out.close()
}

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (k *Keys) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, k.params, kindKeys)
	set := rlwe.NewMemEvaluationKeySet(nil)
	if level := k.levels.Relinearize; level >= 0 && in.err == nil {
		set.RelinearizationKey = rlwe.NewRelinearizationKey(k.params, atLevel(level))
		in.gadget(&set.RelinearizationKey.GadgetCiphertext)
	}
	for _, step := range k.steps() {
		if in.err != nil {
			break
		}
		gk := rlwe.NewGaloisKey(k.params, atLevel(k.levels.Rotate[step]))
		gk.GaloisElement, gk.NthRoot = k.params.GaloisElement(step), k.params.RingQ().NthRoot()
		in.gadget(&gk.GadgetCiphertext)
		set.GaloisKeys[gk.GaloisElement] = gk
	}
	n, err := in.close("keys")
	if err == nil {
		k.set = set
	}
	return n, err
}

func (w *writer) gadget(g *rlwe.GadgetCiphertext) {
	for _, row := range g.Value {
		for _, vector := range row {
			for _, v := range vector {
				w.poly(v.Q)
				w.poly(v.P)
			}
		}
	}
}

func (r *reader) gadget(g *rlwe.GadgetCiphertext) {
	for _, row := range g.Value {
		for _, vector := range row {
			for _, v := range vector {
				r.poly(v.Q, r.params.Q())
				r.poly(v.P, r.params.P())
			}
		}
	}
}

// check returns an error unless the keys are of these parameters and hold what an evaluation needs.
func (k *Keys) check(p Parameters, layout *packing.Layout, encryptedWeights bool) error {
	if k.params.fingerprint() != p.fingerprint() {
		return errors.New("inference: evaluation keys of other parameters")
	}
	if k.set == nil {
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
