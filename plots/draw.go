package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// Draw writes the figure as ID.pdf, ID.svg and ID.png into dir, which it makes, beside it its points as ID.csv and what a caption
// must say as ID.txt, and returns the paths. A figure that cannot be drawn leaves no file, and the ones that were there as they were.
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
	files, err := render(w, h, resolution, c.paint)
	if err != nil {
		return nil, err
	}
	return withData(files, c.data, c.caption(fig))
}

// Lengths of a figure, in points.
const (
	margin    = 6
	titleSize = 9
	textSize  = 8
	smallSize = 7

	titleHeight  = 1.7 * titleSize
	titleLine    = 1.2 * textSize // of a panel
	bannerSize   = 9
	bannerHeight = 2 * bannerSize
	frameWidth   = 0.6
	lineWidth    = 1.2
)

var (
	bannerStyle = letters(bannerSize, color.RGBA{0xC0, 0x00, 0x00, 0xFF})
	titleStyle  = letters(titleSize, color.Black)
	labelStyle  = letters(textSize, color.Black)
	tickStyle   = letters(smallSize+0.5, color.Black)
)

const banner = "INSECURE PARAMETERS: these results hold under no security level"

// columns is how many panels stand side by side.
func (c *chart) columns() int {
	n := len(c.panels)
	if n == 4 {
		n = 2
	}
	return max(1, min(n, 3, int(c.width/leastWidth)))
}

func (c *chart) rows() int { return (len(c.panels) + c.columns() - 1) / c.columns() }

// size is that of a figure. Narrow panels are taller for their width than wide ones.
func (c *chart) size() (w, h vg.Length) {
	w = vg.Length(c.width) * vg.Centimeter
	h = min(72+0.45*w/vg.Length(c.columns()), 240)
	if c.onSide {
		h = c.rowsHeight()
	}
	h += max(0, c.titleHeight(w-2*margin)-2*textSize) // a second line of titles takes nothing from the data
	return w, h*vg.Length(c.rows()) + c.header(w-2*margin) + 2*margin
}

// header is the height of what stands above the panels.
func (c *chart) header(width vg.Length) vg.Length {
	h := newLegend(c.legend, width).height()
	if c.insecure {
		h += bannerHeight
	}
	if c.title != "" {
		h += titleHeight
	}
	return h
}

// paint draws the figure from top to bottom: banner, title, legend, panels.
func (c *chart) paint(dc draw.Canvas) {
	dc = draw.Crop(dc, margin, -margin, margin, -margin)
	width, top := dc.Size().X, dc.Max.Y
	if c.insecure {
		style := aligned(bannerStyle, draw.XCenter, draw.YTop)
		style.Font.Size *= min(1, width/style.Width(banner))
		dc.FillText(style, vg.Point{X: dc.Center().X, Y: top}, banner)
		top -= bannerHeight
	}
	if c.title != "" {
		style := aligned(titleStyle, draw.XCenter, draw.YTop)
		caption(dc, style, dc.Center().X, top, fitting(c.title, style, width))
		top -= titleHeight
	}
	newLegend(c.legend, width).paint(dc, top)
	c.paintPanels(draw.Crop(dc, 0, 0, 0, -c.header(width)))
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
	head := c.titleHeight(dc.Size().X)
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
			lines := c.titleLines(n, dc.Size().X)
			for k, line := range lines {
				above := data.Max.Y + 5 + vg.Length(len(lines)-1-k)*titleLine
				caption(dc, aligned(labelStyle, draw.XCenter, draw.YBottom), data.Center().X, above, line)
			}
			if n+cols >= len(c.panels) {
				caption(dc, aligned(labelStyle, draw.XCenter, draw.YTop), data.Center().X, area.Min.Y-2, across.label)
			}
			if j == 0 {
				style := aligned(labelStyle, draw.XCenter, draw.YTop)
				if style.Width(up.label) > data.Size().Y {
					style.Font.Size = smallSize
				}
				style.Rotation = math.Pi / 2
				caption(dc, style, dc.Min.X, data.Center().Y, fitting(up.label, style, area.Size().Y))
			}
		}
	}
}

// titleLines are those of a panel: two at most, where one is too narrow for what tells panels apart.
func (c *chart) titleLines(panel int, width vg.Length) []string {
	const beside = 42 // what stands left of the data
	width = width/vg.Length(c.columns()) - beside
	lines := wrap([]string{c.panels[panel].title}, labelStyle, width)
	if len(lines) > 2 {
		lines = []string{lines[0], strings.Join(lines[1:], " ")}
	}
	for i, line := range lines {
		lines[i] = fitting(line, labelStyle, width)
	}
	return lines
}

// titleHeight is that of what stands above each panel.
func (c *chart) titleHeight(width vg.Length) vg.Length {
	most := 0
	for n := range c.panels {
		most = max(most, len(c.titleLines(n, width)))
	}
	if most == 0 {
		return margin
	}
	return 0.5*textSize + vg.Length(most)*titleLine
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
	add(bandPlot(p.bands))
	for _, g := range p.guides {
		add(&plotter.Line{XYs: g.xys, LineStyle: g.look.line(1)})
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
	switch {
	case cv.reference:
		parts = append(parts, &plotter.Line{XYs: c.level(cv), LineStyle: cv.look.line(0.8)})
	case cv.baseline:
		parts = append(parts, &plotter.Line{XYs: c.level(cv), LineStyle: cv.look.line(lineWidth)})
	case cv.joined:
		parts = append(parts, &plotter.Line{XYs: cv.line(), LineStyle: cv.look.line(lineWidth)})
	}
	return append(parts, c.whiskers(cv)...)
}

// level is the line of a baseline or a reference.
func (c *chart) level(cv curve) plotter.XYs {
	from, to := c.reach(cv)
	return plotter.XYs{c.at(from, cv.points[0].y.mean), c.at(to, cv.points[0].y.mean)}
}

// reach is what a level spans in x.
func (c *chart) reach(cv curve) (from, to float64) {
	if cv.reach != nil {
		return cv.reach[0], cv.reach[1]
	}
	return c.x.min, c.x.max
}

func (c *chart) markers(cv curve) plot.Plotter {
	s := &plotter.Scatter{GlyphStyle: cv.look.marker()}
	for _, pt := range cv.points {
		s.XYs = append(s.XYs, c.at(pt.x.mean, pt.y.mean))
	}
	return s
}

// arrows point from the border of a panel to the points beyond it, each from the marker of its series, so that none is lost.
type arrows struct {
	points   plotter.XYs
	look     look
	baseline bool // which has no marker
}

func (c *chart) arrows(cv curve) arrows {
	a := arrows{look: cv.look, baseline: cv.baseline}
	for _, pt := range c.beyond(cv) {
		switch from, to := c.reach(cv); {
		case cv.baseline && c.onSide: // below is the axis
			pt.x.mean = from + 0.2
		case cv.baseline:
			pt.x.mean = to
		}
		a.points = append(a.points, c.at(pt.x.mean, pt.y.mean))
	}
	return a
}

// Plot draws the arrows.
func (a arrows) Plot(dc draw.Canvas, p *plot.Plot) {
	const length, head = 7, 3
	style, halo := draw.LineStyle{Color: a.look.color, Width: 1.1}, draw.LineStyle{Color: color.White, Width: 2.4}
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
		if !a.baseline {
			marker := a.look.marker()
			marker.Radius = 2
			dc.DrawGlyph(marker, tip.Sub(along.Scale(length+1)))
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
