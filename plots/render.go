package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"hepex/harness/atomicfile"
)

// dpi is the resolution of the PNG files that are written, in dots per inch.
const dpi = 300

// file is a finished picture in memory.
type file struct {
	extension string
	content   []byte
}

// format is a kind of file that a picture is written as.
type format struct {
	extension string
	canvas    func(w, h vg.Length) vg.CanvasWriterTo
	normalise func([]byte) []byte
}

var (
	pdfFormat = format{".pdf", func(w, h vg.Length) vg.CanvasWriterTo { return pdfCanvas{vgpdf.New(w, h)} }, undated}
	svgFormat = format{".svg", func(w, h vg.Length) vg.CanvasWriterTo { return vgsvg.New(w, h) }, portable}
)

func pngFormat(resolution int) format {
	return format{".png", func(w, h vg.Length) vg.CanvasWriterTo {
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(resolution))}
	}, bytes.Clone}
}

// render paints a picture of the given size in each format, the PNG with so many dots per inch.
func render(w, h vg.Length, resolution int, paint func(draw.Canvas)) (files []file, err error) {
	for _, f := range []format{pdfFormat, svgFormat, pngFormat(resolution)} {
		content, err := f.render(w, h, paint)
		if err != nil {
			return nil, err
		}
		files = append(files, file{f.extension, content})
	}
	return files, nil
}

func (f format) render(w, h vg.Length, paint func(draw.Canvas)) (content []byte, err error) {
	// The drawing libraries report what they cannot draw by panicking.
	defer func() {
		if p := recover(); p != nil {
			content, err = nil, fmt.Errorf("drawing: %v", p)
		}
	}()
	canvas := f.canvas(w, h)
	paint(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("%s: %w", f.extension, err)
	}
	return f.normalise(b.Bytes()), nil
}

// withData adds the numbers of a picture and its caption.
func withData(files []file, rows [][]string, caption string) ([]file, error) {
	var data bytes.Buffer
	if err := WriteCSV(&data, rows); err != nil {
		return nil, err
	}
	return append(files, file{".csv", data.Bytes()}, file{".txt", []byte(caption)}), nil
}

// pdfCanvas encodes text as the fonts in PDF files need it: vgpdf passes UTF-8 through as if it were
// Windows-1252.
type pdfCanvas struct{ *vgpdf.Canvas }

func (c pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	encoded, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		encoded = s
	}
	c.Canvas.FillString(f, at, encoded)
}

var pdfDate = regexp.MustCompile(`/(CreationDate|ModDate) \(D:\d{14}`)

// undated sets the dates of a PDF to the epoch. The length stays, for its table of offsets counts bytes.
func undated(b []byte) []byte { return pdfDate.ReplaceAll(b, []byte("/$1 (D:19700101000000")) }

// portable corrects the type of images in an SVG, names fonts of the same widths to fall back on, and says how wide each text is, so
// that it fits in any other.
func portable(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("data:image/jpg;"), []byte("data:image/png;"))
	b = bytes.ReplaceAll(b, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	return svgText.ReplaceAllFunc(b, func(text []byte) []byte {
		parts := svgText.FindSubmatch(text)
		size, err := strconv.ParseFloat(string(parts[2]), 64)
		if err != nil {
			return text
		}
		width := letters(vg.Points(size), color.Black).Width(html.UnescapeString(string(parts[3])))
		return fmt.Appendf(nil, `%s textLength="%.5g" lengthAdjust="spacingAndGlyphs">%s</text>`, parts[1], width.Points(), parts[3])
	})
}

// svgText is what vgsvg makes of a text: its tag, the size of its letters, what it says.
var svgText = regexp.MustCompile(`(<text [^>]*font-size:([0-9.]+)px[^>]*)>([^<]+)</text>`)

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func checkID(id string) error {
	if !plainName.MatchString(id) {
		return fmt.Errorf("id %q: want a file name of letters, digits, dots, - and _", id)
	}
	return nil
}

// write puts the files into dir, each whole or not at all, and returns their paths.
func write(dir, id string, files []file) ([]string, error) {
	var paths []string
	for _, f := range files {
		path := filepath.Join(dir, id+f.extension)
		if err := atomicfile.Write(path, f.content); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
