package atomicfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/harness/atomicfile"
	"hepex/harness/atomicfile/faults"
)

// Whichever call of the file system fails, and however: a file is what it was before or what it was to become, what is reported
// as written is there, and the next try succeeds.
func TestFaults(t *testing.T) {
	const old, fresh = "what was there before", "what was to be written"
	for name, c := range map[string]struct {
		do     func(path string, content []byte) error
		before string // what is there
	}{
		"new file":     {atomicfile.Write, ""},
		"replace":      {atomicfile.Write, old},
		"create":       {atomicfile.Create, ""},
		"set aside":    {func(path string, _ []byte) error { return atomicfile.Rename(path+".new", path) }, ""},
		"make folders": {func(path string, _ []byte) error { return atomicfile.MakeFolder(path) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, way := range faults.Ways {
				for call := 0; ; call++ {
					path := filepath.Join(t.TempDir(), "a", "b", "file")
					prepare(t, path, c.before, name == "set aside")
					log, restore := faults.Inject(t, faults.Fault{Call: call, Way: way})
					err := c.do(path, []byte(fresh))
					restore()
					failed := log.Failed()
					if failed == "" {
						break // it did not come to so many calls
					}
					if name == "make folders" {
						if err := c.do(path, nil); err != nil {
							t.Errorf("%s, %s: next try: %v", failed, way, err)
						}
						continue
					}
					check(t, path, fmt.Sprintf("%s, %s", failed, way), c.before, fresh, err, way == faults.Death || strings.HasPrefix(failed, "remove") || strings.HasPrefix(failed, "create"))
					if got, _ := os.ReadFile(path); string(got) != fresh {
						if err := c.do(path, []byte(fresh)); err != nil {
							t.Errorf("%s, %s: next try: %v", failed, way, err)
						}
					}
				}
			}
		})
	}
}

// prepare lays out what is there before.
func prepare(t *testing.T, path, before string, aside bool) {
	t.Helper()
	if before != "" {
		if err := atomicfile.Write(path, []byte(before)); err != nil {
			t.Fatal(err)
		}
	}
	if aside {
		if err := atomicfile.Write(path+".new", []byte("what was to be written")); err != nil {
			t.Fatal(err)
		}
	}
}

// check looks at what a failed write left.
func check(t *testing.T, path, when, before, fresh string, err error, litter bool) {
	t.Helper()
	got, readErr := os.ReadFile(path)
	switch {
	case readErr != nil && (!os.IsNotExist(readErr) || before != ""):
		t.Errorf("%s: %v", when, readErr)
	case string(got) != before && string(got) != fresh:
		t.Errorf("%s: the file holds %q", when, got)
	case err == nil && string(got) != fresh:
		t.Errorf("%s: reported as written, but it holds %q", when, got)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".tmp-") && !litter {
			t.Errorf("%s: left behind: %s", when, e.Name())
		}
	}
}
