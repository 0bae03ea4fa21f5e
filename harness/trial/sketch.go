package trial

import (
	"hepex/network"
	"hepex/pruning"
)

// A sketch is the unpruned network of a point after so many steps of training, which show about how large values will be: moduli then cost
// within a fifth of what they do after all of the training. Those for the least that any network needs may cost half, or be for a ring of
// half the size.
const (
	sketchBatches = 32
	sketchSamples = 4096 // that are looked at, of trained networks too: with fewer, tails look longer than they are
)

// sketchKey names the sketch of all points that differ in nothing that it depends on, whatever their seeds.
func (p *preparer) sketchKey() entryKey {
	s, o := p.spec, pruningOptions(p.spec).Train
	return newKey("sketch", sketchBatches, sketchSamples, network.Version, network.BLAS, p.source.Checksum(), s.Data.Train, s.Data.Validation, s.Data.Noise,
		s.Evaluated(p.source.Form()), s.Network.Imported.SHA256, s.Network.Tensors, s.Network.Replaces(), o.Epochs > 0, o.Batch, o.LR, o.WeightDecay, o.Augment)
}

// sketch trains the network, unless the cache has it.
func (p *preparer) sketch() (*pruning.State, error) {
	key := p.sketchKey()
	if out, ok, err := p.load(key); err != nil {
		return nil, err
	} else if ok {
		return out.state, nil
	}
	begin := p.begin
	if p.spec.Prune.Replaces() {
		begin = func() (*network.Network, error) {
			return network.New(p.spec.Evaluated(p.source.Form()), uint64(p.spec.Train.Seed))
		}
	}
	n, err := begin()
	if err != nil {
		return nil, err
	}
	if o := pruningOptions(p.spec).Train; o.Epochs > 0 {
		d, err := p.samples.train.first(sketchBatches * o.Batch)
		if err != nil {
			return nil, err
		}
		o.Epochs = 1
		if err := network.Train(n, d, o); err != nil {
			return nil, err
		}
	}
	state := &pruning.State{Net: n}
	return state, p.store(key, &prepared{state: state})
}

// packRoughly packs a network with the values that some samples show.
func (p *preparer) packRoughly(key entryKey, of *pruning.State) (*packed, error) {
	of.Net.Straighten()
	f, err := of.Net.Fold()
	if err != nil {
		return nil, &Failure{"unsupported", err}
	}
	v, err := remember(p.cache, valuesKey(newKey(key.String(), "some samples", sketchSamples), p.spec), func() (*values, error) {
		d, err := p.samples.train.first(sketchSamples)
		if err != nil {
			return nil, err
		}
		return newValues(evaluated(p.spec, f), []network.Data{d}, p.spec.Data.Test, batchOf(p.spec))
	})
	if err != nil {
		return nil, err
	}
	return pack(p.spec, f, of.Orders, v)
}
