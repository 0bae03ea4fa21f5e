package plots

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// coarse is a resolution that shows whether a picture is whole, in little time.
const coarse = 60

func TestDraw(t *testing.T) {
	tests := []struct {
		name string
		draw func(dir string) ([]string, error)
	}{
		{"figure", func(dir string) ([]string, error) {
			return Draw(dir, Figure{ID: "name", X: "tiles.density", Y: "quality.plain"}, experiment()[5:6])
		}},
		{"tile map", func(dir string) ([]string, error) { return DrawTileMap(dir, "name", tileMap(4, 4, 3, 1)) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new", "figures")
			paths, err := test.draw(dir)
			if err != nil {
				t.Fatal(err)
			}
			var files []file
			for _, path := range paths {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file{strings.TrimPrefix(path, filepath.Join(dir, "name")), content})
			}
			checkFiles(t, files)
			if left, _ := os.ReadDir(dir); len(left) != len(paths) {
				t.Errorf("%v left beside %v", left, paths)
			}
		})
	}
}

func TestFiguresAreValidAndReproducible(t *testing.T) {
	all := experiment()
	insecure := with(all, func(_ int, r *record.Record) { r.HE = &record.HE{Insecure: true} })
	tests := []struct {
		name    string
		figure  Figure
		records record.Set
	}{
		{"quality", DefaultFigures(all)[0], all},
		{"latency", DefaultFigures(all)[1], all},
		{"one point", Figure{ID: "one", X: "tiles.density", Y: "quality.plain"}, all[5:6]},
		{"dense alone", Figure{ID: "dense", X: "tiles.density", Y: "quality.plain", Series: scheme}, where(all, scheme, "dense")},
		{"log axes", Figure{ID: "log", X: "tiles.kept", Y: "operations.ct_pt_mul", Series: "he.weights,tile"}, all},
		{"log share within a range", Figure{ID: "log", X: "tiles.density", Y: "quality.plain", Series: scheme, Facet: "tile",
			XAxis: Axis{Scale: "log"}, YAxis: Axis{Range: []float64{0.94, 0.99}}}, collapsing()},
		{"insecure", Figure{ID: "insecure", X: "prune.ratio", Y: "memory.peak_rss", Series: "tile,he.weights", Facet: scheme}, insecure},
		{"odd labels", Figure{ID: "odd", X: "tiles.density", Y: "quality.plain", Series: "label"}, with(all[:30], func(i int, r *record.Record) {
			r.Label = strings.Repeat("“ä” <&> \x00\n∑", 1+i%10)
		})},
		{"long facets", Figure{ID: "facets", X: "tiles.density", Y: "quality.plain", Facet: "label"}, with(all[:30], func(i int, r *record.Record) {
			r.Label = strings.Repeat("long ", 30) + strconv.Itoa(i%5)
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			first, err := test.figure.files(test.records, coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, first)
			shuffled := slices.Clone(test.records)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			second, err := test.figure.files(shuffled, coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, first, second)
		})
	}
}

func TestTileMapsAreValidAndReproducible(t *testing.T) {
	tests := []struct {
		name string
		m    TileMap
	}{
		{"two layers", tileMap(16, 16, 64, 20, 10)},
		{"larger than the page", tileMap(64, 64, 1800, 10)},
		{"taps", TileMap{Title: "joint", Layers: []TileMapLayer{
			tappedLayer("conv1", 1, 6, Kernel{3, 5}, false), tappedLayer("conv2", 6, 10, Kernel{2, 2}, false),
			tappedLayer("fc3", 10, 7, Kernel{4, 3}, true), tappedLayer("conv4", 40, 70, Kernel{1, 60}, false),
		}}},
	}
	if testing.Short() {
		tests = tests[:1]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			first, err := test.m.files(coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, first)
			second, err := test.m.files(coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, first, second)
		})
	}
}

// checkFiles checks that there are a PDF, an SVG, a PNG and a CSV that can be read, and a caption.
func checkFiles(t *testing.T, files []file) {
	t.Helper()
	checks := []struct {
		extension string
		valid     func([]byte) error
	}{{".pdf", validPDF}, {".svg", validSVG}, {".png", validPNG}, {".csv", validCSV}, {".txt", validCaption}}
	if len(files) != len(checks) {
		t.Fatalf("%d files, want %d", len(files), len(checks))
	}
	for i, check := range checks {
		if files[i].extension != check.extension {
			t.Errorf("file %d is %q, want %q", i, files[i].extension, check.extension)
		}
		if err := check.valid(files[i].content); err != nil {
			t.Errorf("%s: %v", check.extension, err)
		}
	}
}

func checkSame(t *testing.T, first, second []file) {
	t.Helper()
	for i := range first {
		if !bytes.Equal(first[i].content, second[i].content) {
			t.Errorf("%s: two runs differ", first[i].extension)
		}
	}
}

func validCSV(b []byte) error {
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err == nil && len(rows) < 2 {
		err = errors.New("no points")
	}
	return err
}

func validCaption(b []byte) error {
	if !bytes.HasSuffix(b, []byte(".\n")) || bytes.Count(b, []byte("\n")) != 1 {
		return fmt.Errorf("%q: want one line of sentences", b)
	}
	return nil
}

func validPDF(b []byte) error {
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(b)
	if !bytes.HasPrefix(b, []byte("%PDF-")) || start == nil {
		return errors.New("no header or trailer")
	}
	if at, err := strconv.Atoi(string(start[1])); err != nil || !bytes.HasPrefix(b[at:], []byte("xref")) {
		return errors.New("the trailer does not point to the table of objects")
	}
	if !bytes.Contains(b, []byte("/CreationDate (D:19700101000000)")) {
		return errors.New("dated")
	}
	return nil
}

func validSVG(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	texts := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "text" {
			texts++
		}
	}
	if texts < 3 {
		return errors.New("no labels")
	}
	return nil
}

// validPNG checks that nothing is drawn over the edge: the outermost dots are white.
func validPNG(b []byte) error {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	r := img.Bounds()
	if r.Dx() < 200 || r.Dy() < 70 {
		return errors.New("too small")
	}
	white := func(x, y int) bool {
		r, g, b, _ := img.At(x, y).RGBA()
		return r == 0xFFFF && g == 0xFFFF && b == 0xFFFF
	}
	for x := range r.Dx() {
		if !white(x, 0) || !white(x, r.Dy()-1) {
			return errors.New("cut off above or below")
		}
	}
	for y := range r.Dy() {
		if !white(0, y) || !white(r.Dx()-1, y) {
			return errors.New("cut off at the side")
		}
	}
	return nil
}

func TestDrawErrors(t *testing.T) {
	all := experiment()
	failed := with(all[:3], func(_ int, r *record.Record) { r.Status = record.OOM })
	bare := with(all, func(_ int, r *record.Record) { r.Quality, r.Latency = nil, nil })
	huge := with(all, func(_ int, r *record.Record) { r.Latency = &record.Latency{EvaluateMedian: math.MaxFloat64} })
	split := with(all, func(i int, r *record.Record) {
		if r.Quality = nil; i%2 == 0 {
			r.Tiles, r.Quality = nil, &record.Quality{}
		}
	})
	fig := func(x, y, series, facet string) Figure {
		return Figure{ID: "pareto", X: x, Y: y, Series: series, Facet: facet}
	}
	axes := func(x, y Axis) Figure {
		return Figure{ID: "pareto", X: "tiles.density", Y: "quality.plain", XAxis: x, YAxis: y}
	}
	empty := with(all, func(_ int, r *record.Record) { r.Tiles = &record.Tiles{} })
	tests := []struct {
		name    string
		figure  Figure
		records record.Set
		want    string
	}{
		{"no records", fig("tiles.density", "quality.plain", "", ""), nil, "figure pareto: no records"},
		{"only failures", fig("tiles.density", "quality.plain", "", ""), failed, "none of 3 records ended with a result"},
		{"no such section", fig("tiles.density", "quality.degradation", "", ""), bare, "figure pareto: no record has quality.degradation"},
		{"never both", fig("tiles.density", "quality.plain", "", ""), split, "no record has both tiles.density and quality.plain"},
		{"unknown metric", fig("tiles.density", "quality.accuracy", "", ""), all, `no metric "quality.accuracy": did you mean quality.plain`},
		{"text as a number", fig("tile", "quality.plain", "", ""), all, "tile is not a number"},
		{"no x", fig("", "quality.plain", "", ""), all, "want x and y"},
		{"neither y nor rows", fig("tiles.density", "", "", ""), all, "want x and y, or x and rows"},
		{"both y and rows", Figure{ID: "pareto", X: "tiles.density", Y: "quality.plain", Rows: "tile"}, all, "want x and y, or x and rows"},
		{"series in rows", Figure{ID: "pareto", X: "tiles.density", Rows: "tile", Series: scheme}, all, "rows without series"},
		{"unknown rows", Figure{ID: "pareto", X: "tiles.density", Rows: "tiles"}, all, "no record has the parameter tiles"},
		{"too many rows", Figure{ID: "pareto", X: "tiles.density", Rows: "label"}, with(all, func(i int, r *record.Record) {
			r.Label = strconv.Itoa(i)
		}), "panels of 240 rows"},
		{"unknown scale", axes(Axis{Scale: "square"}, Axis{}), all, "x: scale square: want linear or log"},
		{"range of one value", axes(Axis{}, Axis{Range: []float64{1}}), all, "y: range [1]: want the least value and a greater one"},
		{"range without width", axes(Axis{Range: []float64{1e20, 1e20 + 1e5}}, Axis{}), all, "x: range [1e+20 1.000000000000001e+20]: want"},
		{"log range from zero", axes(Axis{Scale: "log", Range: []float64{0, 1}}, Axis{}), all, "want values above 0 on a log axis"},
		{"nothing above 0", axes(Axis{Scale: "log"}, Axis{}), empty, "no point is above 0"},
		{"unknown series", fig("tiles.density", "quality.plain", "prune.schema", ""), all, "no record has the parameter prune.schema"},
		{"unknown facet", fig("tiles.density", "quality.plain", "", "tiles"), all, "no record has the parameter tiles"},
		{"too large for an axis", fig("tiles.density", "latency.evaluate", "", ""), huge, "does not fit an axis"},
		{"too many panels", fig("tiles.density", "quality.plain", "", "label"), with(all, func(i int, r *record.Record) {
			r.Label = strconv.Itoa(i)
		}), "panels"},
		{"an id with a path", Figure{ID: "../pareto", X: "tiles.density", Y: "quality.plain"}, all, "want a file name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			paths, err := Draw(dir, test.figure, test.records)
			if err == nil || !strings.HasPrefix(err.Error(), "plots: figure ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 || paths != nil {
				t.Errorf("left %v, returned %v", left, paths)
			}
		})
	}
}

func TestTileMapErrors(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*TileMapLayer)
		want  string
	}{
		{"no weights", func(l *TileMapLayer) { l.Before = nil }, "no weights"},
		{"no groups", func(l *TileMapLayer) { l.GroupIn = 0 }, "groups of 0 × 4"},
		{"another size after", func(l *TileMapLayer) { l.After = l.After[1:] }, "10 outputs before and 9 after"},
		{"ragged", func(l *TileMapLayer) { l.After[2] = l.After[2][1:] }, "output 2 has 31 inputs: want 32"},
		{"not a number", func(l *TileMapLayer) { l.Before[1][3] = float32(math.NaN()) }, "weight 3 of output 1 is NaN"},
		{"negative", func(l *TileMapLayer) { l.After[0][0] = -1 }, "want a finite magnitude"},
		{"rows of tiles", func(l *TileMapLayer) { l.Kept = l.Kept[1:] }, "2 rows of tiles: want 3"},
		{"columns of tiles", func(l *TileMapLayer) { l.Kept[1] = nil }, "row 1 has 0 tiles: want 8"},
		{"columns of tiles in taps", func(l *TileMapLayer) { l.Kernel = Kernel{4, 4} }, "row 0 has 8 tiles: want 16"},
		{"taps of unequal size", func(l *TileMapLayer) { l.Kernel = Kernel{3, 1} }, "kernel of 3 × 1 taps for outputs of 32 weights"},
		{"too many taps", func(l *TileMapLayer) { l.Kernel = Kernel{8, 8} }, "kernel of 8 × 8 taps"},
		{"taps without end", func(l *TileMapLayer) { l.Kernel = Kernel{math.MaxInt, math.MaxInt} }, "taps for outputs of 32 weights"},
		{"weights of expansion", func(l *TileMapLayer) { l.Added = make([][]bool, 10) }, "weights of expansion: want 10 × 32"},
		{"rows without columns", func(l *TileMapLayer) { l.Kernel = Kernel{4, 0} }, "kernel of 4 × 0 taps"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, dir := tileMap(4, 4, 32, 10), t.TempDir()
			test.spoil(&m.Layers[0])
			_, err := DrawTileMap(dir, "map", m)
			if err == nil || !strings.HasPrefix(err.Error(), "plots: tile map map: layer fc1: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
	if _, err := DrawTileMap(t.TempDir(), "map", TileMap{}); err == nil || !strings.Contains(err.Error(), "no layers") {
		t.Errorf("no layers: %v", err)
	}
}

func TestPanicWhileDrawingIsAnError(t *testing.T) {
	files, err := render(100, 100, coarse, func(draw.Canvas) { panic("impossible range") })
	if err == nil || files != nil || !strings.Contains(err.Error(), "impossible range") {
		t.Errorf("%v files, %v", len(files), err)
	}
}

// A picture that cannot be put in place leaves the others whole and no temporary file.
func TestWriteLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a.svg"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := write(dir, "a", []file{{".pdf", []byte("whole")}, {".svg", []byte("never")}})
	if err == nil {
		t.Error("no error for a file that is a folder")
	}
	left, _ := os.ReadDir(dir)
	content, _ := os.ReadFile(filepath.Join(dir, "a.pdf"))
	if len(left) != 2 || string(content) != "whole" {
		t.Errorf("left %v, a.pdf holds %q", left, content)
	}
}
