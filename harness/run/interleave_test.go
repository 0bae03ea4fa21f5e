package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
	"hepex/packing"
)

// asWorker makes the test binary a worker that only pretends to evaluate.
const asWorker = "HEPEX_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := pretend(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// script is what a pretending worker does: its peak, its turns, how long each takes, and how it ends.
type script struct {
	Name  string
	Of    string // the family
	Dense bool   // is the unpruned network of the family
	Peak  int64
	Turns int
	Takes time.Duration
	Warm  int    // of the turns
	End   string // ok, or one of the ends below
	Bad   int    // tries that end so, while later ones are ok; 0 is all
}

const (
	endFails    = "fails"          // says why, instead of a result
	endCrashes  = "crashes"        // in its last turn
	endHangs    = "hangs"          // in its last turn
	endKilled   = "is killed"      // in its last turn
	endWaiting  = "dies waiting"   // for its last turn
	endEarly    = "fails early"    // before it asks for anything
	endSettling = "fails settling" // once it was let in, before its first turn
	endRefuses  = "refuses"        // before it asks for anything
)

// pretend follows the script that the job has as its label. Each turn is a line in a file that all workers share.
func pretend() error {
	dec, enc := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var job trial.Job
	if err := dec.Decode(&job); err != nil {
		return err
	}
	if job.Timeout <= 0 {
		return errors.New("the job does not say how long it may take")
	}
	var s script
	if err := json.Unmarshal([]byte(job.Label), &s); err != nil {
		return err
	}
	failed := event{Failure: &record.Error{Kind: "precision", Message: s.End}}
	if s.End == endRefuses {
		failed.Failure.Kind = "parameters"
	}
	if tries, err := count(filepath.Join(job.CacheDir, "tries-"+s.Name)); err != nil {
		return err
	} else if s.Bad > 0 && tries > s.Bad {
		s.End = ""
	}
	if s.End == endEarly || s.End == endRefuses {
		return enc.Encode(failed)
	}
	r := record.Record{Point: job.Point, Order: "?", Training: &record.Training{}, Params: map[string]any{}}
	if os.Args[2] != stageInterleave {
		return enc.Encode(event{Result: &trial.Result{Record: r}})
	}
	log, err := os.OpenFile(filepath.Join(job.CacheDir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	asks := turns{dec, enc}
	if err := asks.Admit(s.Peak); err != nil {
		return err
	}
	if s.End == endSettling {
		return enc.Encode(failed)
	}
	for i, stay := 0, false; i < s.Turns || stay; i++ {
		last := i == s.Turns-1
		if last && s.End == endWaiting {
			if err := enc.Encode(event{Asks: &ask{}}); err != nil {
				return err
			}
			os.Exit(7)
		}
		if stay, err = asks.Next(); err != nil {
			return err
		}
		fmt.Fprint(log, s.Name)
		time.Sleep(s.Takes)
		switch {
		case last && s.End == endCrashes:
			panic("on purpose")
		case last && s.End == endKilled:
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				return err
			}
			select {}
		case last && s.End == endHangs:
			select {}
		}
	}
	if s.End == endFails {
		return enc.Encode(failed)
	}
	return enc.Encode(event{Result: &trial.Result{Record: r}})
}

// count adds one to a number that all processes share and gives it.
func count(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	return int(info.Size()), err
}

// pretending is a runner, and points whose workers follow scripts.
func pretending(t *testing.T, limits config.Limits, scripts ...script) (*runner, []prepared) {
	t.Helper()
	t.Setenv(asWorker, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else the race detector adds a second to each worker
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if limits.MaxFailures == 0 {
		limits.MaxFailures = 100
	}
	if limits.Timeout == 0 {
		limits.Timeout = time.Minute
	}
	r := &runner{
		Options: Options{Dir: dir, CacheDir: dir, Executable: self, Progress: func(Progress) {}}, limits: limits,
		store: record.NewStore(dir), name: "test", oomKills: func() int { return 0 }, times: map[string][]time.Duration{}, tries: map[string]int{},
	}
	var points []prepared
	for _, s := range scripts {
		label, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		p := prepared{Planned: Planned{config.Point{Label: string(label), Params: map[string]any{"prune.scheme": s.Name, "train.seed": s.Of}}, s.Name}}
		if s.Dense {
			p.Params["prune.scheme"] = "dense"
		}
		p.Spec.Tile = packing.Shape{In: 8, Out: 8, Batch: 64}
		p.Spec.Measure = config.Measure{Encrypted: true, Warmup: s.Warm, Order: record.Interleaved}
		points = append(points, p)
	}
	return r, points
}

// took is the turns that were taken, in order, and left how the points ended: those that were interleaved in capitals, those
// measured alone small, those that failed with a minus.
func took(t *testing.T, r *runner) (turns, left string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.CacheDir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	set, damaged, err := r.store.Load()
	if err != nil || len(damaged) > 0 {
		t.Fatal(damaged, err)
	}
	var ends []string
	for _, rec := range set {
		switch {
		case rec.Status != record.OK:
			t.Logf("%s: %+v", rec.Point, rec.Error)
			ends = append(ends, "-"+rec.Point)
		case rec.Order == record.Interleaved:
			ends = append(ends, strings.ToUpper(rec.Point))
		case rec.Order == record.Sequential:
			ends = append(ends, rec.Point)
		}
	}
	slices.SortFunc(ends, func(a, b string) int {
		return strings.Compare(strings.ToLower(strings.Trim(a, "-")), strings.ToLower(strings.Trim(b, "-")))
	})
	return string(text), strings.Join(ends, " ")
}

func TestInterleave(t *testing.T) {
	const roomy = 1 << 30
	all := func(families ...string) (scripts []script) { // two turns of each point of each family, which are letters
		for _, family := range families {
			for _, name := range family {
				scripts = append(scripts, script{Name: string(name), Of: family, Turns: 2})
			}
		}
		return scripts
	}
	heavy := func(peak int64, scripts []script) []script {
		for i := range scripts {
			scripts[i].Peak = peak
		}
		return scripts
	}
	dense := func(at int, scripts []script) []script {
		scripts[at].Dense = true
		return scripts
	}
	dying := func(end string, scripts []script) []script {
		scripts[0].End = end
		return scripts
	}
	retried := func(at int, scripts []script) []script { // crashes in its last turn, once
		scripts[at].End, scripts[at].Bad = endCrashes, 1
		return scripts
	}
	mixed := all("ab", "cd")
	mixed[1], mixed[2] = mixed[2], mixed[1]
	for _, c := range []struct {
		name        string
		memory      int64
		scripts     []script
		turns, ends string
	}{
		{"round robin", roomy, []script{{Name: "a", Turns: 3}, {Name: "b", Turns: 3}, {Name: "c", Turns: 3}}, "abcabcabc", "A B C"},
		{"each until it is done", roomy, []script{{Name: "a", Turns: 1}, {Name: "b", Turns: 4}, {Name: "c", Turns: 2}}, "abcbcbb", "A B C"},
		{"one alone", roomy, []script{{Name: "a", Turns: 2}}, "aa", "a"},
		{"at most eight", roomy, all("a", "b", "c", "d", "e", "f", "g", "h", "i"), "abcdefghabcdefghii", "A B C D E F G H i"},
		{"no family is parted", roomy, all("abcde", "fgh", "ij"), "abcdefghabcdefghijij", "A B C D E F G H I J"},
		{"a large one", roomy, all("abcdefghij", "k"), "abcdefghijabcdefghijkk", "A B C D E F G H I J k"},
		{"one that is scattered", 250, heavy(100, mixed), "ababcdcd", "A B C D"},
		{"nor for memory", 350, heavy(100, all("ab", "cd")), "ababcdcd", "A B C D"},
		{"but if it must be", 250, heavy(100, all("abc", "d")), "ababcdcd", "A B C D"},
		{"the unpruned one stays until the others are done", roomy, dense(0, []script{{Name: "a", Turns: 1}, {Name: "b", Turns: 3}, {Name: "c", Turns: 2}}), "abcabcaba", "A B C"},
		{"but not for another family", roomy, dense(0, []script{{Name: "a", Turns: 1}, {Name: "b", Turns: 3, Of: "other"}}), "abbb", "A b"},
		{"it comes first", roomy, dense(1, all("abc")), "bacbacb", "A B C"},
		{"it stays while the others come and go", 250, heavy(100, dense(0, all("abcd"))), "ababacacadada", "A B C D"},
		{"and another family comes after them", 250, heavy(100, dense(0, all("abc", "ef"))), "ababacacaefef", "A B C E F"},
		{"it leaves if nothing fits beside it", 150, heavy(100, dense(0, all("abc"))), "aabbcc", "a b c"},
		{"it fails while others wait", 250, heavy(100, dying(endFails, dense(0, all("abcd")))), "ababacacadada", "-a B C D"},
		{"another try takes turns with it", roomy, retried(1, dense(0, all("ab", "ef"))), "abefabefabab" + "a", "A B E F"},
		{"it crashes while others wait", 250, heavy(100, dying(endCrashes, dense(0, all("abcd")))), "ababcdcd", "-a B C D"},
		{"as memory holds", 250, []script{{Name: "a", Turns: 2, Peak: 100}, {Name: "b", Turns: 2, Peak: 150}, {Name: "c", Turns: 2, Peak: 100},
			{Name: "d", Turns: 2, Peak: 300}, {Name: "e", Turns: 2, Peak: 100}, {Name: "f", Turns: 1, Peak: 50}}, "ababccddefe", "A B c d E F"},
		{"alone for half of the time", roomy, []script{{Name: "a", Turns: 2}, {Name: "b", Turns: 4}}, "ababbb", "A B"},
		{"alone for most of the time", roomy, []script{{Name: "a", Turns: 2}, {Name: "b", Turns: 5}}, "ababbbb", "A b"},
		{"the other crashes at once", roomy, []script{{Name: "a", Turns: 1, End: endCrashes}, {Name: "b", Turns: 3}}, "abbb", "-a b"},
		{"together while warming up", roomy, []script{{Name: "a", Turns: 1}, {Name: "b", Turns: 2, Warm: 1}}, "abb", "A b"},
		{"alone after warming up and half", roomy, []script{{Name: "a", Turns: 3, Warm: 1}, {Name: "b", Turns: 5, Warm: 1}}, "abababbb", "A B"},
		{"a failure", roomy, []script{{Name: "a", Turns: 3}, {Name: "b", Turns: 2, End: endFails}, {Name: "c", Turns: 3}}, "abcabcac", "A -b C"},
		{"a crash", roomy, []script{{Name: "a", Turns: 3}, {Name: "b", Turns: 2, End: endCrashes}, {Name: "c", Turns: 3}}, "abcabcac", "A -b C"},
		{"a death while waiting", roomy, []script{{Name: "a", Turns: 3}, {Name: "b", Turns: 2, End: endWaiting}, {Name: "c", Turns: 3}},
			"abcacac", "A -b C"},
		{"failures before the first turn", roomy, []script{{Name: "a", Turns: 2, End: endEarly}, {Name: "b", Turns: 2}, {Name: "c", Turns: 2, End: endSettling}},
			"bb", "-a b -c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, points := pretending(t, config.Limits{Retries: strings.Count(c.name, "another try")}, c.scripts...)
			g := &group{runner: r, budget: c.memory, points: points, started: func(int) {}} // not limits.memory: no process fits in so few bytes
			err := g.run(context.Background())
			turns, ends := took(t, r)
			if err != nil || turns != c.turns || ends != c.ends {
				t.Errorf("turns %q, ends %q, %v; want %q, %q", turns, ends, err, c.turns, c.ends)
			}
			if done := strings.Count(c.ends, " ") + 1 - strings.Count(c.ends, "-"); r.summary.Done != done || r.summary.Failed != len(points)-done {
				t.Errorf("summary %+v", r.summary)
			}
		})
	}
}

// Workers that hang are stopped, one after the other. How far they come before is no matter.
func TestInterleavedHang(t *testing.T) {
	hangs := func(name string) script { return script{Name: name, Turns: 1, End: endHangs} }
	r, points := pretending(t, config.Limits{Timeout: 500 * time.Millisecond}, hangs("a"), hangs("b"), hangs("c"))
	if err := r.interleave(context.Background(), points, func(int) {}); err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if got := story(t, r, p.ID); got != string(record.Timeout) {
			t.Errorf("%s: %q: want %s", p.ID, got, record.Timeout)
		}
	}
}

// puppet is a worker that follows a script by the clock of a test: its process has ended, and what it would send comes from
// here.
func puppet(ctx context.Context, t *testing.T, r *runner, p prepared, s script) *worker {
	t.Helper()
	in, out := io.Pipe()
	w := &worker{job: r.job(p.Planned), began: time.Now(), left: r.limits.Timeout, cmd: exec.Command("true"), stdin: out, events: make(chan event), log: &tail{max: lastBytes}}
	w.killed, w.kill = context.WithCancelCause(ctx)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.events)
		dec := json.NewDecoder(in)
		for i := range s.Turns {
			var answer string
			if err := dec.Decode(&answer); err != nil {
				return
			}
			var over <-chan time.Time
			last := i == s.Turns-1
			if !last || s.End != endHangs {
				over = time.After(s.Takes)
			}
			select {
			case <-over:
			case <-w.killed.Done():
				return
			}
			if !last {
				w.events <- event{Asks: &ask{}}
			}
		}
		w.events <- event{Result: &trial.Result{Record: record.Record{Point: p.ID, Training: &record.Training{}, Params: map[string]any{}}}}
	}()
	return w
}

// The limit of time is each worker's own: it runs while the worker does, in all of its turns together, and ends no other.
func TestInterleavedTimeout(t *testing.T) {
	const ms = time.Millisecond
	scripts := []script{
		{Name: "a", Turns: 3, Takes: 600 * ms}, // ends long after the limit, having waited most of the time
		{Name: "b", Turns: 3, Takes: 700 * ms}, // too much together
		{Name: "c", Turns: 2, Takes: 600 * ms, End: endHangs},
		{Name: "d", Turns: 1, Takes: 1900 * ms},
	}
	r, points := pretending(t, config.Limits{Timeout: 2 * time.Second}, scripts...)
	synctest.Test(t, func(t *testing.T) {
		g, began := &group{runner: r, points: points}, time.Now()
		for i, s := range scripts {
			g.members = append(g.members, &member{worker: puppet(t.Context(), t, r, points[i], s), index: i})
		}
		if err := g.rounds(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(began), (1800+2000+2000+1900)*ms; took != want {
			t.Errorf("took %s: want %s", took, want)
		}
	})
	if _, ends := took(t, r); ends != "A -b -c D" {
		t.Errorf("ends %q", ends)
	}
	for _, point := range []string{"b", "c"} {
		if got := story(t, r, point); got != string(record.Timeout) {
			t.Errorf("%s: %q: want %s", point, got, record.Timeout)
		}
	}
}

// What the kernel killed for memory before a worker began says nothing about how that ended.
func TestKillsForMemoryAreTheWorkersOwn(t *testing.T) {
	r, points := pretending(t, config.Limits{}, script{Name: "a", Turns: 1, End: endKilled}, script{Name: "b", Turns: 1, End: endKilled})
	counts := []int{0, 1, 1, 1} // when a starts and has ended, then b
	r.oomKills = func() (n int) {
		n, counts = counts[0], counts[1:]
		return n
	}
	for i := range points {
		if err := r.interleave(context.Background(), points[i:i+1], func(int) {}); err != nil {
			t.Fatal(err)
		}
	}
	set, _, err := r.store.Load()
	if err != nil || len(set) != 2 || set[0].Status != record.OOM || set[1].Status != record.Failed || len(counts) > 0 {
		t.Errorf("%d records, %v, %d counts left; want a oom, b failed", len(set), err, len(counts))
		for _, rec := range set {
			t.Logf("%s: %s, %+v", rec.Point, rec.Status, rec.Error)
		}
	}
}

func TestInterleavedInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, points := pretending(t, config.Limits{}, script{Name: "a", Turns: 1000}, script{Name: "b", Turns: 1000}, script{Name: "c", Turns: 1000, Takes: time.Hour})
	go func() {
		defer cancel()
		for turns := ""; turns != "abc" && ctx.Err() == nil; time.Sleep(time.Millisecond) {
			text, _ := os.ReadFile(filepath.Join(r.CacheDir, "log")) // there is none before the first turn
			turns = string(text)
		}
	}()
	if err := r.interleave(ctx, points, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: want %v", err, context.Canceled)
	}
	if _, ends := took(t, r); ends != "" {
		t.Errorf("left records %q", ends)
	}
}

func TestHopelessInterleaving(t *testing.T) {
	bad := func(name string) script { return script{Name: name, Turns: 1, End: endEarly} }
	r, points := pretending(t, config.Limits{MaxFailures: 2}, script{Name: "a", Turns: 2}, bad("b"), bad("c"), script{Name: "d", Turns: 2})
	err := r.interleave(context.Background(), points, func(int) {})
	if turns, ends := took(t, r); err != nil || turns != "" || ends != "-b -c" {
		t.Errorf("turns %q, ends %q, %v: nothing begins", turns, ends, err)
	}
	r, points = pretending(t, config.Limits{MaxFailures: 1}, script{Name: "a", Turns: 2}, script{Name: "b", Turns: 2, End: endFails}, script{Name: "c", Turns: 2})
	g := &group{runner: r, budget: 250, points: points, started: func(int) {}}
	for i := range points { // a and b fit
		points[i].Label = strings.Replace(points[i].Label, `"Peak":0`, `"Peak":100`, 1)
	}
	err = g.run(context.Background())
	if turns, ends := took(t, r); err != nil || turns != "abab" || ends != "A -b" {
		t.Errorf("turns %q, ends %q, %v: what runs ends, nothing else begins", turns, ends, err)
	}
}

// Too many failures end a family, too, whose unpruned network waits for the others.
func TestHopelessFamily(t *testing.T) {
	scripts := []script{{Name: "a", Turns: 1, Dense: true, Peak: 100}}
	for name := 'b'; name <= 'i'; name++ {
		scripts = append(scripts, script{Name: string(name), Turns: 1, Peak: 100, End: endFails})
	}
	r, points := pretending(t, config.Limits{MaxFailures: 2}, scripts...)
	g := &group{runner: r, budget: 250, points: points, started: func(int) {}}
	err := g.run(context.Background())
	if turns, ends := took(t, r); err != nil || turns != "abaca" || ends != "A -b -c" {
		t.Errorf("turns %q, ends %q, %v", turns, ends, err)
	}
}

func TestTurnTakers(t *testing.T) {
	points := func(text string) []prepared { // i interleaved, s sequential, p plain
		var all []prepared
		for _, c := range text {
			var p prepared
			p.Spec.Measure = config.Measure{Encrypted: c != 'p', Order: map[rune]string{'i': record.Interleaved, 's': record.Sequential, 'p': record.Interleaved}[c]}
			all = append(all, p)
		}
		return all
	}
	for text, want := range map[string]int{"": 0, "s": 0, "i": 1, "iis": 2, "iip": 2, "iii": 3, "sii": 0} {
		if got := turnTakers(points(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
