package trial

import (
	"errors"
	"strings"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/network"
	"hepex/network/modelfile"
	"hepex/network/onnx"
)

// fitSamples is the number of training samples that quadratics in the place of activations are fitted to.
const fitSamples = 1024

// begin is the network before the first step of a scheme: fresh, or from a file.
func (p *preparer) begin() (*network.Network, error) {
	if p.spec.Network.From == "" {
		return network.New(p.spec.Architecture(p.source.Form()), uint64(p.spec.Train.Seed))
	}
	m, err := readModel(p.spec, p.source.Form())
	if err != nil {
		return nil, err
	}
	if m.Replaced() == nil {
		return m.Network()
	}
	d, err := p.samples.train.first(fitSamples)
	if err != nil {
		return nil, err
	}
	return m.Fit(dense(d))
}

func readModel(s config.Spec, form datasets.Form) (*modelfile.Model, error) {
	m, err := s.ReadModel(form)
	if err != nil {
		return nil, &Failure{KindData, err}
	}
	return m, nil
}

// hasOriginal tells whether there is a network of a file to be compared with, by data that it did not answer itself.
func (p *preparer) hasOriginal() bool { return p.spec.Network.From != "" && !p.spec.Data.IsRandom() }

// original is the network of the file as it is there, with its own activations.
type original struct {
	Test     float64  `json:"test"`
	Replaced []string `json:"replaced,omitempty"` // activations, each with its node
}

func (p *preparer) originalKey() entryKey {
	s := p.spec
	return newKey("original", network.Version, p.source.Checksum(), s.Data.Test, s.Data.Noise, s.Network.Type,
		s.Architecture(p.source.Form()), s.Network.Imported.SHA256, s.Network.Tensors)
}

// original measures the network of the file on the test samples, unless the cache knows.
func (p *preparer) original() (original, error) {
	return remember(p.cache, p.originalKey(), func() (o original, err error) {
		m, err := readModel(p.spec, p.source.Form())
		if err != nil {
			return o, err
		}
		test, err := p.samples.test.all()
		if err != nil {
			return o, err
		}
		q, err := network.EvaluateAs(m.Forward, m.Output.Size(), test)
		if errors.Is(err, network.ErrOverflow) {
			err = &Failure{KindNaN, err}
		}
		return original{q.Value, m.Replaced()}, err
	})
}

// warnOfReplaced notes what replacing the activations of the network cost.
func (w *warnings) warnOfReplaced(s config.Spec, o original, unpruned plainQuality) {
	if o.Replaced != nil {
		w.add("%s: %s of %.4g with the network's own activations, %.4g with learnt quadratics in the place of %s and %d epochs of training",
			s.Network.From, unpruned.Metric, o.Test, unpruned.Test, strings.Join(o.Replaced, "; "), s.Train.Epochs+s.Prune.Retrain.Epochs)
	}
}

// Export is the pruned network of a point as others get it, trained and pruned first unless the cache has it.
func Export(j Job, report func(Step)) (modelfile.Export, error) {
	p, err := newPreparer(j, report)
	if err != nil {
		return modelfile.Export{}, err
	}
	own, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		return modelfile.Export{}, err
	}
	return modelfile.Export{Net: own.state.Net, Orders: own.state.Orders, Metadata: []onnx.Property{
		{Key: "hepex.point", Value: j.Point}, {Key: "hepex.tile", Value: j.Spec.Tile.String()},
	}}, nil
}
