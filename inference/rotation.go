package inference

import (
	"fmt"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// RotationTimer times one rotation at the top level with lattigo's own evaluator: the unit that latencies are
// compared in.
type RotationTimer struct {
	eval    *hefloat.Evaluator
	in, out *rlwe.Ciphertext
}

// NewRotationTimer draws a key and a ciphertext of its own.
func NewRotationTimer(p Parameters) (*RotationTimer, error) {
	kg := hefloat.NewKeyGenerator(p.Parameters)
	secret := kg.GenSecretKeyNew()
	keys := rlwe.NewMemEvaluationKeySet(nil, kg.GenGaloisKeyNew(p.GaloisElement(1), secret))
	t := &RotationTimer{
		eval: hefloat.NewEvaluator(p.Parameters, keys),
		in:   hefloat.NewCiphertext(p.Parameters, 1, p.MaxLevel()),
		out:  hefloat.NewCiphertext(p.Parameters, 1, p.MaxLevel()),
	}
	if err := hefloat.NewEncryptor(p.Parameters, secret).EncryptZero(t.in); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	return t, nil
}

// Seconds is the wall time of a rotation.
func (t *RotationTimer) Seconds() float64 {
	start := time.Now()
	if err := t.eval.Rotate(t.in, 1, t.out); err != nil {
		panic(err) // the key is there
	}
	return time.Since(start).Seconds()
}
