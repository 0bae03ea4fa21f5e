package pruning

import (
	"cmp"
	"math"
	"slices"
)

// choice is the search for the groups of neurons that stay alive and the tiles between them: the most importance within a budget
// that charges for both. A tile needs live groups at both of its ends, and a group is worth its price only with enough tiles.
//
// Importance counts by a power of the sum over a tile, so that one strong tile does not keep a group that many weaker ones would
// pay for better. Measured: .5; 1 keeps too many rows, .25 too few.
type choice struct {
	w      whole
	tiles  []pricedTile // the most worth for the price first (but see scrape)
	groups []group
	first  []int // the first group of each axis
	alive  []int // number of live groups, by axis
	floors []int // tiles of each layer, at least

	in, out []bool // scratch: groups that have a tile before, after them
	takes   []bool
}

const worthPower = 0.5

// pricedTile is a tile with the groups that it needs.
type pricedTile struct {
	layer, index, from, to int
	worth, price           float64
}

// group is a group of neurons of an axis.
type group struct {
	axis  int
	price float64
	alive bool
	must  bool  // never goes
	tiles []int // that need it
}

func newChoice(w whole, sums [][]float64) *choice {
	c := &choice{w: w}
	last := len(w.p.dims) - 1
	outputs := w.outputsMust()
	for a, price := range w.prices.group {
		c.first = append(c.first, len(c.groups))
		for range w.p.groups[a] {
			c.groups = append(c.groups, group{axis: a, price: price, must: a == last && outputs})
		}
	}
	for l, s := range sums {
		g := w.p.grid(l)
		c.floors = append(c.floors, max(1, int(floorShare*w.density*float64(len(s)))))
		for i, v := range s {
			in, out := g.Ends(i)
			c.tiles = append(c.tiles, pricedTile{
				layer: l, index: i, from: c.first[l] + in, to: c.first[l+1] + out, worth: math.Pow(v, worthPower), price: w.prices.tile[l][g.Tap(i)],
			})
		}
	}
	c.sort(func(s, t pricedTile) int {
		return cmp.Or(cmp.Compare(t.worth*s.price, s.worth*t.price), cmp.Compare(t.worth, s.worth))
	})
	c.in, c.out, c.takes = make([]bool, len(c.groups)), make([]bool, len(c.groups)), make([]bool, len(c.tiles))
	return c
}

// sort puts the tiles in an order: that in which they are taken.
func (c *choice) sort(order func(s, t pricedTile) int) {
	slices.SortStableFunc(c.tiles, order)
	for g := range c.groups {
		c.groups[g].tiles = nil
	}
	for i, t := range c.tiles {
		c.groups[t.from].tiles = append(c.groups[t.from].tiles, i)
		c.groups[t.to].tiles = append(c.groups[t.to].tiles, i)
	}
}

// outputsMust tells whether each group of the network's outputs is to stay: if that is a small part of the budget.
func (w whole) outputsMust() bool {
	last := len(w.p.dims) - 1
	n := w.p.groups[last]
	return n == 1 || float64(n)*(w.prices.group[last]+slices.Min(w.prices.tile[last-1])) <= outputsMost*w.limit
}

// reset brings all groups to life.
func (c *choice) reset() {
	c.alive = slices.Clone(c.w.p.groups)
	for g := range c.groups {
		c.groups[g].alive = true
	}
}

func (c *choice) set(g int, alive bool) {
	if c.groups[g].alive != alive {
		c.groups[g].alive = alive
		if alive {
			c.alive[c.groups[g].axis]++
		} else {
			c.alive[c.groups[g].axis]--
		}
	}
}

func (c *choice) usable(t *pricedTile) bool { return c.groups[t.from].alive && c.groups[t.to].alive }

// removable tells whether a live group may go.
func (c *choice) removable(g int) bool {
	a := c.groups[g].axis
	return c.groups[g].alive && !c.groups[g].must && c.alive[a] > c.w.least[a]
}

// bisect finds the multiplier at which the groups that are worth their price, and their tiles, just fit the limit.
func (c *choice) bisect() {
	high := 0.0
	for _, t := range c.tiles {
		if t.price > 0 {
			high = math.Max(high, t.worth/t.price)
		}
	}
	for g := range c.groups { // tiles may be free
		total := 0.0
		for _, i := range c.groups[g].tiles {
			total += c.tiles[i].worth
		}
		if c.groups[g].price > 0 {
			high = math.Max(high, total/c.groups[g].price)
		}
	}
	high *= 4
	low := high * 1e-12
	if high > 0 && c.peel(low) > c.w.limit {
		for range bisections {
			mid := math.Sqrt(low * high)
			if c.peel(mid) > c.w.limit {
				low = mid
			} else {
				high = mid
			}
		}
		c.peel(high)
	}
	for c.measure() < 0 { // not even the tiles that the groups need
		if !c.drop() {
			c.scrape()
			break
		}
	}
}

// scrape gives up what is wanted, step by step, until the fewest groups with the cheapest tiles are left, which fit any limit that is not
// refused.
func (c *choice) scrape() {
	c.floors = make([]int, len(c.floors))
	if c.measure() >= 0 {
		return
	}
	for g := range c.groups {
		c.groups[g].must = false
	}
	for c.measure() < 0 && c.drop() {
	}
	if c.measure() < 0 { // tiles of one layer cost more or less by their tap
		c.sort(func(s, t pricedTile) int { return cmp.Or(cmp.Compare(s.price, t.price), cmp.Compare(t.worth, s.worth)) })
	}
}

const bisections = 40

// peel removes groups that are not worth their price at a multiplier, the worst first, and returns what is left takes.
func (c *choice) peel(lambda float64) float64 {
	c.reset()
	profit := func(t *pricedTile) float64 { return math.Max(0, t.worth-lambda*t.price) }
	gain := make([]float64, len(c.groups))
	for g := range gain {
		gain[g] = -lambda * c.groups[g].price
		for _, i := range c.groups[g].tiles {
			gain[g] += profit(&c.tiles[i])
		}
	}
	for {
		worst := -1
		for g, v := range gain {
			if v < 0 && (worst < 0 || v*c.groups[worst].price < gain[worst]*c.groups[g].price) && c.removable(g) {
				worst = g
			}
		}
		if worst < 0 {
			break
		}
		for _, i := range c.groups[worst].tiles {
			if t := &c.tiles[i]; c.usable(t) {
				v := profit(t)
				gain[t.to] -= v
				gain[t.from] -= v
			}
		}
		c.set(worst, false)
	}
	price := c.groupPrices()
	for i := range c.tiles {
		if t := &c.tiles[i]; c.usable(t) && t.worth > lambda*t.price {
			price += t.price
		}
	}
	return price
}

func (c *choice) groupPrices() (total float64) {
	for i := range c.groups {
		if c.groups[i].alive {
			total += c.groups[i].price
		}
	}
	return total
}

// drop removes the live group of least importance for its price.
func (c *choice) drop() bool {
	least, value := -1, 0.0
	for g := range c.groups {
		if !c.removable(g) || c.groups[g].price == 0 {
			continue
		}
		v := 0.0
		for _, i := range c.groups[g].tiles {
			if c.usable(&c.tiles[i]) {
				v += c.tiles[i].worth
			}
		}
		if v /= c.groups[g].price; least < 0 || v < value {
			least, value = g, v
		}
	}
	if least >= 0 {
		c.set(least, false)
	}
	return least >= 0
}

// measure takes tiles between live groups: first those without which a group would be dead and the floors of layers, then the
// most worth for the price. It returns what they are worth, −1 if the limit does not allow the first.
func (c *choice) measure() float64 {
	left := c.w.limit*(1+1e-9) - c.groupPrices()
	if left < 0 {
		return -1
	}
	clear(c.in)
	clear(c.out)
	clear(c.takes)
	number := make([]int, len(c.floors))
	total := 0.0
	take := func(i int, t *pricedTile) {
		c.takes[i] = true
		c.in[t.to], c.out[t.from] = true, true
		number[t.layer]++
		left -= t.price
		total += t.worth
	}
	for i := range c.tiles {
		t := &c.tiles[i]
		if c.usable(t) && (!c.in[t.to] || !c.out[t.from] || number[t.layer] < c.floors[t.layer]) {
			take(i, t)
		}
	}
	if left < 0 {
		return -1
	}
	for i := range c.tiles {
		if t := &c.tiles[i]; !c.takes[i] && t.price <= left && t.worth > 0 && c.usable(t) {
			take(i, t)
		}
	}
	return total
}

// fill gives the kept tiles and what they are worth.
func (c *choice) fill() (kept [][]bool, worth float64) {
	worth = c.measure()
	for _, n := range c.w.p.tiles() {
		kept = append(kept, make([]bool, n))
	}
	for i, k := range c.takes {
		if k {
			kept[c.tiles[i].layer][c.tiles[i].index] = true
		}
	}
	return kept, worth
}

// exchange drops, adds and swaps groups of neurons, other than inputs, as long as that gains. The work is bounded, as a layout of
// small tiles has many of both.
func (c *choice) exchange() {
	left := exchangeWork / max(1, len(c.tiles))
	best := c.measure()
	for {
		g1, g2, top := -1, -1, best*(1+1e-9)
		try := func(a, b int) {
			left--
			if v := c.measure(); v > top {
				g1, g2, top = a, b, v
			}
		}
		hidden := c.groups[c.first[1]:]
		for k := range hidden {
			if g := c.first[1] + k; left > 0 && (!c.groups[g].alive || c.removable(g)) {
				c.toggle(g)
				try(g, -1)
				c.toggle(g)
			}
		}
		for k := range hidden {
			g := c.first[1] + k
			if g1 >= 0 || c.groups[g].alive {
				continue
			}
			for j := range hidden {
				if h := c.first[1] + j; left > 0 && c.groups[h].alive && !c.groups[h].must && (c.groups[h].axis == c.groups[g].axis || c.removable(h)) {
					c.toggle(g)
					c.toggle(h)
					try(g, h)
					c.toggle(h)
					c.toggle(g)
				}
			}
		}
		if g1 < 0 {
			return
		}
		c.toggle(g1)
		if g2 >= 0 {
			c.toggle(g2)
		}
		best = top
	}
}

// exchangeWork bounds exchanges, in tiles looked at: a fraction of a second.
const exchangeWork = 30_000_000

func (c *choice) toggle(g int) { c.set(g, !c.groups[g].alive) }
