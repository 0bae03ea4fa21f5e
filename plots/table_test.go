package plots

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

var headline = Table{"headline", "Schemes & tiles", scheme, "tile", []string{"tiles.density", "latency.evaluate"}}

// mixed is a few points of the experiment with a failure, a long label and characters that Markdown
// and CSV give a meaning to.
func mixed() record.Set {
	few := append(where(where(experiment(), "he.weights", "plain"), "tile", "16x16x32")[:8], autoencoder()[100])
	return with(few, func(i int, r *record.Record) {
		switch i {
		case 3:
			r.Status, r.Quality, r.Latency, r.Memory = record.OOM, nil, nil, nil
			r.Error = &record.Error{Kind: "memory", Message: "killed at 16 GiB | while\nevaluating fc1"}
		case 4:
			r.Label = "a label that is | much *too* long, for a terminal"
		case 5:
			r.HE = &record.HE{Insecure: true}
		case 6:
			r.Status, r.Quality, r.Tiles = record.Cancelled, nil, nil
		}
	})
}

func TestGoldenTables(t *testing.T) {
	all := experiment()
	plain := where(where(all, "he.weights", "plain"), "prune.ratio", "0.8")
	ranges := Table{"ranges", "", "prune.scheme,he.weights", "", []string{"tiles.density", "quality.degradation", "saved.latency"}}
	insecure := with(plain[:4], func(_ int, r *record.Record) { r.HE = &record.HE{Insecure: true} })
	tests := []struct {
		name  string
		write func(io.Writer, Format) error
	}{
		{"headline", func(w io.Writer, f Format) error { return WriteTable(w, headline, plain, f) }},
		{"ranges", func(w io.Writer, f Format) error { return WriteTable(w, ranges, all, f) }},
		{"insecure", func(w io.Writer, f Format) error { return WriteTable(w, headline, insecure, f) }},
		{"summary", func(w io.Writer, f Format) error { return Summary(w, mixed(), f) }},
	}
	for _, test := range tests {
		for format, extension := range map[Format]string{Terminal: ".txt", Markdown: ".md", CSV: ".csv", LaTeX: ".tex"} {
			t.Run(test.name+extension, func(t *testing.T) {
				var got bytes.Buffer
				if err := test.write(&got, format); err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", test.name+extension)
				if *update {
					if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("-want +got; go test -update ./plots writes it anew:\n%s", diff)
				}
			})
		}
	}
}

func TestSummaryFitsATerminal(t *testing.T) {
	all := with(experiment(), func(i int, r *record.Record) {
		r.Label = strings.Repeat("long ", i%9)
		if i%7 == 0 {
			r.Status, r.Error = record.Cancelled, &record.Error{Message: strings.Repeat("for a reason ", 20)}
		}
	})
	for name, records := range map[string]record.Set{"whole": all, "mixed": mixed(), "one": all[:1]} {
		for _, columns := range []int{TerminalWidth, 80, 60} {
			var b bytes.Buffer
			if err := SummaryWithin(&b, records, columns); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
					t.Errorf("%s: %d columns of %d: %q", name, n, columns, line)
				}
			}
		}
	}
}

// Every line of a Markdown table has the same number of cells, whatever its texts hold.
// A warning stands once, with the number of points that have it, and the most are not all shown.
func TestSummaryGathersWarnings(t *testing.T) {
	warned := with(experiment(), func(i int, r *record.Record) {
		r.Warnings = []string{"same"}
		if i < 9 {
			r.Warnings = append(r.Warnings, fmt.Sprint("number ", i))
		}
	})
	notes := newSummary(warned, Terminal, TerminalWidth).notes
	if want := fmt.Sprintf("warning, %d points: same", len(warned)); len(notes) != 9 || !slices.Contains(notes, want) || notes[8] != "warning: 2 more; the records have them" {
		t.Errorf("%q, want %q", notes, want)
	}
}

func TestMarkdownRowsAreWhole(t *testing.T) {
	var b bytes.Buffer
	if err := Summary(&b, mixed(), Markdown); err != nil {
		t.Fatal(err)
	}
	bars := 0
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if bars == 0 {
			bars = n
		}
		if n != bars {
			t.Errorf("%d bars, want %d: %s", n, bars, line)
		}
	}
	if bars < 10 {
		t.Errorf("no table:\n%s", &b)
	}
}

func TestCSVReadsBack(t *testing.T) {
	var b bytes.Buffer
	if err := Summary(&b, mixed(), CSV); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+len(mixed()) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestTableErrors(t *testing.T) {
	all := experiment()
	bare := with(all, func(_ int, r *record.Record) { r.Latency = nil })
	tests := []struct {
		name    string
		table   Table
		records record.Set
		want    string
	}{
		{"no records", headline, nil, "plots: table headline: no records"},
		{"only failures", headline, with(all[:1], func(_ int, r *record.Record) { r.Status = record.Failed }), "none of 1 record ended with a result"},
		{"no such section", headline, bare, "no record has latency.evaluate"},
		{"unknown metric", Table{"t", "", scheme, "", []string{"tile.density"}}, all, "did you mean tiles.density"},
		{"unknown row", Table{"t", "", "schema", "", []string{"tiles.density"}}, all, "no record has the parameter schema"},
		{"unknown column", Table{"t", "", scheme, "shape", []string{"tiles.density"}}, all, "no record has the parameter shape"},
		{"no cells", Table{"t", "", scheme, "tile", nil}, all, "want rows and cells"},
		{"no rows", Table{"t", "", ",", "tile", []string{"tiles.density"}}, all, "want rows and cells"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteTable(&b, test.table, test.records, Terminal); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if b.Len() > 0 {
				t.Errorf("wrote %q", &b)
			}
		})
	}
	if err := Summary(io.Discard, nil, Terminal); err == nil || !strings.Contains(err.Error(), "no records") {
		t.Errorf("an empty summary: %v", err)
	}
	if err := Summary(io.Discard, all, Format(9)); err == nil {
		t.Error("no error for a format that does not exist")
	}
	for _, f := range []Format{Terminal, Markdown, CSV, LaTeX} {
		if err := Summary(full{}, all, f); !errors.Is(err, errFull) {
			t.Errorf("format %d on a full disk: %v", f, err)
		}
	}
}

// full is a writer that has no room.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// Rows that all else would leave alike are told apart by as little as that takes: by their data sets, though training differs too.
func TestRowsAreToldApart(t *testing.T) {
	of := func(params map[string]any) *record.Record { return &record.Record{Params: params} }
	records := record.Set{
		of(map[string]any{"prune.scheme": "p4e", "data.name": "mnist", "train.epochs": 12}),
		of(map[string]any{"prune.scheme": "p4e", "data.name": "fashion-mnist", "train.epochs": 8, "prune.distil.alpha": 0.5}),
		of(map[string]any{"prune.scheme": "joint", "data.name": "mnist", "train.epochs": 12, "prune.lasso": 0.1}),
		of(map[string]any{"prune.scheme": "joint", "data.name": "mnist", "train.epochs": 12}),
		of(map[string]any{"prune.scheme": "dense", "data.name": "mnist", "train.epochs": 12}),
	}
	tell := telling(records, []string{"prune.scheme"})
	for i, want := range []string{" data mnist", " data fashion-mnist", " lasso 0.1", " lasso n/a", ""} {
		if got := tell(records[i]); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
}
