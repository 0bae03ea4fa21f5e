package report

import (
	"bytes"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"hepex/harness/record"
	"hepex/plots"
)

// figure is an SVG, and over it a transparent mark for each point that says what it is.
type figure struct {
	ID, Section, Caption, Problem string
	SVG                           template.HTML
	Size                          template.HTMLAttr
	Width, Height                 string
	Marks                         []mark
}

// mark has the numbers of its points' rows, separated by spaces. Lengths are those of plots.Mark.
type mark struct{ X, Y, Width, Height, Rows, Title string }

func newFigures(id string, e Experiment, named names) []figure {
	if len(e.Records) == 0 {
		return nil
	}
	numbers := map[*record.Record]int{}
	for i, r := range e.Records {
		numbers[r] = i
	}
	var all []figure
	for _, fig := range e.Figures {
		f := figure{ID: fig.ID, Section: id}
		p, err := plots.Render(fig, e.Records)
		if err != nil {
			f.Problem = err.Error()
			all = append(all, f)
			continue
		}
		f.SVG, f.Caption = inline(p.SVG), p.Caption
		f.Width, f.Height = length(p.Width), length(p.Height)
		// Text is still legible at two thirds of its size: on narrower screens the figure scrolls.
		f.Size = template.HTMLAttr(fmt.Sprintf(`style="--width: %spt; --least: %spt"`, f.Width, length(p.Width*2/3)))
		for _, m := range p.Marks {
			f.Marks = append(f.Marks, newMark(m, p, numbers, named))
		}
		all = append(all, f)
	}
	return all
}

// inline is an SVG file without its declaration, as part of HTML. Package plots escapes the texts in it.
func inline(svg []byte) template.HTML {
	return template.HTML(svg[max(0, bytes.Index(svg, []byte("<svg"))):])
}

func newMark(m plots.Mark, p *plots.Picture, numbers map[*record.Record]int, named names) mark {
	title := named.describe(m.Records...) + "\n" + p.Y + ": " + m.Y
	if m.X != "" {
		title += "\n" + p.X + ": " + m.X
	}
	var rows []string
	for _, r := range m.Records {
		rows = append(rows, strconv.Itoa(numbers[r]))
	}
	return mark{length(m.Left), length(m.Top), length(m.Width), length(m.Height), strings.Join(rows, " "), title}
}

func length(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
