package plots

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Format is how a table is written.
type Format int

// The formats: Terminal, Markdown and LaTeX are for reading, with scaled numbers and their units; CSV has
// the recorded numbers. LaTeX is a table of the package booktabs, to be read with \input.
const (
	Terminal Format = iota
	Markdown
	CSV
	LaTeX
)

// grid is a table of texts. Its first texts columns are aligned left, the others right.
type grid struct {
	id     string
	title  string
	header []string
	over   []string // what each heading begins with, where neighbours share it
	rows   [][]string
	texts  int
	flags  []string // above the table; not in CSV
	notes  []string // below the table; not in CSV
}

func (g *grid) write(w io.Writer, format Format) error {
	switch format {
	case Terminal:
		return g.render(w, renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
				Lines:      tw.Lines{ShowHeaderLine: tw.On},
			},
		}), tw.Padding{Right: "  ", Overwrite: true}, oneLine)
	case Markdown:
		return g.render(w, renderer.NewMarkdown(), tw.PaddingDefault, escaped)
	case CSV:
		return WriteCSV(w, append([][]string{g.header}, g.rows...))
	case LaTeX:
		return g.writeLaTeX(w)
	}
	return fmt.Errorf("no table format %d", format)
}

func (g *grid) render(w io.Writer, r tw.Renderer, padding tw.Padding, clean func(string) string) error {
	align := make(tw.Alignment, len(g.header))
	for i := range align {
		align[i] = tw.AlignRight
		if i < g.texts {
			align[i] = tw.AlignLeft
		}
	}
	var text strings.Builder
	table := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(r),
		tablewriter.WithAlignment(align),
		tablewriter.WithPadding(padding),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
	)
	table.Header(each(g.header, clean))
	for _, row := range g.rows {
		if err := table.Append(each(row, clean)); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	if g.title != "" {
		if _, err := fmt.Fprintf(w, "%s\n\n", clean(g.title)); err != nil {
			return err
		}
	}
	for _, flag := range g.flags {
		if _, err := fmt.Fprintf(w, "%s\n\n", clean(flag)); err != nil {
			return err
		}
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	for _, note := range g.notes {
		if _, err := fmt.Fprintf(w, "\n%s\n", clean(note)); err != nil {
			return err
		}
	}
	return nil
}

func each(texts []string, change func(string) string) []string {
	changed := make([]string, len(texts))
	for i, s := range texts {
		changed[i] = change(s)
	}
	return changed
}

// oneLine keeps a text from breaking its row.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "&", "&amp;",
	"[", `\[`, "]", `\]`, "!", `\!`)

// escaped keeps a text from ending its cell or being read as markup.
func escaped(s string) string { return markdownEscapes.Replace(oneLine(s)) }

// shorten cuts a text to n characters, the last of them then an ellipsis.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}
