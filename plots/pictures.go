package plots

import (
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Pictures is rows of small pictures and of texts, one for each sample: what networks make of the same samples.
type Pictures struct {
	Title                   string
	Caption                 string
	Height, Width, Channels int // of a picture; 1 channel or 3
	Rows                    []PictureRow
}

// PictureRow has either pictures, of 255 steps, row by row, channels last, or texts of one line.
type PictureRow struct {
	Name, Point string // the id is for the files beside the picture
	Pictures    [][]byte
	Texts       []string
}

func (r PictureRow) samples() int { return max(len(r.Pictures), len(r.Texts)) }

// DrawPictures writes them as ID.pdf, ID.svg and ID.png into dir, which it makes, beside it what each row is of as ID.csv and a caption as
// ID.txt, and returns the paths.
func DrawPictures(dir, id string, p Pictures) ([]string, error) {
	paths, err := drawPictures(dir, id, p)
	if err != nil {
		return nil, fmt.Errorf("plots: pictures %s: %w", id, err)
	}
	return paths, nil
}

func drawPictures(dir, id string, p Pictures) ([]string, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	files, err := p.files(dpi)
	if err != nil {
		return nil, err
	}
	return write(dir, id, files)
}

func (p Pictures) files(resolution int) ([]file, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	w, h := p.dots()
	picture := p.picture()
	files, err := render(vg.Length(w)/dotsPerPoint, vg.Length(h)/dotsPerPoint, resolution, func(dc draw.Canvas) { p.paint(dc, picture) })
	if err != nil {
		return nil, err
	}
	caption := p.Caption + "\n"
	if p.Title != "" {
		caption = p.Title + ". " + caption
	}
	return withData(files, p.table(), caption)
}

func (p Pictures) check() error {
	if p.columns() == 0 {
		return fmt.Errorf("no samples")
	}
	if p.Height < 1 || p.Width < 1 || p.Channels != 1 && p.Channels != 3 {
		return fmt.Errorf("%d × %d × %d: want pictures of 1 or 3 channels", p.Height, p.Width, p.Channels)
	}
	for _, r := range p.Rows {
		if r.samples() != p.columns() {
			return fmt.Errorf("row %s: %s: want %d", r.Name, count(r.samples(), "sample"), p.columns())
		}
		for _, pixels := range r.Pictures {
			if len(pixels) != p.Height*p.Width*p.Channels {
				return fmt.Errorf("row %s: a picture of %d values: want %d", r.Name, len(pixels), p.Height*p.Width*p.Channels)
			}
		}
	}
	return nil
}

func (p Pictures) columns() int {
	if len(p.Rows) == 0 {
		return 0
	}
	return p.Rows[0].samples()
}

// table is what each row has of each sample.
func (p Pictures) table() [][]string {
	rows := [][]string{{"row", "point", "sample", "text"}}
	for _, r := range p.Rows {
		for i := range p.columns() {
			text := "picture"
			if r.Texts != nil {
				text = r.Texts[i]
			}
			rows = append(rows, []string{r.Name, r.Point, strconv.Itoa(i + 1), text})
		}
	}
	return rows
}

// Lengths of the picture, in dots.
const (
	pictureMargin = 25
	pictureNames  = 330 // the names of rows, left of pictures
	textNames     = 520 // and left of texts, which are too low for two lines
	pictureGap    = 10
	textRow       = 38
)

// widths are those of all, a column of a page or the page where texts want room, and of the names of rows.
func (p Pictures) widths() (all, names int) {
	width, names := ColumnWidth, pictureNames
	if slices.ContainsFunc(p.Rows, func(r PictureRow) bool { return r.Texts != nil }) {
		width, names = PageWidth, textNames
	}
	return int(width * dpi / 2.54), names
}

// pitch is how far samples are apart, zoom the dots of a pixel.
func (p Pictures) pitch() int {
	all, names := p.widths()
	return (all - 2*pictureMargin - names) / p.columns()
}

func (p Pictures) zoom() int { return max(1, min((p.pitch()-pictureGap)/p.Width, 140/p.Height)) }

func (p Pictures) rowHeight(r PictureRow) int {
	if r.Texts != nil {
		return textRow
	}
	return p.Height*p.zoom() + pictureGap
}

func (p Pictures) top() int {
	if p.Title == "" {
		return pictureMargin
	}
	return pictureMargin + sheetTitle
}

func (p Pictures) dots() (w, h int) {
	h = p.top() + pictureMargin
	for _, r := range p.Rows {
		h += p.rowHeight(r)
	}
	w, _ = p.widths()
	return w, h
}

// each visits every sample of every row with the dot in the middle of its upper edge.
func (p Pictures) each(visit func(r PictureRow, sample, x, y int)) {
	_, names := p.widths()
	y := p.top()
	for _, r := range p.Rows {
		for i := range p.columns() {
			visit(r, i, pictureMargin+names+i*p.pitch()+p.pitch()/2, y)
		}
		y += p.rowHeight(r)
	}
}

// picture has all of them, since PDF stores several of one size in no certain order.
func (p Pictures) picture() *image.RGBA {
	w, h := p.dots()
	all := image.NewRGBA(image.Rect(0, 0, w, h))
	imagedraw.Draw(all, all.Bounds(), image.White, image.Point{}, imagedraw.Src)
	zoom := p.zoom()
	p.each(func(r PictureRow, sample, x, y int) {
		if r.Pictures == nil {
			return
		}
		left := x - p.Width*zoom/2
		for row := range p.Height * zoom {
			for column := range p.Width * zoom {
				all.Set(left+column, y+row, p.pixel(r.Pictures[sample], row/zoom, column/zoom))
			}
		}
	})
	return all
}

// pixel is a colour or, with a single channel, ink on white.
func (p Pictures) pixel(pixels []byte, row, column int) color.Color {
	at := (row*p.Width + column) * p.Channels
	if p.Channels == 1 {
		return grey(255 - pixels[at])
	}
	return color.RGBA{pixels[at], pixels[at+1], pixels[at+2], 0xFF}
}

// paint draws frames and texts upon the picture.
func (p Pictures) paint(dc draw.Canvas, picture image.Image) {
	w, _ := p.dots()
	dc.DrawImage(dc.Rectangle, picture)
	at := func(x, y int) vg.Point { // dots from the upper left corner
		return vg.Point{X: dc.Min.X + vg.Length(x)/dotsPerPoint, Y: dc.Max.Y - vg.Length(y)/dotsPerPoint}
	}
	if p.Title != "" {
		style := aligned(titleStyle, draw.XCenter, draw.YTop)
		middle := at(w/2, pictureMargin)
		caption(dc, style, middle.X, middle.Y, fitting(p.Title, style, vg.Length(w-2*pictureMargin)/dotsPerPoint))
	}
	names := aligned(letters(smallSize, color.Black), draw.XRight, draw.YCenter)
	texts := aligned(letters(smallSize, color.Black), draw.XCenter, draw.YCenter)
	_, left := p.widths()
	var frames vg.Path
	p.each(func(r PictureRow, sample, x, y int) {
		half := p.Width * p.zoom() / 2
		if sample == 0 {
			lines := wrap([]string{r.Name}, names, vg.Length(left-2*pictureGap)/dotsPerPoint)
			for i, line := range lines {
				end := at(pictureMargin+left-pictureGap, y+(p.rowHeight(r)-pictureGap)/2)
				caption(dc, names, end.X, end.Y+1.2*smallSize*(vg.Length(len(lines)-1)/2-vg.Length(i)), line)
			}
		}
		if r.Texts != nil {
			middle := at(x, y+(textRow-pictureGap)/2)
			caption(dc, texts, middle.X, middle.Y, fitting(r.Texts[sample], texts, vg.Length(p.pitch())/dotsPerPoint))
			return
		}
		frames = append(frames, vg.Rectangle{Min: at(x-half, y+p.Height*p.zoom()), Max: at(x+half, y)}.Path()...)
	})
	stroke(dc, draw.LineStyle{Color: grey(0xB0), Width: 0.3}, frames)
}

// Judged is what a classifier says of a sample: the class of its largest output, and by how much that exceeds the next.
func Judged(outputs []float64, class int) string {
	best, next := 0, -1
	for i, v := range outputs {
		switch {
		case v > outputs[best]:
			best, next = i, best
		case i != best && (next < 0 || v > outputs[next]):
			next = i
		}
	}
	text := fmt.Sprintf("%d (%.2f)", best, outputs[best]-outputs[next])
	if best != class {
		text += " wrong"
	}
	return text
}
