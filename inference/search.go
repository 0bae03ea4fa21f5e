package inference

import "math"

// size searches the sizes of least loss by steps in two directions at a time. It returns false if the rules cannot be
// kept.
func (c *chain) size() (sizes, bool) {
	s := c.start()
	if (len(s.scales)+c.special)*c.prime > c.limit {
		return s, false
	}
	directions := c.directions(&s)
	loss := c.loss(s, math.Inf(1))
	better := 1                             // steps that helped: while it stays, nothing is tried twice in vain
	alone := make([]int, len(directions))   // what it was when a direction did not help
	pairs := make([][]int, len(directions)) // and when two did not, by how far apart they are
	for i := range pairs {
		pairs[i] = make([]int, min(near, len(directions)-i))
	}
	try := func(a, b direction, moves [][2]int) (inVain int) {
		inVain = better
		for _, steps := range moves {
			a.move(steps[0])
			b.move(steps[1])
			if l := c.loss(s, loss-indifferent); l < loss-indifferent {
				loss, inVain = l, 0
				better++
				continue
			}
			a.move(-steps[0])
			b.move(-steps[1])
		}
		return inVain
	}
	for before := 0; before != better; {
		before = better
		for i, a := range directions {
			for apart := range pairs[i] {
				b := directions[i+apart]
				if alone[i] != better {
					alone[i] = try(a, b, movesAlone)
				}
				if pairs[i][apart] != better {
					pairs[i][apart] = try(a, b, movesTogether)
				}
			}
		}
	}
	c.settle(s)
	_, broken := c.spent(s)
	return s, broken == 0
}

// Steps in one direction, and in two.
var (
	movesAlone    = [][2]int{{1, 0}, {-1, 0}, {4, 0}, {-4, 0}}
	movesTogether = [][2]int{{1, 1}, {-1, -1}, {1, -1}, {-1, 1}, {2, -1}, {-2, 1}, {1, -2}, {-1, 2}}
)

// near bounds how far apart directions may be that are tried together: long chains have hundreds.
const near = 40

// indifferent is a difference in loss that could come from the rounding of floats, which machines do differently.
const indifferent = 1e-6

// start spreads the bits evenly.
func (c *chain) start() sizes {
	n := len(c.steps)
	even := min(max(c.limit/(n+1+c.special), c.prime), c.largest, 45)
	s := sizes{scales: make([]int, n+1), moduli: make([]int, n), logP: even}
	for j := range s.moduli {
		s.moduli[j] = even
	}
	for i := range s.scales {
		s.scales[i] = min(30, even)
	}
	return s
}

// direction is a change of sizes that may help.
type direction []change

type change struct {
	size *int
	by   int
}

func (d direction) move(steps int) {
	for _, c := range d {
		*c.size += steps * c.by
	}
}

// directions lists the sizes that may be chosen, each alone, and every scale together with the moduli around it so that
// the scales next to it, and of weights, stay. The one exchanges bits between moduli, which are bounded; the other
// between scales.
func (c *chain) directions(s *sizes) []direction {
	ds := []direction{{{&s.scales[0], 1}}, {{&s.logP, 1}}}
	for j := range c.steps {
		st := &c.steps[j]
		ds = append(ds, direction{{&s.moduli[j], 1}})
		if st.weighted {
			ds = append(ds, direction{{&s.scales[j+1], 1}})
		}
		around := direction{{&s.moduli[j], st.gain}}
		switch {
		case j == 0:
			around = append(around, change{&s.scales[0], 1})
		case c.steps[j-1].weighted:
			around = append(around, change{&s.moduli[j-1], -1}, change{&s.scales[j], 1})
		default: // the scale of a square follows
			around = append(around, change{&s.moduli[j-1], -1})
		}
		ds = append(ds, around)
	}
	return ds
}

// loss is what the search minimises: rules first, then the error as far as it matters, then size. One that is sure not to be
// below a limit is not worked out to the end.
func (c *chain) loss(s sizes, limit float64) float64 {
	c.settle(s)
	total, broken := c.spent(s)
	if broken > 0 {
		return 1e6 * float64(broken)
	}
	if least := 1e3*c.enough + float64(total); least >= limit {
		return least
	}
	return 1e3*math.Max(c.error(s), c.enough) + float64(total)
}
