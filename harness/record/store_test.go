package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func attempt(point string, status Status) *Record {
	r := &Record{
		Schema: Schema, Experiment: "test", Point: point, Status: status, Params: map[string]any{"tile": "8x8x64", "prune.ratio": 0.1 + 0.2},
		Seeds: map[string]uint64{"train": 1}, StartedAt: time.Unix(1e9, 123).UTC(), EndedAt: time.Unix(1e9+5, 0).UTC(),
		Quality: &Quality{Metric: "accuracy", Plain: 1.0 / 3},
	}
	if status != OK {
		r.Error = &Error{Kind: "panic", Message: "a \"checksum\": \"", Log: "line\nline"}
	}
	return r
}

func TestStoreKeepsWhatItWasGiven(t *testing.T) {
	s := NewStore(t.TempDir())
	for _, r := range []*Record{attempt("a", Failed), attempt("a", OK), attempt("a", Timeout), attempt("b", Failed), attempt("b", OOM)} {
		if err := s.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	set, damaged, err := s.Load()
	if err != nil || len(damaged) > 0 || len(set) != 2 {
		t.Fatalf("%d records, damaged %v, %v", len(set), damaged, err)
	}
	// The latest that is ok decides, or else the latest.
	want := []*Record{attempt("a", OK), attempt("b", OOM)}
	for _, w := range want {
		w.Schema, w.Attempt = Schema, 2
	}
	for _, r := range set {
		if len(r.Checksum) != 64 {
			t.Errorf("checksum %q", r.Checksum)
		}
		r.Checksum = ""
	}
	if d := cmp.Diff(Set(want), set); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestMissingStoreIsEmpty(t *testing.T) {
	set, damaged, err := NewStore(filepath.Join(t.TempDir(), "none")).Load()
	if len(set) != 0 || len(damaged) != 0 || err != nil {
		t.Error(set, damaged, err)
	}
}

// Runners that write at the same time each get a number of their own, and no number is used again.
func TestAttemptsAreNeverReplaced(t *testing.T) {
	const writers = 16
	s := NewStore(t.TempDir())
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			if err := s.Write(attempt("a", OK)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	numbers, err := attempts(filepath.Join(s.points(), "a"))
	if err != nil || len(numbers) != writers || numbers[writers-1] != writers {
		t.Fatalf("attempts %v, %v: want 1 to %d", numbers, err, writers)
	}
	last := Damaged{Path: filepath.Join(s.points(), "a", attemptFile(writers))}
	if _, err := last.SetAside(); err != nil {
		t.Fatal(err)
	}
	if next, err := s.NextAttempt("a"); err != nil || next != writers+1 {
		t.Errorf("next attempt %d, %v: want %d", next, err, writers+1)
	}
}

// Every single-bit flip and every cut of a record is found, and the point counts as not done.
func TestDamageIsFound(t *testing.T) {
	s := NewStore(t.TempDir())
	if err := s.Write(attempt("a", OK)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "points", "a", "1.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			if _, err := decode(text); err == nil {
				t.Fatalf("bit %d of byte %d flipped: no error", bit, i)
			}
			text[i] ^= 1 << bit
		}
		if _, err := decode(text[:i]); err == nil {
			t.Fatalf("cut to %d bytes: no error", i)
		}
	}
	if err := os.WriteFile(path, text[:len(text)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	set, damaged, err := s.Load()
	if err != nil || len(set) != 0 || len(damaged) != 1 {
		t.Fatalf("%d records, %d damaged, %v", len(set), len(damaged), err)
	}
	if aside, err := damaged[0].SetAside(); err != nil || aside != path+".1.damaged" {
		t.Fatal(aside, err)
	}
	if err := s.Write(attempt("a", OK)); err != nil {
		t.Fatal(err)
	}
	if set, damaged, err = s.Load(); err != nil || len(set) != 1 || len(damaged) != 0 {
		t.Errorf("after setting aside: %d records, %d damaged, %v", len(set), len(damaged), err)
	}
}

// Whatever becomes of one byte of a record, it is found, or changes nothing.
func TestEveryByteIsGuarded(t *testing.T) {
	text, err := encode(attempt("a", OK))
	if err != nil {
		t.Fatal(err)
	}
	want, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range text {
		for name, instead := range map[string][]byte{
			"inverted": {b ^ 0xFF}, "zero": {0}, "a space": {' '}, "a digit": {'9'}, "a quote": {'"'}, "lost": {}, "doubled": {b, b},
		} {
			damaged := slices.Concat(text[:i], instead, text[i+1:])
			if got, err := decode(damaged); err == nil && !(slices.Equal(damaged, text) && cmp.Equal(want, got)) {
				t.Errorf("byte %d %s: neither found nor harmless", i, name)
			} else if newer := new(NewerSchemaError); errors.As(err, &newer) {
				t.Errorf("byte %d %s: taken for a newer schema", i, name)
			}
		}
	}
}

// A record that cannot be read now may be intact: it is not taken for damage. One that is gone is simply not there.
func TestUnreadableIsNoDamage(t *testing.T) {
	for _, c := range []struct {
		name  string
		place func(path string) error
		want  error
	}{
		{"a folder", func(path string) error { return os.Mkdir(path, 0o755) }, syscall.EISDIR},
		{"a loop of links", func(path string) error { return os.Symlink(filepath.Base(path), path) }, syscall.ELOOP},
		{"gone since it was listed", func(path string) error { return os.Symlink("nowhere", path) }, nil},
	} {
		s := NewStore(t.TempDir())
		if err := s.Write(attempt("a", OK)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.points(), "a", attemptFile(2))
		if err := c.place(path); err != nil {
			t.Fatal(err)
		}
		set, damaged, err := s.Load()
		if len(damaged) > 0 || !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: damaged %v, error %v; want %v", c.name, damaged, err, c.want)
		}
		if c.want == nil && len(set) != 1 {
			t.Errorf("%s: %d records", c.name, len(set))
		}
	}
}

func TestForeignRecordIsNotUsed(t *testing.T) {
	s := NewStore(t.TempDir())
	if err := s.Write(attempt("a", OK)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, "points", "a"), filepath.Join(s.dir, "points", "b")); err != nil {
		t.Fatal(err)
	}
	set, damaged, err := s.Load()
	if err != nil || len(set) != 0 || len(damaged) != 1 || !strings.Contains(damaged[0].Err.Error(), "at point a") {
		t.Errorf("%d records, damaged %v, %v", len(set), damaged, err)
	}
}

func FuzzDecode(f *testing.F) {
	text, err := encode(attempt("a", OK))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := decode(text); err == nil && r.Schema != Schema {
			t.Errorf("schema %d accepted", r.Schema)
		}
	})
}
