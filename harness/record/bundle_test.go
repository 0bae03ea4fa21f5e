package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/atomicfile/faults"
)

// filled is a store with attempts of three points, one of which failed first, and tile maps of two.
func filled(t *testing.T) *Store {
	t.Helper()
	s := NewStore(filepath.Join(t.TempDir(), "store"))
	for _, r := range []*Record{attempt("c", OK), attempt("a", Failed), attempt("a", OK), attempt("b", OOM)} {
		if err := s.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, point := range []string{"c", "a"} {
		if err := s.Attach(TileMap, point, json.RawMessage(mapOf(point))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func mapOf(point string) []byte { return []byte(`{"layers":[{"name":"` + point + `"}]}`) }

// content is what a reader gets from a store.
func content(t *testing.T, s *Store) any {
	t.Helper()
	set, damaged, err := s.Load()
	if err != nil || len(damaged) > 0 {
		t.Fatal(damaged, err)
	}
	mapped, err := s.With(TileMap)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for point := range mapped {
		text, _, err := s.Attached(TileMap, point)
		if err != nil {
			t.Fatal(err)
		}
		texts[point] = string(text)
	}
	next := map[string]int{}
	for _, point := range []string{"a", "b", "c", "new"} {
		if next[point], err = s.NextAttempt(point); err != nil {
			t.Fatal(err)
		}
	}
	return []any{set, texts, next}
}

// files lists the files of a store.
func files(t *testing.T, s *Store) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != s.dir {
			names = append(names, strings.TrimPrefix(path, s.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func bundled(t *testing.T, s *Store, want int) {
	t.Helper()
	if n, err := s.Bundle(); err != nil || n != want {
		t.Fatalf("%d attempts, %v: want %d", n, err, want)
	}
}

// A bundle reads like the files that it was made of, and more attempts can follow and be gathered too.
func TestBundleReadsLikeFiles(t *testing.T) {
	s := filled(t)
	before := content(t, s)
	bundled(t, s, 4)
	if d := cmp.Diff([]string{"maps.jsonl", "records.jsonl"}, files(t, s)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, reader := range []*Store{s, NewStore(s.dir)} {
		if d := cmp.Diff(before, content(t, reader)); d != "" {
			t.Errorf("(-files +bundle):\n%s", d)
		}
	}
	text, err := os.ReadFile(s.lines())
	if err != nil || bytes.Count(text, []byte("\n")) != 4 {
		t.Fatalf("%d lines, %v", bytes.Count(text, []byte("\n")), err)
	}

	if err := s.Write(attempt("b", OK)); err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(TileMap, "a", json.RawMessage(mapOf("newer"))); err != nil {
		t.Fatal(err)
	}
	before = content(t, s)
	set, _, _ := s.Load()
	if got := set[1]; got.Point != "b" || got.Status != OK || got.Attempt != 2 {
		t.Errorf("point %s: attempt %d, %s: want the second of b, ok", got.Point, got.Attempt, got.Status)
	}
	bundled(t, s, 5)
	if d := cmp.Diff(before, content(t, s)); d != "" {
		t.Errorf("(-files +bundle):\n%s", d)
	}
	again, err := os.ReadFile(s.lines())
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if !bytes.Contains(again, line) {
			t.Errorf("the line changed or is gone: %.60s …", line)
		}
	}
	bundled(t, s, 5) // nothing left to do
}

// A line of a bundle that is not an intact record is reported with its place; the others count.
func TestDamagedBundle(t *testing.T) {
	s := filled(t)
	bundled(t, s, 4)
	text, err := os.ReadFile(s.lines())
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(text)) // a: failed, ok; b: oom; c: ok
	edited := bytes.Replace(lines[2], []byte(`"tile":"8x8x64"`), []byte(`"tile":"4x8x64"`), 1)
	for _, c := range []struct {
		name  string
		lines [][]byte
		want  string // of the error
		kept  int    // points
	}{
		{"cut", [][]byte{lines[0], lines[1], lines[2], lines[3][:len(lines[3])/2]}, "records.jsonl:4: not a whole record", 2},
		{"edited", [][]byte{lines[0], lines[1], edited, lines[3]}, "records.jsonl:3: the checksum does not match", 2},
		{"twice", [][]byte{lines[0], lines[1], lines[2], lines[3], lines[1]}, "records.jsonl:5: attempt 2 at point a is at ", 3},
		{"empty line", [][]byte{lines[0], {'\n'}, lines[1], lines[2], lines[3]}, "records.jsonl:2: not a whole record", 3},
		{"a merge of two versions", [][]byte{lines[0], []byte("<<<<<<< HEAD\n"), lines[1], lines[2], lines[3]}, "records.jsonl:2: not a whole record", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewStore(t.TempDir())
			if err := os.WriteFile(s.lines(), bytes.Join(c.lines, nil), 0o644); err != nil {
				t.Fatal(err)
			}
			set, damaged, err := s.Load()
			if err != nil || len(set) != c.kept || len(damaged) != 1 || !strings.Contains(damaged[0].Err.Error(), c.want) {
				t.Fatalf("%d points, damaged %v, %v: want %d and %q", len(set), damaged, err, c.kept, c.want)
			}
			if _, err := s.Bundle(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("bundled again: %v", err)
			}
			aside, err := damaged[0].SetAside()
			if err != nil || filepath.Base(aside) != "records.jsonl.1.damaged" {
				t.Fatal(aside, err)
			}
			if again, err := damaged[0].SetAside(); err != nil || again != "" && c.name != "twice" {
				t.Errorf("somebody else set it aside: %q, %v", again, err)
			}
			if set, damaged, err = s.Load(); err != nil || len(damaged) > 0 || len(set) == 0 {
				t.Errorf("afterwards %d points, damaged %v, %v", len(set), damaged, err)
			}
		})
	}
}

// Whatever becomes of one byte of a bundle, it is found, or changes nothing.
func TestEveryByteOfABundleIsGuarded(t *testing.T) {
	s := NewStore(t.TempDir())
	if err := s.Write(attempt("a", OK)); err != nil {
		t.Fatal(err)
	}
	want, _, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	bundled(t, s, 1)
	text, err := os.ReadFile(s.lines())
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range text {
		for name, instead := range map[string][]byte{
			"inverted": {b ^ 0xFF}, "zero": {0}, "a space": {' '}, "a digit": {'9'}, "a new line": {'\n'}, "lost": {}, "doubled": {b, b},
		} {
			var got bundle
			err := got.parse("f", slices.Concat(text[:i], instead, text[i+1:]))
			if len(got.damaged) == 0 && !(len(got.attempts) == 1 && cmp.Equal(want[0], got.attempts[0].Record)) || err != nil {
				t.Errorf("byte %d %s: neither found nor harmless: %v", i, name, err)
			}
		}
	}
}

func TestBundleOfANewerSchema(t *testing.T) {
	s := filled(t)
	bundled(t, s, 4)
	future := attempt("d", OK)
	future.Attempt, future.Schema = 1, Schema+1
	text, err := encode(future)
	if err != nil {
		t.Fatal(err)
	}
	line, err := linesOf([]stored{{future, "f", text}})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.lines())
	if err == nil {
		err = os.WriteFile(s.lines(), append(before, line...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	var newer *NewerSchemaError
	if _, _, err := s.Load(); !errors.As(err, &newer) || newer.Path != s.lines()+":5" {
		t.Errorf("%v: want a newer schema in line 5", err)
	}
	if _, err := s.Bundle(); !errors.As(err, &newer) {
		t.Errorf("bundled: %v", err)
	}
}

// The same attempt in a file and in a bundle is one, as after a bundling that was stopped; one that differs is reported.
func TestAttemptInFileAndBundle(t *testing.T) {
	s := filled(t)
	path := filepath.Join(s.points(), "b", attemptFile(1))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bundled(t, s, 4)
	place := func(err error) {
		t.Helper()
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	place(nil)
	content(t, s)
	bundled(t, s, 4)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there still: %v", err)
	}

	other := attempt("b", OK)
	other.Attempt = 1
	text, err = encode(other)
	place(err)
	set, damaged, err := s.Load()
	if err != nil || len(set) != 3 || len(damaged) != 1 || !strings.Contains(damaged[0].Err.Error(), "is another attempt 1 at its point than ") {
		t.Errorf("%d points, damaged %v, %v", len(set), damaged, err)
	}
}

// Whichever call fails while a bundle is made, and however, nothing is lost, and the next try completes it.
func TestBundleSurvivesFaults(t *testing.T) {
	original := filled(t)
	before := content(t, original)
	for _, way := range faults.Ways {
		for call := 0; ; call++ {
			s := NewStore(filepath.Join(t.TempDir(), "store"))
			if err := os.CopyFS(s.dir, os.DirFS(original.dir)); err != nil {
				t.Fatal(err)
			}
			log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
			_, err := s.Bundle()
			restore()
			if log.Failed() == "" {
				if err != nil || call < 15 {
					t.Errorf("%s: %d calls, %v", way, call, err)
				}
				break
			}
			when := log.Failed() + ", " + string(way)
			if err != nil && !errors.Is(err, faults.Err) {
				t.Errorf("%s: %v does not say why", when, err)
			}
			if d := cmp.Diff(before, content(t, s)); d != "" {
				t.Errorf("%s (-before +after):\n%s", when, d)
			}
			bundled(t, s, 4)
			if d := cmp.Diff(before, content(t, s)); d != "" {
				t.Errorf("%s, then bundled (-before +after):\n%s", when, d)
			}
		}
	}
}

func TestDamagedTileMaps(t *testing.T) {
	s := filled(t)
	bundled(t, s, 4)
	text, err := os.ReadFile(s.attachments(TileMap))
	if err == nil {
		err = os.WriteFile(s.attachments(TileMap), text[:len(text)-3], 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, file, err := s.Attached(TileMap, "a"); err != nil || file != s.attachments(TileMap) || !bytes.Equal(got, mapOf("a")) {
		t.Errorf("the intact map: %s, %v", got, err)
	}
	if _, _, err := s.Attached(TileMap, "c"); err == nil || !strings.Contains(err.Error(), "maps.jsonl:2: ") {
		t.Errorf("the damaged map: %v", err)
	}
	mapped, err := s.With(TileMap)
	if err != nil || !maps.Equal(mapped, map[string]bool{"a": true}) {
		t.Errorf("mapped %v, %v", mapped, err)
	}
	if err := s.Attach(TileMap, "c", json.RawMessage(mapOf("c"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bundle(); err == nil || !strings.Contains(err.Error(), "maps.jsonl:2: ") || !strings.Contains(err.Error(), "delete the line") {
		t.Errorf("damaged maps were bundled: %v", err)
	}
	if _, _, err := NewStore(t.TempDir()).Attached(TileMap, "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no map: %v", err)
	}
}

// A damaged tile map in a file of its own keeps nothing else from being bundled.
func TestDamagedTileMapStays(t *testing.T) {
	s := filled(t)
	damaged := s.attachment(TileMap, "a")
	if err := os.WriteFile(damaged, mapOf("a")[:9], 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Bundle(); n != 4 || err == nil || !strings.Contains(err.Error(), damaged+" is no whole JSON and stays where it is") {
		t.Errorf("%d attempts, %v", n, err)
	}
	if d := cmp.Diff([]string{"maps", "maps/a.json", "maps.jsonl", "records.jsonl"}, files(t, s)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if got, _, err := s.Attached(TileMap, "c"); err != nil || !bytes.Equal(got, mapOf("c")) {
		t.Errorf("the intact map: %s, %v", got, err)
	}
	before, err := os.ReadFile(s.attachments(TileMap))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bundle(); err == nil { // now that it is the only file
		t.Error("a damaged map was bundled")
	}
	if after, err := os.ReadFile(s.attachments(TileMap)); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%s, %v: want the intact map as it was", after, err)
	}
	if err := os.Remove(damaged); err != nil {
		t.Fatal(err)
	}
	bundled(t, s, 4)
}
