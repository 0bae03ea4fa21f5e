package plots

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hepex/harness/record"
)

// A mark lies around the marker that is painted, and has all records of its point.
func TestMarks(t *testing.T) {
	records := slices.DeleteFunc(experiment(), func(r *record.Record) bool { return r.Params["tile"] != "16x16x32" })
	p, err := Render(Figure{ID: "name", X: "tiles.density", Y: "quality.plain"}, records)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*record.Record]int{}
	for _, m := range p.Marks {
		x, y := m.Left+m.Width/2, p.Height-m.Top-m.Height/2
		if circle := fmt.Sprintf("M%.5g,%.5gA3,3", x+3, y); !bytes.Contains(p.SVG, []byte(circle)) {
			t.Errorf("no marker begins at %s", circle)
		}
		for _, r := range m.Records {
			seen[r]++
		}
	}
	for _, r := range records {
		if seen[r] != 1 {
			t.Errorf("point %s is in %d marks, want 1", r.Point, seen[r])
		}
	}
}

func TestMarkTexts(t *testing.T) {
	a, b := measured("p4e", "16x16x32", "plain", 0.5, 1, 0), measured("p4e", "16x16x32", "plain", 0.5, 2, 0)
	dense := measured("dense", "16x16x32", "plain", 0, 1, 0)
	for r, accuracy := range map[*record.Record]float64{a: 0.9, b: 0.92, dense: 0.98} {
		r.Quality.Plain, r.Tiles.Density = accuracy, 0.25
	}
	tests := []struct {
		name  string
		fig   Figure
		texts []string // x, y and records of each mark
	}{
		{"points and a level", Figure{X: "tiles.density", Y: "quality.plain", Series: scheme},
			[]string{"|98.00 %|1", "25.00 %|91.00 % (90.00 % … 92.00 %, 2 seeds)|2"}},
		{"rows", Figure{X: "quality.plain", Rows: scheme}, []string{"|98.00 %|1", "|91.00 % (90.00 % … 92.00 %, 2 seeds)|2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.fig.ID = "name"
			p, err := Render(test.fig, record.Set{dense, a, b})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range p.Marks {
				got = append(got, fmt.Sprintf("%s|%s|%d", m.X, m.Y, len(m.Records)))
				if m.Left < 0 || m.Top < 0 || m.Left+m.Width > p.Width || m.Top+m.Height > p.Height {
					t.Errorf("mark %+v lies outside of %g × %g", m, p.Width, p.Height)
				}
			}
			if !slices.Equal(got, test.texts) {
				t.Errorf("got %s, want %s", strings.Join(got, "; "), strings.Join(test.texts, "; "))
			}
		})
	}
}
