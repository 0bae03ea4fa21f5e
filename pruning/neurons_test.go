package pruning

import (
	"slices"
	"strings"
	"testing"

	"hepex/network"
)

// twoConvs is a network of two convolutions, of 3 and 2 filters, and two dense layers. All weights are 1.
func twoConvs(t *testing.T) *network.Network {
	t.Helper()
	n, err := network.New(network.Architecture{
		Inputs: 36, Image: network.Axis{H: 6, W: 6, Channels: 1},
		Conv:   []network.Conv{{Filters: 3, Kernel: network.Square(3), Stride: network.Square(1)}, {Filters: 2, Kernel: network.Square(2), Stride: network.Square(2)}},
		Hidden: []int{4}, Outputs: 2, Activation: "square",
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range n.Dense() {
		for w := range d.W {
			d.W[w] = 1
		}
	}
	return n
}

// Each kind removes its own neurons, by the weights that rank it, with all that computes and reads them.
func TestKindsOfNeurons(t *testing.T) {
	weaken := func(d *network.Dense, by float32, of func(out, in int) bool) {
		for w := range d.W {
			if of(w/d.In, w%d.In) {
				d.W[w] *= by
			}
		}
	}
	for _, c := range []struct {
		kind, scope string
		ratio       float64
		want        [][]int // gone, by hidden axis
	}{
		{neurons, "local", 0.3, [][]int{{1}, {1}, {3}}},
		{filters, "local", 0.3, [][]int{{1}, {1}, nil}},
		{channels, "local", 0.3, [][]int{{2}, {0}, nil}},
		{neurons, "global", 0.2, [][]int{{1}, nil, {3}}},
		{filters, "global", 0.2, [][]int{{1}, nil, nil}},
		{channels, "global", 0.2, [][]int{{2}, nil, nil}},
		{filters, "local", 0.99, [][]int{{1, 0}, {1}, nil}},
	} {
		n := twoConvs(t)
		d := n.Dense()
		weaken(d[0], 0.1, func(out, _ int) bool { return out == 1 })
		weaken(d[1], 0.1, func(_, in int) bool { return in%3 == 2 }) // of every tap
		weaken(d[1], 0.5, func(out, _ int) bool { return out == 1 })
		weaken(d[2], 0.5, func(_, in int) bool { return in%2 == 0 })
		weaken(d[2], 0.2, func(out, _ int) bool { return out == 3 })
		s := &State{Net: n}
		if err := (PruneNeurons{Kind: c.kind, Importance: "l1", Scope: c.scope, Ratio: c.ratio}).Apply(s, Data{}); err != nil {
			t.Fatal(err)
		}
		for l, d := range n.Dense() {
			reads := n.Geometry()[l].Window.In.Channels
			for w := range d.W {
				gone := l > 0 && slices.Contains(c.want[l-1], w%reads) || l < 3 && slices.Contains(c.want[l], w/d.In)
				if alive(d, w) == gone {
					t.Errorf("%s, %s, %g: layer %d, output %d, input %d: pruned %t, want %t", c.kind, c.scope, c.ratio, l+1, w/d.In, w%d.In, !alive(d, w), gone)
				}
			}
		}
	}
}

// What is only of convolutions is refused where there are none, before anything runs and when it does.
func TestFiltersNeedConvolutions(t *testing.T) {
	custom := options("custom")
	custom.Custom = []string{"retrain 3", "prune channels 0.5"}
	for name, c := range map[string]struct {
		o       Options
		setting string
	}{
		"filter":  {func() Options { o := options("p3"); o.Target = "filter"; return o }(), "target"},
		"channel": {func() Options { o := options("p4e"); o.Target = "channel"; return o }(), "target"},
		"steps":   {custom, "steps"},
	} {
		mlp, cnn := newNet(t, 20, 8, 4), twoConvs(t)
		setting, err := c.o.CheckTarget(mlp.Geometry())
		if err == nil || setting != c.setting || !strings.Contains(err.Error(), "no convolution") {
			t.Errorf("%s: setting %q, %v", name, setting, err)
		}
		if setting, err := c.o.CheckTarget(cnn.Geometry()); err != nil || setting != "" {
			t.Errorf("%s, with convolutions: setting %q, %v", name, setting, err)
		}
	}
	s := &State{Net: newNet(t, 20, 8, 4)}
	if err := (PruneNeurons{Kind: filters, Importance: "l1", Scope: "local", Ratio: 0.5}).Apply(s, Data{}); err == nil {
		t.Error("a step on a network without convolutions: no error")
	}
	if _, err := options("p3").CheckTarget(newNet(t, 20, 8, 4).Geometry()); err != nil {
		t.Errorf("weights of any network: %v", err)
	}
}
