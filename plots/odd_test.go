package plots

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"hepex/harness/record"
)

// odd are the results that no one hopes for.
func odd() map[string]record.Set {
	many := make(record.Set, 0, 2000)
	for i := range 2000 {
		r := measured([]string{"p4e", "p2t"}[i%2], "8x8x128", "plain", float64(i/8)/251, i%4, float64(i%7)/7)
		r.Point = fmt.Sprintf("%08x", i)
		many = append(many, r)
	}
	constant := func(_ int, r *record.Record) {
		r.Tiles = &record.Tiles{Total: 4, Kept: 2, Density: 0.5}
		r.Quality = &record.Quality{Metric: "accuracy", Plain: 0.9}
		r.Latency = &record.Latency{EvaluateMedian: 1}
	}
	labels := []string{`<script>alert("x")</script>`, "a & b", "under_score", "50 %", "pipe|pipe", "=1+1", "@SUM(A1)", "Ünïcödé ∑ 汉字 🙂", `back\slash {brace} $x^2$ #~`, "line\nbreak\x00", "[link](x) !image"}
	return map[string]record.Set{
		"empty":       {},
		"one point":   experiment()[5:6],
		"failed only": with(experiment()[:3], func(_ int, r *record.Record) { r.Status, r.Quality, r.Tiles, r.Latency = record.OOM, nil, nil, nil }),
		"constant":    with(experiment()[:20], constant),
		"zero": with(experiment()[:20], func(i int, r *record.Record) {
			r.Tiles = &record.Tiles{Density: float64(i % 3)}
			r.Latency = &record.Latency{}
		}),
		"2,000": many,
		"labels": with(experiment()[:2*len(labels)], func(i int, r *record.Record) {
			r.Label, r.Params = labels[i/2], map[string]any{scheme: labels[i/2], "tile": labels[i/2], "he.weights": "plain", "train.seed": i % 2}
		}),
	}
}

// Whatever the results, there is a figure or table, or a message that says why not.
func TestOddResults(t *testing.T) {
	figures := append(DefaultFigures(experiment()),
		Figure{ID: "rows", X: "quality.plain", Rows: "label"}, Figure{ID: "log", X: "tiles.density", Y: "latency.evaluate", Series: "label",
			XAxis: Axis{Scale: "log"}, YAxis: Axis{Scale: "log"}, Guide: Proportional, Pareto: true,
			Bands: []Band{{X: []float64{0.1, 0.2}, Share: []float64{0.5, 0.6}, Label: "<a & b>"}}})
	for name, records := range odd() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drawn := 0
			for _, fig := range figures {
				files, err := fig.files(records, coarse)
				if err == nil {
					drawn++
					checkFiles(t, files)
					if svg := string(files[1].content); strings.Contains(svg, "<script") {
						t.Errorf("figure %s: a label became markup", fig.ID)
					}
				} else if len(err.Error()) < 10 || strings.Contains(err.Error(), "drawing:") {
					t.Errorf("figure %s: %v", fig.ID, err)
				}
			}
			if wanted := len(records) > 0 && name != "failed only"; (drawn > 0) != wanted {
				t.Errorf("%d figures drawn", drawn)
			}
			for _, format := range []Format{Terminal, Markdown, CSV, LaTeX} {
				var b bytes.Buffer
				err := Summary(&b, records, format)
				if (err == nil) != (len(records) > 0) {
					t.Errorf("summary in format %d: %v", format, err)
				}
				err = WriteTable(&b, Table{ID: "t", Title: "a | b", Rows: "prune.scheme,tile", Cols: "he.weights", Cells: []string{"tiles.density", "latency.evaluate"}}, records, format)
				if wanted := len(records) > 0 && name != "failed only"; (err == nil) != wanted {
					t.Errorf("table in format %d: %v", format, err)
				}
			}
		})
	}
}

// Nothing in a CSV is a formula, and each text reads back but for the apostrophe in front of those that would be.
func TestNoFormulas(t *testing.T) {
	rows := [][]string{{"=1+1", "+49 1234 x", "-x", "@SUM(A1)", "\t=1", "-0.5", "+1e-3", "-", "", "a=b", "p4e"}}
	var b bytes.Buffer
	if err := WriteCSV(&b, rows); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"'=1+1", "'+49 1234 x", "'-x", "'@SUM(A1)", "'\t=1", "-0.5", "+1e-3", "-", "", "a=b", "p4e"}
	if fmt.Sprintf("%q", got[0]) != fmt.Sprintf("%q", want) {
		t.Errorf("%q, want %q", got[0], want)
	}
	if err := WriteCSV(full{}, rows); err == nil {
		t.Error("no error on a full disk")
	}
}

// LaTeX reads what was escaped as text: braces match, and no character with a meaning is bare.
func TestLaTeXIsEscaped(t *testing.T) {
	var b bytes.Buffer
	if err := Summary(&b, odd()["labels"], LaTeX); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "% needs \\usepackage{booktabs}, and XeLaTeX") {
		t.Errorf("no word of the letters that pdfLaTeX lacks: %.80s", b.String())
	}
	inTable := false
	for line := range strings.Lines(b.String()) {
		switch {
		case strings.Contains(line, `\midrule`):
			inTable = true
			continue
		case strings.Contains(line, `\bottomrule`):
			inTable = false
		}
		if !inTable {
			continue
		}
		if strings.Count(strings.ReplaceAll(line, `\&`, ""), "&") != 13 { // between 14 columns
			t.Errorf("another number of cells: %s", line)
		}
		plain := strings.NewReplacer(`\textbackslash{}`, "", `\{`, "", `\}`, "", `\$`, "", `\&`, "", `\#`, "", `\%`, "", `\_`, "", "{}", "").Replace(line)
		if strings.ContainsAny(plain, `#%_~^<>|"`) || strings.Count(plain, "{") != strings.Count(plain, "}") || strings.Count(plain, "$")%2 == 1 {
			t.Errorf("not escaped: %s", line)
		}
	}
	if got, want := latex("-0.5 – -3 (-.2) a-b"), `$-$0.5 -- $-$3 ($-$.2) a-b`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := Summary(full{}, experiment(), LaTeX); err == nil {
		t.Error("no error on a full disk")
	}
}

// The same records give the same bytes wherever and whenever they are drawn.
func TestAnotherPlaceAnotherTime(t *testing.T) {
	draw := func() []file {
		files, err := DefaultFigures(experiment())[1].files(experiment(), coarse)
		if err != nil {
			t.Fatal(err)
		}
		var tables bytes.Buffer
		for _, f := range []Format{Terminal, Markdown, CSV, LaTeX} {
			if err := Summary(&tables, mixed(), f); err != nil {
				t.Fatal(err)
			}
		}
		return append(files, file{".tables", tables.Bytes()})
	}
	first, here := draw(), time.Local
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	t.Setenv("TZ", "Pacific/Kiritimati")
	time.Local = time.FixedZone("Kiritimati", 14*3600)
	defer func() { time.Local = here }()
	checkSame(t, first, draw())
}
