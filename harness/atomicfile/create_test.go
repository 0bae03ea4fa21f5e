package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Of many who create a file at the same time one succeeds, and its content is what is there.
func TestCreateOnce(t *testing.T) {
	for name, create := range map[string]func(string, []byte) error{"link": Create, "in place": createInPlace} {
		path := filepath.Join(t.TempDir(), "file")
		var winners, others []string
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				content := fmt.Sprint("content of ", i)
				err := create(path, []byte(content))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					winners = append(winners, content)
				case errors.Is(err, fs.ErrExist):
					others = append(others, content)
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		group.Wait()
		got, err := os.ReadFile(path)
		if err != nil || len(winners) != 1 || len(others) != 19 || string(got) != winners[0] {
			t.Errorf("%s: %v created it, %d did not, it holds %q, %v", name, winners, len(others), got, err)
		}
		if n := names(t, filepath.Dir(path)); len(n) != 1 {
			t.Errorf("%s: left behind: %v", name, n)
		}
	}
}

// Whether a process of another host runs cannot be seen from here.
func TestCleanSparesOtherHosts(t *testing.T) {
	dir := t.TempDir()
	fresh, old := filepath.Join(dir, prefix+"other-host.example.1-5"), filepath.Join(dir, prefix+"other-host.example.1-6")
	for _, path := range []string{fresh, old} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	longAgo := time.Now().Add(-2 * forgotten)
	if err := os.Chtimes(old, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	if err := Clean(dir); err != nil {
		t.Fatal(err)
	}
	if n := names(t, dir); len(n) != 1 || n[0] != filepath.Base(fresh) {
		t.Errorf("left: %v; want %s", n, fresh)
	}
}
