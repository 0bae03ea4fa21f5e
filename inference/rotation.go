package inference

import (
	"fmt"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// RotationTimer times one rotation at the top level with lattigo's own evaluator.
type RotationTimer struct {
	eval    *hefloat.Evaluator
	in, out *rlwe.Ciphertext
	hot     bool // an untimed rotation brings the key into the caches before each
}

// NewRotationTimer is a timer at an evaluation's own parameters, as the evaluation leaves the caches. It draws a key and
// a ciphertext of its own.
func NewRotationTimer(p Parameters) (*RotationTimer, error) { return newRotationTimer(p.Parameters) }

// reference is what the unit R is measured at. It is nobody's choice of parameters, so that no choice moves the unit.
var reference = hefloat.ParametersLiteral{LogN: 13, LogQ: []int{46, 40, 40, 40}, LogP: []int{46}, LogDefaultScale: 40}

// NewReferenceTimer is a timer of R, the unit that latencies are given in: a rotation with its key in the caches, standard
// ring, log_n 13, moduli 46, 40, 40, 40 | 46.
func NewReferenceTimer() (*RotationTimer, error) {
	p, err := hefloat.NewParametersFromLiteral(reference)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	t, err := newRotationTimer(p)
	if err == nil {
		t.hot = true
	}
	return t, err
}

func newRotationTimer(p hefloat.Parameters) (*RotationTimer, error) {
	kg := hefloat.NewKeyGenerator(p)
	secret := kg.GenSecretKeyNew()
	keys := rlwe.NewMemEvaluationKeySet(nil, kg.GenGaloisKeyNew(p.GaloisElement(1), secret))
	t := &RotationTimer{
		eval: hefloat.NewEvaluator(p, keys),
		in:   hefloat.NewCiphertext(p, 1, p.MaxLevel()),
		out:  hefloat.NewCiphertext(p, 1, p.MaxLevel()),
	}
	if err := hefloat.NewEncryptor(p, secret).EncryptZero(t.in); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	return t, nil
}

// Seconds is the wall time of a rotation.
func (t *RotationTimer) Seconds() float64 {
	if t.hot {
		t.rotate()
	}
	start := time.Now()
	t.rotate()
	return time.Since(start).Seconds()
}

func (t *RotationTimer) rotate() {
	if err := t.eval.Rotate(t.in, 1, t.out); err != nil {
		panic(err) // the key is there
	}
}
