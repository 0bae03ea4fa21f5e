package config

import "testing"

// A tile shape that is left open is chosen, and the point says which it is.
func TestChosenTile(t *testing.T) {
	for tile, batch := range map[string]int{"auto": 0, "{batch: 32}": 32} {
		c, err := Parse("f", []byte(edited("tile: "+tile)))
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
