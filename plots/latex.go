package plots

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// writeLaTeX writes a table that floats, with title, flags and notes as its caption.
func (g *grid) writeLaTeX(w io.Writer) error {
	var b strings.Builder
	row := func(cells []string) { fmt.Fprintf(&b, "    %s \\\\\n", strings.Join(each(cells, latex), " & ")) }
	b.WriteString("\\begin{table}\n  \\centering\n")
	if caption := g.captionTexts(); len(caption) > 0 {
		fmt.Fprintf(&b, "  \\caption{%s}\n", strings.Join(each(caption, latex), " "))
	}
	if g.id != "" {
		fmt.Fprintf(&b, "  \\label{tab:%s}\n", g.id)
	}
	texts := min(g.texts, len(g.header))
	fmt.Fprintf(&b, "  \\begin{tabular}{%s%s}\n    \\toprule\n", strings.Repeat("l", texts), strings.Repeat("r", len(g.header)-texts))
	b.WriteString(g.latexHeader())
	b.WriteString("    \\midrule\n")
	for _, cells := range g.rows {
		row(cells)
	}
	b.WriteString("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n")
	needs := "% needs \\usepackage{booktabs}"
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r > unicode.MaxLatin1 }) {
		needs += ", and XeLaTeX or LuaLaTeX for its letters"
	}
	_, err := io.WriteString(w, needs+"\n"+b.String())
	return err
}

// latexHeader is a row of headings, below a row of what several of them share.
func (g *grid) latexHeader() string {
	var above, rules, names []string
	for i := 0; i < len(g.header); {
		over, n := g.overOf(i), 1
		for i+n < len(g.header) && over != "" && g.overOf(i+n) == over {
			n++
		}
		if n > 1 {
			above = append(above, fmt.Sprintf("\\multicolumn{%d}{c}{%s}", n, latex(strings.TrimSuffix(over, ": "))))
			rules = append(rules, fmt.Sprintf("\\cmidrule(lr){%d-%d}", i+1, i+n))
		} else {
			above = append(above, "")
		}
		for range n {
			name := g.header[i]
			if n > 1 {
				name = strings.TrimPrefix(name, over)
			}
			names = append(names, latex(name))
			i++
		}
	}
	header := "    " + strings.Join(names, " & ") + " \\\\\n"
	if len(rules) == 0 {
		return header
	}
	return "    " + strings.Join(above, " & ") + " \\\\\n    " + strings.Join(rules, " ") + "\n" + header
}

func (g *grid) overOf(column int) string {
	if column >= len(g.over) {
		return ""
	}
	return g.over[column]
}

func (g *grid) captionTexts() []string {
	texts := slices.Concat(g.flags, g.notes)
	if g.title != "" {
		texts = slices.Insert(texts, 0, g.title)
	}
	return each(texts, func(s string) string {
		if s == "" || strings.ContainsRune(".!?", rune(s[len(s)-1])) {
			return s
		}
		return s + "."
	})
}

// latexEscapes are for what LaTeX gives a meaning to, and for signs of ours that the fonts of pdfTeX lack.
var latexEscapes = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "%", `\%`, "_", `\_`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`,
	"<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`, `"`, `''`, "[", "{[}", "]", "{]}",
	"±", `$\pm$`, "×", `$\times$`, "≤", `$\le$`, "≥", `$\ge$`, "−", `$-$`, "·", `$\cdot$`, "…", `\dots{}`, "µ", `$\mu$`, "–", "--", "→", `$\to$`,
)

var negative = regexp.MustCompile(`(^|[ (])-([0-9.])`)

// latex makes a text one that LaTeX prints as it is, on one line. A dash that stands for nothing, and a minus, get their lengths.
func latex(s string) string {
	if s = oneLine(s); s == "-" {
		return "--"
	}
	return negative.ReplaceAllString(latexEscapes.Replace(s), "$1$$-$$$2")
}
