package network

import "gonum.org/v1/gonum/blas"

// multiply computes C = A·B + beta·C, and multiplyT computes C = Aᵀ·B + beta·C, for row-major C (m×n), A (m×k, or
// k×m for multiplyT) and B (k×n).
func multiply[T float](m, n, k int, a, b []T, beta T, c []T) {
	gemm(blas.NoTrans, m, n, k, a, k, b, beta, c)
}

func multiplyT[T float](m, n, k int, a, b []T, beta T, c []T) {
	gemm(blas.Trans, m, n, k, a, m, b, beta, c)
}

func gemm[T float](transA blas.Transpose, m, n, k int, a []T, lda int, b []T, beta T, c []T) {
	switch a := any(a).(type) {
	case []float32:
		library.Sgemm(transA, blas.NoTrans, m, n, k, 1, a, lda, any(b).([]float32), n, float32(beta), any(c).([]float32), n)
	case []float64:
		library.Dgemm(transA, blas.NoTrans, m, n, k, 1, a, lda, any(b).([]float64), n, float64(beta), any(c).([]float64), n)
	}
}
