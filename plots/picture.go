package plots

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// Picture is a figure in memory, for a document that can tell more about a point than its place. Lengths are in points, from
// the upper left corner: the units of the SVG.
type Picture struct {
	SVG           []byte
	Width, Height float64
	X, Y          string // what the axes show, without units; X is empty if it is the rows of a dot chart
	Caption       string // what it shows, and what a reader must know about it
	Marks         []Mark
}

// Mark is where a picture shows a point, and what it is: the value of y, its range if it is a mean over seeds, and the attempts.
type Mark struct {
	Left, Top, Width, Height float64
	X, Y                     string // values with their units; X is empty if it is a row, or any, as for a level
	Records                  record.Set
}

// Render draws the figure as Draw does, into memory.
func Render(fig Figure, records record.Set) (*Picture, error) {
	c, err := reduce(fig, records)
	if err != nil {
		return nil, fmt.Errorf("plots: figure %s: %w", fig.ID, err)
	}
	w, h := c.size()
	p := &Picture{Width: w.Points(), Height: h.Points(), X: c.x.metric.Label, Y: c.y.metric.Label, Caption: strings.TrimSpace(c.caption(fig))}
	c.marked = func(m Mark) {
		m.Top = p.Height - m.Top - m.Height // a canvas begins at the bottom
		p.Marks = append(p.Marks, m)
	}
	if p.SVG, err = svgFormat.render(w, h, c.paint); err != nil {
		return nil, fmt.Errorf("plots: figure %s: %w", fig.ID, err)
	}
	return p, nil
}

// places tells where the points of a curve are. It draws nothing.
type places struct {
	chart *chart
	curve curve
}

// Plot tells the places.
func (s places) Plot(dc draw.Canvas, p *plot.Plot) {
	const reach = 6 // a pointer need not hit the marker itself
	c := s.chart
	x, y := p.Transforms(&dc)
	for _, pt := range s.curve.points {
		from, to := c.at(pt.x.mean, pt.y.mean), c.at(pt.x.mean, pt.y.mean)
		switch start, end := c.reach(s.curve); {
		case s.curve.baseline && c.onSide:
			from.Y, to.Y = end, start
		case s.curve.baseline:
			from.X, to.X = start, end
		case c.parts != nil:
			from.X = c.y.min
		}
		left, right := within(x(from.X), dc.Min.X, dc.Max.X), within(x(to.X), dc.Min.X, dc.Max.X)
		low, high := within(y(from.Y), dc.Min.Y, dc.Max.Y), within(y(to.Y), dc.Min.Y, dc.Max.Y)
		m := Mark{
			Left: (left - reach).Points(), Width: (right - left + 2*reach).Points(),
			Top: (low - reach).Points(), Height: (high - low + 2*reach).Points(),
			Y: c.y.value(pt.y.mean), Records: pt.of,
		}
		if n := len(pt.values); n > 1 {
			m.Y += fmt.Sprintf(" (%s … %s, %s)", c.y.value(pt.values[0]), c.y.value(pt.values[n-1]), count(n, "seed"))
		}
		if !c.onSide && !s.curve.baseline {
			m.X = c.x.value(pt.x.mean)
		}
		c.marked(m)
	}
}

func within(v, low, high vg.Length) vg.Length { return min(max(v, low), high) }
