//go:build openblas

package network

// #cgo LDFLAGS: -lopenblas
// #include <cblas.h>
import "C"

import (
	"unsafe"

	"gonum.org/v1/gonum/blas"
)

// BLAS names the library that multiplies matrices in training. Another one rounds otherwise, so a network that it
// trains differs in the last bits at first, and then as from another seed.
const BLAS = "openblas"

// library is the OpenBLAS of the machine, about ten times as fast as gonum on matrices without zeros.
var library openBLAS

type openBLAS struct{}

// A shard of a batch runs on one thread already.
func init() { C.openblas_set_num_threads(1) }

func (openBLAS) Sgemm(transA, transB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	C.cblas_sgemm(C.CblasRowMajor, orientation(transA), orientation(transB), C.int(m), C.int(n), C.int(k),
		C.float(alpha), (*C.float)(unsafe.SliceData(a)), C.int(lda), (*C.float)(unsafe.SliceData(b)), C.int(ldb), C.float(beta), (*C.float)(unsafe.SliceData(c)), C.int(ldc))
}

func (openBLAS) Dgemm(transA, transB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	C.cblas_dgemm(C.CblasRowMajor, orientation(transA), orientation(transB), C.int(m), C.int(n), C.int(k),
		C.double(alpha), (*C.double)(unsafe.SliceData(a)), C.int(lda), (*C.double)(unsafe.SliceData(b)), C.int(ldb), C.double(beta), (*C.double)(unsafe.SliceData(c)), C.int(ldc))
}

func orientation(t blas.Transpose) C.enum_CBLAS_TRANSPOSE {
	if t == blas.Trans {
		return C.CblasTrans
	}
	return C.CblasNoTrans
}
