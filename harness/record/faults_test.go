package record

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hepex/harness/atomicfile/faults"
)

// Whichever call of the file system fails while a record is written, and however: what was there stays intact, what is
// reported as written is there, and the next try succeeds.
func TestStoreSurvivesFaults(t *testing.T) {
	for _, way := range faults.Ways {
		for call := 0; ; call++ {
			s := NewStore(t.TempDir())
			if err := s.Write(attempt("a", OK)); err != nil {
				t.Fatal(err)
			}
			log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
			err := s.Write(attempt("b", OK))
			restore()
			if log.Failed() == "" {
				if call < 8 {
					t.Errorf("%s: only %d calls: %v", way, call, log.Calls())
				}
				break
			}
			set, damaged, loadErr := s.Load()
			written := len(set) == 2
			if loadErr != nil || len(damaged) > 0 || set[0].Point != "a" || err == nil && !written {
				t.Errorf("%s, %s: %v, then %d records, damaged %v, %v", log.Failed(), way, err, len(set), damaged, loadErr)
			}
			if err != nil && !errors.Is(err, faults.Err) {
				t.Errorf("%s, %s: %v does not say why", log.Failed(), way, err)
			}
			if written {
				continue
			}
			if err := s.Write(attempt("b", OK)); err != nil {
				t.Errorf("%s, %s: next try: %v", log.Failed(), way, err)
			}
			if set, damaged, err := s.Load(); err != nil || len(damaged) > 0 || len(set) != 2 || set[1].Attempt != 1 {
				t.Errorf("%s, %s: after the next try %d records, damaged %v, %v", log.Failed(), way, len(set), damaged, err)
			}
		}
	}
}

// Setting a record aside loses nothing, whatever fails, and two runners that find the same damage do not disturb each other.
func TestSetAsideSurvivesFaults(t *testing.T) {
	for _, way := range faults.Ways {
		for call := range 2 {
			s := NewStore(t.TempDir())
			if err := s.Write(attempt("a", OK)); err != nil {
				t.Fatal(err)
			}
			d := Damaged{Path: filepath.Join(s.points(), "a", attemptFile(1))}
			log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
			_, err := d.SetAside()
			restore()
			if log.Failed() == "" || err == nil {
				t.Errorf("%s: call %d: %q, %v", way, call, log.Failed(), err)
			}
			if aside, err := d.SetAside(); err != nil {
				t.Errorf("%s, %s: again: %s, %v", log.Failed(), way, aside, err)
			}
			if aside, err := d.SetAside(); err != nil || aside != "" {
				t.Errorf("%s, %s: somebody else set it aside: %q, %v", log.Failed(), way, aside, err)
			}
			if entries, err := os.ReadDir(filepath.Dir(d.Path)); err != nil || len(entries) != 1 {
				t.Errorf("%s, %s: left %v, %v", log.Failed(), way, entries, err)
			}
		}
	}
}
