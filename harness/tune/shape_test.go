package tune

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/config"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

func TestShapeFor(t *testing.T) {
	axes := []int{784, 128, 10}
	for _, batch := range []int{0, 1, 32, 256} {
		s, err := shapeFor(network.FullyConnected(axes...), config.Spec{
			Layout: string(packing.Tiles), Tile: packing.Shape{Batch: batch}, HE: config.HE{Weights: "encrypted", Ring: config.AnyRing, Precision: 16},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("batch %d: %s", batch, s)
		if err := s.Check(); err != nil || batch != 0 && s.Batch != batch {
			t.Errorf("batch %d: shape %s, %v", batch, s, err)
		}
		cost, _, err := nominal(network.FullyConnected(axes...), packing.TilesOf(s), inference.Wanted{Precision: 16, Encrypted: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []packing.Shape{{In: 16, Out: 16, Batch: max(batch, 1)}, {In: 64, Out: 64, Batch: max(batch, 1)}} {
			if c, _, err := nominal(network.FullyConnected(axes...), packing.TilesOf(other), inference.Wanted{Precision: 16, Encrypted: true}); err == nil && c/float64(other.Batch) < cost/float64(s.Batch) {
				t.Errorf("batch %d: %s costs %g per image, %s %g", batch, s, cost/float64(s.Batch), other, c/float64(other.Batch))
			}
		}
	}
}

// A shape names a point, so what it is chosen by is the same whatever kernels a machine has.
func TestShapeForEveryMachine(t *testing.T) {
	axes := []int{784, 64, 64, 10}
	for batch := 1; batch <= 256; batch *= 4 {
		shape := packing.Shape{In: 16, Out: 8192 / 16 / batch, Batch: batch}
		var costs [2]float64
		var memory [2]int64
		for i, on := range []string{inference.Reference, "portable"} {
			var err error
			costs[i], memory[i], err = nominal(network.FullyConnected(axes...), packing.TilesOf(shape), inference.Wanted{Precision: 24, Kernels: on})
			if err != nil {
				t.Fatal(err)
			}
		}
		if costs[0] != costs[1] || memory[0] != memory[1] {
			t.Errorf("%s costs %g s and %d bytes with vector kernels, %g s and %d bytes with portable ones", shape, costs[0], memory[0], costs[1], memory[1])
		}
	}
}

// openConfig leaves its tile open.
const openConfig = `version: 1
name: open
data: {name: digits}
network: {type: mlp, hidden: [64]}
prune: {scheme: dense}
tile: auto
`

// A tile shape that is left open is chosen, and the point says which it is.
func TestChosen(t *testing.T) {
	for tile, batch := range map[string]int{"auto": 0, "{batch: 32}": 32} {
		c, err := Chosen(config.Parse("f", []byte(strings.Replace(openConfig, "auto", tile, 1))))
		if err != nil {
			t.Fatal(err)
		}
		p := c.Points[0]
		if err := p.Spec.Tile.Check(); err != nil || batch != 0 && p.Spec.Tile.Batch != batch {
			t.Errorf("%s: %s, %v", tile, p.Spec.Tile, err)
		}
		if p.Params["tile"] != p.Spec.Tile.String() {
			t.Errorf("%s: params say %v, want %s", tile, p.Params["tile"], p.Spec.Tile)
		}
	}
}

// Points that are one once their tiles are chosen are merged like those that were one before, and take over a label.
func TestChosenTilesMerge(t *testing.T) {
	first, err := Chosen(config.Parse("f", []byte(openConfig)))
	if err != nil {
		t.Fatal(err)
	}
	shape := first.Points[0].Spec.Tile.String()
	c, err := Chosen(config.Parse("f", []byte(openConfig+"sweep: {cases: [{tile: "+shape+"}, {label: named, tile: "+shape+"}, {prune.ratio: 0.5}]}")))
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, p := range c.Points {
		labels = append(labels, p.Label+" "+p.Params["tile"].(string))
	}
	if want := []string{"named " + shape}; !slices.Equal(labels, want) {
		t.Errorf("points %q: want %q", labels, want)
	}
	if diff := cmp.Diff([]config.Merged{{Points: 1, Scheme: "dense", Ignored: []string{"prune.ratio"}}}, c.Merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

// Tiles that cannot be chosen are errors at the place of each in the file.
func TestNoTileToChoose(t *testing.T) {
	text := strings.NewReplacer("[64]", "[128, 128, 128, 128, 128, 128, 128, 128]", "auto", "{batch: 32768}").Replace(openConfig) + "he: {precision: 40}\nsweep: {grid: {train.seed: [1, 2]}}\n"
	_, err := Chosen(config.Parse("f", []byte(text)))
	want := "f:6:7: tile: tune: no layout fits: inference: the precision is too high: 40 bits with values up to 1 need scales that no ring holds, or more than floats have"
	if errs := (config.Errors{}); !errors.As(err, &errs) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Chosen(config.Parse("f", []byte("version: 0"))); err == nil {
		t.Error("a bad config: no error")
	}
}

// Rings have the same names in configs as where parameters are derived.
func TestWantedRings(t *testing.T) {
	for _, ring := range append([]inference.Ring{""}, inference.Rings...) {
		name := string(ring)
		if ring == "" {
			name = config.AnyRing
		}
		c, err := config.Parse("f", []byte(openConfig+"he: {ring: "+name+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if w := WantedOf(c.Points[0].Spec.HE); w.Ring != ring {
			t.Errorf("he.ring %s: parameters for the ring %q, want %q", name, w.Ring, ring)
		}
	}
}
