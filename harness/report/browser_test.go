package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browser starts Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("no Chromium here: the report is not opened in a browser")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(5*time.Minute))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// patience is how long a test waits for what a page does at once.
const patience = 20 * time.Second

// step is what a test does in a tab.
type step = chromedp.Action[chromedp.Void]

// tab is a page that is open.
type tab struct {
	*testing.T
	ctx  context.Context
	path string

	mu      sync.Mutex
	fetched []string // addresses but its own
	said    []string // on its console: errors, and what its content security policy refused
}

// open shows experiments in a tab of the given size, after some steps.
func open(t *testing.T, ctx context.Context, width, height int64, experiments []Experiment, before ...step) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	p := &tab{T: t, ctx: ctx, path: filepath.Join(t.TempDir(), "report.html")}
	if err := os.WriteFile(p.path, written(t, experiments...), 0o644); err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	requests, console := chromedp.Events(ctx, network.RequestWillBeSent), chromedp.Console(ctx)
	listening.Go(func() {
		for e, err := range requests {
			if err == nil && e.Request.URL != p.address() && !strings.HasPrefix(e.Request.URL, "data:") {
				p.keep(&p.fetched, e.Request.URL)
			}
		}
	})
	listening.Go(func() {
		for m, err := range console {
			if err == nil {
				p.keep(&p.said, m.String())
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		listening.Wait()
		if len(p.fetched) > 0 {
			t.Errorf("fetched %q", p.fetched)
		}
		if len(p.said) > 0 {
			t.Errorf("console: %q", p.said)
		}
	})
	p.do(chromedp.EmulateViewport(width, height))
	p.do(before...)
	p.do(chromedp.Navigate(p.address()))
	return p
}

func (p *tab) address() string { return "file://" + p.path }

func (p *tab) keep(list *[]string, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, text)
}

func (p *tab) do(steps ...step) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// get gives what an action does.
func get[V any](p *tab, action chromedp.Action[V]) V {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		p.Fatal(err)
	}
	return v
}

// evaluate gives the value of an expression in the page.
func evaluate[V any](p *tab, expression string) V {
	p.Helper()
	return get(p, chromedp.Evaluate[V](expression))
}

// command is a step that gives the browser a command.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// media makes the page look as on paper (print), or as people want it who have said so.
func media(kind, scheme string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// clickFirst clicks at the middle of the first element that a selector finds.
func (p *tab) clickFirst(selector string) {
	p.Helper()
	p.do(chromedp.ScrollIntoView(chromedp.CSS(selector)))
	p.do(chromedp.MouseClickNode(get(p, chromedp.Nodes(chromedp.CSS(selector)))[0]))
}

// column is the texts of a column of the first table of points, in rows that are shown.
func (p *tab) column(heading string) []string {
	p.Helper()
	return evaluate[[]string](p, fmt.Sprintf(`(() => {
		const table = document.querySelector("table.points");
		const i = [...table.tHead.rows[0].cells].findIndex(c => c.textContent.startsWith(%q));
		return [...table.tBodies[0].rows].filter(r => r.getClientRects().length > 0).map(r => r.cells[i].textContent);
	})()`, heading))
}

// wantSaid checks what the page says of what was done. It says it a little later.
func (p *tab) wantSaid(text string) {
	p.Helper()
	const said = `document.getElementById("said").textContent`
	for range 100 {
		if evaluate[string](p, said) == text {
			return
		}
		p.do(chromedp.Sleep(20 * time.Millisecond))
	}
	p.Errorf("the page says %q, want %q", evaluate[string](p, said), text)
}
