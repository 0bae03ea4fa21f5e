package pruning

import (
	"math"
	"math/rand/v2"

	"hepex/network"
)

// Batches of training samples that importance by gradients is summed over.
const (
	gradientBatch   = 128
	gradientBatches = 64
)

// needsData tells whether an importance needs training data.
func needsData(kind string) bool {
	return kind == "activation" || kind == "taylor" || kind == "fisher"
}

// activations scores weights by w²·E[x²] of their input, what they add to the mean square of their output.
func activations(n *network.Network, d network.Data) ([][]float64, error) {
	moments, err := network.InputMoments(n, d, min(gradientBatch*gradientBatches, d.Len()))
	if err != nil {
		return nil, err
	}
	var scores [][]float64
	for l, ly := range n.Dense() {
		s := make([]float64, len(ly.W))
		for w, v := range ly.W {
			s[w] = float64(v) * float64(v) * moments[l][w%ly.In]
		}
		scores = append(scores, s)
	}
	return scores, nil
}

// importances scores the weights of all layers: |w|, w², a seeded random number, w²·E[x²] (activation), or a sum over batches of |w·ḡ|
// (taylor) or (w·ḡ)² (fisher), where ḡ is the batch's mean gradient. Pruned weights have none.
func importances(kind string, n *network.Network, seed uint64, data Data) ([][]float64, error) {
	layers := n.Dense()
	scores := make([][]float64, len(layers))
	for l, d := range layers {
		scores[l] = importance(kind, d, seed, l)
	}
	if !needsData(kind) {
		return scores, nil
	}
	d, err := data.Train()
	if err != nil {
		return nil, err
	}
	if kind == "activation" {
		return activations(n, d)
	}
	batch := min(gradientBatch, d.Len())
	err = network.Gradients(n, d, batch, min(gradientBatches, d.Len()/batch), func(gradients [][]float32) {
		for l, g := range gradients {
			for w, v := range layers[l].W {
				x := float64(v) * float64(g[w])
				if kind == "fisher" {
					x *= x
				}
				scores[l][w] += math.Abs(x)
			}
		}
	})
	return scores, err
}

// evenRows divides the scores of each neuron's weights by their sum to a power, so that rows count more alike.
func evenRows(scores [][]float64, n *network.Network, power float64) {
	for l, d := range n.Dense() {
		for o := range d.Out {
			row := scores[l][o*d.In : (o+1)*d.In]
			sum := 0.0
			for _, v := range row {
				sum += v
			}
			if sum == 0 {
				continue
			}
			scale := math.Pow(sum, -power)
			for i := range row {
				row[i] *= scale
			}
		}
	}
}

// importance scores each weight of a layer without data: zero for the kinds that need them, and for pruned weights.
func importance(kind string, d *network.Dense, seed uint64, layer int) []float64 {
	scores := make([]float64, len(d.W))
	rng := rand.New(rand.NewPCG(seed, uint64(layer)))
	for w, v := range d.W {
		var score float64
		switch kind {
		case "l1":
			score = math.Abs(float64(v))
		case "l2":
			score = float64(v) * float64(v)
		case "random":
			score = rng.Float64()
		}
		if alive(d, w) {
			scores[w] = score
		}
	}
	return scores
}
