package pruning

import (
	"fmt"
	"slices"
	"strings"

	"hepex/network"
	"hepex/packing"
)

// Joint orders neurons and drops tiles together: it scores the weights, seeks the groups of neurons and the tiles to keep
// that hold most of the importance (see arrange), and drops the other tiles. Weights inside a kept tile are free, so all
// of them train. The search goes on from the order that the state has, if any.
type Joint struct {
	Importance string
	Strategy   string  // joint, unless an ablation takes another
	EvenRows   float64 // power of the sum of a row's importance that the row is divided by
	Density    float64 // share of the budget that the kept tiles may take
	Budget     string  // what that is a share of
	Shape      packing.Shape
	Seed       uint64

	// For budgets of the whole evaluation:
	Final     float64      // share that the last event keeps
	Plan      string       // which share neurons are ordered for
	Kind      packing.Kind // of the layout that is priced
	Encrypted bool         // weights
}

// Upload names what an upload consists of. It decides which networks reach a share of it, and so it is part of their names.
const Upload = "seeded"

func (j Joint) String() string {
	text := fmt.Sprintf("joint importance=%s strategy=%s rows=%g density=%g of %s tile=%s seed=%d", j.Importance, j.Strategy, j.EvenRows, j.Density, j.Budget, j.tile(), j.Seed)
	if Whole(j.Budget) {
		text += fmt.Sprintf(" final=%g plan=%s layout=%s encrypted=%t", j.Final, j.Plan, j.Kind, j.Encrypted)
	}
	if j.Budget == "upload" {
		text += " " + Upload
	}
	return text
}

// tile names the part of the shape that the outcome depends on.
func (j Joint) tile() string {
	if j.Budget != "time" && !Whole(j.Budget) {
		return groups(j.Shape)
	}
	return fmt.Sprintf("%s packing=%d", j.Shape, packing.Version) // the cost of a tile depends on levels, and those on the layout
}

// Apply prunes in place.
func (j Joint) Apply(s *State, data Data) error {
	scores, err := importances(j.Importance, s.Net, j.Seed, data)
	if err != nil {
		return err
	}
	if j.EvenRows != 0 {
		evenRows(scores, s.Net, j.EvenRows)
	}
	p := newPartition(s.Net.Geometry(), j.Shape)
	warm := s.Orders != nil
	if warm {
		p.follow(s.Orders)
	}
	b, err := j.budget(p)
	if err != nil {
		return err
	}
	last := b
	if Whole(j.Budget) {
		last = b.of(j.Final)
	}
	plan := last
	if j.Plan == "present" {
		plan = b
	}
	p.arrange(j.Strategy, scores, plan, warm, j.Seed)
	sums := p.sums(scores)
	if Whole(j.Budget) {
		s.target, _, _ = last.settle(sums)
	}
	kept, worth, _ := b.settle(sums)
	s.noteFloors(b.floored(worth, kept))
	s.noteIdle(idle(worth, kept))
	if !connected(p.grids(), kept) {
		p.connect(sums, kept)
		s.note("a path of tiles kept from inputs to outputs: the ranking would have cut all")
	}
	p.mask(s.Net, kept)
	s.Orders = p.orders()
	return nil
}

// noteIdle says how many kept tiles are worth nothing, in the place of what was said after an earlier step.
func (s *State) noteIdle(tiles int) {
	const text = "kept tiles hold nothing of importance: there was nothing else to keep, as after too strong a lasso"
	s.Notes = slices.DeleteFunc(s.Notes, func(n string) bool { return strings.HasSuffix(n, text) })
	if tiles > 0 {
		s.note("%d %s", tiles, text)
	}
}

// idle counts the kept tiles that are worth nothing.
func idle(worth [][]float64, kept [][]bool) (n int) {
	for l, tiles := range kept {
		for i, k := range tiles {
			if k && worth[l][i] == 0 {
				n++
			}
		}
	}
	return n
}

// connect keeps the path from the inputs to the outputs that holds most importance, in each layer in the place of the tile
// that holds least.
func (p *partition) connect(sums [][]float64, kept [][]bool) {
	for l, tile := range strongest(p.grids(), sums) {
		if kept[l][tile] {
			continue
		}
		least := -1
		for i, k := range kept[l] {
			if k && (least < 0 || sums[l][i] < sums[l][least]) {
				least = i
			}
		}
		kept[l][least], kept[l][tile] = false, true
	}
}

// mask makes the weights of kept tiles trainable and prunes all others.
func (p *partition) mask(n *network.Network, kept [][]bool) {
	for l, d := range n.Dense() {
		d.Mask = make([]bool, len(d.W))
		g := p.grid(l)
		g.Each(func(tile, w int) {
			if kept[l][tile] {
				d.Mask[w] = true
			} else {
				d.W[w] = 0
			}
		})
	}
}

// budget is what the kept tiles may take together. Time is that of products with encrypted weights at nominal prices, which
// grows with the limbs at a layer's level just as the bytes of a tile do.
func (j Joint) budget(p *partition) (allowance, error) {
	switch j.Budget {
	case "layer":
		return newEvenBudget(p, j.Density), nil
	case "tiles":
		return newBudget(p, j.Density, nil), nil
	}
	choice := packing.TilesOf(j.Shape)
	if j.Kind == packing.Scalar {
		choice.Kind = packing.Scalar
	}
	layout, err := choice.Layout(p.geometry)
	if err != nil {
		return nil, fmt.Errorf("pruning: cost of a tile: %w", err)
	}
	if Whole(j.Budget) {
		layout.SetDelayed(true)
		return newWhole(p, j.Density, pricesOf(layout, j.Budget, j.Encrypted))
	}
	arithmetic := layout.Typical()
	var cost [][]float64
	for _, c := range layout.Costs(packing.Nominal(1), arithmetic, true).Layers {
		byTap := make([]float64, len(c.Uses))
		for tap, n := range c.Uses {
			byTap[tap] = c.Use.Seconds * float64(n)
		}
		cost = append(cost, byTap)
	}
	return newBudget(p, j.Density, cost), nil
}
