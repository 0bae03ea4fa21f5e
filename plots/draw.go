package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// Draw writes the figure as ID.pdf, ID.svg and ID.png into dir, which it makes, and returns the three
// paths. A figure that cannot be drawn leaves no file, and the ones that were there as they were.
func Draw(dir string, fig Figure, records record.Set) ([]string, error) {
	paths, err := drawFigure(dir, fig, records)
	if err != nil {
		return nil, fmt.Errorf("plots: figure %s: %w", fig.ID, err)
	}
	return paths, nil
}

func drawFigure(dir string, fig Figure, records record.Set) ([]string, error) {
	if err := checkID(fig.ID); err != nil {
		return nil, err
	}
	files, err := fig.files(records, dpi)
	if err != nil {
		return nil, err
	}
	return write(dir, fig.ID, files)
}

func (fig Figure) files(records record.Set, resolution int) ([]file, error) {
	c, err := reduce(fig, records)
	if err != nil {
		return nil, err
	}
	w, h := c.size()
	return render(w, h, resolution, c.paint)
}

// Lengths of a figure, in points.
const (
	margin    = 8
	textSize  = 9
	smallSize = 7.5

	noteHeight   = 1.25 * smallSize
	bannerSize   = 11
	bannerHeight = 2 * bannerSize
	frameWidth   = 0.7
)

var (
	bannerStyle = letters(bannerSize, color.RGBA{0xC0, 0x00, 0x00, 0xFF})
	noteStyle   = letters(smallSize, grey(0x55))
	labelStyle  = letters(textSize, color.Black)
	tickStyle   = letters(8, color.Black)
)

const banner = "INSECURE PARAMETERS: these results hold under no security level"

// columns is how many panels stand side by side.
func (c *chart) columns() int {
	if n := len(c.panels); n != 4 {
		return min(n, 3)
	}
	return 2
}

func (c *chart) rows() int { return (len(c.panels) + c.columns() - 1) / c.columns() }

// size is that of a figure for the width of a page: panels get narrower as there are more of them.
func (c *chart) size() (w, h vg.Length) {
	w = []vg.Length{4.3, 6.6, 7.4}[c.columns()-1] * vg.Inch
	h = []vg.Length{2.9, 2.7, 2.4}[c.columns()-1] * vg.Inch * vg.Length(c.rows())
	if c.onSide {
		h = c.rowsHeight() * vg.Length(c.rows())
	}
	return w, h + c.header(w-2*margin) + c.footer(w-2*margin) + 2*margin
}

// header is the height of what stands above the panels, footer that of the notes below.
func (c *chart) header(width vg.Length) vg.Length {
	h := newLegend(c.legend, width).height()
	if c.insecure {
		h += bannerHeight
	}
	return h
}

func (c *chart) footer(width vg.Length) vg.Length {
	return vg.Length(len(wrap(c.notes, noteStyle, width))) * noteHeight
}

// paint draws the figure from top to bottom: banner, legend, panels, notes.
func (c *chart) paint(dc draw.Canvas) {
	dc = draw.Crop(dc, margin, -margin, margin, -margin)
	width, top := dc.Size().X, dc.Max.Y
	if c.insecure {
		style := aligned(bannerStyle, draw.XCenter, draw.YTop)
		style.Font.Size *= min(1, width/style.Width(banner))
		dc.FillText(style, vg.Point{X: dc.Center().X, Y: top}, banner)
		top -= bannerHeight
	}
	newLegend(c.legend, width).paint(dc, top)
	body := draw.Crop(dc, 0, 0, c.footer(width), -c.header(width))
	c.paintPanels(body)
	for i, line := range wrap(c.notes, noteStyle, width) {
		dc.FillText(noteStyle, vg.Point{X: dc.Min.X, Y: body.Min.Y - vg.Length(i+1)*noteHeight}, line)
	}
}

// paintPanels lays the panels out in a grid of equal data areas. Each row has the label of y on its
// left, each panel with nothing below it that of x.
func (c *chart) paintPanels(dc draw.Canvas) {
	cols, rows := c.columns(), c.rows()
	grid := make([][]*plot.Plot, rows)
	for i := range grid {
		grid[i] = make([]*plot.Plot, cols)
		for j := range min(cols, len(c.panels)-i*cols) {
			grid[i][j] = c.plot(c.panels[i*cols+j], j == 0)
		}
	}
	const label = 1.5 * textSize
	head := vg.Length(margin)
	if c.panels[0].title != "" {
		head = 1.7 * textSize
	}
	tiles := draw.Tiles{
		Rows: rows, Cols: cols,
		PadLeft: label, PadBottom: label, PadTop: head, PadRight: 6, PadX: 8, PadY: label + head,
	}
	across, up := c.axes()
	for i, row := range plot.Align(grid, tiles, dc) {
		for j, area := range row {
			if grid[i][j] == nil {
				continue
			}
			grid[i][j].Draw(area)
			n, data := i*cols+j, grid[i][j].DataCanvas(area)
			title := fitting(c.panels[n].title, labelStyle, data.Size().X)
			caption(dc, aligned(labelStyle, draw.XCenter, draw.YBottom), data.Center().X, data.Max.Y+5, title)
			if n+cols >= len(c.panels) {
				caption(dc, aligned(labelStyle, draw.XCenter, draw.YTop), data.Center().X, area.Min.Y-2, across.label)
			}
			if j == 0 {
				style := aligned(labelStyle, draw.XCenter, draw.YTop)
				style.Rotation = math.Pi / 2
				caption(dc, style, dc.Min.X, data.Center().Y, up.label)
			}
		}
	}
}

func caption(dc draw.Canvas, style text.Style, x, y vg.Length, s string) {
	dc.FillText(style, vg.Point{X: x, Y: y}, clean(s))
}

// plot is one panel with its baselines, lines, whiskers and markers, in this order. Its labels and
// frame are not gonum's, which makes room for the label of a log axis where it does not stand.
func (c *chart) plot(p panel, numbered bool) *plot.Plot {
	pl := plot.New()
	across, up := c.axes()
	across.apply(&pl.X)
	up.apply(&pl.Y)
	for _, a := range []*plot.Axis{&pl.X, &pl.Y} {
		a.Padding, a.Tick.Length, a.Tick.Label.Font = 0, 4, tickStyle.Font
		a.Label.TextStyle.Font = tickStyle.Font // its space separates numbers from ticks
		a.LineStyle.Width, a.Tick.LineStyle.Width = 0, frameWidth
	}
	if !numbered {
		pl.Y.Tick.Marker = unnumbered(up.ticks)
	}
	rule := draw.LineStyle{Color: grey(0xE4), Width: 0.5}
	pl.Add(&plotter.Grid{Vertical: rule, Horizontal: rule}, frame{})
	add := func(parts ...plot.Plotter) {
		for _, part := range parts {
			pl.Add(unboxed{part})
		}
	}
	if p.bars != nil {
		add(bars{c, p.bars})
	}
	for _, cv := range p.curves {
		add(c.lines(cv)...)
	}
	for _, cv := range p.curves {
		dots := !cv.baseline && p.bars == nil
		if dots {
			add(c.markers(cv))
		}
		if c.onSide && dots {
			add(c.singles(cv))
		}
		add(c.arrows(cv))
		if c.marked != nil {
			add(places{c, cv})
		}
	}
	// Add widens the axes to the data, and a whisker or a level may touch their ends.
	pl.X.Min, pl.X.Max, pl.Y.Min, pl.Y.Max = across.min, across.max, up.min, up.max
	return pl
}

// axes are the horizontal and the vertical one.
func (c *chart) axes() (across, up axis) {
	if !c.onSide {
		return c.x, c.y
	}
	return c.y, c.x
}

// unboxed hides the size of markers, for which gonum would move the axes off the frame.
type unboxed struct{ plot.Plotter }

// frame is the left and the lower edge of the data area.
type frame struct{}

// Plot draws the frame.
func (frame) Plot(dc draw.Canvas, _ *plot.Plot) {
	dc.StrokeLines(draw.LineStyle{Color: color.Black, Width: frameWidth},
		[]vg.Point{{X: dc.Min.X, Y: dc.Max.Y}, dc.Min, {X: dc.Max.X, Y: dc.Min.Y}})
}

// lines are the line of a curve, when it has one, and the whiskers of its points.
func (c *chart) lines(cv curve) []plot.Plotter {
	var parts []plot.Plotter
	switch xys := c.line(cv); {
	case cv.reference:
		parts = append(parts, &plotter.Line{XYs: c.level(cv.points[0].y), LineStyle: cv.look.line(0.8)})
	case len(xys) > 1:
		parts = append(parts, &plotter.Line{XYs: xys, LineStyle: cv.look.line(1.3)})
	}
	return append(parts, c.whiskers(cv)...)
}

// level is a line through the whole panel.
func (c *chart) level(y float64) plotter.XYs { return plotter.XYs{c.at(c.x.min, y), c.at(c.x.max, y)} }

// line connects the points of a curve in the order of x, passing through the mean of those that share
// one. Where these lie clearly apart, a line would show values that nobody measured: there is none.
func (c *chart) line(cv curve) plotter.XYs {
	switch {
	case cv.baseline:
		return c.level(cv.points[0].y)
	case c.onSide:
		return nil
	}
	var xys plotter.XYs
	for i := 0; i < len(cv.points); {
		var ys []float64
		x := cv.points[i].x
		for ; i < len(cv.points) && cv.points[i].x == x; i++ {
			ys = append(ys, cv.points[i].y)
		}
		if c.y.distance(ys[0], ys[len(ys)-1]) > 0.05 {
			return nil
		}
		xys = append(xys, plotter.XY{X: x, Y: mean(ys)})
	}
	return xys
}

// distance is how far apart two values lie, as a share of the axis.
func (a axis) distance(u, v float64) float64 {
	if a.log {
		return math.Abs(math.Log(u/v)) / math.Log(a.max/a.min)
	}
	return math.Abs(u-v) / (a.max - a.min)
}

func (c *chart) markers(cv curve) plot.Plotter {
	s := &plotter.Scatter{GlyphStyle: cv.look.marker()}
	for _, pt := range cv.points {
		s.XYs = append(s.XYs, c.at(pt.x, pt.y))
	}
	return s
}

// arrows point from the border of a panel to the points beyond it, so that none is lost.
type arrows struct {
	points plotter.XYs
	color  color.Color
}

func (c *chart) arrows(cv curve) arrows {
	a := arrows{color: cv.look.color}
	for _, pt := range c.beyond(cv) {
		if cv.baseline {
			pt.x = c.x.max
			if c.onSide { // below is the axis
				pt.x = c.x.min + 0.2
			}
		}
		a.points = append(a.points, c.at(pt.x, pt.y))
	}
	return a
}

// Plot draws the arrows.
func (a arrows) Plot(dc draw.Canvas, p *plot.Plot) {
	const length, head = 7, 3
	style, halo := draw.LineStyle{Color: a.color, Width: 1.1}, draw.LineStyle{Color: color.White, Width: 2.4}
	x, y := p.Transforms(&dc)
	for _, pt := range a.points {
		to := vg.Point{X: x(pt.X), Y: y(pt.Y)}
		tip := vg.Point{X: min(max(to.X, dc.Min.X), dc.Max.X), Y: min(max(to.Y, dc.Min.Y), dc.Max.Y)}
		along := vg.Point{X: sign(to.X - tip.X), Y: sign(to.Y - tip.Y)}
		across := vg.Point{X: -along.Y, Y: along.X}
		neck := tip.Sub(along.Scale(head))
		for _, s := range []draw.LineStyle{halo, style} {
			dc.StrokeLines(s, []vg.Point{tip.Sub(along.Scale(length)), tip},
				[]vg.Point{neck.Add(across.Scale(head)), tip, neck.Sub(across.Scale(head))})
		}
	}
}

func sign(v vg.Length) vg.Length {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// unnumbered keeps the grid lines and tick marks, but not the numbers, of an axis whose neighbour has them.
func unnumbered(ticks []plot.Tick) plot.Ticker {
	bare := make(plot.ConstantTicks, len(ticks))
	for i, t := range ticks {
		bare[i] = t
		if t.Label != "" {
			bare[i].Label = " "
		}
	}
	return bare
}
