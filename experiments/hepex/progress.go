package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"hepex/harness/config"
	"hepex/harness/run"
)

// progress shows how far a run is: one line that is rewritten on a terminal, elsewhere a line for each point.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	width    int
	last     string
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, width: 100}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = width
		}
	}
	return p
}

// Write prints warnings above the progress line.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.w.Write(b)
}

func (p *progress) show(s run.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		if line := headline(s); line != p.last {
			p.last = line
			fmt.Fprintln(p.w, line)
		}
		return
	}
	line := headline(s)
	if s.Step.Name != "" {
		line += ": " + s.Step.Name
	}
	if s.Step.Done > 0 {
		line += fmt.Sprintf(" %.0f %%", min(100, 100*s.Step.Done))
	}
	p.rewrite(line)
}

// line shows any words.
func (p *progress) line(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		fmt.Fprintln(p.w, words)
		return
	}
	p.rewrite(words)
}

// rewrite puts a line in the place of the last one.
func (p *progress) rewrite(line string) {
	if runes := []rune(line); len(runes) >= p.width {
		line = string(runes[:p.width-1])
	}
	p.erase()
	fmt.Fprint(p.w, line)
	p.last = line
}

// headline names the stage, the point and the time left.
func headline(s run.Progress) string {
	line := fmt.Sprintf("%s %d/%d", s.Stage, s.Current+1, s.Points)
	if s.Failed > 0 {
		line += fmt.Sprintf(", %d failed", s.Failed)
	}
	if s.Left > 0 {
		line += fmt.Sprintf(", %s left", s.Left.Round(time.Second))
	}
	return line + "  " + describe(s.Point)
}

// describe says in a few words which point it is.
func describe(p *config.Point) string {
	s := p.Spec
	words := []string{s.Prune.Scheme}
	switch {
	case s.Prune.Layers != nil:
		words = append(words, layersText(s.Prune.Layers))
	case s.Prune.Hidden != nil:
		words = append(words, hiddenText(s.Prune.Hidden))
	}
	if s.Prune.Options().Prunes() {
		words = append(words, fmt.Sprint(s.Prune.Ratio))
	}
	words = append(words, s.Tile.String())
	if s.Measure.Encrypted {
		words = append(words, s.HE.Weights)
	}
	return strings.Join(append(words, fmt.Sprint("seed ", s.Train.Seed)), " ")
}

// clear removes the line.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progress) erase() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
