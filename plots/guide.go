package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/config"
	"hepex/harness/record"
)

// Guide is a line that points are compared with.
type Guide string

// Proportional runs from the dense network of a panel to nothing at all: all of its time, say, would go with its tiles. Where more of y is
// better, it is the inverse. Equal is where y is x.
const (
	Proportional Guide = "proportional"
	Equal        Guide = "equal"
)

// Band is an area, such as what a paper reports: from X[0] to X[1], and in y either from Y[0] to Y[1] or from Share[0] to Share[1] of
// what the dense network of the panel has.
type Band struct {
	X, Y, Share []float64
	Label       string
}

func (fig Figure) checkGuides() error {
	if !slices.Contains([]Guide{"", Proportional, Equal}, fig.Guide) {
		return fmt.Errorf("guide %s: want %s or %s", fig.Guide, Proportional, Equal)
	}
	for _, b := range fig.Bands {
		if (b.Y == nil) == (b.Share == nil) {
			return fmt.Errorf("band %s: want one of y and share", b.Label)
		}
		for _, ends := range [][]float64{b.X, b.Y, b.Share} {
			if ends != nil && (len(ends) != 2 || !(ends[0] < ends[1])) || b.X == nil {
				return fmt.Errorf("band %s: range %g: want the least value and a greater one", b.Label, ends)
			}
		}
	}
	return nil
}

// area is a band of a panel.
type area struct {
	x, y [2]float64
	look int
}

func (a *area) scale(x, y float64) {
	for i := range a.x {
		a.x[i], a.y[i] = a.x[i]*x, a.y[i]*y
	}
}

// guideLine is a line in the units of the axes.
type guideLine struct {
	xys  plotter.XYs
	look look
}

var (
	proportionalLook = look{color: grey(0x30), dashes: []vg.Length{1.2, 1.8}}
	frontLook        = look{color: grey(0x88)}
)

// guide adds what points are compared with, and chooses the axes.
func (c *chart) guide(d *drawn, facets [][]string, x, y record.Metric) error {
	dense := make([][]point, len(facets))
	for i, values := range facets {
		dense[i] = points(baselinesFor(d.dense(), d.facets, values), d.x, d.y)
		c.panels[i].bands = d.bandsOf(dense[i])
	}
	if err := c.scale(d, x, y); err != nil {
		return err
	}
	alone := len(slices.Concat(dense...)) == 0 // without a dense network
	for i, b := range d.fig.Bands {
		if b.Share == nil || !alone {
			c.legend = append(c.legend, entry{name: b.Label, look: bandLook(i), filled: true})
		}
	}
	if alone && (d.fig.Guide == Proportional || slices.ContainsFunc(d.fig.Bands, func(b Band) bool { return b.Share != nil })) {
		c.notes = append(c.notes, "No dense network to compare with.")
	}
	switch {
	case d.fig.Guide == Proportional && !alone:
		c.proportional(dense, y.Better == record.Higher)
	case d.fig.Guide == Equal:
		if x.Unit != y.Unit {
			return fmt.Errorf("guide equal: %s and %s have different units", x.Name, y.Name)
		}
		for i := range c.panels {
			c.panels[i].guides = append(c.panels[i].guides, guideLine{c.curve(func(v float64) float64 { return v / c.x.factor * c.y.factor }), proportionalLook})
		}
		c.legend = append(c.legend, entry{name: "equal", look: proportionalLook, line: true})
	}
	if d.fig.Pareto {
		return c.fronts(x, y)
	}
	return nil
}

// dense is the dense records that satisfy what the figure asks of anything but pruning.
func (d *drawn) dense() record.Set {
	var found record.Set
	for _, r := range d.usable {
		if isDense(r) && d.holds(r, func(c config.Condition) bool { return !strings.HasPrefix(c.Name, "prune.") }) {
			found = append(found, r)
		}
	}
	return found
}

// bandsOf are the bands of a panel with these dense networks.
func (d *drawn) bandsOf(dense []point) (all []area) {
	for i, b := range d.fig.Bands {
		if b.Share == nil {
			all = append(all, area{[2]float64(b.X), [2]float64(b.Y), i})
			continue
		}
		for _, pt := range dense {
			all = append(all, area{[2]float64(b.X), [2]float64{b.Share[0] * pt.y.mean, b.Share[1] * pt.y.mean}, i})
		}
	}
	return all
}

// proportional draws the line through each dense network.
func (c *chart) proportional(dense [][]point, inverse bool) {
	name := "in proportion"
	if inverse {
		name = "in inverse proportion"
	}
	for i := range c.panels {
		for _, pt := range dense[i] {
			x, y := pt.x.mean*c.x.factor, pt.y.mean*c.y.factor
			c.panels[i].guides = append(c.panels[i].guides, guideLine{c.curve(func(v float64) float64 {
				if inverse {
					return y * x / v
				}
				return y * v / x
			}), proportionalLook})
		}
	}
	c.legend = append(c.legend, entry{name: name, look: proportionalLook, line: true})
}

// curve is a function over the axis of x, where the axis of y has its values.
func (c *chart) curve(f func(x float64) float64) (xys plotter.XYs) {
	const steps = 200
	for i := range steps + 1 {
		share := float64(i) / steps
		x := c.x.min + share*(c.x.max-c.x.min)
		if c.x.log {
			x = c.x.min * math.Pow(c.x.max/c.x.min, share)
		}
		if y := f(x); c.y.has(y) {
			xys = append(xys, plotter.XY{X: x, Y: y})
		}
	}
	return xys
}

// fronts draws the front of each panel: in steps, since nothing between two points of it was measured.
func (c *chart) fronts(x, y record.Metric) error {
	for _, m := range []record.Metric{x, y} {
		if m.Better == record.Neither {
			return fmt.Errorf("pareto: neither more nor less of %s is better", m.Name)
		}
	}
	drawn := false
	for i := range c.panels {
		var all []point
		for _, cv := range c.panels[i].curves {
			if !cv.baseline {
				all = append(all, cv.points...)
			}
		}
		front := paretoFront(all, x.Better, y.Better)
		var steps plotter.XYs
		for k, pt := range front {
			if k > 0 {
				steps = append(steps, plotter.XY{X: pt.x.mean, Y: front[k-1].y.mean})
			}
			steps = append(steps, plotter.XY{X: pt.x.mean, Y: pt.y.mean})
		}
		drawn = drawn || len(steps) > 1
		c.panels[i].guides = append(c.panels[i].guides, guideLine{steps, frontLook})
	}
	if drawn {
		c.legend = append(c.legend, entry{name: "Pareto front", look: frontLook, line: true})
	}
	return nil
}

// paretoFront is the points, the best in x first, whose means no other point equals or beats in both.
func paretoFront(all []point, x, y record.Direction) (front []point) {
	sign := map[record.Direction]float64{record.Lower: 1, record.Higher: -1}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b point) int {
		return cmp.Or(cmp.Compare(sign[x]*a.x.mean, sign[x]*b.x.mean), cmp.Compare(sign[y]*a.y.mean, sign[y]*b.y.mean))
	})
	best := math.Inf(1)
	for _, pt := range all {
		if v := sign[y] * pt.y.mean; v < best {
			front, best = append(front, pt), v
		}
	}
	return front
}

// bandLook is that of the i-th band.
func bandLook(i int) look { return look{color: grey([]uint8{0xE2, 0xCE, 0xEE}[i%3])} }

// bandEdge outlines bands, which are pale.
var bandEdge = draw.LineStyle{Color: grey(0x8C), Width: 0.5, Dashes: []vg.Length{2.5, 1.5}}

// bandPlot draws the bands of a panel.
type bandPlot []area

// Plot draws the bands as far as the panel reaches.
func (bands bandPlot) Plot(dc draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&dc)
	for _, b := range bands {
		at := vg.Rectangle{
			Min: vg.Point{X: max(toX(max(b.x[0], p.X.Min)), dc.Min.X), Y: max(toY(max(b.y[0], p.Y.Min)), dc.Min.Y)},
			Max: vg.Point{X: min(toX(min(b.x[1], p.X.Max)), dc.Max.X), Y: min(toY(min(b.y[1], p.Y.Max)), dc.Max.Y)},
		}
		if at.Min.X >= at.Max.X || at.Min.Y >= at.Max.Y {
			continue
		}
		dc.SetColor(bandLook(b.look).color)
		dc.Fill(at.Path())
		stroke(dc, bandEdge, at.Path())
	}
}
