package pruning

import (
	"fmt"
	"math"

	"hepex/network"
	"hepex/packing"
)

// Joint prunes tiles and orders neurons together, gradually, in the middle of one uninterrupted training: at each
// event it scores the weights, seeks the groups of neurons and the tiles to keep that hold most of the importance (see
// partition), and drops the other tiles. Weights inside a kept tile are free, so all of them train.
type Joint struct {
	Train      network.Options // of the whole scheme; its events are set here
	Importance string
	EvenRows   float64 // power of the sum of a row's importance that it is divided by
	Ratio      float64 // share of all tiles that goes
	Events     int
	Until      float64 // share of the training after which the last event comes
	Shape      packing.Shape
}

func (j Joint) String() string {
	return fmt.Sprintf("joint %s importance=%s rows=%g ratio=%g events=%d until=%g tile=%s", Train{j.Train}, j.Importance, j.EvenRows, j.Ratio, j.Events, j.Until, groups(j.Shape))
}

// Epochs that the step trains.
func (j Joint) Epochs() int { return j.Train.Epochs }

// Apply trains and prunes in place.
func (j Joint) Apply(s *State, data Data) error {
	d, err := data()
	if err != nil {
		return err
	}
	p := newPartition(s.Net.Dims(), j.Shape)
	o := j.Train
	o.Events = nil
	for e := range j.Events {
		when := 0.0
		if j.Events > 1 {
			when = j.Until * float64(e) / float64(j.Events-1)
		}
		density := j.density(e + 1)
		o.Events = append(o.Events, network.Event{When: when, Do: func(n *network.Network) error {
			return j.prune(n, p, density, e == 0, data)
		}})
	}
	if err := network.Train(s.Net, d, o); err != nil {
		return err
	}
	s.Orders = p.orders()
	return nil
}

// density after so many events: a cubic from 1 to 1 − Ratio (Zhu and Gupta, 2017).
func (j Joint) density(events int) float64 {
	return 1 - j.Ratio + j.Ratio*math.Pow(1-float64(events)/float64(j.Events), 3)
}

func (j Joint) prune(n *network.Network, p *partition, density float64, first bool, data Data) error {
	scores, err := importances(j.Importance, n, j.Train.Seed, data)
	if err != nil {
		return err
	}
	if j.EvenRows != 0 {
		evenRows(scores, n, j.EvenRows)
	}
	b := newBudget(p, density)
	if first {
		p.search(scores, b)
	} else {
		p.descend(scores, b.keep)
	}
	kept, _ := b.keep(p.sums(scores))
	p.mask(n, kept)
	return nil
}

// mask makes the weights of kept tiles trainable and prunes all others.
func (p *partition) mask(n *network.Network, kept [][]bool) {
	for l, d := range n.Dense() {
		d.Mask = make([]bool, len(d.W))
		for o := range d.Out {
			row := kept[l][p.of[l+1][o]*p.groups[l]:]
			for i := range d.In {
				if w := o*d.In + i; row[p.of[l][i]] {
					d.Mask[w] = true
				} else {
					d.W[w] = 0
				}
			}
		}
	}
}
