package datasets

import (
	"math"
	"math/rand/v2"
)

// How much one picture of a shape differs from another.
const (
	minRadius = 9. // of the circle around a shape, pixels
	maxRadius = 13.
	lean      = .08  // largest rotation either way, turns
	slope     = 50.  // largest change of the background's levels from one side to the other
	grain     = 10.  // largest noise of a level
	contrast  = 240. // least sum of the differences between a shape's levels and the background's, anywhere
	lowest    = 15.  // level of a colour before noise
	highest   = 240.
)

// shapesChecksum identifies what is drawn.
const shapesChecksum = "7b2b413540558b2d2162e6980cd6fff3779b01d6d3753f237812728aadd149fa"

// shapes is a set of flat figures in colour: of any size, place, colour and slant, mirrored or not, on a background that
// runs from one colour to another. Nothing but the outline tells the class: of 20,000 samples a linear network learns
// 18 %, a convolutional one of two small layers 95 %.
func shapes() drawing {
	figures := figures()
	return drawing{
		name: "shapes", form: Form{Shape: Shape{32, 32, 3}, Classes: len(figures), Train: 60000, Test: 10000}, pinned: shapesChecksum,
		draw: func(rng *rand.Rand, label int, pixels []uint8) { drawShape(rng, figures[label], pixels) },
	}
}

// figure gives the distance from a point to the outline of a figure about the unit circle around 0, negative inside; y
// points down. It need be right near the outline only.
type figure func(p point) float64

// colour has the levels of red, green and blue, 0 to 255.
type colour [3]float64

func drawShape(rng *rand.Rand, f figure, pixels []uint8) {
	const side = 32
	radius := between(rng, minRadius, maxRadius)
	free := side/2 + 1 - radius // it may lose a pixel at the border
	centre := point{side/2 + between(rng, -free, free), side/2 + between(rng, -free, free)}
	turn := between(rng, -lean, lean)
	sin, cos := sine(turn), sine(turn+.25)
	mirror := 1.
	if rng.IntN(2) == 0 {
		mirror = -1
	}
	ink, from, to := colours(rng)
	direction := rng.Float64()
	rampX, rampY := sine(direction)/side, sine(direction+.25)/side

	for y := range side {
		for x := range side {
			dx, dy := float64(x)+.5-centre.x, float64(y)+.5-centre.y
			p := point{mirror * (mul(cos, dx) + mul(sin, dy)) / radius, (mul(cos, dy) - mul(sin, dx)) / radius}
			cover := min(1, max(0, .5-mul(radius, f(p))))
			ramp := .5 + mul(rampX, float64(x)+.5-side/2) + mul(rampY, float64(y)+.5-side/2)
			ramp = min(1, max(0, ramp))
			for c := range ink {
				ground := from[c] + mul(ramp, to[c]-from[c])
				level := ground + mul(cover, ink[c]-ground) + between(rng, -grain, grain)
				pixels[(y*side+x)*3+c] = uint8(min(255, max(0, level+.5)))
			}
		}
	}
}

// colours are those of a shape and of the two ends of its background, from which it stands out.
func colours(rng *rand.Rand) (ink, from, to colour) {
	for {
		for c := range ink {
			ink[c] = between(rng, lowest, highest)
			from[c] = between(rng, lowest, highest)
			to[c] = min(highest, max(lowest, from[c]+between(rng, -slope, slope)))
		}
		if min(ink.distance(from), ink.distance(to)) >= contrast {
			return ink, from, to
		}
	}
}

func (a colour) distance(b colour) float64 {
	sum := 0.
	for c := range a {
		sum += math.Abs(a[c] - b[c])
	}
	return sum
}

// figures are the classes in order: circle, ring, square, triangle, diamond, cross, star, crescent, stripes, arrow.
func figures() []figure {
	return []figure{
		func(p point) float64 { return p.norm() - .85 },
		func(p point) float64 { return math.Abs(p.norm()-.74) - .24 },
		func(p point) float64 { return p.box(.76, .76) },
		func(p point) float64 {
			return max(p.beyond(math.Sqrt(3)/2, -.5, .5), p.beyond(-math.Sqrt(3)/2, -.5, .5), p.beyond(0, 1, .5))
		},
		func(p point) float64 { return point{math.Abs(p.x), math.Abs(p.y)}.beyond(.8944, .4472, .4472) },
		func(p point) float64 { return min(p.box(.95, .28), p.box(.28, .95)) },
		star,
		func(p point) float64 { return max(p.norm()-.95, .8-point{p.x - .42, p.y}.norm()) },
		func(p point) float64 {
			return max(math.Abs(p.x)-.85, min(math.Abs(p.y), math.Abs(math.Abs(p.y)-.7))-.18)
		},
		func(p point) float64 {
			head := max(p.y, point{math.Abs(p.x), p.y}.beyond(.8, -.6, .6))
			return min(head, point{p.x, p.y - .45}.box(.24, .5))
		},
	}
}

// star has five points: what lies within four or five of the lines through two of them each.
func star(p point) float64 {
	first, second := math.Inf(-1), math.Inf(-1) // the largest distances beyond a line
	for i := range 5 {
		turn := float64(i) / 5
		d := p.beyond(sine(turn), sine(turn+.25), .309)
		first, second = max(first, d), max(second, min(first, d))
	}
	return second
}

func (p point) norm() float64 { return math.Sqrt(mul(p.x, p.x) + mul(p.y, p.y)) }

// box is the distance to a rectangle of these half sides.
func (p point) box(x, y float64) float64 { return max(math.Abs(p.x)-x, math.Abs(p.y)-y) }

// beyond is the distance beyond the line with normal (x,y), a unit vector, at the given distance from 0.
func (p point) beyond(x, y, distance float64) float64 { return mul(x, p.x) + mul(y, p.y) - distance }
