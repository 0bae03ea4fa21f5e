package plots

import (
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// legend is the entries above the panels, in columns as wide as what stands in them.
type legend struct {
	entries []entry
	rows    int
	widths  []vg.Length // of the columns
}

const (
	sampleWidth = 24
	sampleGap   = 4
	entryGap    = 14
	entryHeight = 1.5 * textSize
)

// newLegend takes as few rows as fit the width, and cuts names that are longer than that.
func newLegend(entries []entry, width vg.Length) legend {
	l := legend{entries: slices.Clone(entries)}
	for i := range l.entries {
		l.entries[i].name = fitting(l.entries[i].name, labelStyle, width-sampleWidth-sampleGap)
	}
	for l.rows = 1; l.rows <= len(entries); l.rows++ {
		l.widths = make([]vg.Length, (len(entries)+l.rows-1)/l.rows)
		for i, e := range l.entries {
			w := &l.widths[i/l.rows]
			*w = max(*w, sampleWidth+sampleGap+labelStyle.Width(e.name)+entryGap)
		}
		if l.width() <= width {
			break
		}
	}
	l.rows = min(l.rows, len(entries))
	return l
}

func (l legend) width() vg.Length {
	sum := vg.Length(-entryGap)
	for _, w := range l.widths {
		sum += w
	}
	return sum
}

func (l legend) height() vg.Length {
	if len(l.entries) == 0 {
		return 0
	}
	return vg.Length(l.rows)*entryHeight + 4
}

// paint draws the legend, centred, below top. Entries run down the columns.
func (l legend) paint(dc draw.Canvas, top vg.Length) {
	x := dc.Center().X - l.width()/2
	for i, e := range l.entries {
		if i > 0 && i%l.rows == 0 {
			x += l.widths[i/l.rows-1]
		}
		y := top - (vg.Length(i%l.rows)+0.5)*entryHeight
		e.sample(dc, x, y)
		// The middle of small letters, rather than of the line of text, is level with the sample.
		at := vg.Point{X: x + sampleWidth + sampleGap, Y: y + 0.12*textSize}
		dc.FillText(aligned(labelStyle, draw.XLeft, draw.YCenter), at, e.name)
	}
}

// sample draws what stands before a name: the line and the marker that the series has, or a filled box.
func (e entry) sample(dc draw.Canvas, x, y vg.Length) {
	if e.filled {
		dc.SetColor(e.look.color)
		box := vg.Rectangle{Min: vg.Point{X: x + sampleWidth/3, Y: y - 3.5}, Max: vg.Point{X: x + sampleWidth, Y: y + 3.5}}.Path()
		dc.Fill(box)
		stroke(dc, partEdge, box)
		return
	}
	if e.line {
		dc.StrokeLine2(e.look.line(lineWidth), x, y, x+sampleWidth, y)
	}
	if e.marker {
		dc.DrawGlyphNoClip(e.look.marker(), vg.Point{X: x + sampleWidth/2, Y: y})
	}
}

// wrap joins texts into lines that are no wider than width, unless a single word is.
func wrap(texts []string, style text.Style, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(clean(strings.Join(texts, "  "))) {
		switch longer := line + " " + word; {
		case line == "":
			line = word
		case style.Width(longer) <= width:
			line = longer
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting cuts a text to a width.
func fitting(s string, style text.Style, width vg.Length) string {
	s = clean(s)
	for n := len([]rune(s)); style.Width(s) > width && n > 1; n-- {
		s = shorten(s, n-1)
	}
	return s
}

// clean makes text fit to draw on one line: SVG allows no control characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
}
