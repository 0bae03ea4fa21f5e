package plots

import (
	"bytes"
	"strings"
	"testing"
)

// pictures are of two samples, with as many rows of texts as asked for.
func pictures(channels, texts int) Pictures {
	p := Pictures{Title: "a & b", Caption: "What <networks> make of them.", Height: 2, Width: 3, Channels: channels}
	pixels := bytes.Repeat([]byte{0, 128, 255}, 2*channels)
	p.Rows = append(p.Rows, PictureRow{Name: "input", Pictures: [][]byte{pixels, pixels}},
		PictureRow{Name: strings.Repeat("p4e, 25 % of tiles ", 4), Point: "0123", Pictures: [][]byte{pixels, pixels}})
	for range texts {
		p.Rows = append(p.Rows, PictureRow{Name: "dense, encrypted", Point: "4567", Texts: []string{"3 (0.20)", strings.Repeat("wrong ", 40)}})
	}
	return p
}

func TestPicturesAreValidAndReproducible(t *testing.T) {
	for name, p := range map[string]Pictures{"pictures": pictures(1, 0), "colours and texts": pictures(3, 4)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, err := p.files(coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, first)
			second, err := p.files(coarse)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, first, second)
		})
	}
}

func TestPicturesRefused(t *testing.T) {
	tests := map[string]struct {
		spoil func(p *Pictures)
		want  string
	}{
		"no rows":          {func(p *Pictures) { p.Rows = nil }, "no samples"},
		"two channels":     {func(p *Pictures) { p.Channels = 2 }, "want pictures of 1 or 3 channels"},
		"a sample missing": {func(p *Pictures) { p.Rows[1].Pictures = p.Rows[1].Pictures[:1] }, "1 sample: want 2"},
		"another size":     {func(p *Pictures) { p.Rows[1].Pictures[1] = []byte{1} }, "a picture of 1 values: want 6"},
	}
	for name, test := range tests {
		p := pictures(1, 0)
		test.spoil(&p)
		if _, err := DrawPictures(t.TempDir(), "f", p); err == nil || !strings.HasPrefix(err.Error(), "plots: pictures f: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestJudged(t *testing.T) {
	for _, c := range []struct {
		outputs []float64
		class   int
		want    string
	}{
		{[]float64{0.5, 3, 1}, 1, "1 (2.00)"},
		{[]float64{3, 0.5, 1}, 1, "0 (2.00) wrong"},
		{[]float64{-3, -2, -1}, 2, "2 (1.00)"},
		{[]float64{1, 1}, 0, "0 (0.00)"},
	} {
		if got := Judged(c.outputs, c.class); got != c.want {
			t.Errorf("%v: %q, want %q", c.outputs, got, c.want)
		}
	}
}
