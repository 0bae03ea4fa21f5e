package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hepex/harness/record"
)

// Nothing is wider than the page at the widths of a phone and of a desk, in light and dark, or on paper, whatever labels are.
func TestNoOverflow(t *testing.T) {
	ctx := browser(t)
	long := strings.Repeat("unbreakable", 30)
	odd := experiment(t, sweeping, func(i int, r *record.Record) {
		r.Label = hostile[i%len(hostile)]
		r.Warnings = []string{long}
		r.Environment.CPU = long
		if i > 14 {
			failing(r, "panic", long)
		}
	})
	overflow := func(p *tab, where string) {
		t.Helper()
		if n := evaluate[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); n > 0 {
			widest := evaluate[string](p, `[...document.querySelectorAll("body *")].filter(e => !e.parentElement.closest(".wide, pre")).map(e => [e.getBoundingClientRect().right, e]).sort((a, b) => b[0] - a[0])[0][1].outerHTML.slice(0, 200)`)
			t.Errorf("%s: %d pixels too wide, as is %s", where, n, widest)
		}
	}
	for _, width := range []int64{360, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			p := open(t, ctx, width, 900, []Experiment{experiment(t, sweeping, nil), odd}, media("screen", scheme))
			overflow(p, fmt.Sprintf("%d pixels, %s", width, scheme))
		}
	}
	p := open(t, ctx, 700, 900, []Experiment{odd}, media("print", "light"))
	overflow(p, "paper")
}

// No label or message runs as a script; each is shown as it is.
func TestHostileLabels(t *testing.T) {
	e := experiment(t, sweeping, func(i int, r *record.Record) {
		text := hostile[i%len(hostile)]
		r.Label, r.Warnings, r.Environment.CPU = text, []string{text}, text
		if i > 14 {
			failing(r, text, text)
		}
	})
	p := open(t, browser(t), 1440, 900, []Experiment{e})
	if hacked := evaluate[bool](p, `"hacked" in window`); hacked {
		t.Error("a label ran as a script")
	}
	labels := p.column("label")
	for i, r := range e.Records {
		if labels[i] != r.Label {
			t.Errorf("label %q is shown as %q", r.Label, labels[i])
		}
	}
	p.clickFirst(".marks rect")
	if hacked := evaluate[bool](p, `"hacked" in window`); hacked {
		t.Error("a label ran as a script when its point was copied")
	}
}

func TestSort(t *testing.T) {
	e := experiment(t, sweeping, func(i int, r *record.Record) {
		if i == 2 {
			failing(r, "nan", "no number")
		}
	})
	p := open(t, browser(t), 1440, 900, []Experiment{e})
	header := `//table[contains(@class, "points")]//th[contains(., "Evaluation time")]`
	const heading = "Evaluation time"
	before := p.column(heading)
	if before[2] != absent {
		t.Fatalf("%q: want a dash third", before)
	}
	check := func(direction string, sign int) {
		t.Helper()
		sort, got := get(p, chromedp.AttributeValue(header, "aria-sort")).Value, p.column(heading)
		if sort != direction || len(got) != len(before) || got[len(got)-1] != absent {
			t.Errorf("aria-sort %s, %q: want %s, and the dash last", sort, got, direction)
		}
		if !slices.IsSortedFunc(got[:len(got)-1], func(a, b string) int {
			var x, y float64
			fmt.Sscan(a, &x)
			fmt.Sscan(b, &y)
			return sign * cmp.Compare(x, y)
		}) {
			t.Errorf("%s: %q", direction, got)
		}
	}
	p.do(chromedp.Click(header + "/button"))
	check("ascending", 1)
	p.do(chromedp.SendKeys(header+"/button", kb.Enter)) // from the keyboard
	check("descending", -1)
}

func TestFilter(t *testing.T) {
	p := open(t, browser(t), 1440, 900, []Experiment{experiment(t, sweeping, nil)})
	steps := []struct {
		name   string
		action step
		shown  string
		all    string // that the column prune.scheme has
	}{
		{"a word", chromedp.SendKeys(chromedp.CSS(`.filters input`), "JOINT"), "9 of 21 points", "joint"},
		{"and a point", chromedp.SendKeys(chromedp.CSS(`.filters input`), " 000000c"), "1 of 21 points", "joint"},
		{"nothing", chromedp.SendKeys(chromedp.CSS(`.filters input`), " fly"), "0 of 21 points", ""},
		{"all again", chromedp.SendKeys(chromedp.CSS(`.filters input`), strings.Repeat(kb.Backspace, 20)), "21 of 21 points", "any"},
		{"a value", chromedp.SendKeys(`//label[contains(., "prune.scheme")]/select`, "p4e"), "9 of 21 points", "p4e"},
	}
	for _, step := range steps {
		p.do(step.action)
		shown := get(p, chromedp.Text(chromedp.CSS(`.filters output`)))
		schemes := p.column("prune.scheme")
		if shown != step.shown || len(schemes) != len(slices.DeleteFunc(slices.Clone(schemes), func(s string) bool { return s != step.all && step.all != "any" })) {
			t.Errorf("%s: %s, %q", step.name, shown, schemes)
		}
	}

	// On paper, what a filter hides is there.
	p.do(media("print", "light"))
	if n := len(p.column("point")); n != 21 {
		t.Errorf("%d of 21 points on paper", n)
	}
	p.do(command(cdppage.PrintToPDF, cdppage.PrintToPDFParams{}))
	if evaluate[int](p, `document.querySelectorAll("details:not([open])").length`) > 0 {
		t.Error("something is folded on paper")
	}
}

func TestCopy(t *testing.T) {
	e := experiment(t, sweeping, nil)
	p := open(t, browser(t), 1440, 900, []Experiment{e})
	lines := func(of ...int) string {
		text := "Copied:"
		for _, i := range of {
			text += "\n" + e.Records[i].Point + "\n" + e.Config.Points[i].Case()
		}
		return text
	}
	p.do(chromedp.Click(`#e1p4 button`))
	p.wantSaid(lines(4))
	p.do(chromedp.SendKeys(`#e1p5 button`, kb.Enter))
	p.wantSaid(lines(5))

	// A point of a figure is the mean of three seeds.
	p.clickFirst(`.marks rect[data-p="18 19 20"]`)
	p.wantSaid(lines(18, 19, 20))
	if tip := evaluate[string](p, `document.getElementById("tip").textContent`); !strings.HasPrefix(tip, "pruned, joint, ratio 0.9\nAccuracy: 95.57 %") {
		t.Errorf("the tip of a point says %q", tip)
	}

	// The same by keyboard: the first point of the figure.
	first := evaluate[string](p, `document.querySelector(".marks title").textContent`)
	p.do(chromedp.Focus(`.marks`), chromedp.KeyEvent(kb.ArrowRight))
	p.wantSaid(first)
	p.do(chromedp.KeyEvent(kb.Enter))
	var of []int
	for text := range strings.FieldsSeq(evaluate[string](p, `document.querySelector(".marks rect.at").dataset.p`)) {
		i := 0
		fmt.Sscan(text, &i)
		of = append(of, i)
	}
	p.wantSaid(lines(of...))
}

// Without JavaScript all points and figures are there, and what needs it is not offered.
func TestWithoutScript(t *testing.T) {
	p := open(t, browser(t), 1440, 900, []Experiment{experiment(t, sweeping, nil)},
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	if n := len(p.column("point")); n != 21 {
		t.Errorf("%d of 21 points", n)
	}
	if n := evaluate[int](p, `[...document.querySelectorAll(".filters, button, .script")].filter(e => e.getClientRects().length > 0).length`); n > 0 {
		t.Errorf("%d controls that do nothing", n)
	}
	if n := evaluate[int](p, `document.querySelectorAll(".marks rect > title").length`); n == 0 {
		t.Error("no point of a figure says what it is")
	}
}

// What a screen reader goes by: one main heading, none skipped, tables with captions and scopes, names of all regions, controls and pictures.
func TestStructure(t *testing.T) {
	p := open(t, browser(t), 1440, 900, []Experiment{
		experiment(t, sweeping, nil), experiment(t, sweeping, func(_ int, r *record.Record) { failing(r, "panic", "lost") }),
	})
	for what, expression := range map[string]string{
		"main headings but one":        `document.querySelectorAll("h1").length - 1`,
		"headings that skip a level":   `[...document.querySelectorAll("h1,h2,h3")].filter((h, i, all) => i > 0 && h.tagName[1] - all[i - 1].tagName[1] > 1).length`,
		"tables without a caption":     `document.querySelectorAll("table:not(:has(caption))").length`,
		"heads without a scope":        `document.querySelectorAll("th:not([scope])").length`,
		"regions without a name":       `document.querySelectorAll("[role=region]:not([aria-label],[aria-labelledby])").length`,
		"pictures without a name":      `document.querySelectorAll("[role=img]:not([aria-label])").length`,
		"inputs without a label":       `[...document.querySelectorAll("input, select")].filter(e => e.labels.length === 0).length`,
		"identities that are not one":  `(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id); return ids.length - new Set(ids).size; })()`,
		"links to nowhere":             `[...document.querySelectorAll("a[href^='#']")].filter(a => !document.getElementById(a.hash.slice(1))).length`,
		"scrolling parts off the keys": `[...document.querySelectorAll(".wide")].filter(e => e.tabIndex < 0).length`,
	} {
		if n := evaluate[int](p, expression); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// Two thousand points open, and say how long that took.
func TestLargeOpens(t *testing.T) {
	if testing.Short() {
		t.Skip("draws ten figures of 2,000 points")
	}
	p := open(t, browser(t), 1440, 900, []Experiment{large(t)})
	if n := len(p.column("point")); n != 2000 {
		t.Errorf("%d of 2000 points", n)
	}
	t.Logf("opened in %.0f ms", evaluate[float64](p, `performance.getEntriesByType("navigation")[0].loadEventEnd`))
}
