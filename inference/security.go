package inference

import "fmt"

// SecurityBits is the security level that every parameter set must reach unless it is marked insecure.
const SecurityBits = 128

// maxLogQP is the largest log2(QP) at 128-bit classical security with a uniform ternary secret, by logN
// (Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", 2024; the 2018
// HomomorphicEncryption.org standard allows 109, 218, 438 and 881 bits up to logN 15).
var maxLogQP = map[int]float64{12: 106, 13: 214, 14: 430, 15: 868, 16: 1747}

// logQPTolerance covers primes that are a little larger than the power of two asked for.
const logQPTolerance = 0.5

// MinLogN and MaxLogN bound the ring degrees that secure parameters are derived for.
const (
	MinLogN = 12
	MaxLogN = 16
)

// MaxLogQP is the largest log2(QP) that is 128-bit secure at ring degree 2^logN, and 0 for ring degrees
// without one. The same bound holds for the conjugate-invariant ring at equal degree.
func MaxLogQP(logN int) float64 { return maxLogQP[logN] }

// CheckSecurity returns an error unless a modulus of logQP bits is 128-bit secure at ring degree 2^logN.
func CheckSecurity(logN int, logQP float64) error {
	limit, ok := maxLogQP[logN]
	if !ok {
		return fmt.Errorf("log_n %d: 128-bit parameters need log_n from %d to %d", logN, MinLogN, MaxLogN)
	}
	if logQP > limit+logQPTolerance {
		return fmt.Errorf("log_q + log_p = %.0f bits: 128-bit security at log_n %d allows at most %.0f", logQP, logN, limit)
	}
	return nil
}
