package packing

import (
	"errors"
	"fmt"
	"slices"

	"hepex/network"
)

// Choice says which layout is wanted. It is comparable.
type Choice struct {
	Kind      Kind
	Shape     Shape // of tiles; of other layouts only its number of slots matters
	Encrypted bool  // weights
}

// TilesOf is tiles of a shape, with plain weights.
func TilesOf(s Shape) Choice { return Choice{Kind: Tiles, Shape: s} }

// OneImageIn is one image in a ciphertext of so many slots.
func OneImageIn(slots int, encrypted bool) Choice {
	return Choice{Kind: OneImage, Shape: Shape{In: slots, Out: 1, Batch: 1}, Encrypted: encrypted}
}

// ScalarIn is integer weights, with a sample in each of so many slots.
func ScalarIn(slots int) Choice {
	return Choice{Kind: Scalar, Shape: Shape{In: 1, Out: 1, Batch: slots}}
}

// Slots is the number of slots of a ciphertext.
func (c Choice) Slots() int { return c.Shape.Slots() }

func (c Choice) String() string {
	if c.Encrypted {
		return fmt.Sprintf("%s %s, encrypted weights", c.Kind, c.Shape)
	}
	return fmt.Sprintf("%s %s", c.Kind, c.Shape)
}

// Check returns an error unless there are such layouts: of a kind in Kinds and a shape that passes its own Check, with plain weights if
// they are integers.
func (c Choice) Check() error {
	if !slices.Contains(Kinds, c.Kind) {
		return fmt.Errorf("packing: layout %q: want one of %q", c.Kind, Kinds)
	}
	if err := c.Shape.Check(); err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	if c.Kind == Scalar && c.Encrypted {
		return errors.New("packing: scalar layout with encrypted weights: want plain ones, as integers are not encrypted")
	}
	return nil
}

// Layout lays out an unpruned network.
func (c Choice) Layout(g network.Geometry) (*Layout, error) { return c.layout(g, nil) }

// layout lays out a network of which some taps of the first layer have a weight; nil: all.
func (c Choice) layout(g network.Geometry, used []bool) (*Layout, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := checkGeometry(g); err != nil {
		return nil, err
	}
	switch c.Kind {
	case OneImage:
		if err := checkUnrolled(g, c.Slots(), c.Encrypted); err != nil {
			return nil, err
		}
		return newOneImageLayout(g, c.Slots(), c.Encrypted, used), nil
	case Scalar:
		return newScalarLayout(g, c.Slots()), nil
	default:
		return newTileLayout(g, c.Shape), nil
	}
}

// Evaluated is the network that such a layout evaluates in the place of the given one: that of integer weights in scalar layouts, else
// itself.
func (c Choice) Evaluated(f *network.Folded) *network.Folded {
	if c.Kind == Scalar {
		return f.Quantise(fractions(f))
	}
	return f
}

// Pack lays out a network. Channels that became constant or unread are folded away first, so that no tile is kept for them. Tiles are cut
// after the channels of each axis are put in the given order (orders[a][p] is the channel at place p of axis a; a nil order, or nil
// orders, leave the axis as it is). Other layouts place neurons one by one and go without orders; one of one image leaves out neurons that
// nothing reads and inputs without weight.
func (c Choice) Pack(f *network.Folded, orders [][]int) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := checkFinite(f); err != nil {
		return nil, err
	}
	if c.Kind == OneImage {
		return packOneImage(f, c.Slots(), c.Encrypted)
	}
	packed := c.Evaluated(f).Simplify()
	if c.Kind == Tiles && orders != nil {
		if err := CheckOrders(f.Dims(), orders); err != nil {
			return nil, err
		}
		packed = packed.Permute(orders)
	}
	layout, err := c.Layout(packed.Geometry())
	if err != nil {
		return nil, err
	}
	if c.Kind == Tiles && orders != nil {
		layout.order(orders[0], orders[len(orders)-1])
	}
	if c.Kind == Scalar {
		layout.setFractions(fractions(f))
	}
	liveBiases(packed)
	return newModel(packed, layout), nil
}
