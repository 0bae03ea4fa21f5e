//go:build !openblas

package network

import "gonum.org/v1/gonum/blas/gonum"

// BLAS names the library that multiplies matrices in training. Another one rounds otherwise, so a network that it
// trains differs in the last bits at first, and then as from another seed.
const BLAS = "gonum"

// library computes products by adding multiples of rows of B to rows of C in the order of k, so a result depends neither
// on the number of processors nor on where in memory a matrix lies, and rows that meet a zero in A cost nothing.
// Its A·Bᵀ sums in an order that depends on the address of B; that is why it is not used.
var library gonum.Implementation
