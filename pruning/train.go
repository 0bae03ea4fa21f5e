package pruning

import (
	"fmt"
	"slices"
	"strings"

	"hepex/network"
	"hepex/packing"
)

// Train trains the network, or retrains it under its masks.
type Train struct {
	Options network.Options
	Distil  Distil // from the state's teacher
	Stop    int    // epochs without gain on validation data; 0 = no early stop
}

func (t Train) String() string {
	o := t.Options
	text := fmt.Sprintf("train epochs=%d batch=%d lr=%g decay=%g clip=%g warmup=%d seed=%d", o.Epochs, o.Batch, o.LR, o.WeightDecay, o.Clip, o.Warmup, o.Seed)
	if a := o.Augment; a.Shift > 0 || a.Flip {
		text += fmt.Sprintf(" augment=%dx%dx%d,shift=%d,flip=%t", a.Height, a.Width, a.Channels, a.Shift, a.Flip)
	}
	if t.Distil.Alpha > 0 {
		text += fmt.Sprintf(" distil=%g,%g", t.Distil.Alpha, t.Distil.Temperature)
	}
	if t.Stop > 0 {
		text += fmt.Sprintf(" stop=%d", t.Stop)
	}
	return text
}

// Apply trains in place.
func (t Train) Apply(s *State, data Data) error { return t.train(s, data, nil) }

func (t Train) train(s *State, data Data, events []network.Event) error {
	if t.Options.Epochs == 0 {
		return nil
	}
	d, err := data.Train()
	if err != nil {
		return err
	}
	o := t.Options
	o.Events = events
	if t.Distil.Alpha > 0 && s.Teacher != nil {
		o.Teacher, o.Alpha, o.Temperature = s.Teacher, t.Distil.Alpha, t.Distil.Temperature
	}
	if t.Stop > 0 {
		v, err := data.Validation()
		if err != nil {
			return err
		}
		o.Stop = &network.Stop{Validation: v, Patience: t.Stop}
	}
	o.Report = &network.Report{}
	err = network.Train(s.Net, d, o)
	s.Epochs += o.Report.Epochs
	return err
}

// Teach makes the network as it is now the one that later retrainings are distilled from.
type Teach struct{}

func (Teach) String() string { return "teach" }

// Apply copies the network.
func (Teach) Apply(s *State, _ Data) error {
	s.Teacher = s.Net.Clone()
	return nil
}

// Gradual is one uninterrupted training in whose course other steps happen: the learning rate follows one curve, and Adam
// keeps the moments of the weights that stay. A group lasso from the first of these steps to the last drives whole tiles
// towards zero, tiles as the state's orders cut them.
type Gradual struct {
	Train  Train
	Lasso  float64 // λ, see network.Lasso; 0 = none
	Doomed bool    // the lasso is on tiles that the last step would drop, not on all
	Shape  packing.Shape
	phases []phase
}

func (g Gradual) String() string {
	parts := []string{"gradual " + g.Train.String()}
	if g.Lasso > 0 {
		parts = append(parts, fmt.Sprintf("lasso=%g tile=%s", g.Lasso, groups(g.Shape)))
		if g.Doomed {
			parts = append(parts, "on dropped")
		}
	}
	for _, p := range g.phases {
		for _, step := range p.steps {
			parts = append(parts, fmt.Sprintf("%g: %s", p.when, step))
		}
	}
	return strings.Join(parts, "; ")
}

// Apply trains, for at least an epoch, and prunes in place.
func (g Gradual) Apply(s *State, data Data) error {
	state := *s // on the network in the course of training
	var events []network.Event
	for i, p := range g.phases {
		events = append(events, network.Event{When: p.when, Do: func(n *network.Network) (*network.Lasso, error) {
			state.Net = n
			for _, step := range p.steps {
				if err := step.Apply(&state, data); err != nil {
					return nil, fmt.Errorf("%s: %w", step, err)
				}
			}
			if i+1 == len(g.phases) {
				return nil, nil
			}
			return &network.Lasso{Lambda: g.Lasso, Groups: state.tileNumbers(g.Shape, g.Doomed)}, nil
		}})
	}
	if err := g.Train.train(s, data, events); err != nil {
		return err
	}
	s.Orders, s.Notes = state.Orders, slices.Clone(state.Notes)
	return nil
}

// tileNumbers gives the tile of each weight of each layer; with doomed, −1 in those that the last step would keep.
func (s *State) tileNumbers(shape packing.Shape, doomed bool) [][]int32 {
	var numbers [][]int32
	for l, t := range s.tilings(shape) {
		of := make([]int32, len(t.dense.W))
		t.Each(func(tile, w int) {
			of[w] = int32(tile)
			if doomed && s.target[l][tile] {
				of[w] = -1
			}
		})
		numbers = append(numbers, of)
	}
	return numbers
}
