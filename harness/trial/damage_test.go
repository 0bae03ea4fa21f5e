package trial

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/harness/atomicfile/faults"
)

// Every flipped bit and every cut of a cache entry is found: the entry counts as missing.
func TestDamagedEntryIsMissing(t *testing.T) {
	c, k := cache{t.TempDir()}, newKey("entry")
	if err := c.put(k, []byte("what was computed for an hour")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(c.path(k))
	if err != nil {
		t.Fatal(err)
	}
	missing := func(what string, i int, file []byte) {
		t.Helper()
		if err := os.WriteFile(c.path(k), file, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := c.get(k); ok || err != nil {
			t.Errorf("%s %d: %q, %v", what, i, got, err)
		}
		if aside, err := os.ReadFile(c.path(k) + ".damaged"); err != nil || !bytes.Equal(aside, file) {
			t.Errorf("%s %d: set aside is %q, %v", what, i, aside, err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			flipped := append([]byte(nil), whole...)
			flipped[i] ^= 1 << bit
			missing("flip in byte", i, flipped)
		}
		missing("cut to", i, whole[:i])
	}
}

// quick is a point whose network is trained in no time.
func quick(t *testing.T, cache string, edits ...string) Job {
	t.Helper()
	return testJob(t, cache, "train: 600, test: 100", append([]string{"train: 100, test: 20", "epochs: 2, batch: 64", "epochs: 1, batch: 64"}, edits...)...)
}

// Damage to any file of the cache is found when it is next read, and what it held is made again, as it was.
func TestDamagedCacheIsMadeAgain(t *testing.T) {
	j := quick(t, t.TempDir(), "measure: {", "measure: {encrypted: false, ")
	want, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(j.CacheDir, "trained/*/*"))
	if err != nil || len(files) < 4 { // two networks, two qualities
		t.Fatal(files, err)
	}
	for _, path := range files {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole[len(whole)/3] ^= 2
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := do(t, j)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if d := cmp.Diff(want.Record.Quality, got.Record.Quality); d != "" {
			t.Errorf("%s: the point is not as it was:\n%s", path, d)
		}
	}
}

// Whichever call by which the cache is written fails, the point is not blamed, and the next try succeeds.
func TestPrepareSurvivesFaults(t *testing.T) {
	for call := 0; ; call++ {
		j := quick(t, filepath.Join(t.TempDir(), "cache"), "scheme: p4e, ratio: 0.8", "scheme: dense")
		log, restore := faults.Inject(t, faults.Fault{Call: call, Way: faults.Before})
		err := Prepare(j, nil)
		restore()
		if log.Failed() == "" {
			if err != nil || call < 15 {
				t.Errorf("%d calls, %v", call, err)
			}
			break
		}
		var f *Failure
		if !errors.As(err, &f) || f.Kind != KindCache || !errors.Is(err, faults.Err) {
			t.Errorf("%s: %v: want a failure of the cache", log.Failed(), err)
		}
		if err := Prepare(j, nil); err != nil {
			t.Errorf("%s: next try: %v", log.Failed(), err)
		}
		if ready, err := Prepared(j); err != nil || !ready {
			t.Errorf("%s: prepared %t, %v", log.Failed(), ready, err)
		}
	}
}

// Prices that cannot be kept are no point's fault either.
func TestUnusablePrices(t *testing.T) {
	j := quick(t, t.TempDir())
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(PriceDir(j.CacheDir)); err != nil { // which are the prices of others
		t.Fatal(err)
	}
	if err := os.WriteFile(PriceDir(j.CacheDir), []byte("a file where a folder should be"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Measure(j, nil, nil)
	var f *Failure
	if !errors.As(err, &f) || f.Kind != KindCache {
		t.Errorf("%v: want a failure of the cache", err)
	}
}

// A training that diverges is a failed point of its own kind.
func TestDivergence(t *testing.T) {
	j := quick(t, t.TempDir(), "lr: 3e-3", "lr: 1", "hidden: [16]", "hidden: [16, 16, 16, 16, 16, 16, 16, 16]", "measure: {", "measure: {encrypted: false, ")
	err := Prepare(j, nil)
	var f *Failure
	if !errors.As(err, &f) || f.Kind != KindNaN {
		t.Errorf("%v: want a failure that says that something is not a number", err)
	}
}
