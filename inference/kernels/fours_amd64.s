#include "textflag.h"

// Four multiples of vectors, summed: x has 64-bit words, w is below 2^32, so that
// x·w = low(x)·w + (high(x)·w << 32) modulo 2^64. One shift serves all four high parts.
#define MULTIPLE(P, W) \
	VMOVDQU  (P)(AX*8), Y0   \
	VPMULUDQ Y0, W, Y1       \
	VPSRLQ   $32, Y0, Y0     \
	VPMULUDQ Y0, W, Y2       \
	VPADDQ   Y1, Y12, Y12    \
	VPADDQ   Y2, Y13, Y13

#define LOAD \
	MOVQ acc+0(FP), DI          \
	MOVQ x+8(FP), SI            \
	MOVQ w+16(FP), DX           \
	MOVQ n+24(FP), CX           \
	MOVQ 0(SI), R8              \
	MOVQ 24(SI), R9             \
	MOVQ 48(SI), R10            \
	MOVQ 72(SI), R11            \
	VPBROADCASTQ 0(DX), Y8      \
	VPBROADCASTQ 8(DX), Y9      \
	VPBROADCASTQ 16(DX), Y10    \
	VPBROADCASTQ 24(DX), Y11    \
	XORQ AX, AX

#define SUM \
	VPXOR    Y12, Y12, Y12   \
	VPXOR    Y13, Y13, Y13   \
	MULTIPLE(R8, Y8)         \
	MULTIPLE(R9, Y9)         \
	MULTIPLE(R10, Y10)       \
	MULTIPLE(R11, Y11)       \
	VPSLLQ   $32, Y13, Y13   \
	VPADDQ   Y13, Y12, Y12   \
	VMOVDQU  (DI)(AX*8), Y0

// func addMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)
TEXT ·addMultiples(SB), NOSPLIT, $0-32
	LOAD
add:
	SUM
	VPADDQ  Y12, Y0, Y0
	VMOVDQU Y0, (DI)(AX*8)
	ADDQ    $4, AX
	CMPQ    AX, CX
	JLT     add
	VZEROUPPER
	RET

// func subMultiples(acc *uint64, x *[4][]uint64, w *[4]uint64, n int)
TEXT ·subMultiples(SB), NOSPLIT, $0-32
	LOAD
sub:
	SUM
	VPSUBQ  Y12, Y0, Y0
	VMOVDQU Y0, (DI)(AX*8)
	ADDQ    $4, AX
	CMPQ    AX, CX
	JLT     sub
	VZEROUPPER
	RET
