package inference

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// Keys are the evaluation keys that a client hands to the server.
type Keys struct {
	params Parameters
	set    *rlwe.MemEvaluationKeySet
}

const kindKeys = "hepex keys\n"

// maxGaloisKeys is more than any layout has rotations.
const maxGaloisKeys = 64

// NewKeys are empty keys to read into.
func NewKeys(p Parameters) *Keys { return &Keys{p, rlwe.NewMemEvaluationKeySet(nil)} }

// Bytes is the size of the keys.
func (k *Keys) Bytes() int64 { return int64(k.set.BinarySize()) }

// WriteTo writes the relinearisation key, if there is one, and the Galois keys.
func (k *Keys) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, k.params, kindKeys)
	if k.set.RelinearizationKey == nil {
		out.number(0)
	} else {
		out.number(1)
		out.gadget(&k.set.RelinearizationKey.GadgetCiphertext)
	}
	elements := slices.Sorted(maps.Keys(k.set.GaloisKeys))
	out.number(uint64(len(elements)))
	for _, g := range elements {
		out.number(g)
		out.gadget(&k.set.GaloisKeys[g].GadgetCiphertext)
	}
	return out.close()
}

// ReadFrom reads what WriteTo wrote for the same parameters.
func (k *Keys) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, k.params, kindKeys)
	set := rlwe.NewMemEvaluationKeySet(nil)
	if in.number("presence of the relinearisation key", 1) == 1 && in.err == nil {
		set.RelinearizationKey = rlwe.NewRelinearizationKey(k.params)
		in.gadget(&set.RelinearizationKey.GadgetCiphertext)
	}
	ringNthRoot := k.params.RingQ().NthRoot()
	for range in.number("number of Galois keys", maxGaloisKeys) {
		if in.err != nil {
			break
		}
		gk := rlwe.NewGaloisKey(k.params)
		gk.GaloisElement, gk.NthRoot = in.number("Galois element", ringNthRoot), ringNthRoot
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
	if needsRelinearization(layout, encryptedWeights) && k.set.RelinearizationKey == nil {
		return errors.New("inference: evaluation keys: the relinearisation key is missing")
	}
	for _, step := range layout.RotationSteps() {
		if k.set.GaloisKeys[p.GaloisElement(step)] == nil {
			return fmt.Errorf("inference: evaluation keys: the Galois key of rotation %d is missing", step)
		}
	}
	return nil
}

// needsRelinearization tells whether anything multiplies two ciphertexts.
func needsRelinearization(layout *packing.Layout, encryptedWeights bool) bool {
	return encryptedWeights || len(layout.Layers) > 1
}
