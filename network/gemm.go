package network

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// multiply computes C = A·B + beta·C, and multiplyT computes C = Aᵀ·B + beta·C, for row-major C (m×n), A (m×k, or
// k×m for multiplyT) and B (k×n).
//
// gonum computes both by adding multiples of rows of B to rows of C in the order of k, so a result depends neither
// on the number of processors nor on where in memory a matrix lies, and rows that meet a zero in A cost nothing.
// Its A·Bᵀ sums in an order that depends on the address of B; that is why it is not used here.
func multiply[T float](m, n, k int, a, b []T, beta T, c []T) {
	gemm(blas.NoTrans, m, n, k, a, k, b, beta, c)
}

func multiplyT[T float](m, n, k int, a, b []T, beta T, c []T) {
	gemm(blas.Trans, m, n, k, a, m, b, beta, c)
}

func gemm[T float](transA blas.Transpose, m, n, k int, a []T, lda int, b []T, beta T, c []T) {
	var impl gonum.Implementation
	switch a := any(a).(type) {
	case []float32:
		impl.Sgemm(transA, blas.NoTrans, m, n, k, 1, a, lda, any(b).([]float32), n, float32(beta), any(c).([]float32), n)
	case []float64:
		impl.Dgemm(transA, blas.NoTrans, m, n, k, 1, a, lda, any(b).([]float64), n, float64(beta), any(c).([]float64), n)
	}
}
