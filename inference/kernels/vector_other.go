//go:build !amd64

package kernels

import "github.com/tuneinsight/lattigo/v5/ring"

const hasAVX2 = false

func addFour([]uint64, *pending) {}

func newVector(*ring.SubRing) Ring { return nil }

func newFloats(*ring.SubRing) Ring { return nil }

func newVectorExtender(_, _ []Ring) extender { return nil }
