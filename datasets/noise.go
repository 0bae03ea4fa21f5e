package datasets

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Noisy is a copy of the images with normal noise of mean 0 and the given standard deviation added to each value, and
// the sum clipped to [0,1]. The noise of an image depends on nothing but stream and its number, which counts from first;
// for another deviation it is the same, scaled.
func (s *Set) Noisy(deviation float64, stream string, first int) []float32 {
	noisy := slices.Clone(s.X)
	for i := range len(s.X) / s.Dim {
		source := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "hepex noise %s %d", stream, first+i)))
		image := noisy[i*s.Dim : (i+1)*s.Dim]
		for j, v := range image {
			image[j] = float32(min(1, max(0, float64(v)+mul(deviation, quickNormal(source)))))
		}
	}
	return noisy
}

// quickNormal is like normal, but sums whole numbers of 16 bits: millions of them must take little time.
func quickNormal(source *rand.ChaCha8) float64 {
	const mean = 12 * (1<<16 - 1) / 2 // the variance is 2³² − 1
	sum := uint64(0)
	for range 3 {
		v := source.Uint64()
		sum += v&0xffff + v>>16&0xffff + v>>32&0xffff + v>>48
	}
	return (float64(sum) - mean) / (1 << 16)
}
