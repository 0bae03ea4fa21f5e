package datasets

import (
	"math"
	"math/rand/v2"
)

// How much one hand differs from another. With these values a network with square activations reaches about
// the accuracy on digits that it reaches on MNIST.
const (
	rotation = .16 // standard deviation, radians
	shear    = .18 // standard deviation
	scale    = .12 // standard deviation of the logarithm, per axis
	shift    = 1.5 // largest, pixels
	elastic  = 1.2 // amplitude of the smooth warp, pixels
	jitter   = .07 // standard deviation of the skeleton's points, in unit boxes
	minWidth = .8  // radius of the pen, pixels
	maxWidth = 1.7

	height = 20 // of a mean digit, pixels
	width  = 16
)

// digitsChecksum identifies what is drawn.
const digitsChecksum = "3c6555b627ba30b01245fdad749515c7b3ee667e989cceec79fc50c6809009ab"

// digits is the set of pen-drawn digits.
func digits() drawing {
	skeletons := skeletons()
	return drawing{
		name: "digits", form: greyForm, pinned: digitsChecksum,
		draw: func(rng *rand.Rand, label int, pixels []uint8) { drawDigit(rng, skeletons[label], pixels) },
	}
}

// drawDigit writes one of the variants of a digit by a random hand.
func drawDigit(rng *rand.Rand, variants [][]stroke, pixels []uint8) {
	hand := randomHand(rng)
	radius := between(rng, minWidth, maxWidth)
	var ink canvas
	for _, skeleton := range variants[rng.IntN(len(variants))] {
		line := make(stroke, len(skeleton))
		for i, p := range skeleton {
			line[i] = point{p.x + mul(jitter, normal(rng)), p.y + mul(jitter, normal(rng))}
		}
		line = line.smooth()
		for i, p := range line {
			line[i] = hand.place(p)
		}
		first, last := mul(radius, between(rng, .85, 1.15)), mul(radius, between(rng, .85, 1.15))
		ink.draw(line, first, last)
	}
	darkness := between(rng, 200, 255)
	for i, v := range ink {
		pixels[i] = uint8(mul(v, darkness) + .5)
	}
}

// hand maps the unit box of a skeleton to the image.
type hand struct {
	sin, cos       float64
	shear          float64
	scaleX, scaleY float64
	shiftX, shiftY float64
	waveX, waveY   [4]float64 // amplitudes of the smooth warp, pixels
	phase          float64    // turns
}

func randomHand(rng *rand.Rand) hand {
	turn := mul(rotation/(2*math.Pi), normal(rng))
	h := hand{
		sin:    sine(turn),
		cos:    sine(turn + .25),
		shear:  mul(shear, normal(rng)),
		scaleX: mul(width, exp(mul(scale, normal(rng)))),
		scaleY: mul(height, exp(mul(scale, normal(rng)))),
		shiftX: between(rng, -shift, shift),
		shiftY: between(rng, -shift, shift),
		phase:  rng.Float64(),
	}
	for i := range h.waveX {
		h.waveX[i] = mul(elastic/2, normal(rng))
		h.waveY[i] = mul(elastic/2, normal(rng))
	}
	return h
}

// place scales, shears, turns, warps and shifts a point of the unit box into the image.
func (h *hand) place(p point) point {
	x, y := mul(p.x-.5, h.scaleX), mul(p.y-.5, h.scaleY)
	x += mul(h.shear, y)
	x, y = mul(h.cos, x)-mul(h.sin, y), mul(h.sin, x)+mul(h.cos, y)
	u, v := x/side, y/side // turns
	warpX := mul(h.waveX[0], sine(u/2+h.phase)) + mul(h.waveX[1], sine(v+h.phase)) +
		mul(h.waveX[2], sine((u+v)/1.5)) + mul(h.waveX[3], sine(v/2+.25))
	warpY := mul(h.waveY[0], sine(v/2+h.phase)) + mul(h.waveY[1], sine(u+h.phase)) +
		mul(h.waveY[2], sine((u-v)/1.5)) + mul(h.waveY[3], sine(u/2+.25))
	return point{x + warpX + h.shiftX + side/2, y + warpY + h.shiftY + side/2}
}

// smooth gives the Catmull-Rom spline through the points, as six short lines for each span. A line of two
// points stays straight.
func (s stroke) smooth() stroke {
	if len(s) < 3 {
		return s
	}
	const steps = 6
	last := len(s) - 1
	var out stroke
	for i := range last {
		a, b, c, d := s[max(i-1, 0)], s[i], s[i+1], s[min(i+2, last)]
		for k := range steps {
			t := float64(k) / steps
			out = append(out, point{catmullRom(a.x, b.x, c.x, d.x, t), catmullRom(a.y, b.y, c.y, d.y, t)})
		}
	}
	return append(out, s[last])
}

// catmullRom runs from b to c as t runs from 0 to 1.
func catmullRom(a, b, c, d, t float64) float64 {
	linear := c - a
	quadratic := mul(2, a) - mul(5, b) + mul(4, c) - d
	cubic := mul(3, b-c) + d - a
	return b + mul(t, linear+mul(t, quadratic+mul(t, cubic)))/2
}

// canvas holds the cover of each pixel by ink, in [0,1].
type canvas [dim]float64

// draw covers what a round pen touches on its way along the line, while its radius goes from first to last.
func (c *canvas) draw(line stroke, first, last float64) {
	for i := range len(line) - 1 {
		radius := first + mul(last-first, float64(i)/float64(len(line)))
		c.segment(line[i], line[i+1], radius)
	}
}

func (c *canvas) segment(a, b point, radius float64) {
	dx, dy := b.x-a.x, b.y-a.y
	length2 := mul(dx, dx) + mul(dy, dy)
	for y := max(0, int(min(a.y, b.y)-radius-1)); y <= min(side-1, int(max(a.y, b.y)+radius+1)); y++ {
		for x := max(0, int(min(a.x, b.x)-radius-1)); x <= min(side-1, int(max(a.x, b.x)+radius+1)); x++ {
			px, py := float64(x)+.5-a.x, float64(y)+.5-a.y
			along := 0.0
			if length2 > 0 {
				along = max(0, min(1, (mul(px, dx)+mul(py, dy))/length2))
			}
			ex, ey := px-mul(along, dx), py-mul(along, dy)
			cover := radius + .5 - math.Sqrt(mul(ex, ex)+mul(ey, ey))
			pixel := &c[y*side+x]
			*pixel = max(*pixel, min(1, cover))
		}
	}
}
