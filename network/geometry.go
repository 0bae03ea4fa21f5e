package network

import (
	"errors"
	"fmt"
	"strings"
)

// Stage is the geometry of a layer with weights.
type Stage struct {
	Window         // what each output position reads
	Out    int     // output channels
	Pool   *Window // inputs are sums, or means, over windows of what comes; nil = they are what comes
}

// In is the axis that comes to the stage: the outputs of the one before, or the network's inputs.
func (s *Stage) In() Axis {
	if s.Pool != nil {
		return s.Pool.In
	}
	return s.Window.In
}

// Conv tells whether the layer is a convolution: a fully connected one has one output position, which reads all that there is.
func (s *Stage) Conv() bool {
	return s.Window.Positions() > 1 || s.Taps() < s.Window.In.Positions()
}

// Geometry is how the neurons of a network lie: a stage for each layer with weights. Axis 0 holds the inputs, axis l the outputs of
// layer l.
type Geometry []Stage

// FullyConnected is the geometry of dense layers: dims[0] inputs, dims[l] outputs of layer l.
func FullyConnected(dims ...int) Geometry {
	var g Geometry
	for l := 1; l < len(dims); l++ {
		g = append(g, Stage{Window: Whole(Flat(dims[l-1])), Out: dims[l]})
	}
	return g
}

// Key is a text that equal geometries share, and no others.
func (g Geometry) Key() string {
	var b strings.Builder
	for _, s := range g {
		fmt.Fprintf(&b, "%+v %d", s.Window, s.Out)
		if s.Pool != nil {
			fmt.Fprintf(&b, " %+v", *s.Pool)
		}
		b.WriteByte(';')
	}
	return b.String()
}

// Check returns an error unless every stage reads what the one before gives, and none is larger than networks may be. Geometries that a
// network tells of itself are good.
func (g Geometry) Check() error {
	if len(g) == 0 {
		return errors.New("network: geometry: no layers")
	}
	for i, s := range g {
		if err := s.check(); err != nil {
			return fmt.Errorf("network: geometry: layer %d: %w", i, err)
		}
		if i > 0 && s.In() != g.Axis(i) {
			return fmt.Errorf("network: geometry: layer %d reads %v: want the outputs of the layer before, %v", i, s.In(), g.Axis(i))
		}
	}
	return nil
}

func (s *Stage) check() error {
	if s.Pool != nil {
		if err := s.Pool.check(); err != nil {
			return fmt.Errorf("pooling: %w", err)
		}
		if out := s.Pool.Out(s.Pool.In.Channels); out != s.Window.In {
			return fmt.Errorf("pooling gives %v: want %v", out, s.Window.In)
		}
	}
	if err := s.Window.check(); err != nil {
		return err
	}
	if s.Out < 1 || s.Out > maxWidth || s.Reads()*s.Out > maxValues {
		return fmt.Errorf("%d channels that read %d values: want 1 to %d channels, and at most %d weights", s.Out, s.Reads(), maxWidth, maxValues)
	}
	if p := s.Window.Positions(); p > maxValues/s.Reads() {
		return fmt.Errorf("%d positions that read %d values: want at most %d in all", p, s.Reads(), maxValues)
	}
	return nil
}

// Axis is a neuron axis.
func (g Geometry) Axis(a int) Axis {
	if a == 0 {
		return g[0].In()
	}
	return g[a-1].Window.Out(g[a-1].Out)
}

// Channels is the number of channels of every axis.
func (g Geometry) Channels() []int {
	channels := []int{g[0].In().Channels}
	for _, s := range g {
		channels = append(channels, s.Out)
	}
	return channels
}

// Geometry is that of the layers with weights.
func (n *Network) Geometry() Geometry {
	var g Geometry
	var pool *Window
	for _, l := range n.Layers {
		switch l := l.(type) {
		case *AveragePool:
			w := l.Window
			pool = &w
		case *Dense:
			g = append(g, Stage{l.window(), l.Out, pool})
			pool = nil
		}
	}
	return g
}

// Geometry is that of the layers.
func (f *Folded) Geometry() Geometry {
	var g Geometry
	for i := range f.Layers {
		l := &f.Layers[i]
		g = append(g, Stage{l.window(), l.channels(), l.Pool})
	}
	return g
}

// Dims is the number of channels of every neuron axis: of inputs, hidden layers, outputs.
func (n *Network) Dims() []int { return n.Geometry().Channels() }

// Dims is the number of channels of every neuron axis: of inputs, hidden layers, outputs.
func (f *Folded) Dims() []int { return f.Geometry().Channels() }
