// Package report writes experiments as one HTML file for people: what came out in five lines, published numbers beside ours,
// failures and warnings, figures, a table of all points, and how to run it again. It runs nothing, and the same records give the
// same bytes.
//
// What it is opinionated about: the file is complete and fetches nothing, which its own content security policy enforces, as it
// enforces that no script but that of this package runs, whatever labels and messages say; everything can be read without
// JavaScript, on paper and by keyboard, and only filtering, sorting and copying need it; points without a result stand in the same
// table as the others; and what the summary says of a scheme is a mean over seeds, never the luckiest point.
package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/plots"
)

// Experiment is what a report shows of one.
type Experiment struct {
	Name     string
	Config   *config.Config // as frozen with the records, or nil
	Records  record.Set     // one for each point that has any, in the order to show
	Figures  []plots.Figure
	Warnings []string // of what was read
}

// planned is how many points there are to be, those with a record among them.
func (e Experiment) planned() int {
	if e.Config == nil {
		return len(e.Records)
	}
	return max(len(e.Config.Points), len(e.Records))
}

// ErrNone means that no experiment has a record.
var ErrNone = errors.New("report: no records")

var (
	//go:embed report.html
	layout string
	//go:embed report.css
	style string
	//go:embed report.js
	script string

	pageTemplate = template.Must(template.New("report").Parse(layout))
)

// Write writes the report. Nothing is written if there is an error.
func Write(w io.Writer, experiments []Experiment) error {
	page, err := newPage(experiments)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, page); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}

// page is what the template shows.
type page struct {
	Policy    template.HTMLAttr
	Title     string
	Made      string
	Style     template.CSS
	Script    template.JS
	Summary   []line
	Insecure  string
	HasClaims bool
	Sections  []*section
}

func newPage(experiments []Experiment) (*page, error) {
	var all record.Set
	var names []string
	for _, e := range experiments {
		all = append(all, e.Records...)
		names = append(names, e.Name)
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	p := &page{Policy: policy(), Title: title(names), Made: made(all), Style: template.CSS(style), Script: template.JS(script)}
	for i, e := range experiments {
		s := newSection(fmt.Sprintf("e%d", i+1), e)
		p.Sections = append(p.Sections, s)
		p.HasClaims = p.HasClaims || s.Claims != nil
	}
	p.Summary = summarise(experiments, p.Sections)
	if n := countIf(all, (*record.Record).Insecure); n > 0 {
		p.Insecure = fmt.Sprintf("%s of this report ran under parameters below 128 bits: these results hold under no security level.", count(n, "point"))
	}
	return p, nil
}

// policy forbids to fetch anything, and every script but the one of this package. Pictures and styles are in the file itself.
func policy() template.HTMLAttr {
	sum := sha256.Sum256([]byte(script))
	return template.HTMLAttr(fmt.Sprintf(
		`content="default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-%s'"`,
		base64.StdEncoding.EncodeToString(sum[:])))
}

func title(names []string) string {
	if len(names) <= 3 {
		return "hepex: " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("hepex: %d experiments", len(names))
}

// made says when the records were made. The time of the report itself would make equal ones differ.
func made(all record.Set) string {
	begun := slices.MinFunc(all, func(a, b *record.Record) int { return a.StartedAt.Compare(b.StartedAt) })
	ended := slices.MaxFunc(all, func(a, b *record.Record) int { return a.EndedAt.Compare(b.EndedAt) })
	from, to := begun.StartedAt.UTC().Format(time.DateOnly), ended.EndedAt.UTC().Format(time.DateOnly)
	if from != to {
		from += " to " + to
	}
	return fmt.Sprintf("%s, measured %s (UTC).", count(len(all), "point"), from)
}

func countIf(records record.Set, is func(*record.Record) bool) (n int) {
	for _, r := range records {
		if is(r) {
			n++
		}
	}
	return n
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// tally is how often each text occurs, in the order in which they first do.
type tally struct {
	texts []string
	of    map[string]record.Set
}

func (t *tally) add(text string, r *record.Record) {
	if t.of == nil {
		t.of = map[string]record.Set{}
	}
	if t.of[text] == nil {
		t.texts = append(t.texts, text)
	}
	t.of[text] = append(t.of[text], r)
}

// byCount has the most frequent texts first.
func (t *tally) byCount() []string {
	sorted := slices.Clone(t.texts)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(len(t.of[b]), len(t.of[a])) })
	return sorted
}
