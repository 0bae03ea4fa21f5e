package trial

import (
	"fmt"
	"sync"

	"hepex/datasets"
	"hepex/harness/config"
	"hepex/network"
)

// samples are the parts of a data set that a point uses. The validation samples are the last of the training
// samples. With noise, the clean images are what the network should make of the noisy ones.
type samples struct{ train, validation, test part }

// part is a range of samples, read when first needed.
type part struct {
	all   func() (network.Data, error)
	read  func() (network.Data, error)      // all, which are not kept in memory
	first func(n int) (network.Data, error) // the first n, or all if there are fewer
}

func openSamples(s config.Spec, source datasets.Source) samples {
	validation := s.Data.ValidationSamples()
	open := func(split datasets.Split, from, to int, noise string) part {
		first := func(n int) (network.Data, error) {
			set, err := source.Read(split, from, min(from+n, to))
			if err != nil {
				return network.Data{}, &Failure{KindData, err}
			}
			d := network.Data{X: set.X, Dim: set.Dim}
			if s.Network.Type != "autoencoder" {
				d.Labels, d.Target = set.Labels, set.Target
			}
			if s.Data.Noise != 0 {
				d.X, d.Target = set.Noisy(s.Data.Noise, noise, from), set.X
			}
			return d, nil
		}
		read := func() (network.Data, error) { return first(to - from) }
		return part{all: sync.OnceValues(read), read: read, first: first}
	}
	// Only what is trained on has the seed's own noise: all seeds are measured on the same images.
	return samples{
		train:      open(datasets.Train, 0, s.Data.Train-validation, fmt.Sprintf("train %d", s.Train.Seed)),
		validation: open(datasets.Train, s.Data.Train-validation, s.Data.Train, "validation"),
		test:       open(datasets.Test, 0, s.Data.Test, "test"),
	}
}
