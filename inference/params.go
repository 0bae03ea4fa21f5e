package inference

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// Literal names a CKKS parameter set: the ring degree 2^LogN, the bit lengths of the ciphertext moduli
// (LogQ[0] is the last one left) and of the special moduli for key switching, and the scale of inputs.
type Literal struct {
	LogN       int
	LogQ, LogP []int
	LogScale   int
}

// Parameters are checked CKKS parameters.
type Parameters struct {
	hefloat.Parameters
	Insecure bool // below 128 bits, because the caller asked for it
}

// NewParameters finds primes for the literal. Parameters under 128-bit security are an error unless
// allowInsecure is set; Insecure tells whether they are.
func NewParameters(l Literal, allowInsecure bool) (Parameters, error) {
	p, err := hefloat.NewParametersFromLiteral(hefloat.ParametersLiteral{
		LogN: l.LogN, LogQ: l.LogQ, LogP: l.LogP, LogDefaultScale: l.LogScale,
	})
	if err != nil {
		return Parameters{}, fmt.Errorf("inference: parameters %+v: %w", l, err)
	}
	err = CheckSecurity(l.LogN, p.LogQP())
	if err != nil && !allowInsecure {
		return Parameters{}, fmt.Errorf("inference: %w", err)
	}
	return Parameters{Parameters: p, Insecure: err != nil}, nil
}
