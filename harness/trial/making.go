package trial

import (
	"fmt"
	"math"
	"runtime"

	"hepex/harness/config"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// making is the seconds that it takes to make a byte of what an evaluation needs.
type making struct{ keys, input, model float64 }

func (s making) of(m packing.Memory) float64 {
	return s.keys*float64(m.Keys) + s.input*float64(m.Input) + s.model*float64(m.Model)
}

const timedLoads = 3

// makingOf times what a small evaluation needs, on so many threads. How long a byte takes differs between machines and kernels by several
// times, between layouts by half.
func (f *Forecaster) makingOf(encrypted bool, threads int) (making, error) {
	key := fmt.Sprint(encrypted, threads)
	if known, ok := f.makings[key]; ok {
		return known, nil
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	spec, small, err := smallEvaluation(encrypted)
	if err != nil {
		return making{}, err
	}
	spec.Measure.Threads = threads
	x := [][]float64{make([]float64, small.model.Layers[0].In)}
	out := making{math.Inf(1), math.Inf(1), math.Inf(1)}
	for range timedLoads { // of which the first makes what all later ones use
		s, err := load(spec, small, x)
		if err != nil {
			return making{}, err
		}
		seconds := func(took float64, bytes int64) float64 { return took / float64(max(bytes, 1)) }
		out.keys = min(out.keys, seconds(s.keygen, s.keyBytes))
		out.input = min(out.input, seconds(s.encryptInput, s.inputBytes))
		out.model = min(out.model, seconds(s.model.Encode+s.model.Encrypt, s.modelBytes))
	}
	f.makings[key] = out
	return out, nil
}

// smallEvaluation is a random network in tiles.
func smallEvaluation(encrypted bool) (s config.Spec, c *choice, err error) {
	s.HE.Weights = "plain"
	if encrypted {
		s.HE.Weights = "encrypted"
	}
	n, err := network.New(network.Architecture{Inputs: 256, Hidden: []int{64}, Outputs: 10, Activation: "square"}, 1)
	if err != nil {
		return s, nil, err
	}
	f, err := n.Fold()
	if err != nil {
		return s, nil, err
	}
	tiles := packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 32})
	tiles.Encrypted = encrypted
	m, err := tiles.Pack(f, nil)
	if err != nil {
		return s, nil, err
	}
	lit, err := inference.Derive(m.Layout, packing.Profile{}, inference.Wanted{Precision: 12, Encrypted: encrypted})
	if err != nil {
		return s, nil, err
	}
	p, err := inference.NewParameters(lit, false)
	return s, &choice{packed: &packed{model: m, lit: lit, folded: f}, params: p}, err
}
